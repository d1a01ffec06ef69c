import { join } from 'node:path';
import type { RecordContext } from '@spanmeter/processors';
import { OFFSET_STRIDE } from '../pipeline/entry.ts';
import { isMissing } from './atomic-file.ts';
import type { Disk } from './disk.ts';
import type { StoredEntry } from './record.ts';
import { firstSequenceOf, HEADER_BYTES, segmentName } from './segment.ts';
import { SegmentScan, type ScanStep } from './segment-scan.ts';

/**
 * Records that cannot be read. `body`: one record, its head sound, its bytes not as written. `head`: one record,
 * certain only in its place. `rest`: everything from `offset` to the end of the segment. `missing`: not in any file.
 */
export interface DamagedRecord {
  readonly reason: 'body' | 'head' | 'rest' | 'missing';
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** Names the segment file by its first record. */
  readonly segmentFirst: number;
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  /** What the door knew, where the head is sound. */
  readonly context: RecordContext | null;
  /** The bytes as they are now, where the head is sound. */
  readonly body: Uint8Array | null;
  /** GenAI spans of the record; 0 where nobody can tell. */
  readonly spans: number;
}

/** How much one read returns at most; one record is always returned. */
export interface ReadLimits {
  readonly maxBytes: number;
  readonly maxEntries: number;
  readonly maxSpans?: number;
}

export interface ReadResult {
  /** In order; bodies are views of read buffers. */
  readonly entries: readonly StoredEntry[];
  readonly damaged: readonly DamagedRecord[];
  /** Everything up to here is in `entries` or `damaged`, or lies before `firstAvailable`. */
  readonly lastSequence: number;
  /** First record that is still there; above `afterSequence + 1` where records are gone. */
  readonly firstAvailable: number;
}

/** Reads a journal's files from any thread, only what its writer says is durable. */
export interface JournalReader {
  read(afterSequence: number, upToSequence: number, limits: ReadLimits): Promise<ReadResult>;
}

export interface JournalReaderOptions {
  readonly dir: string;
  readonly disk: Disk;
  /** Bytes read at once. */
  readonly windowBytes?: number;
}

const DEFAULT_WINDOW_BYTES = 2 * 1024 * 1024;
const MAX_POSITIONS = 16;
const MAX_LISTINGS = 5;

/** Opens a reader; it holds no file between reads. */
export function openJournalReader(options: JournalReaderOptions): JournalReader {
  return new SegmentReader(options);
}

interface Progress {
  readonly entries: StoredEntry[];
  readonly damaged: DamagedRecord[];
  readonly limits: ReadLimits;
  next: number;
  bytes: number;
  spans: number;
}

class SegmentReader implements JournalReader {
  readonly #disk: Disk;
  readonly #dir: string;
  readonly #windowBytes: number;
  /** Offsets by the sequence that begins there: where the last reads ended. */
  readonly #positions = new Map<number, { first: number; offset: number }>();

  constructor(options: JournalReaderOptions) {
    this.#disk = options.disk;
    this.#dir = options.dir;
    this.#windowBytes = options.windowBytes ?? DEFAULT_WINDOW_BYTES;
  }

  async read(afterSequence: number, upToSequence: number, limits: ReadLimits): Promise<ReadResult> {
    for (let listing = 1; ; listing += 1) {
      try {
        return await this.#readListed(afterSequence, upToSequence, limits);
      } catch (error) {
        // Retention may remove a file between the listing and the reading.
        if (!isMissing(error) || listing >= MAX_LISTINGS) throw error;
      }
    }
  }

  async #readListed(after: number, upTo: number, limits: ReadLimits): Promise<ReadResult> {
    // Listed anew each time: the writer may have begun a file that overrules the end of the one before.
    const names = await this.#disk.list(this.#dir);
    const firsts = names.map(firstSequenceOf).filter((first) => first !== null);
    firsts.sort((a, b) => a - b);
    const firstAvailable = Math.min(firsts[0] ?? upTo + 1, upTo + 1);
    const next = Math.max(after + 1, firstAvailable);
    const progress: Progress = { entries: [], damaged: [], limits, next, bytes: 0, spans: 0 };
    let index = firsts.findLastIndex((first) => first <= next);
    for (let full = false; !full && progress.next <= upTo; index += 1) {
      const first = firsts[index];
      if (first === undefined) break;
      const segmentEnd = Math.min(upTo, (firsts[index + 1] ?? Infinity) - 1);
      full = await this.#readSegment(first, segmentEnd, progress);
    }
    const { entries, damaged } = progress;
    return { entries, damaged, lastSequence: progress.next - 1, firstAvailable };
  }

  /** Reads `[progress.next, last]` from one segment; true where the limits are reached first. */
  async #readSegment(first: number, last: number, progress: Progress): Promise<boolean> {
    const file = await this.#disk.open(join(this.#dir, segmentName(first)), 'read');
    try {
      const sizeBytes = await file.size();
      const known = this.#positions.get(progress.next);
      const start = known?.first === first ? { offset: known.offset, sequence: progress.next } : null;
      let sequence = start?.sequence ?? first;
      const offset = start?.offset ?? HEADER_BYTES;
      const scan = new SegmentScan(file, { offset, sequence, sizeBytes, windowBytes: this.#windowBytes });
      while (progress.next <= last) {
        const step = await scan.next();
        if (step.kind !== 'record' && step.kind !== 'damaged') {
          progress.damaged.push(unreadableRest(step, first, progress.next, last, sizeBytes));
          progress.next = last + 1;
          return false;
        }
        if (sequence === progress.next) {
          if (step.kind === 'record' && !fits(progress, step.entry)) {
            this.#remember(sequence, first, step.offset);
            return true;
          }
          take(progress, step, first);
        }
        sequence += 1;
        if (sequence === last + 1) this.#remember(sequence, first, step.end);
      }
      return false;
    } finally {
      await file.close();
    }
  }

  #remember(sequence: number, first: number, offset: number): void {
    this.#positions.delete(sequence);
    this.#positions.set(sequence, { first, offset });
    for (const oldest of this.#positions.keys()) {
      if (this.#positions.size <= MAX_POSITIONS) break;
      this.#positions.delete(oldest);
    }
  }
}

function fits(progress: Progress, entry: StoredEntry): boolean {
  const { entries, limits } = progress;
  const spans = entry.offsets.length / OFFSET_STRIDE;
  const isOver =
    entries.length >= limits.maxEntries ||
    progress.bytes + entry.body.length > limits.maxBytes ||
    progress.spans + spans > (limits.maxSpans ?? Infinity);
  return entries.length === 0 || !isOver;
}

function take(
  progress: Progress,
  step: Extract<ScanStep, { kind: 'record' | 'damaged' }>,
  segmentFirst: number,
): void {
  const spans = step.entry === null ? 0 : step.entry.offsets.length / OFFSET_STRIDE;
  if (step.kind === 'record') {
    progress.entries.push(step.entry);
    progress.bytes += step.entry.body.length;
    progress.spans += spans;
  } else {
    progress.damaged.push({
      reason: step.entry === null ? 'head' : 'body',
      firstSequence: progress.next,
      lastSequence: progress.next,
      segmentFirst,
      file: segmentName(segmentFirst),
      offset: step.offset,
      bytes: step.end - step.offset,
      context: step.entry?.context ?? null,
      body: step.entry?.body ?? null,
      spans,
    });
  }
  progress.next += 1;
}

function unreadableRest(
  step: Extract<ScanStep, { kind: 'torn' | 'lost' | 'end' }>,
  segmentFirst: number,
  firstSequence: number,
  lastSequence: number,
  sizeBytes: number,
): DamagedRecord {
  return {
    reason: step.kind === 'end' ? 'missing' : 'rest',
    firstSequence,
    lastSequence,
    segmentFirst,
    file: segmentName(segmentFirst),
    offset: step.offset,
    bytes: Math.max(0, sizeBytes - step.offset),
    context: null,
    body: null,
    spans: 0,
  };
}
