import type { Call, CallProcessor, GenAiSpan, Rejection } from './call.ts';
import { DIALECTS } from './dialects/index.ts';
import { conditionsReader } from './conditions.ts';
import { inclusionDecider } from './inclusion.ts';
import { outcomeReader } from './outcome.ts';
import { reportedCostReader } from './reported-cost.ts';
import { samplingRatio } from './sampling.ts';
import { MAX_DIMENSION_BYTES, storableText } from './text.ts';
import { SpanFields } from './span-fields.ts';
import { emittedUsageReader } from './emitted-usage.ts';
import { identityReader } from './model-identity.ts';

const DAY_MS = 86_400_000;
const DEFAULT_RETENTION_MS = 90 * DAY_MS;

/** Options of the normaliser. */
export interface NormalizerOptions {
  /** How long before its receipt a call may have started, in milliseconds; 90 days by default. */
  readonly retentionMs?: number;
}

interface Times {
  readonly startedAtMicros: bigint;
  readonly timeSource: 'start' | 'end';
  readonly durationNanos: bigint | null;
}

/** Earliest and latest start, in microseconds, that a request received then may hold. */
interface Window {
  readonly earliest: bigint;
  readonly latest: bigint;
}

function windowOf(receivedUnixMs: number, retentionMs: number): Window {
  const received = Math.floor(receivedUnixMs);
  return {
    earliest: BigInt(received - Math.floor(retentionMs)) * 1000n,
    latest: BigInt(received + DAY_MS) * 1000n,
  };
}

function timesOf(span: GenAiSpan, window: Window): Times | Rejection['reason'] {
  const start = span.startUnixNano;
  const end = span.endUnixNano;
  if (start <= 0n && end <= 0n) return 'time_missing';
  const hasStart = start > 0n;
  const startedAtMicros = (hasStart ? start : end) / 1000n;
  if (startedAtMicros < window.earliest || startedAtMicros > window.latest) return 'time_out_of_range';
  return {
    startedAtMicros,
    timeSource: hasStart ? 'start' : 'end',
    durationNanos: hasStart && end >= start ? end - start : null,
  };
}

/** A call of this span with its identity and times, and nothing else known yet. Every field is there, in one order. */
function newCall(
  span: GenAiSpan,
  receivedUnixMs: number,
  times: Times,
  attributes: Call['attributes'],
): Call {
  return {
    tenantId: '',
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    startedAtMicros: times.startedAtMicros,
    startUnixNano: span.startUnixNano,
    endUnixNano: span.endUnixNano,
    timeSource: times.timeSource,
    receivedUnixMs,
    durationNanos: times.durationNanos,
    ttftNanos: null,
    dialect: 'otel',
    operation: 'unknown',
    provider: 'unknown',
    model: 'unknown',
    requestModel: null,
    responseModel: null,
    responseId: null,
    streaming: null,
    finishReasons: null,
    inputTokens: null,
    cacheReadTokens: null,
    cacheWriteTokens: null,
    outputTokens: null,
    reasoningTokens: null,
    usage: {},
    usageSource: 'missing',
    conditions: {},
    costPicoUsd: null,
    reportedCostPicoUsd: null,
    reportedCostSource: null,
    costStatus: 'unpriced_model',
    priceVersion: null,
    lines: [],
    duplicateOf: null,
    team: null,
    userId: null,
    sessionId: null,
    conversationId: null,
    feature: null,
    agentName: null,
    serviceName: 'unknown_service',
    environment: null,
    keyId: null,
    attribution: {},
    errorType: null,
    samplingRatio: null,
    scopeName: storableText(span.scope.name, MAX_DIMENSION_BYTES),
    scopeVersion: storableText(span.scope.version, MAX_DIMENSION_BYTES),
    attributes,
  };
}

/** Makes the reader of one span: what it says, turned into a call that nobody has attributed or priced. */
function callReader(): (span: GenAiSpan, receivedUnixMs: number, times: Times) => Call {
  const fields = new SpanFields(DIALECTS);
  const readIdentity = identityReader(fields);
  const readUsage = emittedUsageReader(fields, inclusionDecider(DIALECTS));
  const readConditions = conditionsReader(fields);
  const readReported = reportedCostReader(fields);
  const readOutcome = outcomeReader(fields);
  const ratioSlot = fields.slot('samplingRatio');
  const rateSlot = fields.slot('sampleRate');

  return (span, receivedUnixMs, times) => {
    fields.read(span.attributes);
    const attributes: Record<string, string | number | boolean> = {};
    if (span.oversizedAttributes > 0) attributes['spanmeter.oversized_attributes'] = span.oversizedAttributes;
    const identity = readIdentity(attributes);
    const model = identity.responseModel ?? identity.requestModel;
    const used = readUsage(span.scope, identity.provider, model, attributes);
    const outcome = readOutcome(span, used.source !== 'missing');
    const reported = readReported();

    const call = newCall(span, receivedUnixMs, times, attributes);
    call.provider = identity.provider;
    if (identity.providerFromHost) call.attribution = { provider: 'mapping' };
    call.model = model ?? 'unknown';
    call.requestModel = identity.requestModel;
    call.responseModel = identity.responseModel;
    call.responseId = identity.responseId;
    call.operation = outcome.operation;
    call.streaming = outcome.streaming;
    call.finishReasons = outcome.finishReasons;
    call.ttftNanos = outcome.ttftNanos;
    call.errorType = outcome.errorType;
    call.inputTokens = used.inputTokens;
    call.cacheReadTokens = used.cacheReadTokens;
    call.cacheWriteTokens = used.cacheWriteTokens;
    call.outputTokens = used.outputTokens;
    call.reasoningTokens = used.reasoningTokens;
    call.usage = used.usage;
    call.usageSource = used.source;
    call.conditions = readConditions(identity.provider);
    call.reportedCostPicoUsd = reported?.picoUsd ?? null;
    call.reportedCostSource = reported?.source ?? null;
    call.costStatus = outcome.billable ? (used.status ?? 'unpriced_model') : 'not_billable';
    call.samplingRatio = samplingRatio(fields.value(ratioSlot), fields.value(rateSlot), span.traceState);
    return call;
  };
}

/**
 * The first step: turns GenAI spans into calls by the dialects' data, with everything but attribution and
 * cost. A call that the later steps must not price gets its final status here (`not_billable`,
 * `invalid_usage`, `missing_usage`, or `unpriced_dimension` where counts overlap in an unknown way); every
 * other call leaves with `unpriced_model`, which the cost step replaces. Never throws on what a span holds.
 */
export function createNormalizer(options: NormalizerOptions = {}): CallProcessor {
  const retentionMs = options.retentionMs ?? DEFAULT_RETENTION_MS;
  const readCall = callReader();

  return (groups) => {
    for (const group of groups) {
      const receivedUnixMs = group.context.receivedUnixMs;
      const window = windowOf(receivedUnixMs, retentionMs);
      group.rejections = [];
      group.calls = group.spans.map((span, index) => {
        const times = timesOf(span, window);
        if (typeof times !== 'string') return readCall(span, receivedUnixMs, times);
        group.rejections.push({ index, reason: times });
        return null;
      });
    }
  };
}
