import type { Call, CallProcessor, SpanGroup } from './call.ts';
import type { Decidable, Rememberable, TwinWindowOptions } from './twin-window.ts';
import { EarlierCall, TwinWindow } from './twin-window.ts';

/** Bound on the ancestors looked at, so that a cycle of parents ends. */
const MAX_DEPTH = 64;

/** The calls of one trace that are decided together. Tenants that use the same ids have spans of their own in it. */
class Trace {
  readonly calls: Decidable[] = [];
  readonly #firstById = new Map<string, Decidable>();
  readonly #others = new Map<string, Decidable>();

  /** Adds the call, or returns the one of the same tenant and id that is there. */
  add(call: Decidable): Decidable | null {
    const same = this.find(call.spanId, call.tenantId);
    if (same?.tenantId === call.tenantId) return same;
    if (same === undefined) this.#firstById.set(call.spanId, call);
    else this.#others.set(`${call.spanId} ${call.tenantId}`, call);
    this.calls.push(call);
    return null;
  }

  /** The span of that id: the tenant's own, else anybody's, since what lies between two calls may be another's. */
  find(spanId: string, tenantId: string): Decidable | undefined {
    const first = this.#firstById.get(spanId);
    if (first === undefined || first.tenantId === tenantId || this.#others.size === 0) return first;
    return this.#others.get(`${spanId} ${tenantId}`) ?? first;
  }
}

function isUnbilled(call: Decidable): boolean {
  return call.costStatus === 'not_billable' || call.costStatus === 'duplicate';
}

function isCandidate(call: Decidable): boolean {
  return !isUnbilled(call) && call.costStatus !== 'invalid_usage';
}

function sameSpan(a: Decidable, b: Decidable): boolean {
  return a.spanId === b.spanId && a.traceId === b.traceId;
}

/** Totals, not buckets: one emitter may know of cached tokens what another leaves out. */
function sameUsage(a: Decidable, b: Decidable): boolean {
  return (
    a.inputTokens === b.inputTokens &&
    a.outputTokens === b.outputTokens &&
    a.usage.audio_seconds === b.usage.audio_seconds &&
    a.usage.input_characters === b.usage.input_characters &&
    a.usage.images === b.usage.images
  );
}

/** True for a billed call whose counts were worked out, not told: no twin's can be held against it. */
function wasEstimated(call: Decidable): boolean {
  return call instanceof EarlierCall && call.isBilled && call.usageSource === 'estimated';
}

/** Two calls whose counts do not tell them apart. */
function agree(a: Decidable, b: Decidable): boolean {
  return sameUsage(a, b) || wasEstimated(a) || wasEstimated(b);
}

function usesTokens(call: Decidable): boolean {
  return (call.inputTokens ?? 0) + (call.outputTokens ?? 0) > 0;
}

function sameModel(a: Decidable, b: Decidable): boolean {
  if (a.model === b.model) return true;
  const names = [a.requestModel, a.responseModel].filter((name) => name !== null);
  return names.some((name) => name === b.requestModel || name === b.responseModel);
}

function overlap(a: Decidable, b: Decidable): boolean {
  const endA = a.endUnixNano > a.startUnixNano ? a.endUnixNano : a.startUnixNano;
  const endB = b.endUnixNano > b.startUnixNano ? b.endUnixNano : b.startUnixNano;
  return a.startUnixNano <= endB && b.startUnixNano <= endA;
}

/** The nearest ancestor that is a candidate of the same tenant, or null. */
function billableAncestor(call: Decidable, trace: Trace): Decidable | null {
  let at = call;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const parent = at.parentSpanId === null ? undefined : trace.find(at.parentSpanId, call.tenantId);
    if (parent === undefined || parent === call) return null;
    if (isCandidate(parent) && parent.tenantId === call.tenantId) return parent;
    at = parent;
  }
  return null;
}

function isInside(inner: Decidable, outer: Decidable, trace: Trace | undefined): boolean {
  let at = inner;
  for (let depth = 0; depth < MAX_DEPTH; depth++) {
    const parent = at.parentSpanId === null ? undefined : trace?.find(at.parentSpanId, inner.tenantId);
    if (parent === undefined) return false;
    if (parent === outer) return true;
    at = parent;
  }
  return false;
}

/**
 * Sets of spans that describe one call, as trees: joining them costs nearly the same however large they are,
 * so that no sender's chain of spans holds up the others' calls.
 */
class Twins {
  /** The way to the call that stands for its set; that call is above itself. */
  readonly #above = new Map<Decidable, Decidable>();

  join(a: Decidable, b: Decidable): void {
    const topA = this.#top(a);
    const topB = this.#top(b);
    if (topA !== topB) this.#above.set(topB, topA);
  }

  sets(): Iterable<ReadonlySet<Decidable>> {
    const sets = new Map<Decidable, Set<Decidable>>();
    for (const call of this.#above.keys()) {
      const top = this.#top(call);
      const set = sets.get(top);
      if (set === undefined) sets.set(top, new Set([call]));
      else set.add(call);
    }
    return sets.values();
  }

  #top(call: Decidable): Decidable {
    let top = call;
    for (let next = this.#above.get(top); next !== top; next = this.#above.get(top)) {
      if (next === undefined) {
        this.#above.set(top, top);
        break;
      }
      top = next;
    }
    // What was passed on the way is hung to the top, which keeps later ways short.
    for (let at = call; at !== top;) {
      const next = this.#above.get(at) ?? top;
      this.#above.set(at, top);
      at = next;
    }
    return top;
  }
}

/** Spans of earlier batches that were found to repeat this call of an earlier one. */
function repeatsBefore(parent: EarlierCall, trace: Trace): readonly Decidable[] {
  return trace.calls.filter(
    (call) =>
      call instanceof EarlierCall &&
      call.costStatus === 'duplicate' &&
      billableAncestor(call, trace) === parent,
  );
}

/** Whether one lies in the other, or both have one response: then they are not two calls beside each other. */
function isOneLine(a: Decidable, b: Decidable, trace: Trace): boolean {
  if (a.responseId !== null && a.responseId === b.responseId) return true;
  return isInside(a, b, trace) || isInside(b, a, trace);
}

/**
 * Joins a billed call of an earlier batch with what repeats it; but one beside those that did already is another
 * call, such as the next of a loop.
 */
function joinLater(parent: EarlierCall, inner: readonly Decidable[], trace: Trace, twins: Twins): void {
  const before = repeatsBefore(parent, trace);
  for (const part of inner) {
    if (before.every((each) => isOneLine(each, part, trace))) twins.join(parent, part);
  }
}

function joinNested(trace: Trace, twins: Twins): Set<Decidable> {
  const children = new Map<Decidable, Decidable[]>();
  for (const call of trace.calls) {
    if (!isCandidate(call)) continue;
    const parent = billableAncestor(call, trace);
    if (parent === null) continue;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [call]);
    else siblings.push(call);
  }
  const rollUps = new Set<Decidable>();
  for (const [parent, inner] of children) {
    if (!usesTokens(parent)) continue;
    const twin = inner.length === 1 ? inner[0] : undefined;
    const isTwin = twin !== undefined && agree(parent, twin) && sameModel(parent, twin);
    if (!isTwin && !repeats(parent, inner)) continue;
    // It was billed before what repeats it, or before its parts, came.
    if (parent instanceof EarlierCall && parent.isBilled) joinLater(parent, inner, trace, twins);
    else if (isTwin) twins.join(parent, twin);
    else if (!(parent instanceof EarlierCall)) rollUps.add(parent);
  }
  return rollUps;
}

/** True where the parent's usage is the sum of its children's. */
function repeats(parent: Decidable, children: readonly Decidable[]): boolean {
  let input = 0;
  let output = 0;
  for (const child of children) {
    input += child.inputTokens ?? 0;
    output += child.outputTokens ?? 0;
  }
  return input === (parent.inputTokens ?? 0) && output === (parent.outputTokens ?? 0);
}

function isResponseTwin(a: Decidable, b: Decidable): boolean {
  if (sameSpan(a, b)) return false;
  if (a.traceId !== b.traceId && !overlap(a, b)) return false;
  return !hasUsage(a) || !hasUsage(b) || agree(a, b);
}

/** An estimate, which only calls of earlier batches have by now, says nothing of what a twin reports. */
function hasUsage(call: Decidable): boolean {
  return call.usageSource === 'reported';
}

/**
 * True where the later one gets no price either, since every name that it goes by was looked up for the earlier.
 * Were both left without a price, one that comes to be known would bill both.
 */
function isUnpricedAlike(earlier: EarlierCall, later: Decidable): boolean {
  if (earlier.costStatus !== 'unpriced_model' || !hasUsage(earlier)) return false;
  if (earlier.provider !== later.provider) return false;
  return [later.responseModel, later.requestModel].every(
    (name) => name === null || name === earlier.responseModel || name === earlier.requestModel,
  );
}

/** Orders the spans of one call: the innermost first, and among equals always the same one. */
function innermost(set: ReadonlySet<Decidable>, traces: ReadonlyMap<string, Trace>): Decidable | null {
  let best: Decidable | null = null;
  const unbilled: EarlierCall[] = [];
  for (const call of set) {
    // What is stored is not changed: a billed call stays, and one without a price takes none from the others.
    if (call instanceof EarlierCall) {
      if (call.isBilled) return call;
      unbilled.push(call);
    } else if (best === null || goesBefore(call, best, traces)) best = call;
  }
  if (best === null) return null;
  const later = best;
  return unbilled.find((earlier) => isUnpricedAlike(earlier, later)) ?? best;
}

function goesBefore(a: Decidable, b: Decidable, traces: ReadonlyMap<string, Trace>): boolean {
  const usageA = hasUsage(a);
  if (usageA !== hasUsage(b)) return usageA;
  if (a.traceId === b.traceId) {
    const trace = traces.get(a.traceId);
    const inside = isInside(a, b, trace);
    // Parents in a circle are inside each other, and decide nothing.
    if (inside !== isInside(b, a, trace)) return inside;
  }
  if (a.startUnixNano !== b.startUnixNano) return a.startUnixNano > b.startUnixNano;
  if (a.endUnixNano !== b.endUnixNano) return a.endUnixNano < b.endUnixNano;
  return a.traceId === b.traceId ? a.spanId < b.spanId : a.traceId < b.traceId;
}

interface Gathered {
  /** Traces with two calls or more. */
  readonly traces: Map<string, Trace>;
  /** Candidates of one tenant and response id, where two or more share it. */
  readonly responses: Decidable[][];
  /** Spans that came twice, the one that is decided first. */
  readonly copies: (readonly [Decidable, Call])[];
}

/** Candidates by response id, tenant by tenant: what one sends never decides what another pays. */
class Responses {
  readonly shared: Decidable[][] = [];
  readonly #window: TwinWindow | null;
  readonly #byTenant = new Map<string, Map<string, Call | Decidable[]>>();
  #tenantId: string | null = null;
  #current = new Map<string, Call | Decidable[]>();

  constructor(window: TwinWindow | null) {
    this.#window = window;
  }

  add(call: Call, responseId: string): void {
    // Neighbours are mostly one tenant's.
    if (call.tenantId !== this.#tenantId) {
      this.#tenantId = call.tenantId;
      this.#current = this.#byTenant.get(call.tenantId) ?? new Map<string, Call | Decidable[]>();
      this.#byTenant.set(call.tenantId, this.#current);
    }
    const known = this.#current.get(responseId);
    if (Array.isArray(known)) known.push(call);
    else if (known === undefined) {
      const earlier = this.#window?.ofResponse(call.tenantId, responseId).filter(isCandidate) ?? [];
      if (earlier.length === 0) this.#current.set(responseId, call);
      else this.#share(responseId, [...earlier, call]);
    } else this.#share(responseId, [known, call]);
  }

  #share(responseId: string, calls: Decidable[]): void {
    this.#current.set(responseId, calls);
    this.shared.push(calls);
  }
}

/** Most calls are alone in their trace and response; only the others cost more than a lookup. */
function gather(groups: readonly SpanGroup[], window: TwinWindow | null): Gathered {
  const firstOfTrace = new Map<string, Call>();
  const traces = new Map<string, Trace>();
  const responses = new Responses(window);
  const copies: [Decidable, Call][] = [];
  for (const group of groups) {
    for (const call of group.calls) {
      if (call === null) continue;
      const first = firstOfTrace.get(call.traceId);
      if (first === undefined) {
        firstOfTrace.set(call.traceId, call);
        const earlier = window?.ofTrace(call.traceId) ?? [];
        if (earlier.length > 0) {
          const trace = new Trace();
          traces.set(call.traceId, trace);
          for (const each of earlier) trace.add(each);
          const same = trace.add(call);
          if (same !== null) copies.push([same, call]);
        }
      } else {
        let trace = traces.get(call.traceId);
        if (trace === undefined) {
          traces.set(call.traceId, (trace = new Trace()));
          trace.add(first);
        }
        const same = trace.add(call);
        if (same !== null) copies.push([same, call]);
      }
      if (call.responseId !== null && isCandidate(call)) responses.add(call, call.responseId);
    }
  }
  return { traces, responses: responses.shared, copies };
}

/** Bound on the spans compared under one response id; a sender that repeats one id makes no quadratic work. */
const MAX_COMPARED = 32;

function joinResponses(responses: readonly (readonly Decidable[])[], twins: Twins): void {
  for (const calls of responses) {
    // A span without usage is a twin of any; it joins the others last, and never two that differ in usage.
    const bare = calls.filter((call) => !hasUsage(call));
    const full = calls.filter(hasUsage);
    // In one order, so that it is the same twin whichever came first.
    if (bare.length > 0) full.sort((a, b) => (a.traceId + a.spanId < b.traceId + b.spanId ? -1 : 1));
    const ordered = [...full, ...bare];
    for (let i = 1; i < ordered.length; i++) {
      const call = ordered[i];
      if (call === undefined) continue;
      const near = ordered.slice(Math.max(0, i - MAX_COMPARED), i);
      const other = near.find((each) => isResponseTwin(each, call));
      if (other !== undefined) twins.join(other, call);
    }
  }
}

/** Counts once, and remembers what it counted where it was given a window. */
export interface CountOnce extends CallProcessor {
  /** Reads calls back that were stored before a restart. */
  recall(calls: Iterable<Rememberable>): void;
  /** Remembers the batch decided last once its costs are known; without this the next batch does it. */
  remember(): void;
  /** What earlier batches held of a trace, as the batch decided last sees it. */
  earlier(traceId: string): readonly Decidable[];
}

function markDuplicate(call: Call, billed: Decidable): void {
  call.costStatus = 'duplicate';
  call.duplicateOf = billed.spanId;
}

function decide(groups: readonly SpanGroup[], window: TwinWindow | null): void {
  const { traces, responses, copies } = gather(groups, window);
  if (traces.size === 0 && responses.length === 0) return;
  const twins = new Twins();
  const rollUps = new Set<Decidable>();
  for (const trace of traces.values()) for (const call of joinNested(trace, twins)) rollUps.add(call);
  joinResponses(responses, twins);
  const settled = new Set<Decidable>();
  for (const set of twins.sets()) {
    const billed = innermost(set, traces);
    if (billed === null) continue;
    for (const call of set) {
      if (sameSpan(call, billed) || call instanceof EarlierCall) continue;
      // What repeats a roll-up is a roll-up.
      if (rollUps.has(billed)) rollUps.add(call);
      else {
        markDuplicate(call as Call, billed);
        settled.add(call);
      }
    }
  }
  for (const call of rollUps) {
    (call as Call).costStatus = 'not_billable';
    settled.add(call);
  }
  // Which copy of a resent span is stored is not known here, so both say the same.
  for (const [decided, copy] of copies) {
    const isSettled = decided instanceof EarlierCall ? isUnbilled(decided) : settled.has(decided);
    if (!isSettled || !isCandidate(copy)) continue;
    copy.costStatus = decided.costStatus;
    copy.duplicateOf = decided.duplicateOf;
  }
}

/**
 * Bills one call once among the spans decided together: of the spans that describe one call, the innermost
 * stays and the others become `duplicate`; a parent that repeats the sum of its children becomes
 * `not_billable`. With a window the same holds for what came in earlier batches, except that a call that was
 * billed stays billed, whatever comes later. Runs after attribution, since calls of different tenants are never
 * one, and before cost.
 */
export function createCountOnce(options: { readonly window?: TwinWindowOptions } = {}): CountOnce {
  const window = options.window === undefined ? null : new TwinWindow(options.window);
  const process: CallProcessor = (groups) => {
    window?.open(groups);
    decide(groups, window);
  };
  return Object.assign(process, {
    recall: (calls: Iterable<Rememberable>) => window?.recall(calls),
    remember: () => window?.remember(),
    earlier: (traceId: string) => window?.ofTrace(traceId) ?? [],
  });
}
