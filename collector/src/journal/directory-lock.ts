import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Another opener holds the directory. */
export class DirectoryHeld extends Error {
  /** Process id of the holder, as the name of its socket tells it. */
  readonly pid: number;

  constructor(directory: string, pid: number) {
    super(
      `The journal directory ${directory} is in use by process ${pid}; ` +
        'stop that collector first or give this one a directory of its own.',
    );
    this.name = 'DirectoryHeld';
    this.pid = pid;
  }
}

const SOCKET_NAME = /^lock-(\d+)-[0-9a-f]{12}\.sock$/;
// sun_path takes 104 bytes on macOS and 108 on Linux, the final NUL included.
const MAX_SOCKET_PATH_BYTES = 103;
const TIE_CHECKS = 20;
const TIE_CHECK_MS = 25;

/**
 * Takes a directory for this process alone; rejects with DirectoryHeld.
 *
 * Node has no flock, and a file with a pid cannot be trusted (pids are reused, also across containers). So each
 * opener listens on a socket of its own in the directory and then knocks on every other one: the kernel answers
 * for a live process, even a stopped one, and refuses for a dead one, also after kill -9. Because everybody
 * listens before knocking, two openers can never both miss each other; if they meet, the smaller name waits for
 * the other to step back. Sockets in a shared directory also reach across containers on one machine.
 */
export async function lockDirectory(directory: string): Promise<{ release(): Promise<void> }> {
  const name = `lock-${process.pid}-${randomBytes(6).toString('hex')}.sock`;
  const { server, place } = await listenNear(directory, name);
  try {
    for (let check = 0; ; check += 1) {
      const others = await liveOthers(place, name);
      const first = others[0];
      if (first === undefined) return { release: () => release(server, place, directory) };
      const stepBack = others.some((other) => other < name) || check >= TIE_CHECKS;
      if (stepBack) throw new DirectoryHeld(directory, Number(SOCKET_NAME.exec(first)?.[1]));
      await delay(TIE_CHECK_MS);
    }
  } catch (error) {
    await closeServer(server);
    throw error;
  }
}

/** A folder made under the temp directory goes with its last socket; while others are in it, it stays. */
async function release(server: Server, place: string, directory: string): Promise<void> {
  await closeServer(server);
  if (place !== directory) await rmdir(place).catch(() => {});
}

/** Listens in the directory, or, where its path is too long or its file system has no sockets, under the temp directory. */
async function listenNear(directory: string, name: string): Promise<{ server: Server; place: string }> {
  if (Buffer.byteLength(join(directory, name)) <= MAX_SOCKET_PATH_BYTES) {
    try {
      return { server: await listen(join(directory, name)), place: directory };
    } catch (error) {
      if (!NO_SOCKETS.has(codeOf(error))) throw error;
    }
  }
  const { dev, ino } = await stat(directory);
  const place = join(tmpdir(), `spanmeter-${dev}-${ino}`);
  for (let attempt = 1; ; attempt += 1) {
    await mkdir(place, { recursive: true, mode: 0o700 });
    try {
      return { server: await listen(join(place, name)), place };
    } catch (error) {
      // The one who left took the folder away just now.
      if (codeOf(error) !== 'ENOENT' || attempt >= TIE_CHECKS) throw error;
    }
  }
}

const NO_SOCKETS: ReadonlySet<string> = new Set(['EOPNOTSUPP', 'ENOTSUP', 'EPERM', 'EINVAL', 'ENOSYS']);

function listen(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      server.on('error', () => {});
      server.unref();
      resolve(server);
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

/** Names of other sockets with a living owner; those of dead owners are removed. */
async function liveOthers(place: string, own: string): Promise<string[]> {
  const live: string[] = [];
  for (const name of (await readdir(place)).toSorted()) {
    if (name === own || !SOCKET_NAME.test(name)) continue;
    if (await answers(join(place, name))) live.push(name);
    else await rm(join(place, name), { force: true });
  }
  return live;
}

/** Whether a living process listens; anything but a clear no counts as yes. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => resolve(!DEAD.has(codeOf(error))));
  });
}

const DEAD: ReadonlySet<string> = new Set(['ECONNREFUSED', 'ENOENT', 'ENOTSOCK']);

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
