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

/** What an app writes of this package in TypeScript. */
const TYPED = `
import { attributed, flush, instrument, metered, recordCall, withAttribution } from '@spanmeter/instrumentation';
import { attribution } from '@spanmeter/instrumentation/express';
import { instrumentations } from '@spanmeter/instrumentation/hook';
import '@spanmeter/instrumentation/register';
const ask = metered({ provider: 'mine', model: 'm', usage: ({ read }) => ({ inputTokens: read }) },
  async (prompt: string) => ({ read: prompt.length }));
export const answered: Promise<number> = withAttribution({ tenant: 'acme' }, async () => (await ask('hi')).read);
export const request: { model: string } = attributed({ model: 'm' }, { feature: 'search' });
export const client: Date = instrument(new Date());
export const middleware = attribution({ tenant: (incoming) => String(incoming.headers['x-tenant']), user: 'x-user' });
export const count: number = instrumentations.length;
recordCall({ provider: 'mine', model: 'm', inputTokens: 1 });
void flush();
`;

/** How compilers find a package, and what the app's file is. */
const RESOLUTIONS = [
  ['nodenext', 'nodenext', 'typed.mts'],
  ['nodenext', 'nodenext', 'typed.cts'],
  ['node16', 'node16', 'typed.mts'],
  ['esnext', 'bundler', 'typed.ts'],
] as const;

interface Manifest {
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly main: string;
  readonly types: string;
  readonly typesVersions: Readonly<Record<'*', Readonly<Record<string, readonly string[]>>>>;
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
    for (const name of new Set([...names, 'openai', '@types'])) {
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

  it('says the same to compilers that read no exports, as TypeScript 6 does by node10', async () => {
    const { exports, main, types, typesVersions } = await manifest();
    const told = Object.entries(typesVersions['*']).map(([name, [file]]) => [`./${name}`, file]);
    const typed = Object.entries(exports).map(([name, targets]) => [name, targets['types']]);
    assert.deepEqual(Object.fromEntries([['.', types], ...told]), Object.fromEntries(typed));
    assert.equal(main, exports['.']?.['default']);
  });

  for (const [module, moduleResolution, file] of RESOLUTIONS) {
    it(`is typed for ${file} under ${moduleResolution}`, async function () {
      this.timeout(120_000);
      await writeFile(join(folder, file), TYPED);
      const options = {
        module,
        moduleResolution,
        target: 'es2022',
        types: 'node',
        ignoreDeprecations: '6.0',
      };
      const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]);
      const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
      const all = [tsc, '--strict', '--noEmit', '--skipLibCheck', 'false', ...flags, file];
      const { stdout } = await run(process.execPath, all, { cwd: folder });
      assert.equal(stdout, '');
    });
  }

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
