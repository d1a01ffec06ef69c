import type { Call, CostStatus, SpanGroup, Usage } from './call.ts';
import { COST_STATUSES } from './call.ts';

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
    | 'provider'
    | 'model'
    | 'requestModel'
    | 'responseModel'
    | 'responseId'
    | 'inputTokens'
    | 'outputTokens'
    | 'usage'
    | 'usageSource'
    | 'duplicateOf'
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
const SOURCES: readonly Call['usageSource'][] = ['reported', 'estimated', 'missing'];
/** Columns of text, in this order. */
const TEXTS = [
  'tenantId',
  'traceId',
  'spanId',
  'parentSpanId',
  'model',
  'requestModel',
  'responseModel',
  'responseId',
  'provider',
  'duplicateOf',
] as const;
const HASHED_CHARACTERS = 10;
/** Calls looked at for one trace or response, the latest first: a flood of one id makes no quadratic work. */
const MAX_LOOKED_AT = 256;

/** What a call is remembered from. */
export type Rememberable = Decidable & { readonly receivedUnixMs: number };

/** A call that was decided with an earlier batch, as far as a twin is recognised by it. */
export class EarlierCall implements Decidable {
  readonly tenantId: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly startUnixNano: bigint;
  readonly endUnixNano: bigint;
  readonly provider: string;
  readonly model: string;
  readonly requestModel: string | null;
  readonly responseModel: string | null;
  readonly responseId: string | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly usage: Usage;
  readonly usageSource: Call['usageSource'];
  readonly costStatus: CostStatus;
  readonly duplicateOf: string | null;

  constructor(call: Decidable) {
    this.tenantId = call.tenantId;
    this.traceId = call.traceId;
    this.spanId = call.spanId;
    this.parentSpanId = call.parentSpanId;
    this.startUnixNano = call.startUnixNano;
    this.endUnixNano = call.endUnixNano;
    this.provider = call.provider;
    this.model = call.model;
    this.requestModel = call.requestModel;
    this.responseModel = call.responseModel;
    this.responseId = call.responseId;
    this.inputTokens = call.inputTokens;
    this.outputTokens = call.outputTokens;
    this.usage = call.usage;
    this.usageSource = call.usageSource;
    this.costStatus = call.costStatus;
    this.duplicateOf = call.duplicateOf;
  }

  /** Whether it has been billed: only then is a later twin billed twice. */
  get isBilled(): boolean {
    return this.costStatus === 'priced' || this.costStatus === 'reported';
  }
}

/** Of the last characters, which ids have their chance in; who makes them collide only lengthens chains. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = Math.max(0, text.length - HASHED_CHARACTERS); i < text.length; i++)
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) | 0;
}

/**
 * The latest calls of a ring by the hash of a text, chained, the latest first: a chain ends where its calls have
 * been overwritten, so that nothing is ever taken out. Calls are numbered on and on, modulo 2^32.
 */
class HashChains {
  readonly #capacity: number;
  readonly #mask: number;
  readonly #heads: Int32Array;
  readonly #hashes: Int32Array;
  readonly #next: Int32Array;

  constructor(capacity: number) {
    let slots = 64;
    while (slots < capacity) slots *= 2;
    this.#capacity = capacity;
    this.#mask = slots - 1;
    this.#heads = new Int32Array(slots);
    this.#hashes = new Int32Array(capacity);
    this.#next = new Int32Array(capacity);
  }

  add(text: string, at: number, number: number): void {
    const hash = hashOf(text);
    const slot = hash & this.#mask;
    this.#hashes[at] = hash;
    this.#next[at] = this.#heads[slot] ?? 0;
    this.#heads[slot] = number;
  }

  /** Places in the ring whose text may be this one; null where there are none, nearly always. */
  find(text: string, newest: number): number[] | null {
    const hash = hashOf(text);
    let number = this.#heads[hash & this.#mask] ?? 0;
    let found: number[] | null = null;
    for (let looked = 0; looked < MAX_LOOKED_AT; looked++) {
      if (((newest - number) | 0) >= this.#capacity) break;
      const at = (number >>> 0) % this.#capacity;
      if (this.#hashes[at] === hash) (found ??= []).push(at);
      number = this.#next[at] ?? 0;
    }
    return found;
  }
}

/**
 * A ring of the latest calls, in columns instead of objects: nearly no call has a twin, so that only those that
 * do are ever made into one.
 */
class Ring {
  readonly #capacity: number;
  readonly #traces: HashChains;
  readonly #responses: HashChains;
  readonly #texts: (string | null)[][];
  readonly #units = new Map<number, Usage>();
  /** Nanoseconds as doubles: times are compared by a quarter of a microsecond. */
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;
  /** -1 where unknown. */
  readonly #inputs: Float64Array;
  readonly #outputs: Float64Array;
  readonly #received: Float64Array;
  readonly #sequences: Float64Array;
  readonly #states: Uint8Array;
  /** Number of the latest call. Starts where number 0 counts as overwritten. */
  #newest: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#newest = capacity;
    this.#traces = new HashChains(capacity);
    this.#responses = new HashChains(capacity);
    this.#texts = TEXTS.map(() => []);
    this.#starts = new Float64Array(capacity);
    this.#ends = new Float64Array(capacity);
    this.#inputs = new Float64Array(capacity);
    this.#outputs = new Float64Array(capacity);
    this.#received = new Float64Array(capacity);
    this.#sequences = new Float64Array(capacity).fill(Infinity);
    this.#states = new Uint8Array(capacity);
  }

  add(call: Rememberable, sequence: number): void {
    this.#newest = (this.#newest + 1) | 0;
    const at = (this.#newest >>> 0) % this.#capacity;
    for (let i = 0; i < TEXTS.length; i++) {
      const name = TEXTS[i];
      const column = this.#texts[i];
      if (name !== undefined && column !== undefined) column[at] = call[name];
    }
    const { audio_seconds, input_characters, images } = call.usage;
    const hasUnits = audio_seconds !== undefined || input_characters !== undefined || images !== undefined;
    if (hasUnits) this.#units.set(at, call.usage);
    else if (this.#units.size > 0) this.#units.delete(at);
    this.#starts[at] = Number(call.startUnixNano);
    this.#ends[at] = Number(call.endUnixNano);
    this.#inputs[at] = call.inputTokens ?? -1;
    this.#outputs[at] = call.outputTokens ?? -1;
    this.#received[at] = call.receivedUnixMs;
    this.#sequences[at] = sequence;
    this.#states[at] = SOURCES.indexOf(call.usageSource) * 16 + COST_STATUSES.indexOf(call.costStatus);
    this.#traces.add(call.traceId, at, this.#newest);
    if (call.responseId !== null) this.#responses.add(call.responseId, at, this.#newest);
  }

  ofTrace(traceId: string, before: number, sinceUnixMs: number): readonly EarlierCall[] {
    const found = this.#traces.find(traceId, this.#newest);
    if (found === null) return NONE;
    return this.#calls(found, before, sinceUnixMs).filter((call) => call.traceId === traceId);
  }

  ofResponse(
    tenantId: string,
    responseId: string,
    before: number,
    sinceUnixMs: number,
  ): readonly EarlierCall[] {
    const found = this.#responses.find(responseId, this.#newest);
    if (found === null) return NONE;
    return this.#calls(found, before, sinceUnixMs).filter(
      (call) => call.responseId === responseId && call.tenantId === tenantId,
    );
  }

  /** Makes the calls of a stretch of the journal invisible. */
  forget(first: number, last: number): void {
    this.#sequences.forEach((sequence, at) => {
      if (sequence >= first && sequence <= last) this.#sequences[at] = Infinity;
    });
  }

  #calls(places: readonly number[], before: number, sinceUnixMs: number): EarlierCall[] {
    return places
      .filter((at) => (this.#sequences[at] ?? Infinity) < before)
      .filter((at) => (this.#received[at] ?? -Infinity) >= sinceUnixMs)
      .map((at) => this.#call(at))
      .toReversed();
  }

  #call(at: number): EarlierCall {
    const text = (i: number): string | null => this.#texts[i]?.[at] ?? null;
    const state = this.#states[at] ?? 0;
    const input = this.#inputs[at] ?? -1;
    const output = this.#outputs[at] ?? -1;
    return new EarlierCall({
      tenantId: text(0) ?? '',
      traceId: text(1) ?? '',
      spanId: text(2) ?? '',
      parentSpanId: text(3),
      model: text(4) ?? '',
      requestModel: text(5),
      responseModel: text(6),
      responseId: text(7),
      provider: text(8) ?? '',
      duplicateOf: text(9),
      startUnixNano: BigInt(this.#starts[at] ?? 0),
      endUnixNano: BigInt(this.#ends[at] ?? 0),
      inputTokens: input < 0 ? null : input,
      outputTokens: output < 0 ? null : output,
      usage: this.#units.get(at) ?? NO_USAGE,
      usageSource: SOURCES[state >> 4] ?? 'missing',
      costStatus: COST_STATUSES[state & 15] ?? 'not_billable',
    });
  }
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
  readonly #windowMs: number;
  readonly #ring: Ring;
  #maxSequence = -1;
  /** The batch decided last; its costs are known only when the next one comes. */
  #decided: readonly SpanGroup[] = [];
  #place: Place | null = null;
  #sinceUnixMs = Infinity;

  constructor(options: TwinWindowOptions) {
    this.#windowMs = options.windowMs;
    this.#ring = new Ring(options.maxCalls);
  }

  /** Begins a batch: what was decided before is remembered first. */
  open(groups: readonly SpanGroup[]): void {
    this.remember();
    this.#place = placeOf(groups);
    this.#decided = this.#place === null ? [] : groups;
    this.#sinceUnixMs = (this.#place?.receivedUnixMs ?? Infinity) - this.#windowMs;
  }

  /** Remembers calls of the store, so that a restart forgets no twin. */
  recall(calls: Iterable<Rememberable>): void {
    for (const call of calls) this.#ring.add(call, -1);
  }

  /** Earlier calls of a trace, of any tenant. */
  ofTrace(traceId: string): readonly EarlierCall[] {
    return this.#ring.ofTrace(traceId, this.#place?.first ?? -Infinity, this.#sinceUnixMs);
  }

  /** Earlier calls of a tenant with that response id. */
  ofResponse(tenantId: string, responseId: string): readonly EarlierCall[] {
    const before = this.#place?.first ?? -Infinity;
    return this.#ring.ofResponse(tenantId, responseId, before, this.#sinceUnixMs);
  }

  /** Takes up what was decided last; its calls are let go then. */
  remember(): void {
    const place = this.#place;
    if (place === null) return;
    // Of a stretch that was read again, how it was decided before holds no more.
    if (place.first <= this.#maxSequence) this.#ring.forget(place.first, place.last);
    for (const { sequence, calls } of this.#decided) {
      for (const call of calls) if (call !== null) this.#ring.add(call, sequence ?? -1);
    }
    this.#maxSequence = Math.max(this.#maxSequence, place.last);
    this.#decided = [];
    this.#place = null;
  }
}
