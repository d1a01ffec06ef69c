import type { Call, CostStatus, SpanGroup, Usage } from './call.ts';

/** What decides whether two spans describe one call. */
export interface Decidable extends Readonly<
  Pick<
    Call,
    | 'tenantId'
    | 'traceId'
    | 'spanId'
    | 'parentSpanId'
    | 'startUnixNano'
    | 'endUnixNano'
    | 'model'
    | 'requestModel'
    | 'responseModel'
    | 'responseId'
    | 'inputTokens'
    | 'outputTokens'
    | 'usage'
    | 'usageSource'
  >
> {
  readonly costStatus: CostStatus;
}

/** How far back a twin is recognised. */
export interface TwinWindowOptions {
  /** Milliseconds between the receipts of two twins, at most. */
  readonly windowMs: number;
  /** Calls that are remembered at most; beyond it the older half is forgotten. */
  readonly maxCalls: number;
}

const NO_USAGE: Usage = Object.freeze({});
const NONE: readonly EarlierCall[] = [];
const SEPARATOR = '\u0000';

/** A call that was decided with an earlier batch: only what a twin is recognised by, so that it stays small. */
export class EarlierCall implements Decidable {
  readonly tenantId: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly startUnixNano: bigint;
  readonly endUnixNano: bigint;
  readonly model: string;
  readonly requestModel: string | null;
  readonly responseModel: string | null;
  readonly responseId: string | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly usage: Usage;
  readonly usageSource: Call['usageSource'];
  readonly costStatus: CostStatus;
  /** Of its record in the journal; -1 for a call that was read back from the store. */
  readonly sequence: number;
  readonly receivedUnixMs: number;

  constructor(call: Decidable & { readonly receivedUnixMs: number }, sequence: number) {
    this.tenantId = call.tenantId;
    this.traceId = call.traceId;
    this.spanId = call.spanId;
    this.parentSpanId = call.parentSpanId;
    this.startUnixNano = call.startUnixNano;
    this.endUnixNano = call.endUnixNano;
    this.model = call.model;
    this.requestModel = call.requestModel;
    this.responseModel = call.responseModel;
    this.responseId = call.responseId;
    this.inputTokens = call.inputTokens;
    this.outputTokens = call.outputTokens;
    const { audio_seconds, input_characters, images } = call.usage;
    const hasUnits = audio_seconds !== undefined || input_characters !== undefined || images !== undefined;
    this.usage = hasUnits ? call.usage : NO_USAGE;
    this.usageSource = call.usageSource;
    this.costStatus = call.costStatus;
    this.sequence = sequence;
    this.receivedUnixMs = call.receivedUnixMs;
  }

  /** Whether it has been billed: only then is a later twin billed twice. */
  get isBilled(): boolean {
    return this.costStatus === 'priced' || this.costStatus === 'reported';
  }
}

type Slot = EarlierCall | EarlierCall[];

function put(map: Map<string, Slot>, key: string, call: EarlierCall): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, call);
  else if (Array.isArray(known)) known.push(call);
  else map.set(key, [known, call]);
}

/** Half of what is remembered; forgotten as a whole, which costs nothing per call. */
class Generation {
  readonly byTrace = new Map<string, Slot>();
  readonly byResponse = new Map<string, Slot>();
  size = 0;
  readonly sinceUnixMs: number;

  constructor(sinceUnixMs: number) {
    this.sinceUnixMs = sinceUnixMs;
  }

  add(call: EarlierCall): void {
    put(this.byTrace, call.traceId, call);
    if (call.responseId !== null) put(this.byResponse, responseKey(call.tenantId, call.responseId), call);
    this.size++;
  }

  *calls(): Generator<EarlierCall> {
    for (const slot of this.byTrace.values()) {
      if (Array.isArray(slot)) yield* slot;
      else yield slot;
    }
  }
}

function responseKey(tenantId: string, responseId: string): string {
  return tenantId + SEPARATOR + responseId;
}

/** Where a batch lies in the journal, and when the first of it came. */
interface Place {
  readonly first: number;
  readonly last: number;
  readonly receivedUnixMs: number;
}

function placeOf(groups: readonly SpanGroup[]): Place | null {
  let first = Infinity;
  let last = -Infinity;
  let receivedUnixMs = Infinity;
  for (const { sequence, context } of groups) {
    if (sequence === undefined) return null;
    if (sequence < first) first = sequence;
    if (sequence > last) last = sequence;
    if (context.receivedUnixMs < receivedUnixMs) receivedUnixMs = context.receivedUnixMs;
  }
  return groups.length === 0 ? null : { first, last, receivedUnixMs };
}

/**
 * The calls of the last minutes, for twins whose spans travel in different requests. What it shows depends only
 * on where a batch lies in the journal, so that one that is read again is decided as it was: never by itself,
 * nor by what came after it.
 */
export class TwinWindow {
  readonly #options: TwinWindowOptions;
  #current = new Generation(-Infinity);
  #previous = new Generation(-Infinity);
  #maxSequence = -1;
  /** The batch decided last; its costs are known only when the next one comes. */
  #decided: readonly SpanGroup[] = [];
  #place: Place | null = null;
  #earliestUnixMs = -Infinity;

  constructor(options: TwinWindowOptions) {
    this.#options = options;
  }

  /** Begins a batch: what was decided before is remembered first. */
  open(groups: readonly SpanGroup[]): void {
    this.#remember();
    this.#place = placeOf(groups);
    this.#decided = this.#place === null ? [] : groups;
    this.#earliestUnixMs = (this.#place?.receivedUnixMs ?? Infinity) - this.#options.windowMs;
  }

  /** Remembers calls of the store, so that a restart forgets no twin. */
  recall(calls: Iterable<Decidable & { readonly receivedUnixMs: number }>): void {
    for (const call of calls) this.#add(new EarlierCall(call, -1));
  }

  /** Earlier calls of a trace, of any tenant. */
  ofTrace(traceId: string): readonly EarlierCall[] {
    return this.#visible(this.#previous.byTrace.get(traceId), this.#current.byTrace.get(traceId));
  }

  /** Earlier calls of a tenant with that response id. */
  ofResponse(tenantId: string, responseId: string): readonly EarlierCall[] {
    const key = responseKey(tenantId, responseId);
    return this.#visible(this.#previous.byResponse.get(key), this.#current.byResponse.get(key));
  }

  #visible(older: Slot | undefined, newer: Slot | undefined): readonly EarlierCall[] {
    if (older === undefined && newer === undefined) return NONE;
    const before = this.#place?.first ?? -Infinity;
    return [older ?? NONE, newer ?? NONE]
      .flat()
      .filter((call) => call.sequence < before && call.receivedUnixMs >= this.#earliestUnixMs);
  }

  #remember(): void {
    const place = this.#place;
    if (place === null) return;
    if (place.first <= this.#maxSequence) this.#forget(place);
    for (const { sequence, calls } of this.#decided) {
      for (const call of calls) if (call !== null) this.#add(new EarlierCall(call, sequence ?? -1));
    }
    this.#maxSequence = Math.max(this.#maxSequence, place.last);
    this.#decided = [];
    this.#place = null;
  }

  #add(call: EarlierCall): void {
    const { windowMs, maxCalls } = this.#options;
    const isFull = this.#current.size >= maxCalls / 2;
    if (isFull || call.receivedUnixMs - this.#current.sinceUnixMs > windowMs) {
      this.#previous = this.#current;
      this.#current = new Generation(call.receivedUnixMs);
    }
    this.#current.add(call);
  }

  /** A stretch of the journal that was read again: how it was decided before holds no more. */
  #forget({ first, last }: Place): void {
    const kept = (generation: Generation): Generation => {
      const copy = new Generation(generation.sinceUnixMs);
      for (const call of generation.calls()) {
        if (call.sequence < first || call.sequence > last) copy.add(call);
      }
      return copy;
    };
    this.#previous = kept(this.#previous);
    this.#current = kept(this.#current);
  }
}
