import {
  SpanKind,
  SpanStatusCode,
  context,
  type Attributes,
  type Context,
  type TimeInput,
} from '@opentelemetry/api';
import { attributedWith, type Attribution } from './attribution.ts';
import type { Operation } from './adapter.ts';
import { currentCall, sameRequest } from './current-call.ts';
import { putNumber, putString } from './json.ts';
import { MANUAL_HOST, isManualActive, manualMetrics } from './manual-host.ts';
import {
  ATTR_ERROR_TYPE,
  ATTR_OPERATION,
  ATTR_PROVIDER,
  ATTR_REQUEST_MODEL,
  ATTR_REQUEST_STREAM,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_TIME_TO_FIRST_CHUNK,
  addFormerNames,
} from './semconv.ts';
import { isSuppressed } from './suppress.ts';
import { putCallUsage, type CallUsage } from './usage-attributes.ts';

/** A call made without an instrumented SDK. */
export interface RecordedCall extends CallUsage {
  readonly provider: string;
  readonly model: string;
  /** `chat` where absent. */
  readonly operation?: string;
  /** Where the provider has several prices: `us-east-1`. */
  readonly region?: string;
  readonly serverAddress?: string;
  readonly serverPort?: number;
  readonly streaming?: boolean;
  /** From the request to the first chunk that carries output. */
  readonly timeToFirstChunkMs?: number;
  /** Now where absent. */
  readonly startTime?: TimeInput;
  readonly endTime?: TimeInput;
  /** Set for a failed call: a short class, never a message. */
  readonly errorType?: string;
  readonly attribution?: Attribution;
  /** Further attributes, under their own names. */
  readonly attributes?: Attributes;
}

/**
 * Records one finished call: a span of the global tracer provider and the client metrics of the global meter
 * provider. Its duration is among those where it has a start. Never throws.
 */
export function recordCall(call: RecordedCall): void {
  const active = context.active();
  if (!isManualActive() || isSuppressed(active)) return;
  const isRecorded = MANUAL_HOST.guard(() => {
    record(call, active);
    return true;
  });
  if (isRecorded === true) MANUAL_HOST.noteSound();
}

function record(call: RecordedCall, active: Context): void {
  const operation = call.operation ?? 'chat';
  const start: Attributes = {
    ...attributedWith(active, call.attribution ?? {}),
    ...MANUAL_HOST.always(),
    ...call.attributes,
    [ATTR_OPERATION]: operation,
    [ATTR_PROVIDER]: call.provider,
    [ATTR_REQUEST_MODEL]: call.model,
  };
  putString(start, ATTR_SERVER_ADDRESS, call.serverAddress);
  putNumber(start, ATTR_SERVER_PORT, call.serverPort);
  putString(start, 'cloud.region', call.region);
  if (call.streaming !== undefined) start[ATTR_REQUEST_STREAM] = call.streaming;
  const end: Attributes = {};
  putCallUsage(end, call);
  putString(end, ATTR_ERROR_TYPE, call.errorType);
  if (call.timeToFirstChunkMs !== undefined) {
    putNumber(end, ATTR_TIME_TO_FIRST_CHUNK, call.timeToFirstChunkMs / 1000);
  }
  const endTime = call.endTime ?? Date.now();
  manualMetrics().record(millisecondsBetween(call.startTime, endTime), start, end);
  const attributes = { ...start, ...end };
  if (MANUAL_HOST.formerNames) addFormerNames(attributes);
  const span = MANUAL_HOST.tracer().startSpan(`${operation} ${call.model}`, {
    kind: SpanKind.CLIENT,
    attributes,
    ...(call.startTime === undefined ? {} : { startTime: call.startTime }),
  });
  noteLayer(active, operation, call.errorType === undefined);
  if (call.errorType !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end(call.startTime === undefined ? call.endTime : endTime);
}

/** What is recorded inside a framework's call, or inside a `metered` one, is told by that no more. */
function noteLayer(active: Context, operation: string, succeeded: boolean): void {
  const outer = currentCall(active);
  if (succeeded && outer?.isLayer === true && sameRequest(outer, operation as Operation)) outer.noteInner();
}

function millisecondsBetween(start: TimeInput | undefined, end: TimeInput): number | undefined {
  if (start === undefined) return undefined;
  const duration = milliseconds(end) - milliseconds(start);
  return duration >= 0 ? duration : undefined;
}

/** Numbers are milliseconds since 1970, or since the process began where they are too small for that. */
function milliseconds(time: TimeInput): number {
  if (Array.isArray(time)) return time[0] * 1000 + time[1] / 1e6;
  if (time instanceof Date) return time.getTime();
  return time < performance.timeOrigin ? time + performance.timeOrigin : time;
}
