import type { DiskFile } from './disk.ts';
import {
  decodeFrame,
  headIsSound,
  PREFIX_BYTES,
  readPrefix,
  readSequence,
  type RecordPrefix,
  type StoredEntry,
} from './record.ts';

/** What is at one place of a segment. `end` is where the next record begins. */
export type ScanStep =
  | { readonly kind: 'record'; readonly entry: StoredEntry; readonly offset: number; readonly end: number }
  /** One record whose place is certain but whose bytes are not; `entry` where its head is sound. */
  | {
      readonly kind: 'damaged';
      readonly entry: StoredEntry | null;
      readonly offset: number;
      readonly end: number;
    }
  /** The file ends within a record. */
  | { readonly kind: 'torn'; readonly offset: number }
  /** Nothing after `offset` can be told apart: a length or a sequence makes no sense. */
  | { readonly kind: 'lost'; readonly offset: number }
  | { readonly kind: 'end'; readonly offset: number };

/** Where a scan begins and how it reads. */
export interface ScanStart {
  readonly offset: number;
  /** Sequence expected at `offset`. */
  readonly sequence: number;
  readonly sizeBytes: number;
  readonly windowBytes: number;
}

/** Walks the records of one segment in order. Bodies are views of its read windows, never copies. */
export class SegmentScan {
  readonly #file: DiskFile;
  readonly #sizeBytes: number;
  readonly #windowBytes: number;
  #offset: number;
  #expected: number;
  #window: Buffer = Buffer.alloc(0);
  #windowStart = 0;

  constructor(file: DiskFile, start: ScanStart) {
    this.#file = file;
    this.#sizeBytes = start.sizeBytes;
    this.#windowBytes = start.windowBytes;
    this.#offset = start.offset;
    this.#expected = start.sequence;
  }

  /** Reads what comes next and moves behind it; at `torn`, `lost` and `end` it stays. */
  async next(): Promise<ScanStep> {
    const offset = this.#offset;
    if (offset >= this.#sizeBytes) return { kind: 'end', offset };
    if (!(await this.#load(offset, PREFIX_BYTES))) return { kind: 'torn', offset };
    const prefix = readPrefix(this.#window, offset - this.#windowStart);
    if (prefix === null) return { kind: 'lost', offset };
    const end = offset + PREFIX_BYTES + prefix.lengthBytes;
    if (!(await this.#load(offset, end - offset))) return { kind: 'torn', offset };
    const at = offset - this.#windowStart;
    if (!headIsSound(this.#window, at, prefix)) return this.#skipUnreadableHead(offset, end);
    if (readSequence(this.#window, at) !== this.#expected) return { kind: 'lost', offset };
    return this.#take(at, prefix, offset, end);
  }

  #take(at: number, prefix: RecordPrefix, offset: number, end: number): ScanStep {
    let frame;
    try {
      frame = decodeFrame(this.#window, at, prefix);
    } catch {
      return { kind: 'lost', offset };
    }
    const { entry, bodyIsSound } = frame;
    this.#moveTo(end);
    return bodyIsSound ? { kind: 'record', entry, offset, end } : { kind: 'damaged', entry, offset, end };
  }

  /** A bad head makes its length doubtful; only a sound head with the next sequence right behind it proves it. */
  async #skipUnreadableHead(offset: number, end: number): Promise<ScanStep> {
    if (end !== this.#sizeBytes && !(await this.#soundHeadAt(end, this.#expected + 1))) {
      return { kind: 'lost', offset };
    }
    this.#moveTo(end);
    return { kind: 'damaged', entry: null, offset, end };
  }

  async #soundHeadAt(offset: number, sequence: number): Promise<boolean> {
    if (!(await this.#load(offset, PREFIX_BYTES))) return false;
    const prefix = readPrefix(this.#window, offset - this.#windowStart);
    if (prefix === null || !(await this.#load(offset, PREFIX_BYTES + prefix.headBytes))) return false;
    const at = offset - this.#windowStart;
    return headIsSound(this.#window, at, prefix) && readSequence(this.#window, at) === sequence;
  }

  #moveTo(offset: number): void {
    this.#offset = offset;
    this.#expected += 1;
  }

  /** Makes the window cover `[offset, offset + bytes)`; false where the file ends before. */
  async #load(offset: number, bytes: number): Promise<boolean> {
    if (offset + bytes > this.#sizeBytes) return false;
    const loaded = offset >= this.#windowStart && offset + bytes <= this.#windowStart + this.#window.length;
    if (loaded) return true;
    const size = Math.min(Math.max(bytes, this.#windowBytes), this.#sizeBytes - offset);
    // A window of its own each time: entries keep views of the ones before.
    const window = Buffer.allocUnsafeSlow(size);
    const filled = await this.#file.read(window, offset);
    this.#window = filled === size ? window : window.subarray(0, filled);
    this.#windowStart = offset;
    return filled >= bytes;
  }
}
