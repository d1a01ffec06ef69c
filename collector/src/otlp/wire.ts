import { Refusal } from '../pipeline/refusal.ts';

// Protobuf wire format:
//   message = { tag payload }          tag = varint of (field number << 3 | wire type), field number >= 1
//   payload = varint                   wire type 0: 7 bits a byte, lowest first, at most 10 bytes
//           | 8 bytes                  wire type 1: fixed64, double, little-endian
//           | varint(n) n bytes        wire type 2: string, bytes, message
//           | { tag payload } end-tag  wire types 3 and 4: a group, never written today, skipped where unknown
//           | 4 bytes                  wire type 5: fixed32

export const VARINT = 0;
export const FIXED64 = 1;
export const LENGTH = 2;
export const GROUP_START = 3;
export const GROUP_END = 4;
export const FIXED32 = 5;

/** Deepest nesting of messages and groups that is read, the request itself included; as C++ and Java parsers. */
export const MAX_DEPTH = 100;

/** The refusal for bytes that are not the protobuf they should be; `position` counts from the body's start. */
export function malformed(position: number, what: string): Refusal {
  return new Refusal('invalid', `malformed protobuf at byte ${position}: ${what}`);
}

/** The byte at a position that the caller has checked to be inside. */
export function byteAt(bytes: Uint8Array, position: number): number {
  return bytes[position] as number;
}

/**
 * Position after the varint at `position`. Throws Refusal `invalid` when it runs over `end` or over 64 bits
 * (more than ten bytes, or a tenth byte above 1).
 */
export function varintEnd(bytes: Uint8Array, position: number, end: number): number {
  const last = Math.min(end, position + 10);
  for (let at = position; at < last; at++) {
    if (byteAt(bytes, at) < 0x80) {
      if (at === position + 9 && byteAt(bytes, at) > 1) throw malformed(position, 'a varint over 64 bits');
      return at + 1;
    }
  }
  throw malformed(position, last === end ? 'a varint cut short' : 'a varint over ten bytes');
}

/** Value of the checked varint in [position, end); exact up to 2^53, so good for tags and lengths. */
export function varintValue(bytes: Uint8Array, position: number, end: number): number {
  if (end - position <= 4) {
    let value = 0;
    for (let at = position, shift = 0; at < end; at++, shift += 7) {
      value |= (byteAt(bytes, at) & 0x7f) << shift;
    }
    return value;
  }
  let value = 0;
  for (let at = end - 1; at >= position; at--) value = value * 128 + (byteAt(bytes, at) & 0x7f);
  return value;
}

/**
 * The tag (`field << 3 | wire type`) of the checked varint in [position, end). Throws Refusal `invalid`, also
 * for one of over five bytes, which not every parser behind us would read.
 */
export function tagValue(bytes: Uint8Array, position: number, end: number): number {
  const tag = end - position <= 5 ? varintValue(bytes, position, end) : Infinity;
  if (tag > 0xffffffff) throw malformed(position, 'a field number over 29 bits');
  if (tag < 8) throw malformed(position, 'field number 0');
  return tag;
}

/** Start of the content of a length-delimited field whose length starts at `position`. */
export function contentStart(bytes: Uint8Array, position: number, end: number): number {
  return position < end && byteAt(bytes, position) < 0x80 ? position + 1 : varintEnd(bytes, position, end);
}

/** End of the content that starts at `start`; its length is in [position, start). Throws when it is over `end`. */
export function contentEnd(bytes: Uint8Array, position: number, start: number, end: number): number {
  const length = start - position === 1 ? byteAt(bytes, position) : varintValue(bytes, position, start);
  if (length > end - start) {
    throw malformed(position, `a field of ${length} bytes where ${end - start} are left`);
  }
  return start + length;
}

/**
 * Position after the payload at `position` of a field with this tag. Groups are skipped whole; an end tag
 * that closes nothing is refused. `depth` is the nesting of the message around. Throws Refusal `invalid`.
 */
export function skipPayload(
  bytes: Uint8Array,
  position: number,
  end: number,
  tag: number,
  depth: number,
): number {
  switch (tag & 7) {
    case VARINT:
      return varintEnd(bytes, position, end);
    case FIXED64:
      return skipFixed(position, end, 8);
    case LENGTH: {
      const start = contentStart(bytes, position, end);
      return contentEnd(bytes, position, start, end);
    }
    case GROUP_START:
      return skipGroup(bytes, position, end, tag >>> 3, depth + 1);
    case FIXED32:
      return skipFixed(position, end, 4);
    case GROUP_END:
      throw malformed(position, 'the end of a group that never began');
    default:
      throw malformed(position, `wire type ${tag & 7}`);
  }
}

function skipFixed(position: number, end: number, size: number): number {
  if (end - position < size) throw malformed(position, `${size} bytes where ${end - position} are left`);
  return position + size;
}

function skipGroup(bytes: Uint8Array, position: number, end: number, field: number, depth: number): number {
  if (depth > MAX_DEPTH) throw malformed(position, `nested over ${MAX_DEPTH} levels deep`);
  let at = position;
  while (at < end) {
    const payload = varintEnd(bytes, at, end);
    const tag = tagValue(bytes, at, payload);
    if ((tag & 7) === GROUP_END) {
      if (tag >>> 3 !== field) throw malformed(at, 'the end of another group');
      return payload;
    }
    at = skipPayload(bytes, payload, end, tag, depth);
  }
  throw malformed(position, 'a group cut short');
}

/** Bytes that a varint of this value takes; `value` is a whole number from 0 to 2^53 - 1. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Writes `value` (0 to 2^53 - 1) as the shortest varint; answers the position after it. */
export function writeVarint(target: Uint8Array, position: number, value: number): number {
  let at = position;
  let rest = value;
  while (rest >= 0x80) {
    target[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  target[at++] = rest;
  return at;
}

/**
 * Where the length of the length-delimited content at `start` begins. A tag's last byte is below 0x80 and so
 * is a length's last byte, hence the bytes in front tell it, however long either was written.
 */
export function lengthStart(bytes: Uint8Array, start: number): number {
  let at = start - 1;
  while (at > 0 && byteAt(bytes, at - 1) >= 0x80) at--;
  return at;
}

/** The same bytes as a plain Uint8Array, since mixing Buffer and Uint8Array slows the hot loops down. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return bytes.constructor === Uint8Array
    ? bytes
    : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The same bytes as a Buffer, for its text decoders. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
