import { crc32 } from 'node:zlib';
import { readU64, writeU64, type JournalEnd } from './record.ts';

/** Bytes of a segment file before its first record. */
export const HEADER_BYTES = 80;

const MAGIC = Buffer.from('SPANMTRJ', 'latin1');
const VERSION = 1;
const SEQUENCE_DIGITS = 16;
const NAME = /^(\d{16})\.seg$/;

/** What a segment file says about itself. */
export interface SegmentHeader {
  readonly journalId: string;
  readonly firstSequence: number;
  /** First sequence of the segment before it, 0 for none: a missing file in between shows. */
  readonly previousFirst: number;
  readonly createdUnixMs: number;
  /** Everything appended before this segment. */
  readonly before: JournalEnd;
}

/** `<first sequence, zero padded>.seg`, so that names sort as sequences do. */
export function segmentName(firstSequence: number): string {
  return `${String(firstSequence).padStart(SEQUENCE_DIGITS, '0')}.seg`;
}

/** First sequence of a segment by its file name, or null where the name is not a segment's. */
export function firstSequenceOf(name: string): number | null {
  const digits = NAME.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}

/*
 * Header, little endian:
 *   0 magic "SPANMTRJ"   8 u32 version   12 journal UUID, 16 bytes
 *  28 u64 first sequence   36 u64 first sequence of the previous segment   44 u64 created, ms
 *  52 u64 spans before   60 u64 bytes before   68 zeros   76 u32 CRC-32 of bytes 0..76
 */
export function encodeHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(bytes, 0);
  bytes.writeUInt32LE(VERSION, 8);
  bytes.write(header.journalId.replaceAll('-', ''), 12, 'hex');
  writeU64(bytes, header.firstSequence, 28);
  writeU64(bytes, header.previousFirst, 36);
  writeU64(bytes, header.createdUnixMs, 44);
  writeU64(bytes, header.before.spans, 52);
  writeU64(bytes, header.before.bytes, 60);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, HEADER_BYTES - 4)), HEADER_BYTES - 4);
  return bytes;
}

/** Reads a header, or says in a few words why it is none. */
export function decodeHeader(bytes: Buffer): SegmentHeader | string {
  if (bytes.length < HEADER_BYTES) return 'the file is shorter than a header';
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return 'the file does not begin as a segment';
  if (crc32(bytes.subarray(0, HEADER_BYTES - 4)) !== bytes.readUInt32LE(HEADER_BYTES - 4)) {
    return 'the checksum of the header is wrong';
  }
  if (bytes.readUInt32LE(8) !== VERSION) return `format version ${bytes.readUInt32LE(8)} is not ${VERSION}`;
  const firstSequence = readU64(bytes, 28);
  return {
    journalId: formatUuid(bytes.toString('hex', 12, 28)),
    firstSequence,
    previousFirst: readU64(bytes, 36),
    createdUnixMs: readU64(bytes, 44),
    before: { sequence: firstSequence - 1, spans: readU64(bytes, 52), bytes: readU64(bytes, 60) },
  };
}

function formatUuid(hex: string): string {
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
