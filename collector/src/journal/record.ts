import { crc32 } from 'node:zlib';
import type { RecordContext, Role } from '@spanmeter/processors';
import { OFFSET_STRIDE, type JournalEntry, type JournalRecord } from '../pipeline/entry.ts';

/** A record read back, with what was appended to its journal up to and including it. */
export interface StoredEntry extends JournalEntry {
  /** GenAI spans since the journal was created. */
  readonly spansThrough: number;
  /** Bytes of records since the journal was created. */
  readonly bytesThrough: number;
}

/** Where a journal ends, as counted since it was created. Zeros for a new journal. */
export interface JournalEnd {
  /** Sequence of the last durable record. */
  readonly sequence: number;
  /** GenAI spans up to there. */
  readonly spans: number;
  /** Bytes of records up to there. */
  readonly bytes: number;
}

export const EMPTY_END: JournalEnd = { sequence: 0, spans: 0, bytes: 0 };

/** End of a journal whose last record is `entry`. */
export function endAfter(entry: {
  sequence: number;
  spansThrough: number;
  bytesThrough: number;
}): JournalEnd {
  return { sequence: entry.sequence, spans: entry.spansThrough, bytes: entry.bytesThrough };
}

/** Bytes before the head: length, head length, CRC of the head, CRC of the body. */
export const PREFIX_BYTES = 16;

/** More than any accepted request becomes; a longer record is damage. */
export const MAX_RECORD_BYTES = 0x2000_0000;

const FIXED_HEAD_BYTES = 40;
const NO_TEXT = 0xffff;
const MAX_TEXT_BYTES = NO_TEXT - 1;
const TRACES = 1;
const ROLES: readonly Role[] = ['open', 'ingest', 'gateway', 'read', 'admin'];

/** The part of a record's prefix that says how long it is. */
export interface RecordPrefix {
  /** Bytes of head and body together. */
  readonly lengthBytes: number;
  readonly headBytes: number;
  readonly headCrc: number;
  readonly bodyCrc: number;
}

/** A record on its way to the disk: everything but its sequence is known. */
export class PendingFrame {
  readonly body: Uint8Array;
  readonly spans: number;
  /** Bytes on disk. */
  readonly bytes: number;
  readonly #head: Buffer;
  readonly #bodyCrc: number;

  constructor(record: JournalRecord) {
    this.body = record.body;
    this.spans = record.offsets.length / OFFSET_STRIDE;
    this.#head = encodeHead(record);
    this.#bodyCrc = crc32(record.body);
    this.bytes = PREFIX_BYTES + this.#head.length + record.body.length;
  }

  /** Prefix and head, final once the place in the journal is known; the body follows them. */
  seal(through: JournalEnd): Uint8Array {
    const head = this.#head;
    writeU64(head, through.sequence, 0);
    writeU64(head, through.spans, 16);
    writeU64(head, through.bytes, 24);
    const prefix = Buffer.allocUnsafe(PREFIX_BYTES);
    prefix.writeUInt32LE(head.length + this.body.length, 0);
    prefix.writeUInt32LE(head.length, 4);
    prefix.writeUInt32LE(headCrc(prefix, head), 8);
    prefix.writeUInt32LE(this.#bodyCrc, 12);
    return Buffer.concat([prefix, head]);
  }
}

/*
 * Head, little endian:
 *   0 u64 sequence          8 u64 received, ms since the epoch
 *  16 u64 spans through    24 u64 bytes through
 *  32 u32 all spans        36 u8 signal (1 traces)   37 u8 role   38 u16 zero
 *  40 tenant, declared tenant, key id, team: each u16 length (0xffff: null) and UTF-8
 *     u32 count of offsets, then that many u32
 */
function encodeHead(record: JournalRecord): Buffer {
  const { context, offsets } = record;
  const texts = [context.tenant, context.declaredTenant, context.keyId, context.team].map(encodeText);
  const textBytes = texts.reduce((sum, text) => sum + 2 + (text?.length ?? 0), 0);
  const head = Buffer.alloc(FIXED_HEAD_BYTES + textBytes + 4 + offsets.length * 4);
  writeU64(head, Math.max(0, Math.floor(context.receivedUnixMs)), 8);
  head.writeUInt32LE(record.totalSpans, 32);
  head[36] = TRACES;
  head[37] = ROLES.indexOf(context.role);
  let at = FIXED_HEAD_BYTES;
  for (const text of texts) {
    at = head.writeUInt16LE(text?.length ?? NO_TEXT, at);
    if (text !== null) at += text.copy(head, at);
  }
  at = head.writeUInt32LE(offsets.length, at);
  for (const offset of offsets) at = head.writeUInt32LE(offset, at);
  return head;
}

function encodeText(text: string | null): Buffer | null {
  if (text === null) return null;
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= MAX_TEXT_BYTES) return bytes;
  // Names this long are cut further on anyway; cutting between bytes leaves at most one replacement character.
  return bytes.subarray(0, MAX_TEXT_BYTES);
}

/** The prefix at `at`, or null where its lengths cannot be a record's. */
export function readPrefix(bytes: Buffer, at: number): RecordPrefix | null {
  const lengthBytes = bytes.readUInt32LE(at);
  const headBytes = bytes.readUInt32LE(at + 4);
  const plausible =
    lengthBytes <= MAX_RECORD_BYTES && headBytes >= FIXED_HEAD_BYTES + 12 && headBytes <= lengthBytes;
  if (!plausible) return null;
  return {
    lengthBytes,
    headBytes,
    headCrc: bytes.readUInt32LE(at + 8),
    bodyCrc: bytes.readUInt32LE(at + 12),
  };
}

/** Whether the head that follows the prefix at `at` is what was written. */
export function headIsSound(bytes: Buffer, at: number, prefix: RecordPrefix): boolean {
  const start = at + PREFIX_BYTES;
  return (
    headCrc(bytes.subarray(at, start), bytes.subarray(start, start + prefix.headBytes)) === prefix.headCrc
  );
}

/** Sequence of the record at `at`; only meaningful where its head is sound. */
export function readSequence(bytes: Buffer, at: number): number {
  return readU64(bytes, at + PREFIX_BYTES);
}

/** Reads the record at `at`, whose head is sound; the body is a view of `bytes`. Null where the body is damaged. */
export function decodeFrame(
  bytes: Buffer,
  at: number,
  prefix: RecordPrefix,
): { entry: StoredEntry; bodyIsSound: boolean } {
  const headStart = at + PREFIX_BYTES;
  const bodyStart = headStart + prefix.headBytes;
  const head = bytes.subarray(headStart, bodyStart);
  const body = bytes.subarray(bodyStart, headStart + prefix.lengthBytes);
  const { texts, end } = decodeTexts(head);
  const count = head.readUInt32LE(end);
  const offsets = new Uint32Array(count);
  for (let i = 0; i < count; i += 1) offsets[i] = head.readUInt32LE(end + 4 + i * 4);
  const context: RecordContext = {
    receivedUnixMs: readU64(head, 8),
    role: ROLES[head.readUInt8(37)] ?? 'ingest',
    tenant: texts[0] ?? null,
    declaredTenant: texts[1] ?? null,
    keyId: texts[2] ?? null,
    team: texts[3] ?? null,
  };
  const entry: StoredEntry = {
    sequence: readU64(head, 0),
    signal: 'traces',
    context,
    body,
    offsets,
    totalSpans: head.readUInt32LE(32),
    spansThrough: readU64(head, 16),
    bytesThrough: readU64(head, 24),
  };
  return { entry, bodyIsSound: crc32(body) === prefix.bodyCrc };
}

function decodeTexts(head: Buffer): { texts: (string | null)[]; end: number } {
  const texts: (string | null)[] = [];
  let at = FIXED_HEAD_BYTES;
  for (let i = 0; i < 4; i += 1) {
    const length = head.readUInt16LE(at);
    at += 2;
    texts.push(length === NO_TEXT ? null : head.toString('utf8', at, at + length));
    if (length !== NO_TEXT) at += length;
  }
  return { texts, end: at };
}

/** CRC-32 of the two lengths and the head, so that a sound head also vouches for where the record ends. */
function headCrc(prefix: Uint8Array, head: Uint8Array): number {
  return crc32(head, crc32(prefix.subarray(0, 8)));
}

/** Writes an integer below 2^53 as u64, little endian. */
export function writeU64(into: Buffer, value: number, at: number): void {
  into.writeUInt32LE(value % 0x1_0000_0000, at);
  into.writeUInt32LE(Math.floor(value / 0x1_0000_0000), at + 4);
}

export function readU64(from: Buffer, at: number): number {
  return from.readUInt32LE(at + 4) * 0x1_0000_0000 + from.readUInt32LE(at);
}
