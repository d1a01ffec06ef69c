import type { Call, SpanGroup } from './call.ts';
import { knownOperation } from './operations.ts';
import type { Decidable } from './twin-window.ts';

/** The calls of a trace that earlier batches held, of any tenant. */
export type EarlierCalls = (traceId: string) => readonly Decidable[];

const NONE: EarlierCalls = () => [];

/** Bound on the ancestors looked at, so that a cycle of parents ends. */
const MAX_DEPTH = 64;

/** True where a side of the usage is not there that this call should have. */
function lacksUsage(call: Call): boolean {
  if (call.costStatus === 'missing_usage') return true;
  if (call.inputTokens !== null && call.outputTokens !== null) return false;
  return call.costStatus === 'unpriced_model' && knownOperation(call.operation)?.generates !== false;
}

function isBilled(call: Decidable): boolean {
  return call.costStatus !== 'not_billable' && call.costStatus !== 'duplicate';
}

function spanKey(call: Decidable, spanId: string): string {
  return `${call.traceId} ${spanId} ${call.tenantId}`;
}

/**
 * The calls without usage, or without one side of it, that no other call of the batch, or of the earlier ones that are
 * remembered, may speak for: a span
 * around the calls of an SDK, or inside of one that tells its usage, would be paid twice if it were estimated.
 * Of nested spans that all tell nothing, the innermost stays.
 */
export function estimableCalls(
  groups: readonly SpanGroup[],
  earlier: EarlierCalls = NONE,
): ReadonlySet<Call> {
  const found = new Set<Call>();
  for (const { calls } of groups) {
    for (const call of calls) if (call !== null && lacksUsage(call)) found.add(call);
  }
  if (found.size === 0) return found;
  const traces = new Set(Array.from(found, (call) => call.traceId));
  const spans = new Map<string, Decidable>();
  for (const traceId of traces) {
    for (const call of earlier(traceId)) spans.set(spanKey(call, call.spanId), call);
  }
  for (const { calls } of groups) {
    for (const call of calls) {
      if (call !== null && traces.has(call.traceId)) spans.set(spanKey(call, call.spanId), call);
    }
  }
  for (const call of spans.values()) if (isBilled(call)) dropOuter(call, spans, found);
  return found;
}

function dropOuter(call: Decidable, spans: ReadonlyMap<string, Decidable>, found: Set<Decidable>): void {
  let at: Decidable | undefined = call;
  for (let depth = 0; depth < MAX_DEPTH && at.parentSpanId !== null; depth++) {
    at = spans.get(spanKey(call, at.parentSpanId));
    if (at === undefined || at === call) return;
    if (!isBilled(at)) continue;
    found.delete(at);
    if (at.usageSource !== 'missing') found.delete(call);
  }
}
