import protobuf from 'protobufjs';
import { buildTraces } from '../../support/otlp-builder.ts';
import type { BuilderSpan } from '../../support/otlp-builder.ts';

const root = protobuf.parse(
  `syntax = "proto3";
   message Any { string type_url = 1; bytes value = 2; }
   message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
   message Duration { int64 seconds = 1; int32 nanos = 2; }
   message RetryInfo { Duration retry_delay = 1; }
   message PartialSuccess { int64 rejected = 1; string error_message = 2; }
   message Response { PartialSuccess partial_success = 1; }`,
).root;

function decode(type: string, bytes: Uint8Array): Record<string, unknown> {
  const message = root.lookupType(type);
  return message.toObject(message.decode(bytes), { longs: Number });
}

export interface StatusMessage {
  readonly code: number;
  readonly message: string;
  /** Milliseconds of the RetryInfo, or null without one. */
  readonly retryAfterMs: number | null;
}

/** Reads a google.rpc.Status. */
export function readStatus(bytes: Uint8Array): StatusMessage {
  const { code, message, details } = decode('Status', bytes) as {
    code: number;
    message: string;
    details?: { type_url?: string; typeUrl?: string; value: Uint8Array }[];
  };
  const retry = (details ?? []).find((one) =>
    (one.typeUrl ?? one.type_url ?? '').endsWith('google.rpc.RetryInfo'),
  );
  if (retry === undefined) return { code, message, retryAfterMs: null };
  const { retryDelay } = decode('RetryInfo', retry.value) as {
    retryDelay?: { seconds?: number; nanos?: number };
  };
  return { code, message, retryAfterMs: (retryDelay?.seconds ?? 0) * 1000 + (retryDelay?.nanos ?? 0) / 1e6 };
}

/** Reads an Export<Signal>ServiceResponse; null where everything was taken. */
export function readPartialSuccess(bytes: Uint8Array): { rejected: number; message: string } | null {
  const { partialSuccess } = decode('Response', bytes) as {
    partialSuccess?: { rejected?: number; errorMessage?: string };
  };
  if (partialSuccess === undefined) return null;
  return { rejected: partialSuccess.rejected ?? 0, message: partialSuccess.errorMessage ?? '' };
}

const SPAN: BuilderSpan = {
  name: 'chat gpt-4o',
  startUnixNano: 1_780_000_000_000_000_000n,
  endUnixNano: 1_780_000_001_000_000_000n,
  attributes: { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'gpt-4o' },
};

/** An ExportTraceServiceRequest with this many GenAI spans, each changed as told. */
export function traces(count = 1, changes: Partial<BuilderSpan> = {}): Uint8Array {
  return buildTraces([
    {
      resource: { 'service.name': 'shop' },
      spans: Array.from({ length: count }, () => ({ ...SPAN, ...changes })),
    },
  ]);
}

/** The same as OTLP/JSON, with one span. */
export function tracesJson(changes: Record<string, unknown> = {}): string {
  const span = {
    traceId: '5b8efff798038103d269b633813fc60c',
    spanId: 'eee19b7ec3c1b174',
    name: 'chat gpt-4o',
    kind: 3,
    startTimeUnixNano: '1780000000000000000',
    endTimeUnixNano: '1780000001000000000',
    attributes: [{ key: 'gen_ai.operation.name', value: { stringValue: 'chat' } }],
    ...changes,
  };
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
}
