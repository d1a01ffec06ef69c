import { join } from 'node:path';
import { until } from '../support/until.ts';
import { run } from './child.ts';
import { Lab, NODES } from './lab.ts';
import type { Verdict } from './verdict.ts';

const APP = `
const { createServer } = require('node:http');
const OpenAI = require('openai');
createServer().listen(0, '127.0.0.1');
new OpenAI().chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'hi' }] });
`;

const FILES = {
  'app.cjs': APP,
  'ecosystem.config.cjs': `
const app = { script: 'app.cjs', node_args: '--import @spanmeter/instrumentation/register', kill_timeout: 5000 };
module.exports = {
  apps: [
    { ...app, name: 'forked', exec_mode: 'fork', env: { OTEL_SERVICE_NAME: 'forked' } },
    { ...app, name: 'clustered', exec_mode: 'cluster', instances: 2, env: { OTEL_SERVICE_NAME: 'clustered' } },
  ],
};
`,
};

/** The process manager pm2, in both of its modes: what its processes called is told when they are stopped. */
export function checkPm2(verdict: Verdict, [given]: readonly string[]): Promise<void> {
  return Lab.use(given, async (lab) => {
    const folder = await lab.app('pm2', ['pm2', 'openai@6'], FILES);
    for (const major of Object.keys(NODES)) {
      const node = await lab.node(major);
      const pm2 = async (...args: string[]): Promise<unknown> =>
        run(node, [join(folder, 'node_modules', 'pm2', 'bin', 'pm2'), ...args], {
          cwd: folder,
          // Nothing leaves before the end, so that what is told is what the end has flushed.
          env: { ...lab.env, OTEL_BSP_SCHEDULE_DELAY: '600000', PM2_HOME: join(folder, `.pm2-${major}`) },
        });
      lab.clear();
      try {
        await pm2('start', 'ecosystem.config.cjs');
        await until(
          () => Promise.resolve(lab.openai.ledger.requests.length),
          (count) => count === 3,
        );
        await pm2('stop', 'all');
      } finally {
        await pm2('kill');
      }
      verdict.compare(
        `pm2 on Node ${major}`,
        lab.sink.spans
          .map((span) => String(span.resource['service.name']))
          .toSorted((a, b) => (a < b ? -1 : 1)),
        // pm2 sets the variables of a clustered app when it has started, after every preload.
        ['forked', 'lab', 'lab'],
      );
    }
  });
}
