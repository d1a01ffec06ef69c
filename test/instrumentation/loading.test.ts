import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endedProcess, type EndedProcess } from '../support/ended-process.ts';

const DIST = fileURLToPath(new URL('../', import.meta.url));

const SHOW = `console.log(typeof readFileSync, typeof OpenAI);`;

const ESM = `import { readFileSync } from 'fs';\nimport OpenAI from 'openai';\n${SHOW}\n`;
const CJS = `const { readFileSync } = require('fs');\nconst OpenAI = require('openai');\n${SHOW}\n`;

/** Files by their names, each an app of its own. */
const FILES: Readonly<Record<string, string>> = {
  'esm-without-extension': ESM,
  'cjs-without-extension': CJS,
  'cjs.of-no-known-extension': CJS,
  'required.cjs': `const { isBuiltin } = require('module');\n${CJS}`,
};

/** How Node is given an app. */
const APPS: Readonly<Record<string, readonly string[]>> = {
  'ES modules in a file without extension': ['./esm-without-extension'],
  'CommonJS in a file without extension': ['./cjs-without-extension'],
  'CommonJS in a file of another extension': ['./cjs.of-no-known-extension'],
  'a text of CommonJS': ['-e', CJS],
  'a text of CommonJS that requires a file': ['-e', `require('./required.cjs');`],
  'a text of ES modules': ['--input-type=module', '-e', ESM],
  'a text of ES modules that imports a file': ['--input-type=module', '-e', `import './required.cjs';`],
};

const PRELOADS = ['--import', '--require'].flatMap((flag) =>
  ['register', 'hook'].map((entry) => [flag, `@spanmeter/instrumentation/${entry}`]),
);

describe('an app under a preload', () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(DIST, 'app-'));
    // As most packages of scripts, it does not say of what type its files are.
    await writeFile(join(folder, 'package.json'), '{}');
    for (const [name, code] of Object.entries(FILES)) await writeFile(join(folder, name), code);
  });

  after(() => rm(folder, { recursive: true, force: true }));

  const run = (...args: readonly string[]): Promise<EndedProcess> =>
    endedProcess(process.execPath, args, { cwd: folder, env: { PATH: process.env['PATH'] } });

  for (const [name, args] of Object.entries(APPS)) {
    it(`starts as it did: ${name}`, async () => {
      for (const preload of PRELOADS) {
        const { stdout, stderr, code } = await run(...preload, ...args);
        assert.deepEqual([stdout, stderr, code], ['function function\n', '', 0], preload.join(' '));
      }
    });
  }

  it('starts also where Node may not require what the preload is made of, and says so', async () => {
    for (const entry of ['register', 'hook']) {
      const preload = ['--import', `@spanmeter/instrumentation/${entry}`];
      const { stdout, stderr, code } = await run('--no-experimental-require-module', ...preload, '-e', CJS);
      assert.deepEqual([stdout, code], ['function function\n', 0]);
      assert.match(stderr, /SpanmeterWarning: nothing is instrumented: require\(\) of ES Module/);
    }
  });
});
