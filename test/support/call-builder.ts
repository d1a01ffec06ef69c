import type { CorrectionTotal } from '@spanmeter/collector/dist/exporters/prometheus.js';
import type { Call } from '@spanmeter/processors';

const START_MICROS = 1_790_000_000_000_000n;

/** A priced call of tenant `acme`, with whatever a test wants changed. */
export function buildCall(changes: Partial<Call> = {}): Call {
  return {
    tenantId: 'acme',
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    parentSpanId: null,
    startedAtMicros: START_MICROS,
    startUnixNano: START_MICROS * 1_000n,
    endUnixNano: START_MICROS * 1_000n + 1_500_000_000n,
    timeSource: 'start',
    receivedUnixMs: Number(START_MICROS / 1_000n) + 2_000,
    durationNanos: 1_500_000_000n,
    ttftNanos: null,
    dialect: 'otel',
    operation: 'chat',
    provider: 'openai',
    model: 'gpt-4o',
    requestModel: 'gpt-4o',
    responseModel: 'gpt-4o-2024-08-06',
    responseId: 'chatcmpl-1',
    streaming: false,
    finishReasons: ['stop'],
    inputTokens: 450,
    cacheReadTokens: null,
    cacheWriteTokens: null,
    outputTokens: 180,
    reasoningTokens: null,
    usage: { input: '450', output: '180' },
    usageAlternatives: [],
    usageSource: 'reported',
    conditions: {},
    costPicoUsd: 1_350_000_000n,
    computedCostPicoUsd: null,
    reportedCostPicoUsd: null,
    reportedCostSource: null,
    costStatus: 'priced',
    priceVersion: 'book-1',
    lines: [],
    duplicateOf: null,
    team: 'search',
    userId: null,
    sessionId: null,
    conversationId: null,
    feature: null,
    agentName: null,
    serviceName: 'checkout',
    environment: 'production',
    keyId: null,
    attribution: { tenant: 'credential' },
    errorType: null,
    samplingRatio: null,
    scopeName: 'test',
    scopeVersion: '1.0.0',
    attributes: {},
    ...changes,
  };
}

/** Milliseconds since the epoch at which `buildCall`'s call is committed in good time. */
export const COMMITTED_UNIX_MS: number = Number(START_MICROS / 1_000n) + 3_000;

/** A total of corrections of tenant `acme`. */
export function correctionOf(
  model: string,
  direction: CorrectionTotal['direction'],
  picoUsd: bigint,
): CorrectionTotal {
  const labels = {
    tenant: 'acme',
    provider: 'openai',
    model,
    operation: 'chat',
    service_name: 'checkout',
    environment: 'production',
    team: 'search',
    feature: '',
  };
  return { labels, direction, picoUsd };
}
