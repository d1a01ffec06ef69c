import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { declaredSdks, type ProvenSdk } from '../support/proven-sdk.ts';
import { SDKS, setFolder, setManifest } from '../support/sdk-set.ts';

/** One SDK at one version, as its test declares it. */
export interface Entry {
  readonly sdk: ProvenSdk;
  readonly driver: string;
  /** The package that the page names it by: the first of those that its driver loads that the set holds. */
  readonly package: string;
  readonly packages: readonly string[];
  readonly version: string;
  /** CommonJS wherever the SDK offers it: the way of loading that every instrumentation supports best. */
  readonly format: 'esm' | 'cjs';
}

/** Another instrumentation, in a set of its own. */
export interface Rival {
  readonly name: string;
  readonly set: string;
  readonly covers: readonly string[];
  readonly setup: string;
  readonly packages: Readonly<Record<string, string>>;
}

const TESTS = join(dirname(dirname(fileURLToPath(import.meta.url))), 'instrumentation', 'sdks');

/** Every SDK that a test of `test/instrumentation/sdks` proves; the tests themselves do not run. */
export async function readEntries(): Promise<Entry[]> {
  const ignore = (): void => undefined;
  Object.assign(globalThis, { describe: ignore, it: ignore, before: ignore, after: ignore });
  for (const file of readdirSync(TESTS).toSorted()) {
    if (file.endsWith('.test.js')) await import(join(TESTS, file));
  }
  const seen = new Set<string>();
  const entries: Entry[] = [];
  for (const sdk of declaredSdks) {
    const driver = sdk.driver ?? sdk.sdk;
    // Nobody pays for requests of MCP, and sets with another instrumentation inside prove something else.
    if (driver.startsWith('mcp') || sdk.set.endsWith('-rival')) continue;
    if (seen.has(`${driver} ${sdk.set}`)) continue;
    seen.add(`${driver} ${sdk.set}`);
    const { dependencies } = setManifest(sdk.set);
    const packages = await packagesOf(driver);
    const inSet = packages.flatMap((each) => Object.keys(dependencies).filter((name) => isOf(each, name)));
    const name = inSet[0] ?? packages[0] ?? driver;
    const version = dependencies[name] ?? '';
    const format = sdk.formats.includes('cjs') ? 'cjs' : 'esm';
    entries.push({ sdk, driver, package: name, packages, version, format });
  }
  return entries;
}

/** Drivers may load an entry point of a package, as `name/entry`. */
function isOf(loaded: string, name: string): boolean {
  return loaded === name || loaded.startsWith(`${name}/`);
}

/** What a driver says that it loads. */
async function packagesOf(driver: string): Promise<readonly string[]> {
  const { packages } = (await import(join(SDKS, 'drivers', `${driver}.mjs`))) as { packages: string[] };
  return packages;
}

/** Whether a rival says that it instruments what an SDK's driver loads. */
export function coversSdk({ covers }: Rival, { packages }: Entry): boolean {
  return packages.some((name) => covers.includes(name));
}

export function readRivals(): Rival[] {
  return readdirSync(join(SDKS, 'sets'))
    .filter((set) => set.startsWith('rivals-'))
    .map((set) => {
      const { spanmeter, dependencies } = setManifest(set);
      const packages = Object.entries(dependencies).filter(([name]) => /instrumentation-/.test(name));
      return {
        name: spanmeter?.rival ?? set,
        set,
        covers: spanmeter?.covers ?? [],
        setup: join(setFolder(set), 'setup.mjs'),
        packages: Object.fromEntries(packages),
      };
    });
}
