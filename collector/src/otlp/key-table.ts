import { byteAt } from './wire.ts';

/** A fixed set of strings that is looked up by their UTF-8 bytes. */
export interface KeyTable {
  readonly keys: readonly string[];
  readonly encoded: readonly Uint8Array[];
  /** Open addressing: 0 for free, else 1 + index into `keys`. */
  readonly slots: Uint16Array;
}

/** Builds a table of at most 65,534 keys; of equal keys the first counts. */
export function createKeyTable(keys: readonly string[]): KeyTable {
  const encoder = new TextEncoder();
  const encoded = keys.map((key) => encoder.encode(key));
  let capacity = 16;
  while (capacity < keys.length * 8) capacity *= 2;
  const table: KeyTable = { keys, encoded, slots: new Uint16Array(capacity) };
  encoded.forEach((bytes, i) => {
    if (findKey(table, bytes, 0, bytes.length) >= 0) return;
    let slot = hashBytes(bytes, 0, bytes.length) & (capacity - 1);
    while (table.slots[slot] !== 0) slot = (slot + 1) & (capacity - 1);
    table.slots[slot] = i + 1;
  });
  return table;
}

/** Index of the key whose bytes are in [start, end), or -1. */
export function findKey(table: KeyTable, bytes: Uint8Array, start: number, end: number): number {
  const mask = table.slots.length - 1;
  for (let slot = hashBytes(bytes, start, end) & mask; ; slot = (slot + 1) & mask) {
    const index = (table.slots[slot] as number) - 1;
    if (index < 0 || sameBytes(table.encoded[index] as Uint8Array, bytes, start, end)) return index;
  }
}

function sameBytes(key: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  if (key.length !== end - start) return false;
  for (let i = key.length - 1; i >= 0; i--) {
    if (byteAt(key, i) !== byteAt(bytes, start + i)) return false;
  }
  return true;
}

/**
 * A hash from the length and five bytes only, chosen where attribute keys and model names differ: it need not
 * be strong, since every hit is compared whole and the tables behind it are fixed or of one slot a hash.
 */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length === 0) return 0;
  let hash = length * 31 + byteAt(bytes, start);
  hash = Math.imul(hash, 31) + byteAt(bytes, end - 1);
  if (length > 4) {
    hash = Math.imul(hash, 31) + byteAt(bytes, start + (length >>> 1));
    hash = Math.imul(hash, 31) + byteAt(bytes, end - 3);
    hash = Math.imul(hash, 31) + byteAt(bytes, start + (length >>> 2));
  }
  hash = Math.imul(hash, 0x9e3779b1);
  return (hash ^ (hash >>> 15)) >>> 0;
}
