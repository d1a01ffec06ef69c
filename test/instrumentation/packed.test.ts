import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { packInstrumentation } from '../support/pack-instrumentation.ts';
import { startOpenaiStandIn, type StandIn } from '../support/provider/index.ts';
import { startSink, type OtlpSink } from './otlp-sink.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

const ASK = `client.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'hi' }] })`;
const APPS = {
  'app.mjs': `import OpenAI from 'openai';\nconst client = new OpenAI();\nawait ${ASK};\n`,
  'app.cjs': `const OpenAI = require('openai');\nconst client = new OpenAI();\nvoid ${ASK};\n`,
};

interface Manifest {
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

describe('the packed instrumentation, outside the repository', function () {
  let folder: string;
  let packed: string;
  let openai: StandIn;
  let sink: OtlpSink;

  before(async () => {
    [openai, sink] = await Promise.all([startOpenaiStandIn(), startSink()]);
    folder = await mkdtemp(join(tmpdir(), 'spanmeter-packed-'));
    packed = join(folder, 'node_modules', '@spanmeter', 'instrumentation');
    await mkdir(packed, { recursive: true });
    await run('tar', ['-xzf', await packInstrumentation(folder), '-C', packed, '--strip-components', '1']);
    // What npm would install beside it is linked instead, so that no registry is needed.
    const { dependencies } = await manifest();
    const names = Object.keys(dependencies).map((name) => name.split('/')[0] ?? name);
    for (const name of new Set([...names, 'openai'])) {
      await symlink(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
    }
    for (const [file, text] of Object.entries(APPS)) await writeFile(join(folder, file), text);
  });

  after(async () => {
    await Promise.all([openai.close(), sink.close(), rm(folder, { recursive: true, force: true })]);
  });

  const manifest = async (): Promise<Manifest> =>
    JSON.parse(await readFile(join(packed, 'package.json'), 'utf8')) as Manifest;

  it('holds what its exports name, and nothing of the tests', async () => {
    const { exports } = await manifest();
    assert.deepEqual(Object.keys(exports), ['.', './register', './hook', './express']);
    for (const targets of Object.values(exports)) {
      for (const file of Object.values(targets)) await readFile(join(packed, file));
    }
    for (const file of ['README.md', 'LICENSE']) await readFile(join(packed, file));
    await assert.rejects(readFile(join(packed, 'dist', '.tsbuildinfo')));
  });

  for (const [flag, app] of [
    ['--import', 'app.mjs'],
    ['--import', 'app.cjs'],
    ['--require', 'app.mjs'],
    ['--require', 'app.cjs'],
  ] as const) {
    it(`tells the call of ${app} under ${flag}`, async () => {
      sink.spans.length = 0;
      const { stdout, stderr } = await run(
        process.execPath,
        [flag, '@spanmeter/instrumentation/register', app],
        {
          cwd: folder,
          env: {
            PATH: process.env['PATH'],
            OPENAI_API_KEY: 'none',
            OPENAI_BASE_URL: `${openai.url}/v1`,
            OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
            OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
          },
        },
      );
      assert.equal(stdout + stderr, '');
      assert.deepEqual(
        sink.spans.map((span) => span.name),
        ['chat gpt-4o'],
      );
    });
  }
});
