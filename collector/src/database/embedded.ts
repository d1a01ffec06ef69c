import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../pipeline/component.ts';
import { findBinaries } from './binaries.ts';
import { bootstrap, embeddedUrls, waitUntilReady, type EmbeddedUrls } from './bootstrap.ts';
import {
  freePort,
  isAlive,
  mayBeServerOf,
  passwordFolder,
  prepareCluster,
  readPasswords,
  readPidFile,
  readPlace,
  writePlace,
} from './cluster.ts';
import { errorMessage } from './failure.ts';
import type { DatabaseServer } from './server.ts';
import { settleRunner, type RunMode, type Runner } from './unprivileged.ts';

export interface EmbeddedOptions {
  /** Folder that belongs to this server alone; made where it does not exist. */
  readonly dataDir: string;
  readonly log: Logger;
  /** A fixed port; by default one is chosen once and kept. */
  readonly port?: number;
  /** PostgreSQL settings besides our own. */
  readonly settings?: Readonly<Record<string, string>>;
  /** How to run as root; by default in place through a user namespace, else as an unprivileged user. */
  readonly runMode?: RunMode;
  /** Where an unprivileged user's copies go; every user must be able to enter it. */
  readonly sharedPlace?: string;
}

/** Durability is not an option: an acknowledged span that was committed survives a power cut. */
const SETTINGS: Readonly<Record<string, string>> = {
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  listen_addresses: '127.0.0.1',
  max_connections: '60',
  shared_buffers: '128MB',
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  wal_compression: 'on',
  timezone: 'UTC',
  log_timezone: 'UTC',
  jit: 'off',
  // LOG, FATAL and PANIC: a failed statement is reported by who sent it, and would fill the disk here.
  log_min_messages: 'log',
  log_checkpoints: 'off',
};

/** Longest path of a Unix socket on every platform, less room for `/.s.PGSQL.65535`. */
const MAX_SOCKET_FOLDER_BYTES = 80;
const MAX_SERVER_LOG_BYTES = 8 * 1024 * 1024;
const WATCH_MS = 500;
const FAST_SHUTDOWN_MS = 30_000;
const MAX_BACKOFF_MS = 30_000;
const LAUNCH_ATTEMPTS = 20;
const LAUNCH_RETRY_MS = 500;

/** What is known of one data directory while its server is looked after. */
interface Place {
  readonly dataDir: string;
  readonly cluster: string;
  readonly port: number;
  readonly runner: Runner;
  readonly urls: EmbeddedUrls;
  readonly settings: Readonly<Record<string, string>>;
}

/**
 * Starts the PostgreSQL of a data directory, or adopts the one that a killed collector left running, and
 * looks after it until `stop`. The server runs in its own session: signals to the collector never reach it.
 * Rejects where the data is another major version's, or the server does not come up, with the end of its log.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<DatabaseServer> {
  const { log } = options;
  const dataDir = resolve(options.dataDir);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const runner = settleRunner(findBinaries(), dataDir, {
    mode: options.runMode,
    sharedPlace: options.sharedPlace,
  });
  if (runner.notice !== null) log.info({ bin: runner.bin }, runner.notice);
  const cluster = join(runner.home, 'cluster');
  prepareCluster(runner, dataDir, cluster);

  const place = (port: number): Place => {
    const urls = embeddedUrls(readPasswords(dataDir), port);
    return { dataDir, cluster, port, runner, urls, settings: options.settings ?? {} };
  };
  let pid = await adopt(cluster, place, log);
  const live = pid === null ? null : readPidFile(cluster);
  const current = live === null ? place(await choosePort(dataDir, options.port, log)) : place(live.port);
  if (pid === null) pid = await launchPatiently(current, log);
  writePlace(dataDir, { port: current.port, cluster });
  await bootstrap(current.urls, readPasswords(dataDir));
  log.info(
    { port: current.port, pid, passwords: passwordFolder(dataDir) },
    'embedded PostgreSQL is up on 127.0.0.1; its passwords are in files',
  );
  const watch = watchServer(current, pid, log);
  return { ...current.urls, port: current.port, stop: () => watch.stop() };
}

/**
 * The URLs of a data directory's running server, for commands that must never start a second one; else null.
 */
export function findRunning(dataDir: string): EmbeddedUrls | null {
  const kept = readPlace(dataDir);
  if (kept === null || !existsSync(passwordFolder(dataDir))) return null;
  const file = readPidFile(kept.cluster);
  if (file === null || !mayBeServerOf(kept.cluster, file.pid)) return null;
  return embeddedUrls(readPasswords(dataDir), file.port);
}

async function adopt(cluster: string, place: (port: number) => Place, log: Logger): Promise<number | null> {
  const file = readPidFile(cluster);
  if (file !== null && mayBeServerOf(cluster, file.pid)) {
    log.info({ pid: file.pid }, 'a PostgreSQL of this data directory is running: adopting it');
    const port = readPidFile(cluster)?.port ?? file.port;
    const up = await waitUntilReady(place(port).urls.adminUrl, () => mayBeServerOf(cluster, file.pid), log);
    if (up) return file.pid;
    log.info({ pid: file.pid }, 'that PostgreSQL was shutting down: starting another');
  }
  removeStaleLock(cluster, log);
  return null;
}

/** PostgreSQL refuses to start while the id in its lock file is in use, even by a stranger after a reboot. */
function removeStaleLock(cluster: string, log: Logger): void {
  const lock = join(cluster, 'postmaster.pid');
  const file = readPidFile(cluster);
  if (file !== null && mayBeServerOf(cluster, file.pid)) return;
  // The socket has a lock of its own, which counts a killed server that nobody has waited for yet as alive.
  rmSync(join(dirname(cluster), 'socket'), { recursive: true, force: true });
  if (!existsSync(lock)) return;
  log.warn({ pid: file?.pid ?? null }, 'removing the stale lock file of a PostgreSQL that was killed');
  rmSync(lock, { force: true });
}

async function choosePort(dataDir: string, fixed: number | undefined, log: Logger): Promise<number> {
  if (fixed !== undefined) return fixed;
  const kept = readPlace(dataDir)?.port ?? null;
  const port = await freePort(kept);
  if (kept !== null && port !== kept) {
    log.warn({ port, taken: kept }, `port ${kept} of the embedded PostgreSQL is taken: it moves to ${port}`);
  }
  return port;
}

/** As `launch`; processes of a killed server may hold its memory for some moments more. */
async function launchPatiently(place: Place, log: Logger): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await launch(place, log);
    } catch (error) {
      if (attempt === LAUNCH_ATTEMPTS || !/is still in use/.test(errorMessage(error))) throw error;
      log.info({ attempt }, 'processes of a killed PostgreSQL are still ending: trying again');
      await delay(LAUNCH_RETRY_MS);
    }
  }
}

/** Starts the server and resolves with its process id once it takes connections. */
async function launch(place: Place, log: Logger): Promise<number> {
  const logFile = join(place.dataDir, 'server.log');
  if (existsSync(logFile) && statSync(logFile).size > MAX_SERVER_LOG_BYTES)
    renameSync(logFile, `${logFile}.1`);
  const command = place.runner.command('postgres', ['-D', place.cluster, ...settingArgs(place)]);
  const output = openSync(logFile, 'a', 0o600);
  const from = statSync(logFile).size;
  let failure: string | null = null;
  try {
    const child = spawn(command.file, command.args, {
      ...command.options,
      cwd: '/',
      detached: true,
      stdio: ['ignore', output, output],
      env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C', TZ: 'UTC' },
    });
    child.once('error', (error) => (failure = error.message));
    child.once('exit', (code, signal) => (failure = `it ended with ${signal ?? `code ${code}`}`));
    child.unref();
    const up = await waitUntilReady(place.urls.adminUrl, () => failure === null, log);
    if (up && child.pid !== undefined) return child.pid;
  } finally {
    closeSync(output);
  }
  const words = readFileSync(logFile).subarray(from).toString('utf8').slice(-1500).trim();
  throw new Error(`the embedded PostgreSQL did not start (${failure ?? 'no answer'}): ${words}`);
}

function settingArgs(place: Place): string[] {
  const socketFolder = join(place.runner.home, 'socket');
  const fits = Buffer.byteLength(socketFolder) <= MAX_SOCKET_FOLDER_BYTES;
  if (fits) {
    mkdirSync(socketFolder, { recursive: true, mode: 0o700 });
    place.runner.own(socketFolder);
  }
  const all = {
    ...SETTINGS,
    ...place.settings,
    port: String(place.port),
    unix_socket_directories: fits ? socketFolder : '',
  };
  return Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

interface Watch {
  stop(): Promise<void>;
}

/** Starts the server again whenever it dies, until stopped. */
function watchServer(place: Place, firstPid: number, log: Logger): Watch {
  let pid = firstPid;
  let stopping = false;
  let reviving: Promise<void> | null = null;
  let stopped: Promise<void> | null = null;

  const revive = async (): Promise<void> => {
    for (let backoffMs = 250; ; backoffMs = Math.min(backoffMs * 2, MAX_BACKOFF_MS)) {
      if (stopping) return;
      try {
        removeStaleLock(place.cluster, log);
        pid = await launch(place, log);
        log.info({ pid }, 'embedded PostgreSQL is up again');
        return;
      } catch (error) {
        log.error({ error: errorMessage(error), retryInMs: backoffMs }, 'embedded PostgreSQL does not start');
        await delay(backoffMs, undefined, { ref: false });
      }
    }
  };
  const timer = setInterval(() => {
    if (stopping || reviving !== null || isAlive(pid)) return;
    log.error({ pid }, 'embedded PostgreSQL died: starting it again');
    reviving = revive().finally(() => (reviving = null));
  }, WATCH_MS);
  timer.unref();

  const stop = async (): Promise<void> => {
    stopping = true;
    clearInterval(timer);
    await reviving;
    await shutDown(pid, log);
  };
  return { stop: () => (stopped ??= stop()) };
}

async function shutDown(pid: number, log: Logger): Promise<void> {
  const signals: readonly (readonly [NodeJS.Signals, string])[] = [
    ['SIGINT', 'fast shutdown'],
    ['SIGQUIT', 'immediate shutdown: the next start recovers'],
  ];
  for (const [signal, meaning] of signals) {
    if (!isAlive(pid)) return;
    log.debug({ pid, signal }, `embedded PostgreSQL: ${meaning}`);
    try {
      process.kill(pid, signal);
    } catch {
      return;
    }
    const deadline = Date.now() + FAST_SHUTDOWN_MS;
    while (isAlive(pid) && Date.now() < deadline) await delay(15);
  }
  if (isAlive(pid)) log.error({ pid }, 'embedded PostgreSQL does not stop; left running');
}
