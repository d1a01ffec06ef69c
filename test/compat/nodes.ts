import { PROCESS_KINDS } from '../instrumentation/process-kinds.ts';
import { Lab, NODES } from './lab.ts';
import type { Verdict } from './verdict.ts';

const TYPESCRIPT = `
import OpenAI from 'openai';
const client: OpenAI = new OpenAI();
await client.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'hi' }] });
`;

/** `register` in processes of every kind, on every release of Node.js, as an argument and by NODE_OPTIONS. */
export function checkNodes(verdict: Verdict, [given]: readonly string[]): Promise<void> {
  return Lab.use(given, async (lab) => {
    const files = Object.assign({}, ...PROCESS_KINDS.map((kind) => kind.files)) as Record<string, string>;
    const folder = await lab.app('nodes', ['openai@6', 'tsx'], { ...files, 'app.mts': TYPESCRIPT });
    const ways = [
      ...PROCESS_KINDS,
      { name: 'tsx', files: { 'app.mts': TYPESCRIPT }, args: ['--import', 'tsx', 'app.mts'], calls: 1 },
    ];
    for (const major of Object.keys(NODES)) {
      const node = await lab.node(major);
      for (const flag of ['--import', '--require']) {
        for (const kind of ways) {
          lab.clear();
          // Names are shared between kinds.
          await lab.app('nodes', [], kind.files);
          const preload = [flag, '@spanmeter/instrumentation/register'];
          const byVariable = 'byVariable' in kind;
          const args = [...(byVariable ? [] : preload), ...kind.args];
          const env = byVariable ? { NODE_OPTIONS: preload.join(' ') } : {};
          const ran = await lab.run(node, args, folder, env);
          verdict.compare(
            `Node ${major}, ${flag}: ${kind.name}`,
            { calls: lab.sink.spans.length, stderr: ran.stderr, code: ran.code },
            { calls: kind.calls, stderr: '', code: 0 },
          );
        }
      }
    }
  });
}
