import { hashBytes } from './key-table.ts';
import { byteAt } from './wire.ts';

/** Text of at most this many bytes is kept for re-use. */
const LONGEST_KEPT = 48;
const SLOTS = 4096;

/** Bytes to strings; a small cache gives back the same string for the names that come again and again. */
export interface TextDecoding {
  /** The last ASCII string of each hash; bounded, since a newer one takes the slot. */
  readonly slots: string[];
}

export function createTextDecoding(): TextDecoding {
  return { slots: Array.from({ length: SLOTS }, () => '') };
}

/** The text in [start, end) of the buffer; what is not UTF-8 becomes U+FFFD. */
export function decodeText(decoding: TextDecoding, buffer: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length === 0) return '';
  if (length > LONGEST_KEPT) return buffer.toString('utf8', start, end);
  const slot = hashBytes(buffer, start, end) & (SLOTS - 1);
  const kept = decoding.slots[slot] as string;
  if (sameText(kept, buffer, start, end)) return kept;
  for (let at = start; at < end; at++) {
    if (byteAt(buffer, at) > 0x7f) return buffer.toString('utf8', start, end);
  }
  const text = buffer.toString('latin1', start, end);
  decoding.slots[slot] = text;
  return text;
}

function sameText(text: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) !== byteAt(bytes, start + i)) return false;
  }
  return true;
}
