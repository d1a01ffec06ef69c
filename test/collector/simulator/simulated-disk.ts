import { basename } from 'node:path';
import type { Disk, DirectoryLock, DiskFile } from '@spanmeter/collector/dist/journal/disk.js';
import {
  decodeFrame,
  headIsSound,
  PREFIX_BYTES,
  readPrefix,
} from '@spanmeter/collector/dist/journal/record.js';
import { decodeHeader, HEADER_BYTES } from '@spanmeter/collector/dist/journal/segment.js';
import type { Random } from './random.ts';
import type { Life, Scheduler } from './scheduler.ts';

const SECTOR = 64;

/** What may go wrong; probabilities per operation. */
export interface DiskFaults {
  syncFails: number;
  readFails: number;
  /** Bytes of all files together. */
  capacityBytes: number;
}

/** A file: what programs see, what a power cut leaves, and which sectors differ because nobody synced them. */
class Inode {
  cached: Buffer = Buffer.alloc(0);
  durable: Buffer = Buffer.alloc(0);
  dirty = new Set<number>();

  write(bytes: Uint8Array, position: number): void {
    const end = position + bytes.length;
    if (end > this.cached.length) this.resize(end);
    this.cached.set(bytes, position);
    this.#touch(position, end);
  }

  resize(size: number): void {
    const resized = Buffer.alloc(size);
    this.cached.copy(resized, 0, 0, Math.min(size, this.cached.length));
    this.#touch(Math.min(size, this.cached.length), Math.max(size, this.cached.length));
    this.cached = resized;
  }

  sync(): void {
    this.durable = Buffer.from(this.cached.length === this.durable.length ? this.durable : this.#sized());
    for (const sector of this.dirty) this.#flush(sector);
    this.dirty.clear();
  }

  /** A sync that fails: some sectors made it, the others are forgotten although nobody wrote them. */
  syncPartly(random: Random): void {
    this.durable = this.#sized();
    for (const sector of this.dirty) if (random.chance(0.5)) this.#flush(sector);
    this.dirty.clear();
  }

  /** What a power cut leaves: any of the unsynced sectors, at any size in between. */
  loseUnsynced(random: Random, keep: number): void {
    const sizes = [this.durable.length, this.cached.length];
    const size =
      this.dirty.size === 0 || random.chance(0.5)
        ? sizes[0]
        : random.int(Math.min(...sizes), Math.max(...sizes));
    const left = Buffer.alloc(size ?? 0);
    this.durable.copy(left, 0, 0, Math.min(left.length, this.durable.length));
    for (const sector of this.dirty) {
      const start = sector * SECTOR;
      const end = Math.min(start + SECTOR, left.length, this.cached.length);
      if (random.chance(keep) && start < end) this.cached.copy(left, start, start, end);
    }
    this.cached = left;
    this.durable = Buffer.from(left);
    this.dirty.clear();
  }

  copy(): Inode {
    const copy = new Inode();
    copy.cached = Buffer.from(this.cached);
    copy.durable = Buffer.from(this.cached);
    return copy;
  }

  #sized(): Buffer {
    const sized = Buffer.alloc(this.cached.length);
    this.durable.copy(sized, 0, 0, Math.min(sized.length, this.durable.length));
    return sized;
  }

  #flush(sector: number): void {
    const start = sector * SECTOR;
    if (start < this.cached.length) this.cached.copy(this.durable, start, start, start + SECTOR);
  }

  #touch(start: number, end: number): void {
    for (let sector = Math.floor(start / SECTOR); sector * SECTOR < end; sector += 1) this.dirty.add(sector);
  }
}

type Names = Map<string, Inode>;
type NameChange = readonly (readonly [string, Inode | null])[];

/** One directory in memory with the semantics of a page cache over a disk that may fail, fill up and lose power. */
export class SimulatedDisk {
  readonly faults: DiskFaults = { syncFails: 0, readFails: 0, capacityBytes: Infinity };
  readonly #random: Random;
  readonly #scheduler: Scheduler;
  #names: Names = new Map();
  #durableNames: Names = new Map();
  #changes: NameChange[] = [];
  #holder: Life | null = null;

  constructor(random: Random, scheduler: Scheduler) {
    this.#random = random;
    this.#scheduler = scheduler;
  }

  /** The disk as one process sees it. */
  forLife(life: Life): Disk {
    const submit = <T>(effect: () => T, abandoned?: () => void): Promise<T> =>
      this.#scheduler.submit(life, effect, abandoned);
    const change = (made: NameChange): Promise<void> =>
      submit(
        () => this.#change(made),
        () => this.#change(made),
      );
    return {
      makeDirectory: () => submit(() => {}),
      list: () => submit(() => [...this.#names.keys()]),
      open: (path, mode) => submit(() => this.#open(basename(path), mode, submit)),
      rename: async (from, to) => {
        const inode = await submit(() => this.#find(basename(from)));
        await change([
          [basename(from), null],
          [basename(to), inode],
        ]);
      },
      remove: (path) => change([[basename(path), null]]),
      syncDirectory: () => submit(() => this.#syncNames()),
      lock: () => submit(() => this.#lock(life)),
    };
  }

  /** Bodies of all readable records as programs see them. */
  cachedText(): string {
    return this.#text(this.#names, (inode) => inode.cached);
  }

  /** The same as a power cut right now would certainly leave them. */
  durableText(): string {
    return this.#text(this.#durableNames, (inode) => inode.durable);
  }

  get usedBytes(): number {
    return [...this.#names.values()].reduce((sum, inode) => sum + inode.cached.length, 0);
  }

  /** The machine loses power. */
  loseUnsynced(): void {
    const keep = this.#random.pick([0, 0.5, 1]);
    const names = new Map(this.#durableNames);
    const isPrefix = this.#random.chance(0.5);
    let isLost = false;
    for (const made of this.#changes) {
      isLost = (isPrefix && isLost) || this.#random.chance(0.5);
      if (!isLost) applyChange(names, made);
    }
    for (const inode of new Set(names.values())) inode.loseUnsynced(this.#random, keep);
    this.#names = names;
    this.#durableNames = new Map(names);
    this.#changes = [];
  }

  /** A copy of the directory as it is; `restore` puts it back, all of it durable. */
  copy(): () => void {
    const copied = new Map([...this.#names].map(([name, inode]) => [name, inode.copy()]));
    return () => {
      this.#names = new Map([...copied].map(([name, inode]) => [name, inode.copy()]));
      this.#durableNames = new Map(this.#names);
      this.#changes = [];
    };
  }

  /** Somebody empties the directory. */
  clear(): void {
    this.#names = new Map();
    this.#durableNames = new Map();
    this.#changes = [];
  }

  /** Bodies of the records that can be read; of two that claim a sequence the later file's counts. */
  #text(names: Names, content: (inode: Inode) => Buffer): string {
    const segments = [...names]
      .filter(([name]) => name.endsWith('.seg'))
      .toSorted(([a], [b]) => (a < b ? -1 : 1));
    return segments
      .map(([, inode], i) => {
        const next = segments[i + 1];
        return readableBodies(
          content(inode),
          next === undefined ? Infinity : Number.parseInt(next[0], 10),
        ).join('\n');
      })
      .join('\n');
  }

  #change(made: NameChange): void {
    applyChange(this.#names, made);
    this.#changes.push(made);
  }

  #syncNames(): void {
    if (this.#random.chance(this.faults.syncFails)) throw fault('EIO');
    this.#durableNames = new Map(this.#names);
    this.#changes = [];
  }

  #find(name: string): Inode {
    const inode = this.#names.get(name);
    if (inode === undefined) throw fault('ENOENT');
    return inode;
  }

  #lock(life: Life): DirectoryLock {
    if (this.#holder?.isAlive === true) throw new Error('the directory is held');
    this.#holder = life;
    return {
      release: () => {
        if (this.#holder === life) this.#holder = null;
        return Promise.resolve();
      },
    };
  }

  #open(
    name: string,
    mode: 'read' | 'write' | 'create',
    submit: <T>(effect: () => T, abandoned?: () => void) => Promise<T>,
  ): DiskFile {
    if (mode === 'create') {
      const existing = this.#names.get(name);
      if (existing === undefined) this.#change([[name, new Inode()]]);
      else existing.resize(0);
    }
    const inode = this.#find(name);
    return {
      write: (chunks, position) => {
        const bytes = Buffer.concat(chunks);
        return submit(
          () => this.#write(inode, bytes, position),
          () => inode.write(bytes.subarray(0, this.#random.int(0, bytes.length)), position),
        );
      },
      read: (into, position) =>
        submit(() => {
          if (this.#random.chance(this.faults.readFails)) throw fault('EIO');
          const source = inode.cached.subarray(position, position + into.length);
          into.set(source);
          return source.length;
        }),
      sync: () =>
        submit(
          () => {
            if (this.#random.chance(this.faults.syncFails)) {
              inode.syncPartly(this.#random);
              throw fault('EIO');
            }
            inode.sync();
          },
          () => inode.sync(),
        ),
      truncate: (sizeBytes) =>
        submit(
          () => inode.resize(sizeBytes),
          () => inode.resize(sizeBytes),
        ),
      size: () => submit(() => inode.cached.length),
      close: () => submit(() => {}),
    };
  }

  #write(inode: Inode, bytes: Buffer, position: number): void {
    const grown = Math.max(0, position + bytes.length - inode.cached.length);
    const room = Math.max(0, this.faults.capacityBytes - this.usedBytes);
    if (grown > room) {
      inode.write(bytes.subarray(0, bytes.length - (grown - room)), position);
      throw fault('ENOSPC');
    }
    inode.write(bytes, position);
  }
}

function readableBodies(bytes: Buffer, endSequence: number): string[] {
  const bodies: string[] = [];
  if (typeof decodeHeader(bytes.subarray(0, HEADER_BYTES)) === 'string') return bodies;
  for (let at = HEADER_BYTES; at + PREFIX_BYTES <= bytes.length;) {
    const prefix = readPrefix(bytes, at);
    const end = at + PREFIX_BYTES + (prefix?.lengthBytes ?? Infinity);
    if (prefix === null || end > bytes.length) break;
    if (headIsSound(bytes, at, prefix)) {
      const { entry, bodyIsSound } = decodeFrame(bytes, at, prefix);
      if (entry.sequence >= endSequence) break;
      if (bodyIsSound) bodies.push(Buffer.from(entry.body).toString('latin1'));
    }
    at = end;
  }
  return bodies;
}

function applyChange(names: Names, made: NameChange): void {
  for (const [name, inode] of made) {
    if (inode === null) names.delete(name);
    else names.set(name, inode);
  }
}

function fault(code: string): Error {
  return Object.assign(new Error(`simulated ${code}`), { code });
}
