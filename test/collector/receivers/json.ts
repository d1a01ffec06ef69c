import { Refusal } from '@spanmeter/collector/dist/pipeline/refusal.js';
import { buildTraces } from '../../support/otlp-builder.ts';
export function jsonToProtobuf(body: Uint8Array): Uint8Array {
  let parsed: any;
  try {
    parsed = JSON.parse(Buffer.from(body).toString());
  } catch {
    throw new Refusal('invalid', 'not JSON');
  }
  const spans = (parsed.resourceSpans ?? []).flatMap((r: any) =>
    (r.scopeSpans ?? []).flatMap((s: any) => s.spans ?? []),
  );
  return buildTraces([
    {
      spans: spans.map((s: any) => ({
        name: s.name,
        traceId: s.traceId,
        spanId: s.spanId,
        startUnixNano: 1n,
        endUnixNano: 2n,
        attributes: Object.fromEntries((s.attributes ?? []).map((a: any) => [a.key, 'x'])),
      })),
    },
  ]);
}
