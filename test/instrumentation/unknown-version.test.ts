import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { InstrumentationBase, InstrumentationNodeModuleDefinition } from '@opentelemetry/instrumentation';

/** The package exports only what apps need. */
const MODULE = new URL('../../../instrumentation/dist/unknown-version.js', import.meta.url).href;
const { unknownVersionDefinition } = (await import(MODULE)) as {
  unknownVersionDefinition: (
    module: string,
    ranges: readonly string[],
    isPatched: (version: string | undefined) => boolean,
  ) => InstrumentationNodeModuleDefinition;
};

const RANGES = ['>=1 <3'];

/** Patches an SDK in the way that adapters are: known versions first, then word of the others. */
class Instrumentation extends InstrumentationBase {
  readonly patched: (string | undefined)[] = [];

  constructor(sdk: string) {
    super('test', '1', { enabled: false });
    const known = new InstrumentationNodeModuleDefinition(sdk, RANGES, (exports: unknown, version) => {
      this.patched.push(version);
      return exports;
    });
    const unknown = unknownVersionDefinition(sdk, RANGES, (version) => this.patched.includes(version));
    (this as unknown as { _modules: unknown[] })._modules = [known, unknown];
    this.enable();
  }

  protected override init(): undefined {
    return undefined;
  }
}

describe('an SDK of an unknown version', () => {
  const warnings: string[] = [];
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'spanmeter-versions-'));
    const quiet = (): void => undefined;
    diag.setLogger(
      { error: quiet, warn: (text) => warnings.push(text), info: quiet, debug: quiet, verbose: quiet },
      { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
    );
  });

  after(async () => {
    diag.disable();
    await rm(folder, { recursive: true, force: true });
  });

  /** Requires copies of an SDK in these versions, one after the other, and gives what was patched and said. */
  const load = async (
    sdk: string,
    ...versions: string[]
  ): Promise<{ patched: unknown[]; said: string[] }> => {
    warnings.length = 0;
    const instrumentation = new Instrumentation(sdk);
    for (const [index, version] of versions.entries()) {
      const home = join(folder, `${sdk}-${index}`);
      const dir = join(home, 'node_modules', sdk);
      await mkdir(dir, { recursive: true });
      await writeFile(join(dir, 'package.json'), JSON.stringify({ name: sdk, version, main: 'index.js' }));
      await writeFile(join(dir, 'index.js'), `exports.version = '${version}';`);
      const { version: loaded } = createRequire(join(home, 'app.js'))(sdk) as { version: string };
      assert.equal(loaded, version);
    }
    instrumentation.disable();
    return { patched: instrumentation.patched, said: [...warnings] };
  };

  it('is left alone, which is said', async () => {
    assert.deepEqual(await load('too-new', '3.0.0'), {
      patched: [],
      said: ['spanmeter: too-new@3.0.0 is not instrumented; known versions: >=1 <3'],
    });
  });

  it('is left alone where it is a prerelease', async () => {
    const { patched, said } = await load('coming', '3.0.0-beta.1');
    assert.deepEqual([patched.length, said.length], [0, 1]);
  });

  it('is said once, however often it is loaded', async () => {
    const { said } = await load('often', '0.9.0', '0.9.0');
    assert.equal(said.length, 1);
  });

  it('is nothing to speak of where all are known', async () => {
    assert.deepEqual(await load('known', '1.0.0', '2.9.9'), { patched: ['1.0.0', '2.9.9'], said: [] });
  });
});
