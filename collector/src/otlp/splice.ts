import { OFFSET_STRIDE, type SpanOffsets } from '../pipeline/entry.ts';
import { ANY_VALUE, KEY_VALUE, SPAN } from './fields.ts';
import { LENGTH, lengthStart, plainBytes, varintSize, writeVarint } from './wire.ts';

// Span.attributes is repeated, so an attribute is added by appending its field to the span's content:
//   9<<3|2 length { 1<<3|2 length key  2<<3|2 length { 1<<3|2 length value } }
// Then the lengths of the span, its ScopeSpans and its ResourceSpans are written anew.

/** String attributes to append to one span, or null for none. */
export type Addition = readonly (readonly [key: string, value: string])[] | null;

/** Encoded additions of all spans, one behind the other. */
interface Encoded {
  bytes: Buffer;
  /** Span `i` gets [ends[i - 1], ends[i]). */
  readonly ends: Uint32Array;
}

const TAG_SIZE = 1;

const numberAt = (numbers: Uint32Array, index: number): number => numbers[index] as number;

/**
 * Appends string attributes to the i-th GenAI span and rewrites the enclosing lengths; all else is copied byte
 * for byte. The same array comes back where nothing is added. A lone surrogate becomes U+FFFD.
 */
export function spliceAttributes(
  body: Uint8Array,
  offsets: SpanOffsets,
  additions: readonly Addition[],
): Uint8Array {
  const source = plainBytes(body);
  const encoded = encodeAdditions(additions, offsets.length / OFFSET_STRIDE);
  if (encoded.ends.length === 0 || numberAt(encoded.ends, encoded.ends.length - 1) === 0) return body;
  const plan = planLengths(source, offsets, encoded.ends);
  return write(source, offsets, encoded, plan);
}

function encodeAdditions(additions: readonly Addition[], spans: number): Encoded {
  const encoded: Encoded = {
    bytes: Buffer.allocUnsafe(256 * Math.max(1, additions.length)),
    ends: new Uint32Array(spans),
  };
  const heads = new Map<string, Buffer>();
  let at = 0;
  for (let i = 0; i < spans; i++) {
    for (const [key, value] of additions[i] ?? []) {
      let head = heads.get(key);
      if (head === undefined) heads.set(key, (head = keyField(key)));
      at = appendAttribute(encoded, at, head, value);
    }
    encoded.ends[i] = at;
  }
  return encoded;
}

function keyField(key: string): Buffer {
  const size = Buffer.byteLength(key);
  const field = Buffer.alloc(TAG_SIZE + varintSize(size) + size);
  field[0] = (KEY_VALUE.key << 3) | LENGTH;
  field.write(key, writeVarint(field, 1, size));
  return field;
}

function appendAttribute(encoded: Encoded, position: number, head: Buffer, value: string): number {
  const size = Buffer.byteLength(value);
  const anyValue = TAG_SIZE + varintSize(size) + size;
  const keyValue = head.length + TAG_SIZE + varintSize(anyValue) + anyValue;
  const end = position + TAG_SIZE + varintSize(keyValue) + keyValue;
  if (end > encoded.bytes.length) {
    const larger = Buffer.allocUnsafe(Math.max(end, encoded.bytes.length * 2));
    encoded.bytes.copy(larger, 0, 0, position);
    encoded.bytes = larger;
  }
  const { bytes } = encoded;
  bytes[position] = (SPAN.attributes << 3) | LENGTH;
  let at = writeVarint(bytes, position + 1, keyValue);
  for (let i = 0; i < head.length; i++) bytes[at++] = head[i] as number;
  bytes[at] = (KEY_VALUE.value << 3) | LENGTH;
  at = writeVarint(bytes, at + 1, anyValue);
  bytes[at] = (ANY_VALUE.string << 3) | LENGTH;
  at = writeVarint(bytes, at + 1, size);
  if (size !== value.length || size > 24) {
    bytes.write(value, at);
    return at + size;
  }
  for (let i = 0; i < size; i++) bytes[at++] = value.charCodeAt(i);
  return at;
}

interface Plan {
  /** New content lengths of ResourceSpans and ScopeSpans by the index of their first GenAI span. */
  readonly resources: Uint32Array;
  readonly scopes: Uint32Array;
  /** Length of the new body. */
  total: number;
}

/** What content at [start, end) grows by, its length included, when `added` bytes go into it. */
function growth(source: Uint8Array, start: number, end: number, added: number): number {
  if (added === 0) return 0;
  return added + varintSize(end - start + added) - (start - lengthStart(source, start));
}

function planLengths(source: Uint8Array, offsets: SpanOffsets, ends: Uint32Array): Plan {
  const spans = ends.length;
  const plan = { resources: new Uint32Array(spans), scopes: new Uint32Array(spans), total: source.length };
  for (let i = 0; i < spans;) {
    const resource = i;
    const [start, end] = range(offsets, i, 0);
    let added = 0;
    while (i < spans && numberAt(offsets, i * OFFSET_STRIDE) === start) {
      const scope = i;
      const [scopeStart, scopeEnd] = range(offsets, i, 2);
      let inScope = 0;
      for (; i < spans && numberAt(offsets, i * OFFSET_STRIDE + 2) === scopeStart; i++) {
        const [spanStart, spanEnd] = range(offsets, i, 4);
        inScope += growth(source, spanStart, spanEnd, sizeOf(ends, i));
      }
      plan.scopes[scope] = scopeEnd - scopeStart + inScope;
      added += growth(source, scopeStart, scopeEnd, inScope);
    }
    plan.resources[resource] = end - start + added;
    plan.total += growth(source, start, end, added);
  }
  return plan;
}

const sizeOf = (ends: Uint32Array, i: number): number =>
  numberAt(ends, i) - (i === 0 ? 0 : numberAt(ends, i - 1));

function range(offsets: SpanOffsets, span: number, column: number): [start: number, end: number] {
  const base = span * OFFSET_STRIDE + column;
  return [numberAt(offsets, base), numberAt(offsets, base + 1)];
}

interface Output {
  readonly source: Uint8Array;
  readonly target: Uint8Array;
  from: number;
  to: number;
}

function write(source: Uint8Array, offsets: SpanOffsets, encoded: Encoded, plan: Plan): Uint8Array {
  const output: Output = { source, target: new Uint8Array(plan.total), from: 0, to: 0 };
  let resource = -1;
  let scope = -1;
  for (let i = 0; i < encoded.ends.length; i++) {
    const [resourceStart, resourceEnd] = range(offsets, i, 0);
    const [scopeStart, scopeEnd] = range(offsets, i, 2);
    const [start, end] = range(offsets, i, 4);
    if (resourceStart !== resource) {
      relength(output, resourceStart, resourceEnd, numberAt(plan.resources, i));
      resource = resourceStart;
    }
    if (scopeStart !== scope) {
      relength(output, scopeStart, scopeEnd, numberAt(plan.scopes, i));
      scope = scopeStart;
    }
    const added = sizeOf(encoded.ends, i);
    if (added === 0) continue;
    relength(output, start, end, end - start + added);
    copy(output, end);
    const last = numberAt(encoded.ends, i);
    output.target.set(encoded.bytes.subarray(last - added, last), output.to);
    output.to += added;
  }
  copy(output, source.length);
  return output.target;
}

/** Copies up to the length of the content at [start, end) and writes `length` instead, where it differs. */
function relength(output: Output, start: number, end: number, length: number): void {
  if (length === end - start) return;
  copy(output, lengthStart(output.source, start));
  output.to = writeVarint(output.target, output.to, length);
  output.from = start;
}

function copy(output: Output, until: number): void {
  if (until > output.from) {
    output.target.set(output.source.subarray(output.from, until), output.to);
    output.to += until - output.from;
    output.from = until;
  }
}
