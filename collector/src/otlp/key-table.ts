const numberAt = (numbers: Uint32Array | Uint16Array, index: number): number => numbers[index] as number;

/** A fixed set of strings that is looked up by their UTF-8 bytes. */
export interface KeyTable {
  readonly keys: readonly string[];
  /** Open addressing: 0 for free, else 1 + index into `keys`. */
  readonly slots: Uint16Array;
  /** The UTF-8 of all keys, one behind the other; key `i` is at [starts[i], starts[i + 1]). */
  readonly encoded: DataView;
  readonly starts: Uint32Array;
}

/** Builds a table of at most 65,534 keys; of equal keys the first counts. */
export function createKeyTable(keys: readonly string[]): KeyTable {
  const starts = new Uint32Array(keys.length + 1);
  keys.forEach((key, i) => (starts[i + 1] = numberAt(starts, i) + Buffer.byteLength(key)));
  const bytes = new TextEncoder().encode(keys.join(''));
  const encoded = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let capacity = 16;
  while (capacity < keys.length * 8) capacity *= 2;
  const table: KeyTable = { keys, encoded, starts, slots: new Uint16Array(capacity) };
  keys.forEach((_, i) => {
    const start = numberAt(starts, i);
    const end = numberAt(starts, i + 1);
    if (findKey(table, encoded, start, end) >= 0) return;
    let slot = hashBytes(encoded, start, end) & (capacity - 1);
    while (table.slots[slot] !== 0) slot = (slot + 1) & (capacity - 1);
    table.slots[slot] = i + 1;
  });
  return table;
}

/** Index of the key whose bytes are in [start, end), or -1. */
export function findKey(table: KeyTable, view: DataView, start: number, end: number): number {
  const mask = table.slots.length - 1;
  for (let slot = hashBytes(view, start, end) & mask; ; slot = (slot + 1) & mask) {
    const index = numberAt(table.slots, slot) - 1;
    if (index < 0) return index;
    const from = numberAt(table.starts, index);
    const length = numberAt(table.starts, index + 1) - from;
    if (length === end - start && sameBytes(table.encoded, from, view, start, length)) return index;
  }
}

/** Whether `length` bytes are the same, four at a time. */
export function sameBytes(
  left: DataView,
  from: number,
  right: DataView,
  start: number,
  length: number,
): boolean {
  if (length < 4) {
    for (let i = 0; i < length; i++) {
      if (left.getUint8(from + i) !== right.getUint8(start + i)) return false;
    }
    return true;
  }
  for (let i = 0; i < length - 4; i += 4) {
    if (left.getInt32(from + i, true) !== right.getInt32(start + i, true)) return false;
  }
  return left.getInt32(from + length - 4, true) === right.getInt32(start + length - 4, true);
}

/**
 * A hash from the length and twelve bytes only, taken where attribute keys and names differ: it need not be
 * strong, since every hit is compared whole and the tables behind it are fixed or of one slot a hash.
 */
export function hashBytes(view: DataView, start: number, end: number): number {
  const length = end - start;
  let hash = length;
  if (length >= 4) {
    hash = Math.imul(hash, 31) + view.getInt32(end - 4, true);
    hash = Math.imul(hash, 0x01000193) ^ view.getInt32(start + ((length - 4) >>> 1), true);
    hash = Math.imul(hash, 0x01000193) ^ view.getInt32(start + ((length - 4) >>> 2), true);
  } else if (length > 0) {
    hash = Math.imul(hash, 31) + view.getUint8(start);
    hash = Math.imul(hash, 31) + view.getUint8(end - 1);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x9e3779b1);
  return (hash ^ (hash >>> 15)) >>> 0;
}
