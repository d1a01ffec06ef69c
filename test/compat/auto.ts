import type { SinkSpan } from '../instrumentation/otlp-sink.ts';
import { Lab, type PackageSet, type Place } from './lab.ts';
import type { Verdict } from './verdict.ts';

/** A server, a request to it, and an LLM call inside: what every instrumentation has something to say about. */
const APP = `
const client = new OpenAI();
const server = http.createServer((request, response) => {
  const messages = [{ role: 'user', content: 'hi' }];
  client.chat.completions.create({ model: 'gpt-4o', messages }).then((answer) => response.end(answer.object));
});
server.listen(0, '127.0.0.1', () => {
  http.get({ host: '127.0.0.1', port: server.address().port, path: '/ask' }, (response) => {
    response.resume().on('end', () => server.close(() => console.log('done')));
  });
});
`;

const FILES = {
  'app.cjs': `const http = require('node:http');\nconst OpenAI = require('openai');\n${APP}`,
  'app.mjs': `import http from 'node:http';\nimport OpenAI from 'openai';\n${APP}`,
};

const THEIRS = '@opentelemetry/auto-instrumentations-node/register';

const BESIDE = ['@opentelemetry/api', 'openai@6'];

/** The releases of the auto-instrumentations and the Node.js releases they are for. */
const SETS: Readonly<Record<string, PackageSet>> = {
  'auto-0.81.2': {
    packages: ['@opentelemetry/auto-instrumentations-node@0.81.2', ...BESIDE],
    nodes: ['20'],
  },
  'auto-0.82.0': {
    packages: ['@opentelemetry/auto-instrumentations-node@0.82.0', ...BESIDE],
    nodes: ['22', '24', '26'],
  },
};

/** Beside the real `@opentelemetry/auto-instrumentations-node/register`, loaded before and after ours. */
export function checkAuto(verdict: Verdict, [given]: readonly string[]): Promise<void> {
  return Lab.use(given, async (lab) => {
    for await (const place of lab.places(SETS, FILES)) await checkPlace(verdict, lab, place);
  });
}

async function checkPlace(verdict: Verdict, lab: Lab, { name, folder, node }: Place): Promise<void> {
  for (const flag of ['--import', '--require']) {
    for (const app of ['app.cjs', 'app.mjs']) {
      lab.clear();
      await lab.run(node, [flag, THEIRS, app], folder);
      const alone = lab.sink.spans.filter((span) => !isCall(span)).map(nameOf);
      for (const entry of ['register', 'hook']) {
        const ours = `@spanmeter/instrumentation/${entry}`;
        for (const order of [
          [ours, THEIRS],
          [THEIRS, ours],
        ]) {
          lab.clear();
          const preloads = order.flatMap((each) => [flag, each]);
          const ran = await lab.run(node, [...preloads, app], folder);
          const first = order[0] === ours ? `${entry}, then theirs` : `theirs, then ${entry}`;
          verdict.compare(
            `${name}, ${flag} ${first}, ${app}`,
            { ...outcome(lab.sink.spans), output: ran.stdout + ran.stderr, code: ran.code },
            {
              others: alone.toSorted(),
              calls: 1,
              requests: 1,
              underItsParent: true,
              output: 'done\n',
              code: 0,
            },
          );
        }
      }
    }
  }
}

function isCall(span: SinkSpan): boolean {
  return span.attributes['gen_ai.operation.name'] !== undefined;
}

function nameOf(span: SinkSpan): string {
  return `${span.name} of ${span.scope}`;
}

function outcome(spans: readonly SinkSpan[]): object {
  const calls = spans.filter(isCall);
  const others = spans.filter((span) => !isCall(span));
  const parents = new Set(spans.map((span) => span.spanId));
  const [call] = calls;
  const isServed = others.some((span) => span.kind === 2);
  return {
    others: others.map(nameOf).toSorted(),
    calls: calls.length,
    // What the HTTP client did for the call, once and inside it.
    requests: others.filter((span) => span.parentSpanId === call?.spanId).length,
    underItsParent: !isServed || parents.has(call?.parentSpanId ?? ''),
  };
}
