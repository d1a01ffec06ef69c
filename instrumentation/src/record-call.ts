import {
  SpanKind,
  SpanStatusCode,
  context,
  trace,
  type Attributes,
  type TimeInput,
} from '@opentelemetry/api';
import { attributedWith, type Attribution } from './attribution.ts';
import { SCOPE_NAME } from './instrumentation.ts';
import { putNumber, putString } from './json.ts';
import {
  ATTR_CACHE_READ_TOKENS,
  ATTR_CACHE_WRITE_TOKENS,
  ATTR_ERROR_TYPE,
  ATTR_INPUT_TOKENS,
  ATTR_OPERATION,
  ATTR_OUTPUT_TOKENS,
  ATTR_PROVIDER,
  ATTR_REASONING_TOKENS,
  ATTR_REQUEST_MODEL,
  ATTR_RESPONSE_ID,
  ATTR_RESPONSE_MODEL,
  CHARACTER_COUNTS,
} from './semconv.ts';
import { VERSION } from './version.ts';

/** A call made without an instrumented SDK. Input includes cached tokens, output includes reasoning. */
export interface RecordedCall {
  readonly provider: string;
  readonly model: string;
  /** `chat` where absent. */
  readonly operation?: string;
  readonly responseModel?: string;
  readonly responseId?: string;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly cacheReadTokens?: number;
  readonly cacheWriteTokens?: number;
  readonly reasoningTokens?: number;
  /** Characters of all text sent, where `inputTokens` is not known: the collector may estimate from it. */
  readonly inputCharacters?: number;
  /** Characters of all text received, where `outputTokens` is not known. */
  readonly outputCharacters?: number;
  /** Now where absent. */
  readonly startTime?: TimeInput;
  readonly endTime?: TimeInput;
  /** Set for a failed call: a short class, never a message. */
  readonly errorType?: string;
  readonly attribution?: Attribution;
  /** Further attributes, under their own names. */
  readonly attributes?: Attributes;
}

/** Records one finished call as a span of the global tracer provider. */
export function recordCall(call: RecordedCall): void {
  const operation = call.operation ?? 'chat';
  const attributes: Attributes = {
    ...attributedWith(context.active(), call.attribution ?? {}),
    ...call.attributes,
    [ATTR_OPERATION]: operation,
    [ATTR_PROVIDER]: call.provider,
    [ATTR_REQUEST_MODEL]: call.model,
  };
  putString(attributes, ATTR_RESPONSE_MODEL, call.responseModel);
  putString(attributes, ATTR_RESPONSE_ID, call.responseId);
  putString(attributes, ATTR_ERROR_TYPE, call.errorType);
  putNumber(attributes, ATTR_INPUT_TOKENS, call.inputTokens);
  putNumber(attributes, ATTR_OUTPUT_TOKENS, call.outputTokens);
  if (call.inputTokens === undefined) {
    putNumber(attributes, CHARACTER_COUNTS.input.characters, call.inputCharacters);
  }
  if (call.outputTokens === undefined) {
    putNumber(attributes, CHARACTER_COUNTS.output.characters, call.outputCharacters);
  }
  putNumber(attributes, ATTR_CACHE_READ_TOKENS, call.cacheReadTokens);
  putNumber(attributes, ATTR_CACHE_WRITE_TOKENS, call.cacheWriteTokens);
  putNumber(attributes, ATTR_REASONING_TOKENS, call.reasoningTokens);
  const span = trace.getTracer(SCOPE_NAME, VERSION).startSpan(`${operation} ${call.model}`, {
    kind: SpanKind.CLIENT,
    attributes,
    ...(call.startTime === undefined ? {} : { startTime: call.startTime }),
  });
  if (call.errorType !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end(call.endTime);
}
