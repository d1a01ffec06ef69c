import type { Attributes, AttributeValue, GenAiSpan, Scope, SpanContent } from '@spanmeter/processors';
import { ShapeTree, type SpanAttributes } from './attributes.ts';
import { createContentDecoder, type ContentDecoder } from './content.ts';
import { OFFSET_STRIDE, type SpanOffsets } from '../pipeline/entry.ts';
import { RESOURCE, RESOURCE_SPANS, SCOPE, SCOPE_SPANS, SPAN, STATUS } from './fields.ts';
import { compilePrefixes, hasPrefix, type KeyPrefixes } from './key-prefixes.ts';
import { createKeyTable, findKey, sameBytes, type KeyTable } from './key-table.ts';
import { createTextDecoding, decodeText, hexOf8 } from './text.ts';
import {
  decodeInt64,
  decodeValue,
  findKeyValue,
  OVERSIZED,
  type KeyValuePlace,
  type Source,
} from './value.ts';
import {
  asBuffer,
  byteAt,
  contentEnd,
  contentStart,
  LENGTH,
  plainBytes,
  skipPayload,
  tagValue,
  varintEnd,
} from './wire.ts';

export interface SpanDecoderOptions {
  /** Attribute keys to decode. */
  readonly keys: readonly string[];
  /** Attributes whose key starts with one of these are decoded too. */
  readonly prefixes: readonly string[];
  /** A string, bytes, array or list with more content bytes than this is left out and counted. */
  readonly maxValueBytes: number;
  /** Attributes that are kept apart and undecoded, whatever their size: what was said, for estimates. */
  readonly content?: { readonly keys: readonly string[]; readonly prefixes: readonly string[] };
}

/** Decodes the GenAI spans of a body that `scanTraces` has checked, in the order of the offsets. */
export type SpanDecoder = (body: Uint8Array, offsets: SpanOffsets) => GenAiSpan[];

/** Keys of one resource that are decoded at most. */
const MAX_RESOURCE_KEYS = 128;

/** Attributes of a span whose keys are compared with the last span's. */
const MAX_REMEMBERED = 64;

const CHECKED = 0;
const NO_PARENT = '0000000000000000';

interface Decoding extends Source {
  readonly wanted: KeyTable;
  readonly prefixes: KeyPrefixes;
  readonly maxValueBytes: number;
  readonly place: KeyValuePlace;
  readonly content: ContentDecoder | null;
  readonly shapes: ShapeTree;
  lastTraceStart: number;
  lastTraceId: string;
  /** The attribute keys of the last span by their place in it: where they were, and what they are. */
  readonly lastStarts: number[];
  readonly lastEnds: number[];
  readonly lastKeys: (string | null)[];
}

/** A span under construction; its fields in the order the wire usually has them. */
interface Draft {
  traceId: string;
  spanId: string;
  parentSpanId: string | null;
  name: string;
  kind: number;
  startUnixNano: bigint;
  endUnixNano: bigint;
  statusCode: number;
  traceState: string;
  attributes: SpanAttributes;
  resource: Attributes;
  scope: Scope;
  oversizedAttributes: number;
  content?: SpanContent;
}

/**
 * Makes a decoder of GenAI spans that reads only wanted attributes. Text that is not UTF-8 gets U+FFFD; a
 * repeated key keeps its last value; int64 is a number where it is a safe integer, else a bigint; an attribute
 * without a value is left out. Resource and scope are decoded once for all spans that share them.
 */
export function createSpanDecoder(options: SpanDecoderOptions): SpanDecoder {
  const wanted = createKeyTable(options.keys);
  const prefixes = compilePrefixes(options.prefixes);
  const text = createTextDecoding();
  const shapes = new ShapeTree();
  const content = options.content === undefined ? null : createContentDecoder(options.content);
  return (body, offsets) => {
    const bytes = plainBytes(body);
    const decoding: Decoding = {
      bytes,
      buffer: asBuffer(body),
      view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      text,
      wanted,
      prefixes,
      maxValueBytes: options.maxValueBytes,
      place: { keyStart: 0, keyEnd: 0, valueStart: 0, valueEnd: 0 },
      content,
      lastTraceStart: -1,
      lastTraceId: '',
      shapes,
      lastStarts: [],
      lastEnds: [],
      lastKeys: [],
    };
    return decodeSpans(decoding, offsets);
  };
}

function decodeSpans(decoding: Decoding, offsets: SpanOffsets): GenAiSpan[] {
  const spans: GenAiSpan[] = [];
  let resource: Attributes = new Map();
  let scope: Scope = { name: '', version: '' };
  let resourceStart = -1;
  let scopeStart = -1;
  for (let base = 0; base < offsets.length; base += OFFSET_STRIDE) {
    if (offsets[base] !== resourceStart) {
      resourceStart = offsets[base] as number;
      resource = decodeResource(decoding, resourceStart, offsets[base + 1] as number);
    }
    if (offsets[base + 2] !== scopeStart) {
      scopeStart = offsets[base + 2] as number;
      scope = decodeScope(decoding, scopeStart, offsets[base + 3] as number);
    }
    const start = offsets[base + 4] as number;
    const span = decodeSpan(decoding, start, offsets[base + 5] as number, resource, scope);
    decoding.shapes.filled(span.attributes);
    spans.push(span);
  }
  return spans;
}

function decodeSpan(
  decoding: Decoding,
  start: number,
  end: number,
  resource: Attributes,
  scope: Scope,
): Draft {
  const span: Draft = {
    traceId: '',
    spanId: '',
    parentSpanId: null,
    name: '',
    kind: 0,
    startUnixNano: 0n,
    endUnixNano: 0n,
    statusCode: 0,
    traceState: '',
    attributes: decoding.shapes.attributes(),
    resource,
    scope,
    oversizedAttributes: 0,
  };
  const { bytes } = decoding;
  let ordinal = 0;
  let at = start;
  while (at < end) {
    // The scan has checked everything, so that one-byte tags and lengths need no second look.
    const first = byteAt(bytes, at);
    const payload = first < 0x80 ? at + 1 : varintEnd(bytes, at, end);
    const tag = first < 0x80 ? first : tagValue(bytes, at, payload);
    if ((tag & 7) === LENGTH) {
      const length = byteAt(bytes, payload);
      const content = length < 0x80 ? payload + 1 : varintEnd(bytes, payload, end);
      at = length < 0x80 ? content + length : contentEnd(bytes, payload, content, end);
      if (tag >>> 3 === SPAN.attributes) decodeAttribute(decoding, span, ordinal++, content, at);
      else decodeContent(decoding, span, tag >>> 3, content, at);
    } else {
      at = skipPayload(bytes, payload, end, tag, CHECKED);
      decodeScalar(decoding, span, tag >>> 3, payload, at);
    }
  }
  return span;
}

/** Decodes the span's attribute number `ordinal`, whose KeyValue is in [start, end). */
function decodeAttribute(decoding: Decoding, span: Draft, ordinal: number, start: number, end: number): void {
  const { place } = decoding;
  findKeyValue(decoding.bytes, start, end, place);
  const { content } = decoding;
  if (content !== null && content.isContent(decoding, place)) {
    span.content = content.add(span.content, decoding, place);
    return;
  }
  const key = keyAt(decoding, ordinal, place.keyStart, place.keyEnd);
  if (key === null) return;
  const value = decodeValue(decoding, place.valueStart, place.valueEnd, decoding.maxValueBytes);
  if (value === OVERSIZED) {
    span.oversizedAttributes++;
    span.attributes.delete(key);
  } else if (value !== undefined) {
    span.attributes.set(key, value);
  }
}

/** The key in [start, end), or null where it is not wanted. Mostly it is the one that the last span had there. */
function keyAt(decoding: Decoding, ordinal: number, start: number, end: number): string | null {
  const { lastStarts, lastEnds, lastKeys, view } = decoding;
  if (ordinal < lastStarts.length) {
    const from = lastStarts[ordinal] as number;
    const length = end - start;
    if ((lastEnds[ordinal] as number) - from === length && sameBytes(view, from, view, start, length)) {
      return lastKeys[ordinal] as string | null;
    }
  }
  const key = lookUpKey(decoding, start, end);
  if (ordinal < MAX_REMEMBERED) {
    lastStarts[ordinal] = start;
    lastEnds[ordinal] = end;
    lastKeys[ordinal] = key;
  }
  return key;
}

function lookUpKey(decoding: Decoding, start: number, end: number): string | null {
  const index = findKey(decoding.wanted, decoding.view, start, end);
  if (index >= 0) return decoding.wanted.keys[index] ?? null;
  if (!hasPrefix(decoding.prefixes, decoding.bytes, start, end)) return null;
  return decodeText(decoding.text, decoding, start, end);
}

function decodeContent(decoding: Decoding, span: Draft, field: number, start: number, end: number): void {
  switch (field) {
    case SPAN.traceId:
      span.traceId = decodeTraceId(decoding, start);
      return;
    case SPAN.spanId:
      span.spanId = hexOf8(decoding.bytes, start);
      return;
    case SPAN.parentSpanId: {
      const parent = start === end ? NO_PARENT : hexOf8(decoding.bytes, start);
      span.parentSpanId = parent === NO_PARENT ? null : parent;
      return;
    }
    case SPAN.name:
      span.name = decodeText(decoding.text, decoding, start, end);
      return;
    case SPAN.traceState:
      span.traceState = decodeText(decoding.text, decoding, start, end);
      return;
    case SPAN.status:
      decodeStatus(decoding, span, start, end);
      return;
    default:
  }
}

function decodeScalar(decoding: Decoding, span: Draft, field: number, start: number, end: number): void {
  switch (field) {
    case SPAN.kind:
      span.kind = decodeEnum(decoding.bytes, start, end);
      return;
    case SPAN.startTimeUnixNano:
      span.startUnixNano = decoding.view.getBigUint64(start, true);
      return;
    case SPAN.endTimeUnixNano:
      span.endUnixNano = decoding.view.getBigUint64(start, true);
      return;
    default:
  }
}

/** An int32 enum, which the wire may carry with up to 64 bits. */
function decodeEnum(bytes: Uint8Array, start: number, end: number): number {
  if (end - start === 1) return byteAt(bytes, start);
  return Number(BigInt.asIntN(32, BigInt(decodeInt64(bytes, start, end))));
}

/** Spans of one trace come together, so the last id is compared before a new string is made. */
function decodeTraceId(decoding: Decoding, start: number): string {
  const { bytes, lastTraceStart } = decoding;
  if (lastTraceStart >= 0) {
    let i = 0;
    while (i < 16 && byteAt(bytes, lastTraceStart + i) === byteAt(bytes, start + i)) i++;
    if (i === 16) return decoding.lastTraceId;
  }
  decoding.lastTraceStart = start;
  decoding.lastTraceId = hexOf8(bytes, start) + hexOf8(bytes, start + 8);
  return decoding.lastTraceId;
}

/** Calls `field` for each length-delimited or varint field of the checked message in [start, end). */
function eachField(
  bytes: Uint8Array,
  start: number,
  end: number,
  field: (number: number, start: number, end: number) => void,
): void {
  let at = start;
  while (at < end) {
    const payload = varintEnd(bytes, at, end);
    const tag = tagValue(bytes, at, payload);
    at = skipPayload(bytes, payload, end, tag, CHECKED);
    field(tag >>> 3, (tag & 7) === LENGTH ? contentStart(bytes, payload, end) : payload, at);
  }
}

function decodeStatus(decoding: Decoding, span: Draft, start: number, end: number): void {
  const { bytes } = decoding;
  if (end - start === 2 && byteAt(bytes, start) >>> 3 === STATUS.code) {
    span.statusCode = byteAt(bytes, start + 1);
    return;
  }
  eachField(bytes, start, end, (field, from, to) => {
    if (field === STATUS.code) span.statusCode = decodeEnum(bytes, from, to);
  });
}

/** All strings, numbers and booleans of the resource, up to MAX_RESOURCE_KEYS keys. */
function decodeResource(decoding: Decoding, start: number, end: number): Attributes {
  const attributes = new Map<string, AttributeValue>();
  const { bytes, place } = decoding;
  eachField(bytes, start, end, (outer, outerStart, outerEnd) => {
    if (outer !== RESOURCE_SPANS.resource) return;
    eachField(bytes, outerStart, outerEnd, (field, from, to) => {
      if (field !== RESOURCE.attributes) return;
      findKeyValue(bytes, from, to, place);
      if (place.keyEnd - place.keyStart > decoding.maxValueBytes) return;
      const value = decodeValue(decoding, place.valueStart, place.valueEnd, decoding.maxValueBytes);
      if (value === undefined) return;
      const key = decodeText(decoding.text, decoding, place.keyStart, place.keyEnd);
      if (value === OVERSIZED || typeof value === 'object') attributes.delete(key);
      else if (attributes.size < MAX_RESOURCE_KEYS || attributes.has(key)) attributes.set(key, value);
    });
  });
  return attributes;
}

/** Name and version; one over the size limit is cut off as unknown. */
function decodeScope(decoding: Decoding, start: number, end: number): Scope {
  const scope = { name: '', version: '' };
  const { bytes } = decoding;
  const text = (from: number, to: number): string =>
    to - from > decoding.maxValueBytes ? '' : decodeText(decoding.text, decoding, from, to);
  eachField(bytes, start, end, (outer, outerStart, outerEnd) => {
    if (outer !== SCOPE_SPANS.scope) return;
    eachField(bytes, outerStart, outerEnd, (field, from, to) => {
      if (field === SCOPE.name) scope.name = text(from, to);
      else if (field === SCOPE.version) scope.version = text(from, to);
    });
  });
  return scope;
}
