import { formatPico } from '@spanmeter/processors';
import type { Call, SpanGroup } from '@spanmeter/processors';
import { spliceAttributes } from '../../otlp/splice.ts';
import type { ProcessedBatch } from '../../pipeline/batch.ts';

/** One request to a destination, made of consecutive journal entries. */
export interface OutgoingRequest {
  /** Protobuf of an ExportTraceServiceRequest. */
  readonly body: Uint8Array;
  /** All spans in it, GenAI or not. */
  readonly spans: number;
  /** Sequence of the last entry in it: where the cursor is once it was sent. */
  readonly lastSequence: number;
}

type Additions = readonly (readonly [string, string])[];

/** [contract] What a forwarded GenAI span gets; the cost only where it is known. */
function additionsOf(call: Call): Additions {
  const additions: [string, string][] = [
    ['spanmeter.cost.status', call.costStatus],
    ['spanmeter.tenant', call.tenantId],
  ];
  if (call.costPicoUsd !== null) additions.push(['spanmeter.cost.usd', formatPico(call.costPicoUsd)]);
  if (call.priceVersion !== null) additions.push(['spanmeter.price.version', call.priceVersion]);
  return additions;
}

/** Spans that were rejected on the way travel on as they came. */
function additionsOfGroup({ calls }: SpanGroup): readonly (Additions | null)[] {
  return calls.map((call) => (call === null ? null : additionsOf(call)));
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
}

/**
 * Makes the requests that pass a batch on: each entry's bytes with our attributes spliced into its GenAI spans.
 * Entries are joined up to `maxBytes` (the messages of a repeated field, one after the other, are one message);
 * one that alone is larger goes alone.
 */
export function* forwardBody(batch: ProcessedBatch, maxBytes: number): Generator<OutgoingRequest> {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  let spans = 0;
  let lastSequence = batch.afterSequence;
  for (const [index, entry] of batch.entries.entries()) {
    const group = batch.groups[index];
    const additions = group === undefined ? [] : additionsOfGroup(group);
    const body = additions.some((one) => one !== null)
      ? spliceAttributes(entry.body, entry.offsets, additions)
      : entry.body;
    if (parts.length > 0 && bytes + body.length > maxBytes) {
      yield { body: joined(parts), spans, lastSequence };
      parts = [];
      bytes = 0;
      spans = 0;
    }
    parts.push(body);
    bytes += body.length;
    spans += entry.totalSpans;
    lastSequence = entry.sequence;
  }
  if (parts.length > 0) yield { body: joined(parts), spans, lastSequence };
}
