import type { AttributeValue, Call, GenAiSpan } from './call.ts';
import type { SpanFields } from './dialects/index.ts';
import { knownOperation, operationOfSpanName } from './operations.ts';
import { readFlag } from './flag.ts';
import { remembered } from './remembered.ts';
import { storableText } from './text.ts';

const NO_REASONS: readonly string[] = [];
const MAX_REMEMBERED = 500;
const STATUS_ERROR = 2;
const KIND_CLIENT = 3;
const MAX_REASONS = 16;
const MAX_REASON_BYTES = 64;
const MAX_OPERATION_BYTES = 64;
const MAX_ERROR_BYTES = 256;
const MAX_TTFT_SECONDS = 1e6;

function readReasons(value: AttributeValue | undefined): readonly string[] | null {
  if (value === undefined) return null;
  const only: AttributeValue | undefined = Array.isArray(value) && value.length === 1 ? value[0] : undefined;
  if (typeof only === 'string') {
    const found = oneReason(only);
    return found === NO_REASONS ? null : found;
  }
  const texts = typeof value === 'string' ? splitReasons(value) : Array.isArray(value) ? value : [];
  const reasons: string[] = [];
  for (const text of texts.slice(0, MAX_REASONS) as readonly AttributeValue[]) {
    if (typeof text !== 'string') continue;
    const reason = storableText(text.trim(), MAX_REASON_BYTES);
    if (reason !== '') reasons.push(reason);
  }
  return reasons.length === 0 ? null : reasons;
}

/** Text is one reason, a JSON array or a Python list of them: `["stop"]`, `('stop',)`, `stop`. */
function splitReasons(text: string): readonly string[] {
  if (!/^[[(]/.test(text)) return [text];
  return text
    .slice(1, 4096)
    .split(',')
    .map((part) => part.replace(/["'[\]()]/g, ''));
}

function readNanos(value: AttributeValue | undefined): bigint | null {
  const seconds = typeof value === 'number' ? value : typeof value === 'bigint' ? Number(value) : Number.NaN;
  return seconds >= 0 && seconds <= MAX_TTFT_SECONDS ? BigInt(Math.round(seconds * 1e9)) : null;
}

/** Nearly every call ends for one of a few reasons, which then share one list. */
const oneReason = remembered((text) => {
  const reason = storableText(text.trim(), MAX_REASON_BYTES);
  return reason === '' ? NO_REASONS : [reason];
}, MAX_REMEMBERED);

/** Makes a reader of operation, outcome and latency, written into the call; returns whether it is billable. */
export function outcomeReader(fields: SpanFields): (call: Call, span: GenAiSpan) => boolean {
  const operation = fields.slot('operation');
  const streaming = fields.slot('streaming');
  const reasons = fields.slot('finishReasons');
  const ttft = fields.slot('timeToFirstSeconds');
  const errorType = fields.slot('errorType');
  const deferred = fields.slot('usageDeferred');
  const toldAbove = fields.slot('toldAbove');

  const errorOf = (span: GenAiSpan): string | null => {
    const text = fields.text(errorType);
    if (text !== null) return storableText(text, MAX_ERROR_BYTES) || '_OTHER';
    return span.statusCode === STATUS_ERROR ? '_OTHER' : null;
  };

  return (call, span) => {
    const named = fields.text(operation);
    const known = named === null ? operationOfSpanName(span.name) : knownOperation(named);
    const used = call.usageSource !== 'missing';
    call.operation = known?.name ?? (named === null ? 'unknown' : ownName(named));
    call.errorType = errorOf(span);
    call.finishReasons = readReasons(fields.value(reasons));
    call.ttftNanos = readNanos(fields.value(ttft));
    call.streaming = readFlag(fields.value(streaming)) ?? (call.ttftNanos === null ? null : true);
    // Our instrumentation marks what another one tells of the same call, maybe with less of its usage.
    if (readFlag(fields.value(toldAbove)) === true) return false;
    // A span of no known operation is a call where it used something, or calls a model over the network.
    const billable = known?.billable ?? (used || (span.kind === KIND_CLIENT && call.requestModel !== null));
    // Providers do not charge for a request that they refused; what an error did use is charged. What goes on in the
    // background is charged by the span that tells its usage.
    const isTold = used || (call.errorType === null && readFlag(fields.value(deferred)) !== true);
    return billable && isTold;
  };
}

function ownName(named: string): string {
  return storableText(named.trim().toLowerCase(), MAX_OPERATION_BYTES) || 'unknown';
}
