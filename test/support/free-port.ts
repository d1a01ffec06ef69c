import { createServer, type Server } from 'node:net';

/**
 * Below what systems hand out by themselves (Linux from 32768, others from 49152): a port that was free a moment ago
 * is not taken meanwhile by the connection of another process. Embedded servers take theirs from 21000 on.
 */
const FIRST = 10_000;
const SHARES = 100;
const PER_SHARE = 100;

interface Share {
  /** Holds the share's first port for as long as this process lives, so that no other one has the same share. */
  readonly holder: Server;
  readonly first: number;
  used: number;
}

let share: Promise<Share> | null = null;

/** Ports on loopback that are free, all different, and that no other process of the tests is given. */
export async function freePorts(count: number): Promise<number[]> {
  share ??= takeShare();
  const own = await share;
  const found: number[] = [];
  for (let tried = 0; found.length < count; tried++) {
    if (tried > PER_SHARE) throw new Error(`${PER_SHARE} ports from ${own.first} on are taken`);
    // The least recently used goes first: what had it may still be ending.
    own.used = (own.used % (PER_SHARE - 1)) + 1;
    const port = own.first + own.used;
    const server = await listenOn(port);
    if (server === null) continue;
    await new Promise((resolve) => server.close(resolve));
    found.push(port);
  }
  return found;
}

async function takeShare(): Promise<Share> {
  for (let tried = 0; tried < SHARES; tried++) {
    const first = FIRST + ((process.pid + tried) % SHARES) * PER_SHARE;
    const holder = await listenOn(first);
    if (holder !== null) return { holder: holder.unref(), first, used: 0 };
  }
  throw new Error(`every share of ports from ${FIRST} on is held`);
}

/** Null where the port is taken. */
function listenOn(port: number): Promise<Server | null> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(null);
      else reject(error);
    });
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
