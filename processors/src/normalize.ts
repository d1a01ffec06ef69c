import type { Call, CallProcessor, GenAiSpan, Rejection } from './call.ts';
import { createSpanFields, DIALECTS } from './dialects/index.ts';
import { conditionsReader } from './conditions.ts';
import { inclusionDecider } from './inclusion.ts';
import { outcomeReader } from './outcome.ts';
import { reportedCostReader } from './reported-cost.ts';
import { samplingRatio } from './sampling.ts';
import { MAX_DIMENSION_BYTES, storableText } from './text.ts';
import { remembered } from './remembered.ts';
import { KeptAttributes } from './kept-attributes.ts';
import { usageReader } from './emitted-usage.ts';
import { identityReader } from './model-identity.ts';

const DAY_MS = 86_400_000;
const DEFAULT_RETENTION_MS = 90 * DAY_MS;
/** 31 years: what the ledger's column of milliseconds holds. No call takes longer. */
const MAX_DURATION_NANOS = 1_000_000_000_000_000_000n;

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
    durationNanos: hasStart && end >= start && end - start < MAX_DURATION_NANOS ? end - start : null,
  };
}

// Shared by all calls that have nothing to put there; steps replace them, they never write into them.
const NOTHING: Readonly<Record<string, never>> = Object.freeze({});
const NO_LINES: Call['lines'] = Object.freeze([]);
const NO_SPLITS: Call['usageAlternatives'] = Object.freeze([]);

const scopeText = remembered((text) => storableText(text, MAX_DIMENSION_BYTES), 1000);

/** A call of this span with its identity and times, and nothing else known yet. Every field is there, in one order. */
function newCall(span: GenAiSpan, receivedUnixMs: number, times: Times): Call {
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
    usage: NOTHING,
    usageAlternatives: NO_SPLITS,
    usageSource: 'missing',
    conditions: NOTHING,
    costPicoUsd: null,
    computedCostPicoUsd: null,
    reportedCostPicoUsd: null,
    reportedCostSource: null,
    costStatus: 'unpriced_model',
    priceVersion: null,
    lines: NO_LINES,
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
    attribution: NOTHING,
    errorType: null,
    samplingRatio: null,
    scopeName: scopeText(span.scope.name),
    scopeVersion: scopeText(span.scope.version),
    attributes: NOTHING,
  };
}

/** Makes the reader of one span: what it says, turned into a call that nobody has attributed or priced. */
function callReader(): (span: GenAiSpan, receivedUnixMs: number, times: Times) => Call {
  const fields = createSpanFields();
  const kept = new KeptAttributes();
  const readIdentity = identityReader(fields);
  const readUsage = usageReader(fields, inclusionDecider(DIALECTS));
  const readConditions = conditionsReader(fields);
  const readReported = reportedCostReader(fields);
  const readOutcome = outcomeReader(fields);
  const ratioSlot = fields.slot('samplingRatio');
  const rateSlot = fields.slot('sampleRate');

  return (span, receivedUnixMs, times) => {
    fields.read(span.attributes);
    const call = newCall(span, receivedUnixMs, times);
    readIdentity(call, kept);
    const settled = readUsage(call, span.scope, kept);
    const billable = readOutcome(call, span);
    call.costStatus = billable ? (settled ?? 'unpriced_model') : 'not_billable';
    call.conditions = readConditions(call.provider);
    const reported = readReported(kept);
    if (reported !== null) {
      call.reportedCostPicoUsd = reported.picoUsd;
      call.reportedCostSource = reported.source;
    }
    call.samplingRatio = samplingRatio(fields.value(ratioSlot), fields.value(rateSlot), span.traceState);
    if (span.oversizedAttributes > 0) kept.set('spanmeter.oversized_attributes', span.oversizedAttributes);
    call.attributes = kept.take();
    return call;
  };
}

/**
 * The first step: turns GenAI spans into calls by the dialects' data, with everything but attribution and
 * cost. A call that the later steps must not price gets its final status here (`not_billable`, `invalid_usage`,
 * `missing_usage`); every other call leaves with `unpriced_model`, which the cost step replaces. Never throws on
 * what a span holds.
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
