import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { EMBEDDED_MAJOR } from './binaries.ts';
import type { Runner } from './unprivileged.ts';

/** Login roles of an embedded cluster: the superuser, the owner of the tables, the reader of everything. */
export const ADMIN = 'postgres';
export const OWNER = 'spanmeter';
export const DATABASE = 'spanmeter';

export interface Passwords {
  readonly admin: string;
  readonly owner: string;
  readonly reader: string;
}

/** Where the passwords of a data directory are: folder of mode 0700, files of mode 0600. */
export function passwordFolder(dataDir: string): string {
  return join(dataDir, 'passwords');
}

/** Reads the passwords; those that do not exist yet are made first. */
export function readPasswords(dataDir: string): Passwords {
  const folder = passwordFolder(dataDir);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const read = (name: string): string => {
    const file = join(folder, name);
    if (!existsSync(file)) {
      const unfinished = `${file}.new`;
      writeFileSync(unfinished, randomBytes(24).toString('base64url'), { mode: 0o600, flush: true });
      renameSync(unfinished, file);
    }
    return readFileSync(file, 'utf8').trim();
  };
  return { admin: read('admin'), owner: read('owner'), reader: read('reader') };
}

/**
 * Makes the cluster where there is none, and refuses another major version's. A cluster that was cut short
 * while it was made never gets its final name. Throws with initdb's own words.
 */
export function prepareCluster(runner: Runner, dataDir: string, cluster: string): void {
  const versionFile = join(cluster, 'PG_VERSION');
  if (existsSync(versionFile)) {
    const major = readFileSync(versionFile, 'utf8').trim();
    if (major !== String(EMBEDDED_MAJOR)) throw new Error(versionRefusal(cluster, major));
    runner.own(cluster);
    return;
  }
  const unfinished = `${cluster}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { mode: 0o700 });
  const passwordFile = join(unfinished, '..', 'initdb-password');
  writeFileSync(passwordFile, readPasswords(dataDir).admin, { mode: 0o600 });
  runner.own(unfinished);
  runner.own(passwordFile);
  try {
    run(runner, 'initdb', [
      `--pgdata=${unfinished}`,
      `--username=${ADMIN}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale-provider=builtin',
      '--locale=C.UTF-8',
      '--data-checksums',
    ]);
  } finally {
    rmSync(passwordFile, { force: true });
  }
  renameSync(unfinished, cluster);
}

function run(runner: Runner, program: string, args: readonly string[]): void {
  const command = runner.command(program, args);
  const result = spawnSync(command.file, command.args, {
    ...command.options,
    cwd: '/',
    encoding: 'utf8',
    timeout: 120_000,
    // The machine's locale may name one that does not exist here; messages stay readable by us.
    env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' },
  });
  if (result.status === 0) return;
  const words = result.error?.message ?? `${result.stderr}${result.stdout}`.trim().slice(-2000);
  throw new Error(`${program} failed: ${words}`);
}

function versionRefusal(cluster: string, major: string): string {
  return (
    `${cluster} was made by PostgreSQL ${major}, and this version brings PostgreSQL ${EMBEDDED_MAJOR}: ` +
    `dump it with the Spanmeter that made it (pg_dump) and restore it into a new data directory, ` +
    `or run PostgreSQL ${major} over it and set DATABASE_URL`
  );
}

/** What a running (or killed) server says of itself in `postmaster.pid`. */
export interface PidFile {
  readonly pid: number;
  readonly port: number;
}

/** Reads `postmaster.pid`; null where there is none or it is not whole yet. */
export function readPidFile(cluster: string): PidFile | null {
  let lines: string[];
  try {
    lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return null;
  }
  const pid = Number(lines[0]);
  return Number.isInteger(pid) && pid > 1 ? { pid, port: Number(lines[3]) || 0 } : null;
}

/** True while a process of this id exists, whoever it belongs to; a zombie does not count. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  try {
    // "pid (name) state ...": the name may hold spaces and parentheses.
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return true;
  }
}

/** True where the process may be the server of this cluster: after a reboot the id may be somebody else's. */
export function mayBeServerOf(cluster: string, pid: number): boolean {
  if (!isAlive(pid)) return false;
  if (process.platform !== 'linux') return true;
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(cluster);
  } catch {
    // Not ours to look at: the command line is open to all.
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(cluster);
  } catch {
    return false;
  }
}

/** What a data directory remembers of its server between starts. */
export interface KeptPlace {
  readonly port: number;
  readonly cluster: string;
}

/** Reads `server.json` of a data directory; null where it is absent or not ours. */
export function readPlace(dataDir: string): KeptPlace | null {
  try {
    const kept: unknown = JSON.parse(readFileSync(join(dataDir, 'server.json'), 'utf8'));
    if (typeof kept !== 'object' || kept === null || !('port' in kept) || !('cluster' in kept)) return null;
    const { port, cluster } = kept;
    return typeof port === 'number' && typeof cluster === 'string' ? { port, cluster } : null;
  } catch {
    return null;
  }
}

/** Remembers where the server is, so that its port is kept and commands find it. */
export function writePlace(dataDir: string, place: KeptPlace): void {
  const file = join(dataDir, 'server.json');
  writeFileSync(`${file}.new`, `${JSON.stringify(place)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

// Below the range that systems give to outgoing connections, which would take a kept port now and then.
const FIRST_PORT = 21_000;
const PORTS = 8_000;

/** A loopback port that is free now; the preferred one where it is. */
export async function freePort(preferred: number | null): Promise<number> {
  if (preferred !== null && (await isFree(preferred))) return preferred;
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = FIRST_PORT + (randomBytes(4).readUInt32LE() % PORTS);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port between ${FIRST_PORT} and ${FIRST_PORT + PORTS} on 127.0.0.1`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const server = createServer();
    server.once('error', () => settle(false));
    server.listen(port, '127.0.0.1', () => server.close(() => settle(true)));
  });
}
