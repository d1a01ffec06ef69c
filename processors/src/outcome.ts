import type { AttributeValue, GenAiSpan } from './call.ts';
import type { Operation } from './operations.ts';
import { knownOperation, operationOfSpanName } from './operations.ts';
import type { SpanFields } from './span-fields.ts';
import { storableText } from './text.ts';

/** What happened in a call, and whether anybody pays for it. */
export interface Outcome {
  readonly operation: string;
  readonly billable: boolean;
  readonly streaming: boolean | null;
  readonly finishReasons: readonly string[] | null;
  readonly ttftNanos: bigint | null;
  readonly errorType: string | null;
}

const STATUS_ERROR = 2;
const KIND_CLIENT = 3;
const MAX_REASONS = 16;
const MAX_REASON_BYTES = 64;
const MAX_OPERATION_BYTES = 64;
const MAX_ERROR_BYTES = 256;
const MAX_TTFT_SECONDS = 1e6;

function readFlag(value: AttributeValue | undefined): boolean | null {
  if (typeof value === 'boolean') return value;
  if (value === 'true' || value === 'True') return true;
  return value === 'false' || value === 'False' ? false : null;
}

function readReasons(value: AttributeValue | undefined): readonly string[] | null {
  if (value === undefined) return null;
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

/** Makes a reader of operation, outcome and latency. */
export function outcomeReader(fields: SpanFields): (span: GenAiSpan, hasUsage: boolean) => Outcome {
  const operation = fields.slot('operation');
  const streaming = fields.slot('streaming');
  const reasons = fields.slot('finishReasons');
  const ttft = fields.slot('timeToFirstSeconds');
  const errorType = fields.slot('errorType');
  const requestModel = fields.slot('requestModel');

  const errorOf = (span: GenAiSpan): string | null => {
    const text = fields.text(errorType);
    if (text !== null) return storableText(text, MAX_ERROR_BYTES) || '_OTHER';
    return span.statusCode === STATUS_ERROR ? '_OTHER' : null;
  };

  /** A span of no known operation is a call where it used something, or calls a model over the network. */
  const unknownBillable = (span: GenAiSpan, used: boolean): boolean =>
    used || (span.kind === KIND_CLIENT && fields.value(requestModel) !== undefined);

  return (span, used) => {
    const named = fields.text(operation);
    const known: Operation | null =
      (named === null ? null : knownOperation(named)) ??
      (named === null ? operationOfSpanName(span.name) : null);
    const error = errorOf(span);
    const billable = known?.billable ?? unknownBillable(span, used);
    const ttftNanos = readNanos(fields.value(ttft));
    return {
      operation: known?.name ?? (named === null ? 'unknown' : ownName(named)),
      // Providers do not charge for a request that they refused; what an error did use is charged.
      billable: billable && (used || error === null),
      streaming: readFlag(fields.value(streaming)) ?? (ttftNanos === null ? null : true),
      finishReasons: readReasons(fields.value(reasons)),
      ttftNanos,
      errorType: error,
    };
  };
}

function ownName(named: string): string {
  return storableText(named.trim().toLowerCase(), MAX_OPERATION_BYTES) || 'unknown';
}
