import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { errorMessage } from './failure.ts';
import type { Binaries } from './binaries.ts';

/**
 * Where a server kept apart from the data directory lives: every user may enter, and it outlives a reboot.
 */
export const SHARED_PLACE = '/var/lib/spanmeter';

/**
 * How PostgreSQL's programs are run, since they refuse the user root:
 * `direct` as ourselves; `namespace` in place, inside a user namespace where our files belong to another
 * user; `user` as an unprivileged user, from folders that this user can enter.
 */
export type RunMode = 'direct' | 'namespace' | 'user';

/** A settled way to run PostgreSQL for one data directory. */
export interface Runner {
  readonly mode: RunMode;
  /** Binaries that the runner can execute. */
  readonly bin: string;
  /** Folder for the cluster's files; differs from the data directory where the user could not enter that. */
  readonly home: string;
  /** One sentence for the log where something unusual was needed; null for `direct`. */
  readonly notice: string | null;
  /** File, arguments and spawn options that run `program` of `bin`. */
  command(program: string, args: readonly string[]): Command;
  /** Makes a folder that is ours belong to the user that the server runs as. */
  own(path: string): void;
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly options: { readonly uid?: number; readonly gid?: number };
}

interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export interface RunnerChoice {
  /** As root, leaves out the choice. */
  readonly mode?: RunMode | undefined;
  /** By default `SHARED_PLACE`. */
  readonly sharedPlace?: string | undefined;
}

/** Settles how to run PostgreSQL over `home`. Throws where no way works. */
export function settleRunner(binaries: Binaries, home: string, choice: RunnerChoice = {}): Runner {
  if (process.getuid?.() !== 0) return direct(binaries, home);
  const user = unprivilegedUser();
  const inPlace = choice.mode === 'user' ? 'not asked for' : namespaceRefusal(binaries, home, user);
  if (inPlace === null) return namespace(binaries, home, user);
  if (choice.mode === 'namespace') throw new Error(`PostgreSQL cannot run in a user namespace: ${inPlace}`);
  return asUser(binaries, home, user, inPlace, choice.sharedPlace ?? SHARED_PLACE);
}

function direct(binaries: Binaries, home: string): Runner {
  return {
    mode: 'direct',
    bin: binaries.bin,
    home,
    notice: null,
    command: (program, args) => ({ file: join(binaries.bin, program), args, options: {} }),
    own() {},
  };
}

function namespace(binaries: Binaries, home: string, user: User): Runner {
  return {
    mode: 'namespace',
    bin: binaries.bin,
    home,
    notice: `PostgreSQL refuses the user root: it runs in a user namespace, where it is ${user.name}`,
    command: (program, args) => ({
      file: 'unshare',
      args: [...namespaceArgs(user), join(binaries.bin, program), ...args],
      options: {},
    }),
    own() {},
  };
}

function namespaceArgs(user: User): string[] {
  return ['--user', `--map-user=${user.uid}`, `--map-group=${user.gid}`];
}

/**
 * Null where the namespace works: root's capabilities end at its border, so folders of others may be closed.
 */
function namespaceRefusal(binaries: Binaries, home: string, user: User): string | null {
  const check =
    'test -w "$1" && { test ! -e "$1/cluster" || test -w "$1/cluster/PG_VERSION"; } && exec "$2" --version';
  const result = spawnSync(
    'unshare',
    [...namespaceArgs(user), '/bin/sh', '-c', check, 'sh', home, join(binaries.bin, 'postgres')],
    { encoding: 'utf8', timeout: 10_000 },
  );
  if (result.status === 0) return null;
  return (result.error?.message ?? result.stderr.trim()) || `${home} is closed to it`;
}

function asUser(binaries: Binaries, home: string, user: User, reason: string, shared: string): Runner {
  const digest = createHash('sha256').update(resolve(home)).digest('hex').slice(0, 12);
  const place = isEnterable(home, user) ? home : join(shared, `data-${digest}`);
  if (place !== home && existsSync(join(home, 'cluster'))) {
    throw new Error(
      `the data in ${home} cannot be used: ${user.name} may not enter that folder, and root cannot ` +
        `run PostgreSQL in place (${reason}); move the data directory to where every user may enter, ` +
        'or set DATABASE_URL',
    );
  }
  let bin = binaries.bin;
  try {
    if (place !== home) makeEnterable(shared, 0o755);
    makeEnterable(place, 0o711);
    if (!isEnterable(binaries.bin, user)) bin = copyBinaries(binaries, shared);
  } catch (cause) {
    throw new Error(
      `PostgreSQL refuses the user root and no other way works (namespace: ${reason}; ` +
        `copy: ${errorMessage(cause)}): ` +
        'run the collector as another user, or set DATABASE_URL',
      { cause },
    );
  }
  return {
    mode: 'user',
    bin,
    home: place,
    notice: `PostgreSQL refuses the user root: it runs as ${user.name}, with its data in ${place}`,
    command: (program, args) => ({
      file: join(bin, program),
      args,
      options: { uid: user.uid, gid: user.gid },
    }),
    own: (path) => chownTree(path, user),
  };
}

/** An unprivileged user with a name: initdb refuses a uid without one. */
function unprivilegedUser(): User {
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map((fields) => ({ name: fields[0] ?? '', uid: Number(fields[2]), gid: Number(fields[3]) }))
    .filter((user) => Number.isInteger(user.uid) && user.uid > 0);
  const found =
    users.find((user) => user.name === 'postgres') ??
    users.find((user) => user.name === 'nobody') ??
    users[0];
  if (found === undefined)
    throw new Error('PostgreSQL refuses the user root, and /etc/passwd names no other');
  return found;
}

function isEnterable(path: string, user: User): boolean {
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    const stats = statSync(folder);
    const bit = stats.uid === user.uid ? 0o100 : stats.gid === user.gid ? 0o010 : 0o001;
    if ((stats.mode & bit) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/** Whatever the umask takes from folders that are made. */
function makeEnterable(folder: string, mode: number): void {
  const first = mkdirSync(folder, { recursive: true });
  if (first === undefined) return;
  for (let made = resolve(folder); ; made = dirname(made)) {
    chmodSync(made, mode);
    if (made === resolve(first)) return;
  }
}

/** Copies once per version; a copy that was cut short never gets the final name. */
function copyBinaries(binaries: Binaries, shared: string): string {
  const stamp = createHash('sha256')
    .update(binaries.root)
    .update(String(statSync(binaries.bin).mtimeMs));
  const target = join(shared, `postgresql-${stamp.digest('hex').slice(0, 12)}`);
  if (!existsSync(target)) {
    makeEnterable(shared, 0o755);
    const unfinished = `${target}.${process.pid}`;
    rmSync(unfinished, { recursive: true, force: true });
    cpSync(binaries.root, unfinished, { recursive: true, verbatimSymlinks: true });
    const opened = spawnSync('chmod', ['-R', 'a+rX', unfinished], { encoding: 'utf8' });
    if (opened.status !== 0) throw new Error(`chmod failed: ${opened.error?.message ?? opened.stderr}`);
    renameSync(unfinished, target);
  }
  return join(target, 'bin');
}

function chownTree(path: string, user: User): void {
  const stats = statSync(path);
  if (stats.uid === user.uid && stats.gid === user.gid) return;
  // One program instead of a walk: a cluster has thousands of files, and symbolic links must not be followed.
  const result = spawnSync('chown', ['-R', '-h', `${user.uid}:${user.gid}`, path], { encoding: 'utf8' });
  if (result.status !== 0) chownSync(path, user.uid, user.gid);
}
