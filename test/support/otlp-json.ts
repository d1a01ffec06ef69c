import { DoubleValue } from './otlp-builder.ts';
import type { BuilderAttributes, BuilderGroup, BuilderSpan, BuilderValue } from './otlp-builder.ts';

/** How OTLP/JSON may write an int64. */
export type Int64Form = 'string' | 'number';

function anyValue(value: BuilderValue, int64: Int64Form): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'bigint') return { intValue: String(value) };
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) return { doubleValue: value };
    return { intValue: int64 === 'string' ? String(value) : value };
  }
  if (value instanceof DoubleValue)
    return { doubleValue: Number.isFinite(value.value) ? value.value : String(value.value) };
  if (value instanceof Uint8Array) return { bytesValue: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) {
    const items = value as readonly BuilderValue[];
    return { arrayValue: { values: items.map((item) => anyValue(item, int64)) } };
  }
  const entries = value instanceof Map ? [...(value as Map<string, BuilderValue>)] : Object.entries(value);
  return { kvlistValue: { values: keyValues(Object.fromEntries(entries) as BuilderAttributes, int64) } };
}

function keyValues(attributes: BuilderAttributes | undefined, int64: Int64Form): object[] {
  return Object.entries(attributes ?? {}).map(([key, value]) => ({ key, value: anyValue(value, int64) }));
}

function spanJson(span: BuilderSpan, int64: Int64Form): object {
  const time = (nanos: bigint): string | number => (int64 === 'string' ? String(nanos) : Number(nanos));
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    ...(span.parentSpanId === undefined ? {} : { parentSpanId: span.parentSpanId }),
    ...(span.traceState === undefined ? {} : { traceState: span.traceState }),
    name: span.name,
    kind: span.kind ?? 3,
    startTimeUnixNano: time(span.startUnixNano),
    endTimeUnixNano: time(span.endUnixNano),
    attributes: keyValues(span.attributes, int64),
    status: { code: span.statusCode ?? 0, message: span.statusMessage ?? '' },
  };
}

/** The same request as `buildTraces` as OTLP/JSON; ids must be given, events and links are left out. */
export function buildTracesJson(groups: readonly BuilderGroup[], int64: Int64Form = 'string'): string {
  const resourceSpans = groups.map(({ resource, scope, spans }) => ({
    resource: { attributes: keyValues(resource, int64) },
    scopeSpans: [
      {
        scope: { name: scope?.name ?? '', version: scope?.version ?? '' },
        spans: spans.map((span) => spanJson(span, int64)),
      },
    ],
  }));
  return JSON.stringify({ resourceSpans });
}
