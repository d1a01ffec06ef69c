import type { Call, GenAiSpan } from '@spanmeter/processors';
import type { ProcessingChain } from '@spanmeter/collector/dist/pipeline/batch.js';
import {
  OFFSET_STRIDE,
  type JournalRecord,
  type SpanOffsets,
} from '@spanmeter/collector/dist/pipeline/entry.js';

const POISON = 'poison';
const REJECTED = 'rejected';

/** A request that carries the calls of these keys (`k1`, `k2`, ...); a poisoned one cannot be decoded. */
export function requestOf(
  keys: readonly string[],
  options: { fillBytes: number; isPoisoned: boolean; isRejected: boolean; receivedUnixMs: number },
): JournalRecord {
  const mark = options.isPoisoned ? POISON : options.isRejected ? REJECTED : 'fine';
  const body = Buffer.from(`${mark}|${keys.join(' ')} |${'.'.repeat(options.fillBytes)}`);
  return {
    signal: 'traces',
    context: {
      receivedUnixMs: options.receivedUnixMs,
      role: 'ingest',
      tenant: 'acme',
      declaredTenant: null,
      keyId: 'key-1',
      team: null,
    },
    body,
    offsets: new Uint32Array(OFFSET_STRIDE * keys.length),
    totalSpans: keys.length,
  };
}

/** The keys in a request's body. */
export function keysOf(body: Uint8Array): string[] {
  return (Buffer.from(body).toString('latin1').split('|')[1] ?? '').split(' ').filter((key) => key !== '');
}

/** Stands in for the OTLP decoder: one span per key. */
export function decode(body: Uint8Array): GenAiSpan[] {
  const mark = Buffer.from(body).toString('latin1').split('|')[0];
  if (mark === POISON) throw new Error('cannot be decoded');
  return keysOf(body).map((spanId) => ({ spanId, name: mark }) as unknown as GenAiSpan);
}

/** Stands in for cutting spans out of a request. */
export function extract(body: Uint8Array, _offsets: SpanOffsets, indices: readonly number[]): Uint8Array {
  const keys = keysOf(body);
  return Buffer.from(indices.map((index) => keys[index]).join(' '));
}

/** A chain that rejects the first span of a marked request and makes a call of every other. */
export const CHAIN: ProcessingChain = {
  books: () => [],
  steps: [
    (groups) => {
      for (const group of groups) {
        for (const [i, span] of group.spans.entries()) {
          if (span.name === REJECTED && i === 0) group.rejections.push({ index: i, reason: 'time_missing' });
          else group.calls[i] = { tenantId: 'acme', spanId: span.spanId } as unknown as Call;
        }
      }
    },
  ],
};
