import type { Call, CostStatus, Usage, UsageBucket } from './call.ts';
import { isIncomplete } from './cost.ts';
import type { PriceBook } from './price-book.ts';
import type { PriceResult } from './price.ts';
import { priceUsage } from './price.ts';

/** What is assumed instead of what happened. */
export type WhatIf =
  | {
      readonly kind: 'model';
      readonly model: string;
      /** Canonical id; null for the call's own provider where it sells the model, else the model's vendor. */
      readonly provider: string | null;
    }
  /** Cache reads and writes counted as plain input. */
  | { readonly kind: 'no_cache' };

/** What a stored call is priced again from. */
export type StoredUse = Pick<
  Call,
  | 'provider'
  | 'requestModel'
  | 'responseModel'
  | 'operation'
  | 'usage'
  | 'usageAlternatives'
  | 'conditions'
  | 'durationNanos'
  | 'inputTokens'
  | 'outputTokens'
  | 'errorType'
> & {
  readonly startedAtMicros: bigint;
  /** What it costs today, in 1e-12 USD. */
  readonly costPicoUsd: bigint;
};

/** What a call would cost, or why that is not known. */
export interface WhatIfPrice {
  readonly status: CostStatus;
  /** In 1e-12 USD; null unless `priced`. */
  readonly picoUsd: bigint | null;
  /** What had no price. */
  readonly reason: string | null;
  /** True where cached tokens were counted as plain input, since the other model has no price for them. */
  readonly cacheAsInput: boolean;
}

/** Which cache buckets become which plain ones. */
type Moves = readonly (readonly [UsageBucket, UsageBucket])[];

const NO_MOVES: Moves = [];
const WRITES: Moves = [
  ['cache_write_5m', 'input'],
  ['cache_write_1h', 'input'],
];
const READS: Moves = [
  ['cache_read', 'input'],
  ['cache_read_audio', 'input_audio'],
];

const WHOLE = /^\d{1,30}$/;

/** The usage with some buckets counted as others; itself where it has nothing in them. */
function moved(usage: Usage, moves: Moves): Usage {
  if (!moves.some(([from]) => usage[from] !== undefined && usage[from] !== '0')) return usage;
  const result: Partial<Record<UsageBucket, string>> = { ...usage };
  for (const [from, to] of moves) {
    const count = result[from];
    const plain = result[to] ?? '0';
    // Tokens are whole; a count that is not stays where it is.
    if (count === undefined || !WHOLE.test(count) || !WHOLE.test(plain)) continue;
    delete result[from];
    result[to] = (BigInt(count) + BigInt(plain)).toString();
  }
  return result;
}

/** The usage as it would have been without a cache. */
export function withoutCache(usage: Usage): Usage {
  return moved(usage, [...WRITES, ...READS]);
}

function outcome(call: StoredUse, result: PriceResult, cacheAsInput: boolean): WhatIfPrice {
  if (result.status === 'priced' && isIncomplete(call, result)) {
    return {
      status: 'missing_usage',
      picoUsd: null,
      reason: 'one side of the tokens is unknown',
      cacheAsInput,
    };
  }
  return { status: result.status, picoUsd: result.costPicoUsd, reason: result.reason, cacheAsInput };
}

/** The provider that would be billed for the other model: given, the call's own, or the model's vendor. */
export function whatIfProvider(book: PriceBook, provider: string, change: WhatIf, atMicros?: number): string {
  if (change.kind !== 'model') return provider;
  if (change.provider !== null) return change.provider;
  return book.match(provider, change.model, atMicros) === null
    ? (book.vendorOf(change.model) ?? provider)
    : provider;
}

function priceOther(
  book: PriceBook,
  call: StoredUse,
  change: Extract<WhatIf, { kind: 'model' }>,
): WhatIfPrice {
  const provider = whatIfProvider(book, call.provider, change, Number(call.startedAtMicros));
  // A region or a host names a place of the provider that was called; at another it means nothing.
  const { region: _region, serverAddress: _serverAddress, ...elsewhere } = call.conditions;
  const conditions = provider === call.provider ? call.conditions : elsewhere;
  const price = (moves: Moves): PriceResult =>
    priceUsage(book, {
      provider,
      responseModel: change.model,
      requestModel: null,
      usage: moved(call.usage, moves),
      alternatives: call.usageAlternatives.map((split) => moved(split, moves)),
      conditions,
      atMicros: call.startedAtMicros,
      durationNanos: call.durationNanos,
    });
  const result = price(NO_MOVES);
  if (result.status !== 'unpriced_dimension') return outcome(call, result, false);
  // A model without a price for cached tokens reads them as input; those with one for reads keep it.
  for (const moves of [WRITES, [...WRITES, ...READS]]) {
    if (moved(call.usage, moves) === call.usage) continue;
    const plain = price(moves);
    if (plain.status === 'priced') return outcome(call, plain, true);
  }
  return outcome(call, result, false);
}

/**
 * Prices a stored call under an assumption, exactly, at the instant and under the conditions that it ran. Token
 * counts are those of the model that ran: another model's tokenizer would count otherwise.
 */
export function priceWhatIf(book: PriceBook, call: StoredUse, change: WhatIf): WhatIfPrice {
  if (change.kind === 'model') return priceOther(book, call, change);
  const usage = withoutCache(call.usage);
  if (usage === call.usage && call.usageAlternatives.length === 0) {
    return { status: 'priced', picoUsd: call.costPicoUsd, reason: null, cacheAsInput: false };
  }
  const result = priceUsage(book, {
    provider: call.provider,
    responseModel: call.responseModel,
    requestModel: call.requestModel,
    usage,
    alternatives: call.usageAlternatives.map(withoutCache),
    conditions: call.conditions,
    atMicros: call.startedAtMicros,
    durationNanos: call.durationNanos,
  });
  return outcome(call, result, false);
}
