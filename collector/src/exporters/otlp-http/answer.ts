import {
  contentEnd,
  contentStart,
  LENGTH,
  skipPayload,
  tagValue,
  VARINT,
  varintEnd,
} from '../../otlp/wire.ts';

/** Longest text of a destination that reaches a log line. */
const MAX_MESSAGE = 300;

/** What a 2xx answer says besides success. */
export interface PartialSuccess {
  readonly rejectedSpans: number;
  readonly message: string;
}

// ExportTraceServiceResponse { ExportTracePartialSuccess partial_success = 1; }
// ExportTracePartialSuccess  { int64 rejected_spans = 1; string error_message = 2; }
// google.rpc.Status          { int32 code = 1; string message = 2; repeated Any details = 3; }
const NUMBER_FIELD = 1;
const TEXT_FIELD = 2;
const PARTIAL_SUCCESS_TAG = (1 << 3) | LENGTH;

/** int64 of the varint in [position, end): rejected counts are never negative, so those are read as 0. */
function readCount(bytes: Uint8Array, position: number, end: number): number {
  let value = 0n;
  for (let at = end - 1; at >= position; at--) value = (value << 7n) | BigInt((bytes[at] ?? 0) & 0x7f);
  const count = BigInt.asIntN(64, value);
  return count > 0n && count <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(count) : 0;
}

/** Both messages have a number and a text in the same fields. */
function readNumberAndText(bytes: Uint8Array): PartialSuccess {
  let rejectedSpans = 0;
  let message = '';
  for (let at = 0; at < bytes.length;) {
    const start = varintEnd(bytes, at, bytes.length);
    const tag = tagValue(bytes, at, start);
    at = skipPayload(bytes, start, bytes.length, tag, 1);
    if (tag === ((NUMBER_FIELD << 3) | VARINT)) rejectedSpans = readCount(bytes, start, at);
    if (tag === ((TEXT_FIELD << 3) | LENGTH)) {
      const textStart = contentStart(bytes, start, bytes.length);
      message = Buffer.from(bytes.subarray(textStart, at)).toString('utf8').slice(0, MAX_MESSAGE);
    }
  }
  return { rejectedSpans, message };
}

function readProtobuf(bytes: Uint8Array): PartialSuccess | null {
  let found: PartialSuccess | null = null;
  for (let at = 0; at < bytes.length;) {
    const start = varintEnd(bytes, at, bytes.length);
    const tag = tagValue(bytes, at, start);
    at = skipPayload(bytes, start, bytes.length, tag, 1);
    if (tag !== PARTIAL_SUCCESS_TAG) continue;
    const from = contentStart(bytes, start, bytes.length);
    found = readNumberAndText(bytes.subarray(from, contentEnd(bytes, start, from, bytes.length)));
  }
  return found;
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function readJson(bytes: Uint8Array): PartialSuccess | null {
  const partial = field(JSON.parse(Buffer.from(bytes).toString('utf8')), 'partialSuccess');
  if (partial === undefined || partial === null) return null;
  const rejected = Number(field(partial, 'rejectedSpans') ?? 0);
  const message = field(partial, 'errorMessage');
  return {
    rejectedSpans: Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0,
    message: typeof message === 'string' ? message.slice(0, MAX_MESSAGE) : '',
  };
}

/**
 * Reads the answer to a request that was taken. Null where all was taken without remark, and where the answer
 * cannot be read: sending again would make doubles.
 */
export function readPartialSuccess(body: Uint8Array, contentType: string): PartialSuccess | null {
  try {
    const partial = contentType.includes('json') ? readJson(body) : readProtobuf(body);
    return partial !== null && (partial.rejectedSpans > 0 || partial.message !== '') ? partial : null;
  } catch {
    return null;
  }
}

/** The developer's message of a refusal, at most 300 characters; empty where there is none to read. */
export function readRefusalMessage(body: Uint8Array, contentType: string): string {
  try {
    if (contentType.includes('protobuf')) return readNumberAndText(body).message;
    const text = Buffer.from(body).toString('utf8');
    const message = contentType.includes('json') ? field(JSON.parse(text), 'message') : text;
    return typeof message === 'string' ? message.slice(0, MAX_MESSAGE) : text.slice(0, MAX_MESSAGE);
  } catch {
    return '';
  }
}
