import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** `test/sdks` of the source tree. */
export const SDKS = join(dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url))))), 'test', 'sdks');

const API = '@opentelemetry/api';

/** An installation that holds its lock for longer than this has died. */
const STALE_LOCK_MS = 10 * 60_000;

/** A set's package.json. */
export interface SetManifest {
  readonly dependencies: Readonly<Record<string, string>>;
  /** The Node that the set's packages need beyond that of the repository, as `>=22` or `>=22.12`. */
  readonly spanmeter?: {
    readonly node?: string;
    /** Of a set that holds another instrumentation: its name, and the packages that it says it instruments. */
    readonly rival?: string;
    readonly covers?: readonly string[];
  };
}

export function setFolder(set: string): string {
  return join(SDKS, 'sets', set);
}

export function setManifest(set: string): SetManifest {
  return JSON.parse(readFileSync(join(setFolder(set), 'package.json'), 'utf8')) as SetManifest;
}

/** The Node range that a set needs and this process does not satisfy. */
export function missingNode(set: string): string | undefined {
  const range = setManifest(set).spanmeter?.node;
  if (range === undefined) return undefined;
  const [, ...wanted] = /^>=(\d+)(?:\.(\d+))?(?:\.(\d+))?$/.exec(range) ?? [];
  if (wanted.length === 0) throw new Error(`${set}: "${range}" is not of the form >=22.12.0`);
  const number = (parts: readonly (string | undefined)[]): number =>
    [0, 1, 2].reduce((sum, index) => sum * 1000 + Number(parts[index] ?? 0), 0);
  return number(process.versions.node.split('.')) >= number(wanted) ? undefined : range;
}

/** Installs a set's packages as its lock file says, once, however many processes ask at the same time. */
export async function installSet(set: string): Promise<void> {
  const folder = setFolder(set);
  const stamp = join(folder, 'node_modules', '.installed-from');
  const wanted = createHash('sha256')
    .update(readFileSync(join(folder, 'package-lock.json')))
    .digest('hex');
  const isFresh = (): boolean => existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
  const lock = join(folder, '.lock');
  while (!isFresh()) {
    if (!(await takeLock(lock))) {
      await sleep(200);
      continue;
    }
    try {
      if (isFresh()) return;
      await npmCi(folder);
      // An app has one API package, which all share: that of the repository, unless the set chooses another.
      if (setManifest(set).dependencies[API] === undefined) {
        await rm(join(folder, 'node_modules', API), { recursive: true, force: true });
      }
      await writeFile(stamp, wanted);
    } finally {
      await rm(lock, { recursive: true, force: true });
    }
  }
}

async function takeLock(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const taken = await stat(lock).catch(() => undefined);
    if (taken !== undefined && Date.now() - taken.mtimeMs > STALE_LOCK_MS) {
      await rm(lock, { recursive: true, force: true });
    }
    return false;
  }
}

function npmCi(folder: string): Promise<void> {
  const args = ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const child = spawn(npm, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`npm ci in ${folder} ended with ${code}:\n${output}`));
    });
  });
}
