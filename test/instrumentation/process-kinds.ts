/** A way to run JavaScript that makes LLM calls, under a preload. */
export interface ProcessKind {
  readonly name: string;
  /** The files beside each other in one folder. */
  readonly files: Readonly<Record<string, string>>;
  /** What follows `node --import ...`. */
  readonly args: readonly string[];
  /** How many calls it makes. */
  readonly calls: number;
  /** The preload comes by NODE_OPTIONS rather than by an argument. */
  readonly byVariable?: true;
}

const ASK = `
const ask = () => new OpenAI().chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'hi' }] });
`;
const ESM = `import OpenAI from 'openai';${ASK}`;
const CJS = `const OpenAI = require('openai');${ASK}`;

/** Each kind of process that apps run in. */
export const PROCESS_KINDS: readonly ProcessKind[] = [
  { name: 'an ESM script', files: { 'app.mjs': `${ESM}await ask();` }, args: ['app.mjs'], calls: 1 },
  { name: 'a CommonJS script', files: { 'app.cjs': `${CJS}void ask();` }, args: ['app.cjs'], calls: 1 },
  {
    name: 'a script with a worker thread',
    files: {
      'app.mjs': `import { once } from 'node:events';
        import { Worker } from 'node:worker_threads';
        ${ESM}
        const worker = new Worker(new URL('worker.mjs', import.meta.url));
        await Promise.all([ask(), once(worker, 'exit')]);`,
      'worker.mjs': `${ESM}await ask();`,
    },
    args: ['app.mjs'],
    calls: 2,
  },
  {
    name: 'a script with a worker thread that is terminated',
    files: {
      'app.mjs': `import { once } from 'node:events';
        import { Worker } from 'node:worker_threads';
        ${ESM}
        const worker = new Worker('setInterval(() => {}, 1000);', { eval: true });
        await once(worker, 'online');
        await ask();
        await worker.terminate();`,
    },
    args: ['app.mjs'],
    calls: 1,
  },
  {
    name: 'a script with a forked child',
    files: {
      'app.cjs': `${CJS}
        require('node:child_process').fork(require('node:path').join(__dirname, 'child.cjs')).on('exit', () => ask());`,
      'child.cjs': `${CJS}void ask();`,
    },
    args: ['app.cjs'],
    calls: 2,
  },
  {
    name: 'a script with a child, told by NODE_OPTIONS',
    files: {
      'app.mjs': `import { spawnSync } from 'node:child_process';
        ${ESM}
        await ask();
        spawnSync(process.execPath, [new URL('child.mjs', import.meta.url).pathname]);`,
      'child.mjs': `${ESM}await ask();`,
    },
    args: ['app.mjs'],
    calls: 2,
    byVariable: true,
  },
  { name: 'node -e', files: {}, args: ['--input-type=module', '-e', `${ESM}await ask();`], calls: 1 },
  {
    name: 'node --test',
    files: {
      'app.test.mjs': `import { test } from 'node:test';\n${ESM}test('asks', async () => { await ask(); });`,
    },
    args: ['--test', 'app.test.mjs'],
    calls: 1,
  },
];
