import { OFFSET_STRIDE, type SpanOffsets } from '../pipeline/entry.ts';
import { REQUEST, RESOURCE_SPANS, SCOPE_SPANS } from './fields.ts';
import {
  LENGTH,
  lengthStart,
  plainBytes,
  skipPayload,
  tagValue,
  varintEnd,
  varintSize,
  writeVarint,
} from './wire.ts';

const numberAt = (numbers: Uint32Array, index: number): number => numbers[index] as number;

const SPAN_TAG = Uint8Array.of((SCOPE_SPANS.spans << 3) | LENGTH);

/** Pieces of the new body, outermost last, with their total length. */
interface Pieces {
  readonly parts: Uint8Array[];
  length: number;
}

/**
 * An ExportTraceServiceRequest that holds only these GenAI spans (indices into the offsets, in document order
 * and without repetition whatever their order here), byte for byte, each with all of its resource and scope.
 * Throws RangeError for an index that there is no span of.
 */
export function extractSpans(body: Uint8Array, offsets: SpanOffsets, indices: readonly number[]): Uint8Array {
  const source = plainBytes(body);
  const spans = [...new Set(indices)].toSorted((a, b) => a - b);
  const count = offsets.length / OFFSET_STRIDE;
  for (const span of spans) {
    if (!Number.isInteger(span) || span < 0 || span >= count)
      throw new RangeError(`no span ${span} of ${count}`);
  }
  const request: Pieces = { parts: [], length: 0 };
  for (const inResource of grouped(offsets, spans, 0)) {
    const resource = partsBut(source, offsets, inResource, 0, RESOURCE_SPANS.scopeSpans);
    for (const inScope of grouped(offsets, inResource, 2)) {
      const scope = partsBut(source, offsets, inScope, 2, SCOPE_SPANS.spans);
      for (const span of inScope) {
        const start = numberAt(offsets, span * OFFSET_STRIDE + 4);
        append(scope, SPAN_TAG);
        append(
          scope,
          source.subarray(lengthStart(source, start), numberAt(offsets, span * OFFSET_STRIDE + 5)),
        );
      }
      appendMessage(resource, RESOURCE_SPANS.scopeSpans, scope);
    }
    appendMessage(request, REQUEST.resourceSpans, resource);
  }
  const result = new Uint8Array(request.length);
  let at = 0;
  for (const part of request.parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

/** Runs of spans that share the message whose start is in this column of the offsets. */
function grouped(offsets: SpanOffsets, spans: readonly number[], column: number): number[][] {
  const groups: number[][] = [];
  let start = -1;
  for (const span of spans) {
    const own = numberAt(offsets, span * OFFSET_STRIDE + column);
    if (own === start) groups.at(-1)?.push(span);
    else groups.push([span]);
    start = own;
  }
  return groups;
}

/** All fields but one of the message around these spans. */
function partsBut(
  source: Uint8Array,
  offsets: SpanOffsets,
  spans: readonly number[],
  column: number,
  without: number,
): Pieces {
  const base = (spans[0] ?? 0) * OFFSET_STRIDE + column;
  const end = numberAt(offsets, base + 1);
  const pieces: Pieces = { parts: [], length: 0 };
  let at = numberAt(offsets, base);
  while (at < end) {
    const payload = varintEnd(source, at, end);
    const tag = tagValue(source, at, payload);
    const stop = skipPayload(source, payload, end, tag, 0);
    if (tag >>> 3 !== without) append(pieces, source.subarray(at, stop));
    at = stop;
  }
  return pieces;
}

function append(pieces: Pieces, part: Uint8Array): void {
  pieces.parts.push(part);
  pieces.length += part.length;
}

function appendMessage(pieces: Pieces, field: number, content: Pieces): void {
  const head = new Uint8Array(1 + varintSize(content.length));
  head[0] = (field << 3) | LENGTH;
  writeVarint(head, 1, content.length);
  append(pieces, head);
  for (const part of content.parts) append(pieces, part);
}
