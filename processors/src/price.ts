import type { Conditions, CostLine, CostStatus, Usage, UsageBucket } from './call.ts';
import type { Rational } from './money.ts';
import { divideHalfEven, formatRational, parseDecimal } from './money.ts';
import type { AppliedDiscount, ModelMatch, PriceBook } from './price-book.ts';
import { isUnconditional, resolveConditions } from './price-conditions.ts';
import type { CompiledModifier, CompiledPeriod } from './price-period.ts';
import { windowAt } from './price-period.ts';
import type { RateTable } from './rate-table.ts';
import { BUCKET_INDEX, BUCKETS, isTokenBucket, RATE_SCALE } from './rate-table.ts';

/** What is to be priced. */
export interface PriceRequest {
  /** Canonical provider id. */
  readonly provider: string;
  readonly responseModel: string | null;
  readonly requestModel: string | null;
  /** Disjoint buckets. */
  readonly usage: Usage;
  readonly conditions: Conditions;
  /** Start of the call, microseconds since the epoch. */
  readonly atMicros: bigint;
  /** Length of the call: what a price per second counts where usage has no seconds. */
  readonly durationNanos?: bigint | null;
  /** Whether to explain the amount; costs about as much as pricing itself. */
  readonly lines?: boolean;
}

/** What a request costs, or why that is not known. */
export interface PriceResult {
  readonly status: Extract<
    CostStatus,
    'priced' | 'unpriced_model' | 'unpriced_dimension' | 'invalid_usage' | 'missing_usage'
  >;
  /** In 1e-12 USD; null unless `priced`. */
  readonly costPicoUsd: bigint | null;
  /** The book's id of the model, where one was matched. */
  readonly model: string | null;
  /** Whether the price has rates for input and output tokens, so that a side left out is usage left out. */
  readonly countsInput: boolean;
  readonly countsOutput: boolean;
  readonly lines: readonly CostLine[];
  /** What had no price. */
  readonly reason: string | null;
}

const NO_LINES: readonly CostLine[] = [];
const NO_MODIFIERS: readonly CompiledModifier[] = [];
const REQUESTS = BUCKETS.indexOf('requests');
const SECONDS = BUCKETS.indexOf('duration_seconds');
const INPUT = BUCKETS.indexOf('input');
const OUTPUT = BUCKETS.indexOf('output');

/** Buckets that only measure what tokens count already, for a model that has token prices. */
const AMBIENT: ReadonlySet<number> = new Set([REQUESTS, SECONDS]);

function unpriced(status: PriceResult['status'], match: ModelMatch | null, reason: string): PriceResult {
  return {
    status,
    costPicoUsd: null,
    model: match?.model ?? null,
    countsInput: false,
    countsOutput: false,
    lines: NO_LINES,
    reason,
  };
}

/** Digits that a whole number may have and still be exact as a JS number. */
const SAFE_DIGITS = 15;

/** A count, exactly; null where the text is none. */
function parseCount(text: string): Rational | bigint | null {
  let whole = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit >= 0 && digit <= 9) whole = whole * 10 + digit;
    else {
      const decimal = parseDecimal(text);
      return decimal === null || decimal.numerator < 0n ? null : decimal;
    }
  }
  if (text.length <= SAFE_DIGITS) return text === '' ? null : BigInt(whole);
  return BigInt(text);
}

/** The sum of an amount under way, exactly: token part and the rest over one denominator. */
interface Sum {
  tokens: bigint;
  others: bigint;
  /** Of fractional counts; 1n nearly always. */
  scale: bigint;
}

function add(sum: Sum, count: Rational | bigint, rate: bigint, token: boolean): void {
  let amount: bigint;
  if (typeof count === 'bigint') amount = sum.scale === 1n ? count * rate : count * rate * sum.scale;
  else {
    amount = count.numerator * rate * sum.scale;
    sum.tokens *= count.denominator;
    sum.others *= count.denominator;
    sum.scale *= count.denominator;
  }
  if (token) sum.tokens += amount;
  else sum.others += amount;
}

/** All input tokens, cached ones included: what context tiers go by. */
function contextTokens(usage: Usage): number {
  const count = (bucket: UsageBucket): number => Number(usage[bucket] ?? 0);
  return (
    count('input') +
    count('cache_read') +
    count('cache_write_5m') +
    count('cache_write_1h') +
    count('input_audio') +
    count('cache_read_audio') +
    count('input_image')
  );
}

function periodAt(match: ModelMatch, at: number): CompiledPeriod | null {
  for (const period of match.periods) if (at >= period.from && at < period.to) return period;
  return null;
}

/** The one table that applies, or null where two would have to be combined that nobody lists together. */
function tableFor(
  period: CompiledPeriod,
  usage: Usage,
  at: number,
  modifiers: readonly CompiledModifier[],
): RateTable | null {
  let chosen: RateTable | null = null;
  if (period.tiers.length > 0) {
    const tokens = contextTokens(usage);
    chosen = period.tiers.find((tier) => tokens >= tier.from)?.table ?? null;
  }
  const window = windowAt(period, at);
  if (window !== null && chosen !== null) return null;
  chosen = window ?? chosen;
  for (const modifier of modifiers) {
    if (modifier.table === null) continue;
    if (chosen !== null) return null;
    chosen = modifier.table;
  }
  return chosen ?? period.table;
}

interface Factors {
  /** On token rates. */
  readonly token: Rational;
  /** On everything. */
  readonly all: Rational;
}

const ONE: Rational = { numerator: 1n, denominator: 1n };
const NO_FACTORS: Factors = { token: ONE, all: ONE };

function times(a: Rational, b: Rational): Rational {
  return { numerator: a.numerator * b.numerator, denominator: a.denominator * b.denominator };
}

function factorsOf(
  modifiers: readonly CompiledModifier[],
  discounts: readonly AppliedDiscount[],
  at: number,
): Factors {
  let token = ONE;
  let all = ONE;
  for (const modifier of modifiers) if (modifier.factor !== null) token = times(token, modifier.factor);
  for (const discount of discounts) {
    if (at >= discount.from && at < discount.to) all = times(all, discount.factor);
  }
  return token === ONE && all === ONE ? NO_FACTORS : { token, all };
}

/** Counts that no usage states but the price needs: one request is one request, its length its seconds. */
function impliedCount(table: RateTable, request: PriceRequest, index: number): Rational | bigint | null {
  const bucket = BUCKETS[index];
  if (table.byBucket[index] === null || bucket === undefined || request.usage[bucket] !== undefined)
    return null;
  if (index === REQUESTS) return 1n;
  const nanos = request.durationNanos ?? null;
  return nanos === null ? null : { numerator: nanos, denominator: 1_000_000_000n };
}

interface Counted {
  readonly index: number;
  readonly count: Rational | bigint;
}

/** Adds up what the table prices, and notes it in `counted` if given; or says why there is no sum. */
function sumUsage(
  table: RateTable,
  request: PriceRequest,
  counted: Counted[] | null,
): Sum | PriceResult['status'] {
  const sum: Sum = { tokens: 0n, others: 0n, scale: 1n };
  let unratedTokens = false;
  let measured = false;
  let any = false;
  for (const bucket in request.usage) {
    const text = request.usage[bucket as UsageBucket];
    const index = BUCKET_INDEX.get(bucket);
    if (text === undefined || index === undefined) continue;
    const count = parseCount(text);
    if (count === null) return 'invalid_usage';
    any = true;
    const rate = table.byBucket[index];
    if (rate != null) {
      add(sum, count, rate.scaled, rate.token);
      counted?.push({ index, count });
      if (!isTokenBucket(index)) measured = true;
    } else if (count !== 0n && (typeof count === 'bigint' || count.numerator !== 0n)) {
      if (isTokenBucket(index) && !table.hasTokens) unratedTokens = true;
      else if (!(table.hasTokens && AMBIENT.has(index))) return 'unpriced_dimension';
    }
  }
  if (table.countsCalls) {
    for (const index of [SECONDS, REQUESTS]) {
      const count = any || index === SECONDS ? impliedCount(table, request, index) : null;
      const rate = table.byBucket[index];
      if (count === null || rate == null) continue;
      add(sum, count, rate.scaled, rate.token);
      counted?.push({ index, count });
      measured = true;
      any = true;
    }
  }
  if (!any) return 'missing_usage';
  // A price by time, request or character covers the tokens of the same call, if that measure is there.
  return unratedTokens && !measured ? 'unpriced_dimension' : sum;
}

function linesOf(
  counted: readonly Counted[],
  table: RateTable,
  factors: Factors,
  notes: readonly string[],
): readonly CostLine[] {
  return counted
    .toSorted((a, b) => a.index - b.index)
    .flatMap(({ index, count }) => {
      const rate = table.byBucket[index];
      const bucket = BUCKETS[index];
      if (rate == null || bucket === undefined) return [];
      const exact: Rational = typeof count === 'bigint' ? { numerator: count, denominator: 1n } : count;
      const factor = rate.token ? times(factors.token, factors.all) : factors.all;
      const amount = times(times(exact, factor), {
        numerator: rate.scaled,
        denominator: table.denominator * RATE_SCALE,
      });
      const note = [rate.insteadOf === null ? '' : `at ${rate.insteadOf}`, ...notes].filter(
        (text) => text !== '',
      );
      return {
        bucket,
        count: formatRational(exact),
        rate: rate.usd,
        per: rate.per,
        amount: formatRational(amount),
        ...(note.length === 0 ? {} : { note: note.join(', ') }),
      };
    });
}

function notesOf(
  period: CompiledPeriod,
  modifiers: readonly CompiledModifier[],
  discounts: readonly AppliedDiscount[],
  at: number,
): string[] {
  return [
    period.note ?? '',
    ...modifiers.map(({ modifier }) =>
      modifier.multiply === undefined
        ? `${modifier.condition} ${modifier.value}`
        : `${modifier.condition} ${modifier.value} x ${modifier.multiply}`,
    ),
    ...discounts.filter((each) => at >= each.from && at < each.to).map((each) => `negotiated x ${each.text}`),
  ];
}

function total(sum: Sum, table: RateTable, factors: Factors): bigint {
  const denominator = sum.scale === 1n ? table.picoDivisor : sum.scale * table.picoDivisor;
  if (factors === NO_FACTORS) return divideHalfEven(sum.tokens + sum.others, denominator);
  const { token, all } = factors;
  return divideHalfEven(
    (sum.tokens * token.numerator + sum.others * token.denominator) * all.numerator,
    denominator * token.denominator * all.denominator,
  );
}

/** The prices of the model that answered, else of the one that was asked for. */
function matchOf(book: PriceBook, request: PriceRequest, at: number): ModelMatch | null {
  const answered =
    request.responseModel === null ? null : book.match(request.provider, request.responseModel, at);
  if (answered !== null || request.requestModel === null) return answered;
  return book.match(request.provider, request.requestModel, at);
}

/**
 * Prices one request by a book: exact, with one rounding half to even to 1e-12 USD. What is used without a rate
 * makes it `unpriced_dimension`; nothing unknown is ever free.
 */
export function priceUsage(book: PriceBook, request: PriceRequest): PriceResult {
  const at = Number(request.atMicros);
  const match = matchOf(book, request, at);
  if (match === null) return unpriced('unpriced_model', null, 'no such model on this price list');
  const period = periodAt(match, at);
  if (period === null) return unpriced('unpriced_model', match, 'no price at that time');
  if (period.unpriced !== undefined) return unpriced('unpriced_model', match, period.unpriced);
  let modifiers = NO_MODIFIERS;
  if (!isUnconditional(request.conditions, match, period)) {
    const resolved = resolveConditions(request.provider, request.conditions, match, period, at);
    if (resolved.modifiers === null) return unpriced('unpriced_dimension', match, resolved.unpriced);
    modifiers = resolved.modifiers;
  }
  const table = tableFor(period, request.usage, at, modifiers);
  if (table === null) return unpriced('unpriced_dimension', match, 'conditions that nobody lists together');
  const counted: Counted[] | null = request.lines === true ? [] : null;
  const sum = sumUsage(table, request, counted);
  if (typeof sum === 'string') return unpriced(sum, match, sum);
  const factors =
    modifiers.length === 0 && match.discounts.length === 0
      ? NO_FACTORS
      : factorsOf(modifiers, match.discounts, at);
  return {
    status: 'priced',
    costPicoUsd: total(sum, table, factors),
    model: match.model,
    countsInput: table.byBucket[INPUT] !== null,
    countsOutput: table.byBucket[OUTPUT] !== null,
    lines:
      counted === null
        ? NO_LINES
        : linesOf(counted, table, factors, notesOf(period, modifiers, match.discounts, at)),
    reason: null,
  };
}
