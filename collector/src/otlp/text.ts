import { hashBytes, sameBytes } from './key-table.ts';
import { byteAt } from './wire.ts';

/** Text of at most this many bytes is kept for re-use. */
const LONGEST_KEPT = 48;
const SLOTS = 4096;

/** Bytes to strings; a small cache gives back the same string for the names that come again and again. */
export interface TextDecoding {
  /** One string for each hash, only ASCII; bounded, since a newer one takes the slot. */
  readonly texts: string[];
  /** The bytes of each, LONGEST_KEPT apart. */
  readonly encoded: Uint8Array;
  readonly encodedView: DataView;
}

/** One piece of memory in the three forms that its parts are read with. */
export interface Memory {
  readonly bytes: Uint8Array;
  readonly buffer: Buffer;
  readonly view: DataView;
}

export function createTextDecoding(): TextDecoding {
  const encoded = new Uint8Array(SLOTS * LONGEST_KEPT);
  return {
    texts: Array.from({ length: SLOTS }, () => ''),
    encoded,
    encodedView: new DataView(encoded.buffer),
  };
}

/** The text in [start, end); what is not UTF-8 becomes U+FFFD. */
export function decodeText(decoding: TextDecoding, memory: Memory, start: number, end: number): string {
  const length = end - start;
  if (length === 0) return '';
  if (length > LONGEST_KEPT) return memory.buffer.toString('utf8', start, end);
  const slot = hashBytes(memory.view, start, end) & (SLOTS - 1);
  const kept = decoding.texts[slot] as string;
  const from = slot * LONGEST_KEPT;
  if (kept.length === length && sameBytes(decoding.encodedView, from, memory.view, start, length))
    return kept;
  return keepText(decoding, memory, start, end, slot);
}

function keepText(decoding: TextDecoding, memory: Memory, start: number, end: number, slot: number): string {
  const { bytes } = memory;
  const { encoded } = decoding;
  const from = slot * LONGEST_KEPT;
  let all = 0;
  for (let at = start, to = from; at < end; at++, to++) {
    const byte = byteAt(bytes, at);
    encoded[to] = byte;
    all |= byte;
  }
  if (all > 0x7f) {
    decoding.texts[slot] = '';
    return memory.buffer.toString('utf8', start, end);
  }
  const text = memory.buffer.toString('latin1', start, end);
  decoding.texts[slot] = text;
  return text;
}

const DIGITS = Uint8Array.from({ length: 512 }, (_, i) => {
  const digit = i % 2 === 0 ? i >>> 5 : (i >>> 1) & 15;
  return digit < 10 ? 48 + digit : 87 + digit;
});

/** Eight bytes as 16 lower-case hex digits. */
export function hexOf8(bytes: Uint8Array, at: number): string {
  const a = byteAt(bytes, at) * 2;
  const b = byteAt(bytes, at + 1) * 2;
  const c = byteAt(bytes, at + 2) * 2;
  const d = byteAt(bytes, at + 3) * 2;
  const e = byteAt(bytes, at + 4) * 2;
  const f = byteAt(bytes, at + 5) * 2;
  const g = byteAt(bytes, at + 6) * 2;
  const h = byteAt(bytes, at + 7) * 2;
  // One call with all digits makes a flat string in a third of the time of Buffer's toString.
  return String.fromCharCode(
    byteAt(DIGITS, a),
    byteAt(DIGITS, a + 1),
    byteAt(DIGITS, b),
    byteAt(DIGITS, b + 1),
    byteAt(DIGITS, c),
    byteAt(DIGITS, c + 1),
    byteAt(DIGITS, d),
    byteAt(DIGITS, d + 1),
    byteAt(DIGITS, e),
    byteAt(DIGITS, e + 1),
    byteAt(DIGITS, f),
    byteAt(DIGITS, f + 1),
    byteAt(DIGITS, g),
    byteAt(DIGITS, g + 1),
    byteAt(DIGITS, h),
    byteAt(DIGITS, h + 1),
  );
}
