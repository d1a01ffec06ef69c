import { TABLES, type Call } from '@spanmeter/processors';
import { BinaryCopy } from './binary-copy.ts';

/** Columns of `spanmeter.calls` in the order that `encodeCall` writes them. */
export const CALL_COLUMNS: readonly string[] = TABLES.calls;

/** Decimals of a cost in 1e-12 USD. */
export const COST_SCALE = 12;
/** numeric(18,6) holds less than 10^12 milliseconds; the wire format wants a multiple of 4 decimals. */
const DURATION_SCALE = 8;
const MAX_DURATION_NANOS = 1_000_000_000_000_000_000n;
const EXPECTED_ROW_BYTES = 900;

/** Rows of one batch, sorted by key, each key once. */
export interface CallRows {
  readonly calls: readonly Call[];
  readonly copy: BinaryCopy;
  /** UTC days since 1970 that the rows fall on, each once. */
  readonly days: readonly number[];
}

const MICROS_PER_DAY = 86_400_000_000;

/** The UTC day of a call, in days since 1970. */
export function dayOf(call: Call): number {
  return Math.floor(Number(call.startedAtMicros) / MICROS_PER_DAY);
}

/** Sorts and encodes calls. Sorted, so that indexes are written in order and collectors lock in one order. */
export function encodeCalls(unsorted: readonly Call[]): CallRows {
  const calls = [...unsorted].toSorted(compareKeys).filter((call, i, all) => {
    const previous = all[i - 1];
    return previous === undefined || compareKeys(previous, call) !== 0;
  });
  const copy = new BinaryCopy(CALL_COLUMNS.length, calls.length * EXPECTED_ROW_BYTES);
  const days = new Set<number>();
  for (const call of calls) {
    encodeCall(copy, call);
    days.add(dayOf(call));
  }
  return { calls, copy, days: [...days] };
}

function compareKeys(a: Call, b: Call): number {
  if (a.tenantId !== b.tenantId) return a.tenantId < b.tenantId ? -1 : 1;
  if (a.traceId !== b.traceId) return a.traceId < b.traceId ? -1 : 1;
  if (a.spanId !== b.spanId) return a.spanId < b.spanId ? -1 : 1;
  if (a.startedAtMicros === b.startedAtMicros) return 0;
  return a.startedAtMicros < b.startedAtMicros ? -1 : 1;
}

function encodeCall(copy: BinaryCopy, call: Call): void {
  copy.startRow();
  copy.text(call.tenantId);
  copy.timestamp(Number(call.startedAtMicros));
  copy.text(call.traceId);
  copy.text(call.spanId);
  copy.text(call.parentSpanId);
  copy.timestamp(call.receivedUnixMs * 1000);
  copy.numeric(durationUnits(call.durationNanos), DURATION_SCALE);
  copy.numeric(durationUnits(call.ttftNanos), DURATION_SCALE);
  copy.text(call.operation);
  copy.text(call.provider);
  copy.text(call.model);
  copy.text(call.requestModel);
  copy.text(call.responseModel);
  copy.text(call.responseId);
  copy.bool(call.streaming);
  copy.textArray(call.finishReasons);
  copy.text(call.serviceName);
  copy.text(call.environment);
  copy.text(call.team);
  copy.text(call.userId);
  copy.text(call.sessionId);
  copy.text(call.conversationId);
  copy.text(call.feature);
  copy.text(call.agentName);
  copy.text(call.keyId);
  copy.int8(call.inputTokens);
  copy.int8(call.cacheReadTokens);
  copy.int8(call.cacheWriteTokens);
  copy.int8(call.outputTokens);
  copy.int8(call.reasoningTokens);
  copy.jsonb(call.usage);
  copy.text(call.usageSource);
  copy.jsonb(call.conditions);
  copy.numeric(call.costPicoUsd, COST_SCALE);
  copy.numeric(call.reportedCostPicoUsd, COST_SCALE);
  copy.text(call.reportedCostSource);
  copy.text(call.costStatus);
  copy.text(call.priceVersion);
  copy.text(call.duplicateOf);
  copy.text(call.timeSource);
  copy.float8(call.samplingRatio);
  copy.text(call.errorType);
  copy.text(call.dialect);
  copy.text(call.scopeName);
  copy.text(call.scopeVersion);
  copy.jsonb(call.attribution);
  copy.jsonb(call.attributes);
}

/** Nanoseconds are 10^-6 ms; two more decimals make whole base-10000 digits. Beyond the column: unknown. */
function durationUnits(nanos: bigint | null): bigint | null {
  return nanos === null || nanos < 0n || nanos >= MAX_DURATION_NANOS ? null : nanos * 100n;
}
