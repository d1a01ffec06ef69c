import type { AttributeValue } from '@spanmeter/processors';
import { ANY_VALUE, KEY_VALUE, VALUES } from './fields.ts';
import { decodeText, type Memory, type TextDecoding } from './text.ts';
import { byteAt, contentStart, LENGTH, skipPayload, tagValue, varintEnd } from './wire.ts';

// AnyValue { oneof 1: string, 2: bool, 3: int64 varint, 4: double, 5: ArrayValue, 6: KeyValueList, 7: bytes }
// ArrayValue { 1: AnyValue* }   KeyValueList { 1: KeyValue* }   KeyValue { 1: key, 2: AnyValue }
// All bytes here have been checked by the scan.

/** A body under decoding, in the forms its parts are read with. */
export interface Source extends Memory {
  readonly text: TextDecoding;
}

/** Where the last value of an AnyValue is. */
interface Found {
  field: number;
  payload: number;
  end: number;
}

/** The depth handed to the skipping functions: bounds were checked by the scan. */
const CHECKED = 0;

/** Answer of `decodeValue` for a value over the size limit. */
export const OVERSIZED: unique symbol = Symbol('oversized');

/**
 * The value of the AnyValue in [start, end): undefined where it holds none, OVERSIZED where the content of a
 * string, bytes, array or list is over `maxBytes`. The last one counts where several are given.
 */
export function decodeValue(
  source: Source,
  start: number,
  end: number,
  maxBytes: number,
): AttributeValue | undefined | typeof OVERSIZED {
  if (start === end) return undefined;
  const { bytes } = source;
  const payload = start + 1;
  // Nearly every value is one field with a one-byte tag, so that its end is the end of the whole.
  const field = byteAt(bytes, start) >>> 3;
  if (field === ANY_VALUE.string) {
    const length = byteAt(bytes, payload);
    const content = length < 0x80 ? payload + 1 : payload + 2;
    if (content + (length < 0x80 ? length : lengthAt(bytes, payload, content)) === end) {
      return end - content > maxBytes ? OVERSIZED : decodeText(source.text, source, content, end);
    }
  } else if (field === ANY_VALUE.array) {
    const content = contentStart(bytes, payload, end);
    if (content - payload <= 2 && content + lengthAt(bytes, payload, content) === end) {
      return end - content > maxBytes ? OVERSIZED : decodeArray(source, content, end, maxBytes);
    }
  } else if (field === ANY_VALUE.int && end - start <= 5 && varintEnd(bytes, payload, end) === end) {
    let value = 0;
    for (let at = end - 1; at >= payload; at--) value = (value << 7) | (byteAt(bytes, at) & 0x7f);
    return value;
  }
  return decodeAny(source, start, end, maxBytes);
}

/** The checked length in [position, end) of one or two bytes; one that is longer comes out too large to fit. */
function lengthAt(bytes: Uint8Array, position: number, end: number): number {
  const first = byteAt(bytes, position);
  return end - position === 1 ? first : (first & 0x7f) | (byteAt(bytes, position + 1) << 7);
}

function decodeAny(
  source: Source,
  start: number,
  end: number,
  maxBytes: number,
): AttributeValue | undefined | typeof OVERSIZED {
  const { bytes } = source;
  const found: Found = { field: 0, payload: 0, end: 0 };
  let at = start;
  while (at < end) {
    const payload = varintEnd(bytes, at, end);
    const tag = tagValue(bytes, at, payload);
    at = skipPayload(bytes, payload, end, tag, CHECKED);
    if (tag >>> 3 > ANY_VALUE.bytes) continue;
    found.field = tag >>> 3;
    found.payload = (tag & 7) === LENGTH ? contentStart(bytes, payload, end) : payload;
    found.end = at;
  }
  const sized = found.field === ANY_VALUE.string || found.field >= ANY_VALUE.array;
  if (sized && found.end - found.payload > maxBytes) return OVERSIZED;
  return decodeFound(source, found, maxBytes);
}

function decodeFound(source: Source, found: Found, maxBytes: number): AttributeValue | undefined {
  const { payload, end } = found;
  switch (found.field) {
    case ANY_VALUE.string:
      return decodeText(source.text, source, payload, end);
    case ANY_VALUE.bool:
      return decodeInt64(source.bytes, payload, end) !== 0;
    case ANY_VALUE.int:
      return decodeInt64(source.bytes, payload, end);
    case ANY_VALUE.double:
      return source.view.getFloat64(payload, true);
    case ANY_VALUE.array:
      return decodeArray(source, payload, end, maxBytes);
    case ANY_VALUE.kvlist:
      return decodeList(source, payload, end, maxBytes);
    case ANY_VALUE.bytes:
      return source.bytes.slice(payload, end);
    default:
      return undefined;
  }
}

/** The signed varint in [start, end): a number where it is a safe integer, else a bigint. */
export function decodeInt64(bytes: Uint8Array, start: number, end: number): number | bigint {
  if (end - start <= 7) {
    let value = 0;
    for (let at = end - 1; at >= start; at--) value = value * 128 + (byteAt(bytes, at) & 0x7f);
    return value;
  }
  let wide = 0n;
  for (let at = end - 1; at >= start; at--) wide = (wide << 7n) | BigInt(byteAt(bytes, at) & 0x7f);
  wide = BigInt.asIntN(64, wide);
  const value = Number(wide);
  return Number.isSafeInteger(value) ? value : wide;
}

function decodeArray(source: Source, start: number, end: number, maxBytes: number): AttributeValue[] {
  const values: AttributeValue[] = [];
  let at = start;
  while (at < end) {
    const payload = varintEnd(source.bytes, at, end);
    const tag = tagValue(source.bytes, at, payload);
    at = skipPayload(source.bytes, payload, end, tag, CHECKED);
    if (tag >>> 3 !== VALUES.values) continue;
    const value = decodeValue(source, contentStart(source.bytes, payload, end), at, maxBytes);
    if (value !== undefined && value !== OVERSIZED) values.push(value);
  }
  return values;
}

function decodeList(
  source: Source,
  start: number,
  end: number,
  maxBytes: number,
): ReadonlyMap<string, AttributeValue> {
  const entries = new Map<string, AttributeValue>();
  const place: KeyValuePlace = { keyStart: 0, keyEnd: 0, valueStart: 0, valueEnd: 0 };
  let at = start;
  while (at < end) {
    const payload = varintEnd(source.bytes, at, end);
    const tag = tagValue(source.bytes, at, payload);
    at = skipPayload(source.bytes, payload, end, tag, CHECKED);
    if (tag >>> 3 !== VALUES.values) continue;
    findKeyValue(source.bytes, contentStart(source.bytes, payload, end), at, place);
    const key = decodeText(source.text, source, place.keyStart, place.keyEnd);
    const value = decodeValue(source, place.valueStart, place.valueEnd, maxBytes);
    if (value !== undefined && value !== OVERSIZED) entries.set(key, value);
  }
  return entries;
}

/** Where key and value of a KeyValue are. */
export interface KeyValuePlace {
  keyStart: number;
  keyEnd: number;
  valueStart: number;
  valueEnd: number;
}

const KEY_TAG = (KEY_VALUE.key << 3) | LENGTH;
const VALUE_TAG = (KEY_VALUE.value << 3) | LENGTH;

/** Finds key and value of the checked KeyValue in [start, end); an absent one gets an empty range. */
export function findKeyValue(bytes: Uint8Array, start: number, end: number, place: KeyValuePlace): void {
  if (end - start >= 4 && byteAt(bytes, start) === KEY_TAG) {
    const keyLength = byteAt(bytes, start + 1);
    const keyEnd = start + 2 + keyLength;
    if (keyLength < 0x80 && keyEnd + 2 <= end && byteAt(bytes, keyEnd) === VALUE_TAG) {
      const length = byteAt(bytes, keyEnd + 1);
      const value = length < 0x80 ? keyEnd + 2 : keyEnd + 3;
      if (value + (length < 0x80 ? length : lengthAt(bytes, keyEnd + 1, value)) === end) {
        place.keyStart = start + 2;
        place.keyEnd = keyEnd;
        place.valueStart = value;
        place.valueEnd = end;
        return;
      }
    }
  }
  findAnyKeyValue(bytes, start, end, place);
}

function findAnyKeyValue(bytes: Uint8Array, start: number, end: number, place: KeyValuePlace): void {
  place.keyStart = place.keyEnd = place.valueStart = place.valueEnd = start;
  let at = start;
  while (at < end) {
    const payload = varintEnd(bytes, at, end);
    const tag = tagValue(bytes, at, payload);
    at = skipPayload(bytes, payload, end, tag, CHECKED);
    if (tag === KEY_TAG) {
      place.keyStart = contentStart(bytes, payload, end);
      place.keyEnd = at;
    } else if (tag === VALUE_TAG) {
      place.valueStart = contentStart(bytes, payload, end);
      place.valueEnd = at;
    }
  }
}
