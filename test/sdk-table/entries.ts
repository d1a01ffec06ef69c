import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { declaredSdks, type ProvenSdk } from '../support/proven-sdk.ts';
import { SDKS, setFolder, setManifest } from '../support/sdk-set.ts';

/** One SDK at one version, as its test declares it. */
export interface Entry {
  readonly sdk: ProvenSdk;
  readonly driver: string;
  /** The package that the instrumentations are about. */
  readonly package: string;
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
  return declaredSdks.flatMap((sdk) => {
    const driver = sdk.driver ?? sdk.sdk;
    const key = `${driver} ${sdk.set}`;
    if (seen.has(key)) return [];
    seen.add(key);
    const [name = driver] = packagesOf(driver);
    const version = setManifest(sdk.set).dependencies[name] ?? '';
    return [{ sdk, driver, package: name, version, format: sdk.formats.includes('cjs') ? 'cjs' : 'esm' }];
  });
}

/** What a driver says that it loads; read as text, since it can only be imported beside its packages. */
function packagesOf(driver: string): string[] {
  const text = readFileSync(join(SDKS, 'drivers', `${driver}.mjs`), 'utf8');
  const list = /export const packages = \[([^\]]*)\]/.exec(text)?.[1] ?? '';
  return [...list.matchAll(/'([^']+)'/g)].map(([, name]) => name!);
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
