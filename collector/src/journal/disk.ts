import { constants } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { lockDirectory } from './directory-lock.ts';

/** One open file. Positions and sizes are bytes. */
export interface DiskFile {
  /** Writes all chunks, one after the other, from `position` on; rejects where even one byte was not taken. */
  write(chunks: readonly Uint8Array[], position: number): Promise<void>;
  /** Fills `into` from `position`; resolves with the bytes read, fewer only at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Resolves when content and size are on stable storage (fdatasync). */
  sync(): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

/** A directory held by this process alone. */
export interface DirectoryLock {
  release(): Promise<void>;
}

/** The few disk operations the journal uses; errors carry `code` as Node's do. */
export interface Disk {
  makeDirectory(path: string): Promise<void>;
  /** Names in a directory, in any order. */
  list(path: string): Promise<readonly string[]>;
  /** `create` makes a new file or empties an old one; `read` and `write` reject with ENOENT where there is none. */
  open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; fine if there is none. */
  remove(path: string): Promise<void>;
  /** Makes created, renamed and removed names of a directory durable. */
  syncDirectory(path: string): Promise<void>;
  /** Rejects with DirectoryHeld while another opener, in this process or another, holds it. */
  lock(path: string): Promise<DirectoryLock>;
}

const FLAGS = {
  read: constants.O_RDONLY,
  write: constants.O_RDWR,
  create: constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC,
} as const;

class NodeFile implements DiskFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    let rest: Uint8Array[] = [...chunks];
    let at = position;
    while (rest.length > 0) {
      const { bytesWritten } = await this.#handle.writev(rest, at);
      at += bytesWritten;
      rest = skip(rest, bytesWritten);
      if (rest.length > 0 && bytesWritten === 0) {
        throw Object.assign(new Error('the disk took no byte of a write'), { code: 'EIO' });
      }
    }
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    let filled = 0;
    while (filled < into.length) {
      const { bytesRead } = await this.#handle.read(into, filled, into.length - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  }

  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#handle.truncate(sizeBytes);
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** What is left of `chunks` after their first `bytes` bytes; a short write continues there. */
function skip(chunks: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes;
  const rest: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (left >= chunk.length) {
      left -= chunk.length;
    } else {
      rest.push(left === 0 ? chunk : chunk.subarray(left));
      left = 0;
    }
  }
  return rest;
}

async function makeOne(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST' || !(await stat(path)).isDirectory()) throw error;
  }
}

/** Not mkdir's own `recursive`: that never ends below a folder that takes none and says ENOENT, as /proc does. */
async function makeDirectories(path: string): Promise<void> {
  try {
    return await makeOne(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
  }
  await makeDirectories(dirname(path));
  await makeOne(path);
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** The machine's disk. Files are readable by their owner only, since they hold what senders sent. */
export const nodeDisk: Disk = {
  makeDirectory: makeDirectories,
  list: (path: string) => readdir(path),
  async open(path: string, mode: 'read' | 'write' | 'create'): Promise<DiskFile> {
    return new NodeFile(await open(path, FLAGS[mode], 0o600));
  },
  rename: (from: string, to: string) => rename(from, to),
  remove: (path: string) => rm(path, { force: true }),
  async syncDirectory(path: string): Promise<void> {
    const handle = await open(path, constants.O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  lock: (path: string) => lockDirectory(path),
};
