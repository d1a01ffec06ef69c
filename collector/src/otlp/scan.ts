import { OFFSET_STRIDE, type SpanOffsets } from '../pipeline/entry.ts';
import {
  checkEvent,
  checkField,
  checkLink,
  checkResource,
  checkScope,
  checkStatus,
  checkWire,
  keyMatches,
  shape,
} from './check.ts';
import { cutSpans, type ResourceNote, type ScopeNote } from './cut.ts';
import { REQUEST, RESOURCE_SPANS, SCOPE_SPANS, SPAN } from './fields.ts';
import { compilePrefixes, NO_PREFIXES, type KeyPrefixes } from './key-prefixes.ts';
import {
  byteAt,
  contentEnd,
  contentStart,
  FIXED32,
  FIXED64,
  LENGTH,
  plainBytes,
  skipPayload,
  tagValue,
  VARINT,
  varintEnd,
} from './wire.ts';

// ExportTraceServiceRequest { 1: ResourceSpans* }
// ResourceSpans { 1: Resource, 2: ScopeSpans*, 3: schema url }
// ScopeSpans    { 1: InstrumentationScope, 2: Span*, 3: schema url }
// Span          { 1: trace id, 2: span id, 4: parent span id, 9: KeyValue*, 11: Event*, 13: Link*, 15: Status, … }

export interface ScanOptions {
  /** `gen_ai` leaves only the ScopeSpans that hold GenAI spans in the body; `all` leaves everything. */
  readonly keep: 'all' | 'gen_ai';
  /** A span is GenAI if any of its attribute keys starts with one of these. */
  readonly keyPrefixes: readonly string[];
}

export interface ScanResult {
  /** The very array that came in where nothing had to be cut, else a copy without what was cut. */
  readonly body: Uint8Array;
  /** Where the GenAI spans are in `body`. */
  readonly offsets: SpanOffsets;
  /** Spans that came in, refused ones included. */
  readonly totalSpans: number;
  /** GenAI spans in `body`. */
  readonly genAiSpans: number;
  readonly rejectedSpans: number;
  /** Why spans were refused, for the answer's `error_message`; null where none was. */
  readonly rejection: string | null;
}

/** What is known while one request is read. */
interface Scan {
  readonly bytes: Uint8Array;
  readonly prefixes: KeyPrefixes;
  readonly resources: ResourceNote[];
  offsets: Uint32Array;
  genAi: number;
  total: number;
  /** Refused spans by kind: trace id, span id, parent span id. */
  readonly rejected: [number, number, number];
}

const PLAIN = 0;
const GEN_AI = 1;
const BAD_TRACE_ID = 2;
const BAD_SPAN_ID = 3;
const BAD_PARENT_ID = 4;

const SPAN_DEPTH = 4;
const ATTRIBUTES_TAG = (SPAN.attributes << 3) | LENGTH;
const TRACE_ID_TAG = (SPAN.traceId << 3) | LENGTH;
const SPAN_ID_TAG = (SPAN.spanId << 3) | LENGTH;
const PARENT_ID_TAG = (SPAN.parentSpanId << 3) | LENGTH;

const REQUEST_SHAPE = shape('ExportTraceServiceRequest', [[REQUEST.resourceSpans, LENGTH]]);
const RESOURCE_SPANS_SHAPE = shape('ResourceSpans', [
  [RESOURCE_SPANS.resource, LENGTH, checkResource],
  [RESOURCE_SPANS.scopeSpans, LENGTH],
  [RESOURCE_SPANS.schemaUrl, LENGTH],
]);
const SCOPE_SPANS_SHAPE = shape('ScopeSpans', [
  [SCOPE_SPANS.scope, LENGTH, checkScope],
  [SCOPE_SPANS.spans, LENGTH],
  [SCOPE_SPANS.schemaUrl, LENGTH],
]);
const SPAN_SHAPE = shape('Span', [
  [SPAN.traceId, LENGTH],
  [SPAN.spanId, LENGTH],
  [SPAN.traceState, LENGTH],
  [SPAN.parentSpanId, LENGTH],
  [SPAN.name, LENGTH],
  [SPAN.kind, VARINT],
  [SPAN.startTimeUnixNano, FIXED64],
  [SPAN.endTimeUnixNano, FIXED64],
  [SPAN.attributes, LENGTH],
  [SPAN.droppedAttributesCount, VARINT],
  [SPAN.events, LENGTH, checkEvent],
  [SPAN.droppedEventsCount, VARINT],
  [SPAN.links, LENGTH, checkLink],
  [SPAN.droppedLinksCount, VARINT],
  [SPAN.status, LENGTH, checkStatus],
  [SPAN.flags, FIXED32],
]);

const compiled = new WeakMap<readonly string[], KeyPrefixes>();

function prefixesOf(keyPrefixes: readonly string[]): KeyPrefixes {
  const known = compiled.get(keyPrefixes);
  if (known !== undefined) return known;
  const prefixes = compilePrefixes(keyPrefixes);
  compiled.set(keyPrefixes, prefixes);
  return prefixes;
}

/**
 * Checks the protobuf framing of an ExportTraceServiceRequest completely, in one pass, and finds its GenAI
 * spans. Spans whose ids cannot be (OTLP: 16 and 8 bytes, not all zero; parent 8 bytes or none) are cut out
 * and counted. UTF-8 is not checked. Throws Refusal `invalid` for malformed bytes, the wire types of another
 * signal's messages included.
 */
export function scanTraces(body: Uint8Array, options: ScanOptions): ScanResult {
  const scan: Scan = {
    bytes: plainBytes(body),
    prefixes: prefixesOf(options.keyPrefixes),
    resources: [],
    offsets: new Uint32Array(OFFSET_STRIDE * 64),
    genAi: 0,
    total: 0,
    rejected: [0, 0, 0],
  };
  scanRequest(scan);
  const offsets = scan.offsets.slice(0, scan.genAi * OFFSET_STRIDE);
  const rejectedSpans = scan.rejected[0] + scan.rejected[1] + scan.rejected[2];
  const kept = cutSpans(scan.bytes, offsets, scan.resources, options.keep === 'gen_ai');
  return {
    body: kept.body === scan.bytes ? body : kept.body,
    offsets: kept.offsets,
    totalSpans: scan.total,
    genAiSpans: scan.genAi,
    rejectedSpans,
    rejection: rejectedSpans === 0 ? null : describe(scan),
  };
}

function describe(scan: Scan): string {
  const kinds = [
    'trace id (not 16 bytes, or all zero)',
    'span id (not 8 bytes, or all zero)',
    'parent span id',
  ];
  const parts = kinds.flatMap((kind, i) => {
    const count = scan.rejected[i] ?? 0;
    return count === 0 ? [] : [`${count} with an impossible ${kind}`];
  });
  const rejected = scan.rejected[0] + scan.rejected[1] + scan.rejected[2];
  return `refused ${rejected} of ${scan.total} spans: ${parts.join(', ')}`;
}

function scanRequest(scan: Scan): void {
  const { bytes } = scan;
  let at = 0;
  while (at < bytes.length) {
    const payload = varintEnd(bytes, at, bytes.length);
    const tag = tagValue(bytes, at, payload);
    checkWire(REQUEST_SHAPE, at, tag);
    const stop = checkField(REQUEST_SHAPE, bytes, payload, bytes.length, tag, 1);
    if (tag >>> 3 === REQUEST.resourceSpans) {
      const note = { field: at, start: contentStart(bytes, payload, stop), end: stop, scopes: [] };
      scan.resources.push(note);
      scanResourceSpans(scan, note);
    }
    at = stop;
  }
}

function scanResourceSpans(scan: Scan, resource: ResourceNote): void {
  const { bytes } = scan;
  let at = resource.start;
  while (at < resource.end) {
    const payload = varintEnd(bytes, at, resource.end);
    const tag = tagValue(bytes, at, payload);
    checkWire(RESOURCE_SPANS_SHAPE, at, tag);
    const stop = checkField(RESOURCE_SPANS_SHAPE, bytes, payload, resource.end, tag, 2);
    if (tag >>> 3 === RESOURCE_SPANS.scopeSpans) {
      const start = contentStart(bytes, payload, stop);
      const note = { field: at, start, end: stop, firstGenAi: scan.genAi, genAi: 0, cuts: [] };
      resource.scopes.push(note);
      scanScopeSpans(scan, resource, note);
    }
    at = stop;
  }
}

function scanScopeSpans(scan: Scan, resource: ResourceNote, scope: ScopeNote): void {
  const { bytes } = scan;
  let at = scope.start;
  while (at < scope.end) {
    const payload = varintEnd(bytes, at, scope.end);
    const tag = tagValue(bytes, at, payload);
    checkWire(SCOPE_SPANS_SHAPE, at, tag);
    const stop = checkField(SCOPE_SPANS_SHAPE, bytes, payload, scope.end, tag, 3);
    if (tag >>> 3 === SCOPE_SPANS.spans) {
      const start = contentStart(bytes, payload, stop);
      const verdict = scanSpan(bytes, start, stop, scan.prefixes);
      scan.total++;
      if (verdict === GEN_AI) {
        note(scan, resource, scope, start, stop);
      } else if (verdict !== PLAIN) {
        scan.rejected[(verdict - BAD_TRACE_ID) as 0 | 1 | 2]++;
        scope.cuts.push(at, stop);
      }
    }
    at = stop;
  }
  scope.genAi = scan.genAi - scope.firstGenAi;
}

function note(scan: Scan, resource: ResourceNote, scope: ScopeNote, start: number, end: number): void {
  const base = scan.genAi * OFFSET_STRIDE;
  if (base === scan.offsets.length) {
    const larger = new Uint32Array(base * 2);
    larger.set(scan.offsets);
    scan.offsets = larger;
  }
  const { offsets } = scan;
  offsets[base] = resource.start;
  offsets[base + 1] = resource.end;
  offsets[base + 2] = scope.start;
  offsets[base + 3] = scope.end;
  offsets[base + 4] = start;
  offsets[base + 5] = end;
  scan.genAi++;
}

/** Checks one span whole; answers PLAIN, GEN_AI or what is wrong with its ids. */
function scanSpan(bytes: Uint8Array, start: number, end: number, prefixes: KeyPrefixes): number {
  const { children } = SPAN_SHAPE;
  let wanted = prefixes;
  let traceIdOk = false;
  let spanIdOk = false;
  let parentOk = true;
  let at = start;
  while (at < end) {
    const first = byteAt(bytes, at);
    const payload = first < 0x80 ? at + 1 : varintEnd(bytes, at, end);
    const tag = first < 0x80 && first > 7 ? first : tagValue(bytes, at, payload);
    if ((tag & 7) !== LENGTH) {
      checkWire(SPAN_SHAPE, at, tag);
      at = skipPayload(bytes, payload, end, tag, SPAN_DEPTH);
      continue;
    }
    const length = payload < end ? byteAt(bytes, payload) : 0x80;
    const content = length < 0x80 ? payload + 1 : varintEnd(bytes, payload, end);
    let stop = content + length;
    if (length > 0x7f || stop > end) stop = contentEnd(bytes, payload, content, end);
    if (tag === ATTRIBUTES_TAG) {
      if (keyMatches(bytes, content, stop, SPAN_DEPTH + 1, wanted)) wanted = NO_PREFIXES;
    } else if (tag === TRACE_ID_TAG) {
      traceIdOk = isId(bytes, content, stop, 16);
    } else if (tag === SPAN_ID_TAG) {
      spanIdOk = isId(bytes, content, stop, 8);
    } else if (tag === PARENT_ID_TAG) {
      parentOk = stop === content || stop - content === 8;
    } else {
      checkWire(SPAN_SHAPE, at, tag);
      children[tag >>> 3]?.(bytes, content, stop, SPAN_DEPTH + 1);
    }
    at = stop;
  }
  if (!traceIdOk) return BAD_TRACE_ID;
  if (!spanIdOk) return BAD_SPAN_ID;
  if (!parentOk) return BAD_PARENT_ID;
  return wanted === prefixes ? PLAIN : GEN_AI;
}

function isId(bytes: Uint8Array, start: number, end: number, length: number): boolean {
  if (end - start !== length) return false;
  for (let at = start; at < end; at++) {
    if (byteAt(bytes, at) !== 0) return true;
  }
  return false;
}
