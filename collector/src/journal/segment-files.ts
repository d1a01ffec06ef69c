import { join } from 'node:path';
import type { Clock } from './clock.ts';
import type { Disk, DiskFile } from './disk.ts';
import type { JournalEnd } from './record.ts';
import { encodeHeader, HEADER_BYTES, segmentName } from './segment.ts';

/** One segment file as the writer knows it. */
export interface Segment {
  readonly first: number;
  readonly createdUnixMs: number;
  bytes: number;
}

/** A file set aside because it could not be read. */
export interface AsideFile {
  readonly name: string;
  readonly bytes: number;
}

export interface SegmentFilesOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly dir: string;
  readonly segmentBytes: number;
  /** Oldest first; the last one takes appends. */
  readonly segments: Segment[];
  readonly aside: AsideFile[];
  /** The last segment, open for writing and ending with its last good record. */
  readonly active: DiskFile | null;
  journalId(): string;
}

const COPY_BYTES = 1024 * 1024;

/**
 * The segment files of one journal: appends to the last, adds and removes whole files. One caller at a time.
 * Bytes count as durable only after a sync that succeeded while nothing before it had failed.
 */
export class SegmentFiles {
  readonly #options: SegmentFilesOptions;
  readonly #segments: Segment[];
  readonly #aside: AsideFile[];
  #active: DiskFile | null;
  /** Nothing more goes into the active file: after a failed sync nobody knows what of it is on the disk. */
  #sealed = false;

  constructor(options: SegmentFilesOptions) {
    this.#options = options;
    this.#segments = options.segments;
    this.#aside = options.aside;
    this.#active = options.active;
  }

  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** Bytes of all segments and of all files set aside. */
  get sizeBytes(): number {
    const count = (sum: number, file: { bytes: number }): number => sum + file.bytes;
    return this.#segments.reduce(count, 0) + this.#aside.reduce(count, 0);
  }

  /** Bytes in the active file, or null where the next append begins a new one. */
  get tailBytes(): number | null {
    return this.#sealed || this.#active === null ? null : (this.#segments.at(-1)?.bytes ?? null);
  }

  /** Whether an append of `bytes` after `tailBytes` goes into a new file. */
  startsNewFile(tailBytes: number | null, bytes: number): boolean {
    return tailBytes === null || (tailBytes > HEADER_BYTES && tailBytes + bytes > this.#options.segmentBytes);
  }

  /** Makes chunks durable behind `end`; on rejection the file is cut back and nothing of them counts. */
  async append(chunks: readonly Uint8Array[], bytes: number, end: JournalEnd): Promise<void> {
    if (this.startsNewFile(this.tailBytes, bytes)) await this.roll(end);
    const active = this.#active;
    const segment = this.#segments.at(-1);
    if (active === null || segment === undefined) throw new Error('the journal has no file to write to');
    try {
      await active.write(chunks, segment.bytes);
    } catch (error) {
      await this.#cutBack(active, segment);
      throw error;
    }
    try {
      await active.sync();
    } catch (error) {
      this.#sealed = true;
      await this.#cutBack(active, segment);
      throw error;
    }
    segment.bytes += bytes;
  }

  /** Starts a new file after `end`. It appears under its name only with a durable header. */
  async roll(end: JournalEnd): Promise<void> {
    const { disk, dir, clock } = this.#options;
    const first = end.sequence + 1;
    const old = this.#segments.at(-1);
    const replaces = old?.first === first;
    const previous = replaces ? this.#segments.at(-2) : old;
    const path = join(dir, segmentName(first));
    const createdUnixMs = clock.now();
    const header = encodeHeader({
      journalId: this.#options.journalId(),
      firstSequence: first,
      previousFirst: previous?.first ?? 0,
      createdUnixMs,
      before: end,
    });
    const file = await disk.open(`${path}.tmp`, 'create');
    try {
      await file.write([header], 0);
      await file.sync();
      // From here on the new name may exist, and readers take everything from `first` on from it.
      this.#sealed = true;
      await disk.rename(`${path}.tmp`, path);
      await disk.syncDirectory(dir);
    } catch (error) {
      await file.close().catch(() => {});
      await disk.remove(`${path}.tmp`).catch(() => {});
      throw error;
    }
    const closing = this.#active;
    if (replaces) this.#segments.pop();
    this.#segments.push({ first, createdUnixMs, bytes: HEADER_BYTES });
    this.#active = file;
    this.#sealed = false;
    await closing?.close().catch(() => {});
  }

  /** The next append begins a new file. */
  seal(): void {
    this.#sealed = true;
  }

  /** Removes the oldest segment, never the active one, and makes that durable before anything else happens. */
  async removeOldest(): Promise<void> {
    const oldest = this.#segments[0];
    if (oldest === undefined || this.#segments.length < 2) return;
    await this.#options.disk.remove(join(this.#options.dir, segmentName(oldest.first)));
    this.#segments.shift();
    await this.#options.disk.syncDirectory(this.#options.dir);
  }

  /** Removes the oldest file set aside; resolves with its name, or null where there is none. */
  async removeOldestAside(): Promise<string | null> {
    const oldest = this.#aside[0];
    if (oldest === undefined) return null;
    await this.#options.disk.remove(join(this.#options.dir, oldest.name));
    this.#aside.shift();
    return oldest.name;
  }

  /** Copies what follows `offset` of a segment into a `.bad` file of its own, if `roomBytes` allow; null if not. */
  async copyAside(first: number, offset: number, roomBytes: number): Promise<string | null> {
    const { disk, dir } = this.#options;
    const name = `${segmentName(first)}.${offset}.bad`;
    if (this.#aside.some((file) => file.name === name)) return name;
    const copied = await copyTail(disk, join(dir, segmentName(first)), join(dir, name), offset, roomBytes);
    if (copied === null) return null;
    this.#aside.push({ name, bytes: copied });
    await disk.syncDirectory(dir);
    return name;
  }

  async close(): Promise<void> {
    await this.#active?.close();
    this.#active = null;
  }

  async #cutBack(active: DiskFile, segment: Segment): Promise<void> {
    try {
      await active.truncate(segment.bytes);
      await active.sync();
    } catch {
      this.#sealed = true;
    }
  }
}

/** Copies the rest of a file from `offset`; resolves with the bytes copied, or null where they exceed `roomBytes`. */
export async function copyTail(
  disk: Disk,
  from: string,
  to: string,
  offset: number,
  roomBytes: number,
): Promise<number | null> {
  const source = await disk.open(from, 'read');
  try {
    const size = (await source.size()) - offset;
    if (size > roomBytes || size <= 0) return null;
    const target = await disk.open(to, 'create');
    try {
      const buffer = Buffer.alloc(Math.min(COPY_BYTES, size));
      for (let done = 0; done < size;) {
        const filled = await source.read(buffer, offset + done);
        if (filled === 0) break;
        await target.write([buffer.subarray(0, filled)], done);
        done += filled;
      }
      await target.sync();
    } finally {
      await target.close();
    }
    return size;
  } finally {
    await source.close();
  }
}
