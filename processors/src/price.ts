import type { Conditions, CostLine, CostStatus, Usage, UsageBucket } from './call.ts';
import type { Counted, Factors } from './explain.ts';
import { conditionNotes, linesOf, NO_FACTORS, ONE, tableNotes, times } from './explain.ts';
import { instantText } from './iso-instant.ts';
import { withoutProfile } from './match.ts';
import type { Rational } from './money.ts';
import { divideHalfEven, parseDecimal } from './money.ts';
import type { AppliedDiscount, ModelMatch, PriceBook } from './price-book.ts';
import { isUnconditional, resolveConditions } from './price-conditions.ts';
import type { CompiledModifier, CompiledPeriod, CompiledTables } from './price-period.ts';
import { windowAt } from './price-period.ts';
import type { RateTable } from './rate-table.ts';
import { BUCKET_INDEX, BUCKETS, isTokenBucket } from './rate-table.ts';

/** What is to be priced. */
export interface PriceRequest {
  /** Canonical provider id. */
  readonly provider: string;
  readonly responseModel: string | null;
  readonly requestModel: string | null;
  /** Disjoint buckets. */
  readonly usage: Usage;
  /** Other splits that the same counts allow; there is a price only where it is the same by all of them. */
  readonly alternatives?: readonly Usage[];
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
const NO_SPLITS: readonly Usage[] = [];
const NO_MODIFIERS: readonly CompiledModifier[] = [];
const REQUESTS = BUCKETS.indexOf('requests');
const SECONDS = BUCKETS.indexOf('duration_seconds');
const AUDIO = BUCKETS.indexOf('audio_seconds');
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

type Count = Rational | bigint;

/** A count, exactly; null where the text is none. */
function parseCount(text: string): Count | null {
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

function add(sum: Sum, count: Count, rate: bigint, token: boolean): void {
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
export function contextTokens(usage: Usage): number {
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
  let tables: CompiledTables = period;
  for (const modifier of modifiers) {
    if (modifier.tables === null) continue;
    if (tables !== period) return null;
    tables = modifier.tables;
  }
  const window = windowAt(tables, at);
  if (tables.tiers.length > 0) {
    const tokens = contextTokens(usage);
    const tier = tables.tiers.find((each) => tokens >= each.from);
    if (tier !== undefined) return window === null ? tier.table : null;
  }
  return window === null ? tables.table : window.table;
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

/** Why there is no price, with the instant and when prices begin. */
function noPriceAt(match: ModelMatch, at: number): string {
  const starts = match.periods.map((period) => period.from).filter((from) => from > at && from < Infinity);
  const next = starts.length === 0 ? '' : `; the next begins at ${instantText(Math.min(...starts)) ?? ''}`;
  return `no price of ${match.model} at ${instantText(at) ?? ''}${next}`;
}

/** Counts that no usage states but the price needs: one request is one request, its length its seconds. */
function impliedCount(table: RateTable, usage: Usage, index: number, nanos: bigint | null): Count | null {
  const bucket = BUCKETS[index];
  if (table.byBucket[index] === null || bucket === undefined || usage[bucket] !== undefined) return null;
  if (index === REQUESTS) return 1n;
  return nanos === null ? null : { numerator: nanos, denominator: 1_000_000_000n };
}

interface NoSum {
  readonly status: 'unpriced_dimension' | 'invalid_usage' | 'missing_usage';
  readonly reason: string;
}

function isZero(count: Count): boolean {
  return typeof count === 'bigint' ? count === 0n : count.numerator === 0n;
}

/** Audio shorter than what a vendor bills at least counts as that; none at all stays none. */
function billedSeconds(table: RateTable, count: Count): Count {
  const [numerator, denominator] =
    typeof count === 'bigint' ? [count, 1n] : [count.numerator, count.denominator];
  return numerator > 0n && numerator < table.leastSeconds * denominator ? table.leastSeconds : count;
}

/** Adds up what the table prices, and notes it in `counted` if given; or says why there is no sum. */
function sumUsage(
  table: RateTable,
  request: PriceRequest,
  usage: Usage,
  counted: Counted[] | null,
): Sum | NoSum {
  const sum: Sum = { tokens: 0n, others: 0n, scale: 1n };
  let unratedTokens: string | null = null;
  let measured = false;
  let any = false;
  for (const bucket in usage) {
    const text = usage[bucket as UsageBucket];
    const index = BUCKET_INDEX.get(bucket);
    if (text === undefined || index === undefined) continue;
    const stated = parseCount(text);
    if (stated === null) return { status: 'invalid_usage', reason: `${bucket} is no count` };
    const count = index === AUDIO ? billedSeconds(table, stated) : stated;
    any = true;
    const rate = table.byBucket[index];
    if (rate != null) {
      add(sum, count, rate.scaled, rate.token);
      counted?.push({ index, count });
      if (!isTokenBucket(index)) measured = true;
    } else if (!isZero(count)) {
      if (isTokenBucket(index) && !table.hasTokens) unratedTokens = bucket;
      else if (!(table.hasTokens && AMBIENT.has(index)))
        return { status: 'unpriced_dimension', reason: `no rate for ${bucket}` };
    }
  }
  if (table.countsCalls) {
    for (const index of [SECONDS, REQUESTS]) {
      const nanos = request.durationNanos ?? null;
      const count = any || index === SECONDS ? impliedCount(table, usage, index, nanos) : null;
      const rate = table.byBucket[index];
      if (count === null || rate == null) continue;
      add(sum, count, rate.scaled, rate.token);
      counted?.push({ index, count });
      measured = true;
      any = true;
    }
  }
  if (!any) return { status: 'missing_usage', reason: 'no usage' };
  // A price by time, request or character covers the tokens of the same call, if that measure is there.
  return unratedTokens !== null && !measured
    ? { status: 'unpriced_dimension', reason: `no rate for ${unratedTokens}` }
    : sum;
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

/** What a router adds to a name, which its answer leaves out: `:free`, `:online`, `:nitro`. */
const VARIANT = /:[a-z]+$/i;

/**
 * True where the name that was asked for says more than the answer's about the same model: an inference profile
 * or a location, which an API behind a cloud does not repeat.
 */
function saysMore(asked: ModelMatch, answered: ModelMatch): boolean {
  if (answered.profile !== null || answered.location !== null) return false;
  if (asked.profile === null && asked.location === null) return false;
  return asked.model === answered.model || withoutProfile(asked.model) === answered.model;
}

/** `claude-sonnet-4-5-20250929`, `gpt-4o-2024-08-06`. */
const DATED = /[-@]\d{4}-?\d\d-?\d\d$/;

/**
 * True where a vendor's model was asked for and another vendor's answered, as by a gateway that falls back: neither
 * the one's price nor the other's is known to be what the gateway charges.
 */
function isAnotherVendors(
  book: PriceBook,
  provider: string,
  answered: string | null,
  asked: string,
): boolean {
  if (answered === null || book.vendorOf(asked) !== provider) return false;
  const vendor = book.vendorOf(answered) ?? book.vendorOf(answered.replace(DATED, ''));
  return vendor !== null && vendor !== provider;
}

/** Sold by the hour on Bedrock, whichever model answers there: reserved throughput, imported and custom models. */
const OWN_CAPACITY = /(?:^|\/)arn:aws[a-z-]*:bedrock:[^:]*:[^:]*:(?:provisioned|imported|custom)-model/i;

/**
 * The prices of the model that answered, else of the one that was asked for; null where neither has any. What a
 * deployment's name means goes by the instant (microseconds since the epoch).
 */
export function matchModel(
  book: PriceBook,
  provider: string,
  responseModel: string | null,
  requestModel: string | null,
  atMicros?: number,
): ModelMatch | null {
  const answered = responseModel === null ? null : book.match(provider, responseModel, atMicros);
  if (requestModel === null || requestModel === responseModel) return answered;
  const asked = book.match(provider, requestModel, atMicros);
  if (answered === null) return isAnotherVendors(book, provider, responseModel, requestModel) ? null : asked;
  if (provider === 'aws.bedrock' && OWN_CAPACITY.test(requestModel)) return asked;
  if (asked !== null && saysMore(asked, answered)) return asked;
  if (provider !== 'openrouter' || !VARIANT.test(requestModel) || VARIANT.test(responseModel ?? '')) {
    return answered;
  }
  // The variant of the same model has a price of its own, or none.
  const plain = book.match(provider, requestModel.replace(VARIANT, ''), atMicros);
  return plain?.model === answered.model ? asked : answered;
}

/** Prices one split of the usage by a match. */
function priceSplit(match: ModelMatch, request: PriceRequest, usage: Usage): PriceResult {
  const at = Number(request.atMicros);
  const period = periodAt(match, at);
  if (period === null) return unpriced('unpriced_model', match, noPriceAt(match, at));
  if (period.unpriced !== undefined) return unpriced('unpriced_model', match, period.unpriced);
  let modifiers = NO_MODIFIERS;
  if (!isUnconditional(request.conditions, match, period)) {
    const resolved = resolveConditions(request.provider, request.conditions, match, period, at);
    if (resolved.modifiers === null) return unpriced('unpriced_dimension', match, resolved.unpriced);
    modifiers = resolved.modifiers;
  }
  const table = tableFor(period, usage, at, modifiers);
  if (table === null) return unpriced('unpriced_dimension', match, 'conditions that nobody lists together');
  const counted: Counted[] | null = request.lines === true ? [] : null;
  const sum = sumUsage(table, request, usage, counted);
  if (!('tokens' in sum)) return unpriced(sum.status, match, sum.reason);
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
        : linesOf(counted, table, factors, [
            ...tableNotes(match, period, modifiers, table),
            ...conditionNotes(modifiers, match.discounts, at),
          ]),
    reason: null,
  };
}

/**
 * Prices one request by a book: exact, with one rounding half to even to 1e-12 USD. What is used without a rate
 * makes it `unpriced_dimension`; nothing unknown is ever free.
 */
export function priceUsage(book: PriceBook, request: PriceRequest): PriceResult {
  const { provider, responseModel, requestModel } = request;
  const match = matchModel(book, provider, responseModel, requestModel, Number(request.atMicros));
  if (match === null) return unpriced('unpriced_model', null, 'no such model on this price list');
  const result = priceSplit(match, request, request.usage);
  for (const usage of request.alternatives ?? NO_SPLITS) {
    const other = priceSplit(match, request, usage);
    // Cost is linear between the corners of what is possible, so that equal corners leave no other price.
    if (other.status !== result.status || other.costPicoUsd !== result.costPicoUsd) {
      return unpriced('unpriced_dimension', match, 'how cached tokens overlap audio or images is unknown');
    }
  }
  return result;
}
