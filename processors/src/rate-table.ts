import type { UsageBucket } from './call.ts';
import type { Rational } from './money.ts';
import { parseDecimal, powerOfTen } from './money.ts';
import type { RateName, Rates } from './price-entry.ts';

/** Rates are integers of 1e-18 USD per unit, over a denominator where that is not exact. */
export const RATE_SCALE: bigint = powerOfTen(18);

/** Every bucket, in the order that lines are written in. */
export const BUCKETS: readonly UsageBucket[] = [
  'input',
  'cache_read',
  'cache_write_5m',
  'cache_write_1h',
  'input_audio',
  'cache_read_audio',
  'input_image',
  'output',
  'reasoning',
  'output_audio',
  'output_image',
  'audio_seconds',
  'duration_seconds',
  'input_characters',
  'images',
  'requests',
  'web_search_requests',
];

/** Index of each bucket in `BUCKETS`. */
export const BUCKET_INDEX: ReadonlyMap<string, number> = new Map(
  BUCKETS.map((bucket, index) => [bucket, index]),
);

interface RateMeaning {
  readonly bucket: UsageBucket;
  /** The price is for this many units of the bucket. */
  readonly per: number;
  /** Token rates are what factors (batch, geography) multiply. */
  readonly token: boolean;
}

/** What each rate of a price entry counts. */
export const RATE_MEANINGS: Readonly<Record<RateName, RateMeaning>> = {
  input_mtok: { bucket: 'input', per: 1_000_000, token: true },
  output_mtok: { bucket: 'output', per: 1_000_000, token: true },
  cache_read_mtok: { bucket: 'cache_read', per: 1_000_000, token: true },
  cache_write_mtok: { bucket: 'cache_write_5m', per: 1_000_000, token: true },
  cache_write_1h_mtok: { bucket: 'cache_write_1h', per: 1_000_000, token: true },
  reasoning_mtok: { bucket: 'reasoning', per: 1_000_000, token: true },
  input_audio_mtok: { bucket: 'input_audio', per: 1_000_000, token: true },
  output_audio_mtok: { bucket: 'output_audio', per: 1_000_000, token: true },
  cache_read_audio_mtok: { bucket: 'cache_read_audio', per: 1_000_000, token: true },
  input_image_mtok: { bucket: 'input_image', per: 1_000_000, token: true },
  output_image_mtok: { bucket: 'output_image', per: 1_000_000, token: true },
  audio_hour: { bucket: 'audio_seconds', per: 3600, token: false },
  per_second: { bucket: 'duration_seconds', per: 1, token: false },
  input_mchar: { bucket: 'input_characters', per: 1_000_000, token: false },
  per_image: { bucket: 'images', per: 1, token: false },
  requests_k: { bucket: 'requests', per: 1000, token: false },
  web_searches_k: { bucket: 'web_search_requests', per: 1000, token: false },
};

/** Names of all rates. */
export const RATE_NAMES: readonly RateName[] = Object.keys(RATE_MEANINGS) as RateName[];

/** The rate of one bucket: what a line shows, and what is multiplied. */
export interface BucketRate {
  readonly usd: string;
  readonly per: number;
  readonly token: boolean;
  /** Name of the rate it comes from, where another bucket's rate stands in. */
  readonly insteadOf: RateName | null;
  /** In 1e-18 USD per unit, over the table's denominator. */
  readonly scaled: bigint;
}

/** Compiled rates of one price: by bucket index, all over one denominator. */
export interface RateTable {
  readonly byBucket: readonly (BucketRate | null)[];
  readonly denominator: bigint;
  /** What a sum of count times rate is divided by to be 1e-12 USD. */
  readonly picoDivisor: bigint;
  /** True where any token bucket has a rate. */
  readonly hasTokens: boolean;
  /** True where requests or seconds have a rate, which no usage need state. */
  readonly countsCalls: boolean;
  /** Seconds of audio that are billed at least; 0n where there is no minimum. */
  readonly leastSeconds: bigint;
}

function exactRate(name: RateName, usd: string): Rational {
  const value = parseDecimal(usd);
  if (value === null || value.numerator < 0n) throw new Error(`"${usd}" of ${name} is not a price`);
  return {
    numerator: value.numerator * RATE_SCALE,
    denominator: value.denominator * BigInt(RATE_MEANINGS[name].per),
  };
}

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? a : gcd(b, a % b);
}

/**
 * Rates that stand in for a bucket without one of its own: reasoning is output unless priced apart, and what a
 * chat model sees is input at the input rate. A model that makes images prices images apart, so there none does.
 */
function standIns(rates: Rates): readonly (readonly [UsageBucket, RateName])[] {
  const found: (readonly [UsageBucket, RateName])[] = [];
  if (rates.reasoning_mtok === undefined && rates.output_mtok !== undefined)
    found.push(['reasoning', 'output_mtok']);
  const makesImages = rates.output_image_mtok !== undefined || rates.per_image !== undefined;
  if (rates.input_image_mtok === undefined && rates.input_mtok !== undefined && !makesImages) {
    found.push(['input_image', 'input_mtok']);
  }
  return found;
}

/** Compiles rates; throws where one is not a decimal number. */
export function compileRates(rates: Rates, free = false, leastSeconds = 0): RateTable {
  const named: { bucket: UsageBucket; name: RateName; usd: string; instead: boolean }[] = [];
  for (const name of RATE_NAMES) {
    const usd = rates[name];
    if (free) named.push({ bucket: RATE_MEANINGS[name].bucket, name, usd: '0', instead: false });
    else if (usd !== undefined) named.push({ bucket: RATE_MEANINGS[name].bucket, name, usd, instead: false });
  }
  for (const [bucket, name] of free ? [] : standIns(rates)) {
    const usd = rates[name];
    if (usd !== undefined) named.push({ bucket, name, usd, instead: true });
  }
  const exact = named.map((each) => exactRate(each.name, each.usd));
  let denominator = 1n;
  for (const { numerator, denominator: own } of exact) {
    const reduced = own / gcd(own, numerator);
    denominator = (denominator / gcd(denominator, reduced)) * reduced;
  }
  const byBucket: (BucketRate | null)[] = BUCKETS.map(() => null);
  named.forEach((each, i) => {
    const value = exact[i];
    const index = BUCKET_INDEX.get(each.bucket);
    if (value === undefined || index === undefined) return;
    byBucket[index] = {
      usd: each.usd,
      per: RATE_MEANINGS[each.name].per,
      token: RATE_MEANINGS[each.name].token,
      insteadOf: each.instead ? each.name : null,
      scaled: (value.numerator * denominator) / value.denominator,
    };
  });
  const rated = (bucket: UsageBucket): boolean => byBucket[BUCKETS.indexOf(bucket)] !== null;
  return {
    byBucket,
    denominator,
    picoDivisor: denominator * (RATE_SCALE / powerOfTen(12)),
    hasTokens: byBucket.some((rate) => rate !== null && rate.token),
    countsCalls: rated('requests') || rated('duration_seconds'),
    leastSeconds: BigInt(leastSeconds),
  };
}

const TOKEN_BUCKETS = BUCKETS.indexOf('audio_seconds');

/** True for buckets that count tokens. */
export function isTokenBucket(index: number): boolean {
  return index < TOKEN_BUCKETS;
}
