import { ANY, DURATION, PARTIAL_SUCCESS, RESPONSE, RETRY_INFO, RPC_STATUS } from './fields.ts';
import { LENGTH, VARINT, varintSize, writeVarint } from './wire.ts';

export { countItems, countJsonItems } from './count.ts';

// Export<Signal>ServiceResponse { 1: partial success { 1: rejected int64, 2: error message } }
// google.rpc.Status { 1: code int32, 2: message, 3: details Any* }   Any { 1: type url, 2: bytes }
// google.rpc.RetryInfo { 1: Duration { 1: seconds int64, 2: nanos int32 } }

export type Encoding = 'protobuf' | 'json';
export type Signal = 'traces' | 'metrics' | 'logs';

/** UTF-8 bytes of a message in an answer, so that every answer is small. */
const MAX_MESSAGE_BYTES = 1024;

const RETRY_INFO_URL = 'type.googleapis.com/google.rpc.RetryInfo';

const REJECTED_NAMES: Readonly<Record<Signal, string>> = {
  traces: 'rejectedSpans',
  metrics: 'rejectedDataPoints',
  logs: 'rejectedLogRecords',
};

/**
 * The answer to an export that was taken: empty for a full success, else `partial_success` (OTLP 1.11: with
 * nothing rejected, a message is a warning). The message is cut at 1 KiB.
 */
export function encodeExportResponse(
  encoding: Encoding,
  signal: Signal,
  rejected: number,
  message: string,
): Uint8Array {
  const errorMessage = bounded(message);
  const empty = rejected === 0 && errorMessage === '';
  if (encoding === 'json') {
    const partialSuccess: Record<string, string> = {};
    if (rejected > 0) partialSuccess[REJECTED_NAMES[signal]] = String(rejected);
    if (errorMessage !== '') partialSuccess['errorMessage'] = errorMessage;
    return Buffer.from(JSON.stringify(empty ? {} : { partialSuccess }));
  }
  if (empty) return new Uint8Array(0);
  return lengthDelimited(
    RESPONSE.partialSuccess,
    Buffer.concat([
      varint(PARTIAL_SUCCESS.rejected, rejected),
      text(PARTIAL_SUCCESS.errorMessage, errorMessage),
    ]),
  );
}

/**
 * A google.rpc.Status, the body of every refusal; with `retryAfterMs`, a RetryInfo in its details.
 * The message is cut at 1 KiB.
 */
export function encodeStatus(
  encoding: Encoding,
  code: number,
  message: string,
  retryAfterMs?: number,
): Uint8Array {
  const shown = bounded(message);
  const delayMs = retryAfterMs === undefined ? undefined : Math.max(0, Math.round(retryAfterMs));
  if (encoding === 'json') {
    const details =
      delayMs === undefined
        ? {}
        : { details: [{ '@type': RETRY_INFO_URL, retryDelay: `${delayMs / 1000}s` }] };
    return Buffer.from(JSON.stringify({ code, message: shown, ...details }));
  }
  const parts = [varint(RPC_STATUS.code, code), text(RPC_STATUS.message, shown)];
  if (delayMs !== undefined) {
    const duration = Buffer.concat([
      varint(DURATION.seconds, Math.floor(delayMs / 1000)),
      varint(DURATION.nanos, (delayMs % 1000) * 1_000_000),
    ]);
    const any = [
      text(ANY.typeUrl, RETRY_INFO_URL),
      lengthDelimited(ANY.value, lengthDelimited(RETRY_INFO.retryDelay, duration)),
    ];
    parts.push(lengthDelimited(RPC_STATUS.details, Buffer.concat(any)));
  }
  return Buffer.concat(parts);
}

/** At most MAX_MESSAGE_BYTES of UTF-8, cut between characters; a lone surrogate becomes U+FFFD. */
function bounded(message: string): string {
  const bytes = Buffer.from(message);
  if (bytes.length <= MAX_MESSAGE_BYTES) return bytes.toString();
  const ellipsis = '…';
  let end = MAX_MESSAGE_BYTES - Buffer.byteLength(ellipsis);
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end) + ellipsis;
}

function varint(field: number, value: number): Buffer {
  if (value === 0) return Buffer.alloc(0);
  const bytes = Buffer.alloc(1 + varintSize(value));
  bytes[0] = (field << 3) | VARINT;
  writeVarint(bytes, 1, value);
  return bytes;
}

function text(field: number, value: string): Buffer {
  return value === '' ? Buffer.alloc(0) : lengthDelimited(field, Buffer.from(value));
}

function lengthDelimited(field: number, content: Buffer): Buffer {
  const head = Buffer.alloc(1 + varintSize(content.length));
  head[0] = (field << 3) | LENGTH;
  writeVarint(head, 1, content.length);
  return Buffer.concat([head, content]);
}
