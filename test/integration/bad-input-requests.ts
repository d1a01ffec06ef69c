import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { chatSpan } from '../support/chat-span.ts';
import { buildTraces, fixed64Field, lengthDelimited } from '../support/otlp-builder.ts';
import type { OtlpPost, OtlpSignal } from '../support/otlp-client.ts';
import { buildTracesJson } from '../support/otlp-json.ts';

const MIB = 1024 * 1024;
const JSON_TYPE = { 'content-type': 'application/json' };

export const oneChat = (): Uint8Array => buildTraces([{ spans: [chatSpan()] }]);
const text = (value: string): Uint8Array => Buffer.from(value);

/** LogRecord { 1: time fixed64, 5: AnyValue body }, or without a time. */
function logs(timed: boolean): Uint8Array {
  const body = lengthDelimited(5, lengthDelimited(1, text('a log line')));
  const record = timed ? Buffer.concat([fixed64Field(1, 1_780_000_000_000_000_000n), body]) : body;
  return lengthDelimited(1, lengthDelimited(2, lengthDelimited(2, record)));
}

/** Metric { 1: name, 5: Gauge { 1: NumberDataPoint } } with two points. */
function metrics(): Uint8Array {
  const point = lengthDelimited(1, fixed64Field(3, 1_780_000_000_000_000_000n));
  const metric = Buffer.concat([lengthDelimited(1, text('requests')), lengthDelimited(5, point, point)]);
  return lengthDelimited(1, lengthDelimited(2, lengthDelimited(2, metric)));
}

const LOGS_JSON = JSON.stringify({
  resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'a' } }, { severityNumber: 9 }] }] }],
});
const METRICS_JSON = JSON.stringify({
  resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'a', gauge: { dataPoints: [{}, {}, {}] } }] }] }],
});

/** Bytes that gzip shrinks a thousand times. */
let bomb: Buffer | undefined;
const gzipBomb = (): Buffer => (bomb ??= gzipSync(Buffer.alloc(80 * MIB), { level: 1 }));
const tooLarge = (): Buffer => Buffer.alloc(65 * MIB, 0x0a);

/** A request that is refused whole: status, Status body, and the counter of refusals by `code`. */
export interface RefusedRequest {
  readonly title: string;
  readonly post: () => OtlpPost;
  readonly status: number;
  readonly grpcCode: number;
  readonly code: string;
  readonly message: RegExp;
  /** Headers that the answer must have. */
  readonly headers?: Readonly<Record<string, RegExp>>;
}

const invalid = { status: 400, grpcCode: 3, code: 'invalid' };
const unsupported = { status: 415, grpcCode: 3, code: 'unsupported_media_type' };
const large = { status: 413, grpcCode: 8, code: 'too_large' };

export const REFUSED_REQUESTS: readonly RefusedRequest[] = [
  { title: 'garbage bytes', post: () => ({ body: 'garbage' }), ...invalid, message: /byte/ },
  {
    title: 'garbage as JSON',
    post: () => ({ headers: JSON_TYPE, body: 'garbage' }),
    ...invalid,
    message: /byte 0/,
  },
  {
    title: 'truncated protobuf',
    post: () => ({ body: oneChat().subarray(0, -3) }),
    ...invalid,
    message: /byte/,
  },
  {
    title: 'truncated JSON',
    post: () => ({ headers: JSON_TYPE, body: buildTracesJson([{ spans: [chatSpan()] }]).slice(0, -4) }),
    ...invalid,
    message: /./,
  },
  {
    title: 'protobuf said to be JSON',
    post: () => ({ headers: JSON_TYPE, body: oneChat() }),
    ...invalid,
    message: /./,
  },
  {
    title: 'JSON said to be protobuf',
    post: () => ({ body: buildTracesJson([{ spans: [chatSpan()] }]) }),
    ...invalid,
    message: /./,
  },
  {
    title: 'a wrong content type',
    post: () => ({ headers: { 'content-type': 'text/plain' }, body: oneChat() }),
    ...unsupported,
    message: /application\/x-protobuf or application\/json/,
    headers: { accept: /application\/x-protobuf/ },
  },
  {
    title: 'no content type',
    post: () => ({ headers: { 'content-type': '' }, body: oneChat() }),
    ...unsupported,
    message: /application\/x-protobuf or application\/json/,
  },
  {
    title: 'an unknown content encoding',
    post: () => ({ headers: { 'content-encoding': 'br' }, body: oneChat() }),
    ...unsupported,
    message: /"br" is not supported/,
    headers: { 'accept-encoding': /gzip/ },
  },
  {
    title: 'damaged gzip',
    post: () => ({ headers: { 'content-encoding': 'gzip' }, body: oneChat() }),
    ...invalid,
    message: /gzip/,
  },
  {
    title: 'truncated gzip',
    post: () => ({ headers: { 'content-encoding': 'gzip' }, body: gzipSync(oneChat()).subarray(0, -6) }),
    ...invalid,
    message: /gzip/,
  },
  {
    title: 'a gzip bomb',
    post: () => ({ headers: { 'content-encoding': 'gzip' }, body: gzipBomb() }),
    ...large,
    message: /67108864 bytes, counted after decompression/,
  },
  {
    title: 'a body of 65 MiB',
    post: () => ({ body: tooLarge() }),
    ...large,
    message: /67108864 bytes/,
  },
  {
    title: 'a body of 65 MiB of unknown length',
    post: () => ({ body: tooLarge(), chunked: true }),
    ...large,
    message: /67108864 bytes/,
  },
  { title: 'logs sent as traces', post: () => ({ body: logs(true) }), ...invalid, message: /Span/ },
  {
    title: 'logs sent as traces in JSON',
    post: () => ({ headers: JSON_TYPE, body: LOGS_JSON }),
    ...invalid,
    message: /resourceLogs, sent to the path of traces/,
  },
  {
    title: 'metrics sent as traces in JSON',
    post: () => ({ headers: JSON_TYPE, body: METRICS_JSON }),
    ...invalid,
    message: /resourceMetrics, sent to the path of traces/,
  },
  {
    title: 'a tenant header of 3,000 bytes',
    post: () => ({ headers: { 'x-scope-orgid': 'n'.repeat(3000) }, body: oneChat() }),
    ...invalid,
    message: /has 3000 bytes; at most 512/,
  },
  {
    title: 'an unknown path',
    post: () => ({ path: '/v1/trace', body: oneChat() }),
    status: 404,
    grpcCode: 12,
    code: 'not_found',
    message: /\/v1\/traces/,
  },
  {
    title: 'another method',
    post: () => ({ method: 'PUT', body: oneChat() }),
    status: 405,
    grpcCode: 12,
    code: 'method_not_allowed',
    message: /POST/,
    headers: { allow: /^POST$/ },
  },
];

/** A request that is taken, though nothing of it is stored. */
export interface TakenRequest {
  readonly title: string;
  readonly post: () => OtlpPost;
  /** Null where everything is taken: an empty answer. */
  readonly partial: { readonly rejected: number; readonly message: RegExp } | null;
}

const notStored = (rejected: number, items: string): TakenRequest['partial'] => ({
  rejected,
  message: new RegExp(`does not store ${items}`),
});

export const TAKEN_REQUESTS: readonly TakenRequest[] = [
  { title: 'an empty body', post: () => ({}), partial: null },
  { title: 'an empty JSON body', post: () => ({ headers: JSON_TYPE }), partial: null },
  { title: 'an empty JSON object', post: () => ({ headers: JSON_TYPE, body: '{}' }), partial: null },
  {
    title: 'an empty list of resources',
    post: () => ({ headers: JSON_TYPE, body: '{"resourceSpans":[]}' }),
    partial: null,
  },
  {
    title: 'an empty body in gzip',
    post: () => ({ headers: { 'content-encoding': 'gzip' }, body: gzipSync('') }),
    partial: null,
  },
  {
    title: 'a resource without spans',
    post: () => ({ body: buildTraces([{ resource: { 'service.name': 'a' }, spans: [] }]) }),
    partial: null,
  },
  {
    title: 'logs to their own path',
    post: () => ({ path: '/v1/logs', body: logs(true) }),
    partial: notStored(1, 'log records'),
  },
  {
    title: 'logs to their own path in JSON',
    post: () => ({ path: '/v1/logs', headers: JSON_TYPE, body: LOGS_JSON }),
    partial: notStored(2, 'log records'),
  },
  {
    title: 'metrics to their own path',
    post: () => ({ path: '/v1/metrics', body: metrics() }),
    partial: notStored(2, 'metric data points'),
  },
  {
    title: 'metrics to their own path in JSON',
    post: () => ({ path: '/v1/metrics', headers: JSON_TYPE, body: METRICS_JSON }),
    partial: notStored(3, 'metric data points'),
  },
  { title: 'an empty request for logs', post: () => ({ path: '/v1/logs' }), partial: null },
  {
    title: 'logs without times sent as traces, which read as spans without ids',
    post: () => ({ body: logs(false) }),
    partial: { rejected: 1, message: /trace id/ },
  },
  {
    title: 'metrics sent as traces, whose names read as trace ids',
    post: () => ({ body: metrics() }),
    partial: { rejected: 1, message: /trace id/ },
  },
];

export interface GrpcRequest {
  readonly title: string;
  readonly signal?: OtlpSignal;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: () => Uint8Array;
  readonly gzip?: boolean;
  readonly code: number;
  readonly message?: RegExp;
  readonly rejected?: number;
  /** Counted as this refusal; the library itself refuses what is too large, before we see it. */
  readonly counted?: string;
}

export const GRPC_REQUESTS: readonly GrpcRequest[] = [
  { title: 'garbage', body: () => text('garbage'), code: 3, message: /byte/, counted: 'invalid' },
  {
    title: 'a truncated message',
    body: () => oneChat().subarray(0, -3),
    code: 3,
    message: /byte/,
    counted: 'invalid',
  },
  { title: 'logs sent as traces', body: () => logs(true), code: 3, message: /Span/, counted: 'invalid' },
  {
    title: 'a tenant of 3,000 bytes in the metadata',
    headers: { 'x-scope-orgid': 'n'.repeat(3000) },
    body: oneChat,
    code: 3,
    message: /at most 512/,
    counted: 'invalid',
  },
  { title: 'a message of 65 MiB', body: tooLarge, code: 8 },
  { title: 'a gzip bomb', body: () => Buffer.alloc(80 * MIB), gzip: true, code: 8 },
  { title: 'an empty request', body: () => text(''), code: 0 },
  { title: 'logs', signal: 'logs', body: () => logs(true), code: 0, rejected: 1 },
  { title: 'metrics', signal: 'metrics', body: metrics, code: 0, rejected: 2 },
  {
    title: 'a span whose trace id is too short',
    body: () => buildTraces([{ spans: [chatSpan({ traceId: randomBytes(4).toString('hex') })] }]),
    code: 0,
    rejected: 1,
  },
];
