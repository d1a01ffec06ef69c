import { ANY_VALUE, ENTITY_REF, EVENT, KEY_VALUE, LINK, RESOURCE, SCOPE, STATUS, VALUES } from './fields.ts';
import { hasPrefix, NO_PREFIXES, type KeyPrefixes } from './key-prefixes.ts';
import {
  byteAt,
  contentEnd,
  contentStart,
  FIXED32,
  FIXED64,
  LENGTH,
  malformed,
  MAX_DEPTH,
  skipPayload,
  tagValue,
  VARINT,
  varintEnd,
} from './wire.ts';

// Framing of what is inside a span, a resource and a scope. A known field must have its wire type; an unknown
// field is skipped. Whether text is UTF-8 is not looked at.

/** Checks the content of one message in [start, end); `depth` is its nesting, the request being 1. */
export type Check = (bytes: Uint8Array, start: number, end: number, depth: number) => void;

/** The wire types that a message's known fields must have, and how to check those that are messages. */
export interface Shape {
  readonly name: string;
  /** By field number; ANY_WIRE where the field is unknown. */
  readonly wires: Uint8Array;
  readonly children: readonly (Check | undefined)[];
}

const ANY_WIRE = 255;

/** Declares a message: [field number, wire type, check of its content]. */
export function shape(
  name: string,
  fields: readonly (readonly [number, number] | readonly [number, number, Check])[],
): Shape {
  const wires = new Uint8Array(17).fill(ANY_WIRE);
  const children: (Check | undefined)[] = Array.from({ length: 17 }, () => undefined);
  for (const [field, wire, check] of fields) {
    wires[field] = wire;
    children[field] = check;
  }
  return { name, wires, children };
}

/** Throws Refusal `invalid` when a known field comes with another wire type than its own. */
export function checkWire(message: Shape, position: number, tag: number): void {
  const expected = message.wires[tag >>> 3] ?? ANY_WIRE;
  if (expected === ANY_WIRE || expected === (tag & 7)) return;
  throw malformed(
    position,
    `field ${tag >>> 3} of ${message.name} has wire type ${tag & 7}, not ${expected}; is this another signal?`,
  );
}

/** Checks a message of this shape and all below it. Throws Refusal `invalid`. */
export function checkMessage(
  message: Shape,
  bytes: Uint8Array,
  start: number,
  end: number,
  depth: number,
): void {
  if (depth > MAX_DEPTH) throw malformed(start, `nested over ${MAX_DEPTH} levels deep`);
  let at = start;
  while (at < end) {
    const payload = varintEnd(bytes, at, end);
    const tag = tagValue(bytes, at, payload);
    checkWire(message, at, tag);
    at = checkField(message, bytes, payload, end, tag, depth);
  }
}

/** Checks the payload of one field and answers the position after it. Throws Refusal `invalid`. */
export function checkField(
  message: Shape,
  bytes: Uint8Array,
  payload: number,
  end: number,
  tag: number,
  depth: number,
): number {
  const child = message.children[tag >>> 3];
  if (child === undefined || (tag & 7) !== LENGTH) return skipPayload(bytes, payload, end, tag, depth);
  const start = contentStart(bytes, payload, end);
  const stop = contentEnd(bytes, payload, start, end);
  child(bytes, start, stop, depth + 1);
  return stop;
}

const checkKeyValue: Check = (bytes, start, end, depth) => {
  keyMatches(bytes, start, end, depth, NO_PREFIXES);
};

const checkAnyValue: Check = (bytes, start, end, depth) => {
  checkMessage(ANY_VALUE_SHAPE, bytes, start, end, depth);
};

const ARRAY_SHAPE = shape('ArrayValue', [[VALUES.values, LENGTH, checkAnyValue]]);
const KVLIST_SHAPE = shape('KeyValueList', [[VALUES.values, LENGTH, checkKeyValue]]);

const ANY_VALUE_SHAPE: Shape = shape('AnyValue', [
  [ANY_VALUE.string, LENGTH],
  [ANY_VALUE.bool, VARINT],
  [ANY_VALUE.int, VARINT],
  [ANY_VALUE.double, FIXED64],
  [ANY_VALUE.array, LENGTH, checkAs(ARRAY_SHAPE)],
  [ANY_VALUE.kvlist, LENGTH, checkAs(KVLIST_SHAPE)],
  [ANY_VALUE.bytes, LENGTH],
  [ANY_VALUE.stringStrindex, VARINT],
]);

const KEY_VALUE_SHAPE = shape('KeyValue', [
  [KEY_VALUE.key, LENGTH],
  [KEY_VALUE.value, LENGTH, checkAnyValue],
  [KEY_VALUE.keyStrindex, VARINT],
]);

const ENTITY_REF_SHAPE = shape('EntityRef', [
  [ENTITY_REF.schemaUrl, LENGTH],
  [ENTITY_REF.type, LENGTH],
  [ENTITY_REF.idKeys, LENGTH],
  [ENTITY_REF.descriptionKeys, LENGTH],
]);

function checkAs(message: Shape): Check {
  return (bytes, start, end, depth) => {
    checkMessage(message, bytes, start, end, depth);
  };
}

export const checkResource: Check = checkAs(
  shape('Resource', [
    [RESOURCE.attributes, LENGTH, checkKeyValue],
    [RESOURCE.droppedAttributesCount, VARINT],
    [RESOURCE.entityRefs, LENGTH, checkAs(ENTITY_REF_SHAPE)],
  ]),
);

export const checkScope: Check = checkAs(
  shape('InstrumentationScope', [
    [SCOPE.name, LENGTH],
    [SCOPE.version, LENGTH],
    [SCOPE.attributes, LENGTH, checkKeyValue],
    [SCOPE.droppedAttributesCount, VARINT],
  ]),
);

export const checkEvent: Check = checkAs(
  shape('Event', [
    [EVENT.timeUnixNano, FIXED64],
    [EVENT.name, LENGTH],
    [EVENT.attributes, LENGTH, checkKeyValue],
    [EVENT.droppedAttributesCount, VARINT],
  ]),
);

export const checkLink: Check = checkAs(
  shape('Link', [
    [LINK.traceId, LENGTH],
    [LINK.spanId, LENGTH],
    [LINK.traceState, LENGTH],
    [LINK.attributes, LENGTH, checkKeyValue],
    [LINK.droppedAttributesCount, VARINT],
    [LINK.flags, FIXED32],
  ]),
);

export const checkStatus: Check = checkAs(
  shape('Status', [
    [STATUS.message, LENGTH],
    [STATUS.code, VARINT],
  ]),
);

const KEY_TAG = (KEY_VALUE.key << 3) | LENGTH;
const VALUE_TAG = (KEY_VALUE.value << 3) | LENGTH;
const STRING_TAG = (ANY_VALUE.string << 3) | LENGTH;
const BOOL_TAG = (ANY_VALUE.bool << 3) | VARINT;
const INT_TAG = (ANY_VALUE.int << 3) | VARINT;
const DOUBLE_TAG = (ANY_VALUE.double << 3) | FIXED64;

/**
 * Checks one KeyValue completely and answers whether its key starts with one of the prefixes.
 * The hottest loop of the door: it takes what every encoder writes (key, then value, short lengths, a scalar)
 * without a call; all else goes the long way.
 */
export function keyMatches(
  bytes: Uint8Array,
  start: number,
  end: number,
  depth: number,
  prefixes: KeyPrefixes,
): boolean {
  if (end - start < 6 || byteAt(bytes, start) !== KEY_TAG) {
    return anyKeyMatches(bytes, start, end, depth, prefixes);
  }
  const keyStart = start + 2;
  const keyEnd = keyStart + byteAt(bytes, start + 1);
  if (keyEnd + 4 > end || byteAt(bytes, start + 1) > 0x7f || byteAt(bytes, keyEnd) !== VALUE_TAG) {
    return anyKeyMatches(bytes, start, end, depth, prefixes);
  }
  // Either length takes one byte, or both take two.
  const long = byteAt(bytes, keyEnd + 1) > 0x7f ? 1 : 0;
  const value = keyEnd + 2 + long;
  const tag = byteAt(bytes, value);
  const first = byteAt(bytes, value + 1);
  const fits = value + shortLength(bytes, keyEnd + 1) === end;
  let plain = false;
  if (tag === STRING_TAG) {
    plain = value + 2 + (first > 0x7f ? 1 : 0) + shortLength(bytes, value + 1) === end;
  } else if (tag === INT_TAG || tag === BOOL_TAG) {
    plain = first < 0x80 ? value + 2 === end : endsVarint(bytes, value + 1, end);
  } else if (tag === DOUBLE_TAG) {
    plain = value + 9 === end;
  }
  if (!fits || !plain) return anyKeyMatches(bytes, start, end, depth, prefixes);
  return hasPrefix(prefixes, bytes, keyStart, keyEnd);
}

const FITS_NOTHING = 0x3fffffff;

/** A length of one or two bytes; a longer one answers what fits nothing. */
function shortLength(bytes: Uint8Array, position: number): number {
  const first = byteAt(bytes, position);
  if (first < 0x80) return first;
  const second = byteAt(bytes, position + 1);
  return second < 0x80 ? (first & 0x7f) | (second << 7) : FITS_NOTHING;
}

/** Whether [start, end) is one varint of at most nine bytes. */
function endsVarint(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > 9 || start >= end) return false;
  for (let at = start; at < end - 1; at++) {
    if (byteAt(bytes, at) < 0x80) return false;
  }
  return byteAt(bytes, end - 1) < 0x80;
}

/** Any legal KeyValue: fields in any order, repeated (the last key counts), unknown ones between. */
function anyKeyMatches(
  bytes: Uint8Array,
  start: number,
  end: number,
  depth: number,
  prefixes: KeyPrefixes,
): boolean {
  checkMessage(KEY_VALUE_SHAPE, bytes, start, end, depth);
  let keyStart = start;
  let keyEnd = start;
  let at = start;
  while (at < end) {
    const payload = varintEnd(bytes, at, end);
    const tag = tagValue(bytes, at, payload);
    at = skipPayload(bytes, payload, end, tag, depth);
    if (tag === KEY_TAG) {
      keyStart = contentStart(bytes, payload, end);
      keyEnd = at;
    }
  }
  return hasPrefix(prefixes, bytes, keyStart, keyEnd);
}
