import type {
  ConditionName,
  Conditions,
  ContextTier,
  Modifier,
  PriceEntry,
  PricePeriod,
  RateName,
  Rates,
  TimeWindow,
  Usage,
  UsageBucket,
} from '@spanmeter/processors';

/** What the oracle says: an amount in 1e-12 USD, or why there is none. */
export type Verdict = bigint | 'unpriced_model' | 'unpriced_dimension' | 'missing_usage';

/** What is asked of it. */
export interface Question {
  readonly entry: PriceEntry;
  readonly provider: string;
  readonly usage: Usage;
  readonly conditions: Conditions;
  readonly atMillis: number;
  /** Decimal factors on the whole amount. */
  readonly discounts: readonly string[];
}

/** Rate, bucket, how many the price is for, whether conditions multiply it. */
const UNITS: readonly (readonly [RateName, UsageBucket, bigint, boolean])[] = [
  ['input_mtok', 'input', 1_000_000n, true],
  ['output_mtok', 'output', 1_000_000n, true],
  ['cache_read_mtok', 'cache_read', 1_000_000n, true],
  ['cache_write_mtok', 'cache_write_5m', 1_000_000n, true],
  ['cache_write_1h_mtok', 'cache_write_1h', 1_000_000n, true],
  ['reasoning_mtok', 'reasoning', 1_000_000n, true],
  ['input_audio_mtok', 'input_audio', 1_000_000n, true],
  ['output_audio_mtok', 'output_audio', 1_000_000n, true],
  ['cache_read_audio_mtok', 'cache_read_audio', 1_000_000n, true],
  ['input_image_mtok', 'input_image', 1_000_000n, true],
  ['output_image_mtok', 'output_image', 1_000_000n, true],
  ['audio_hour', 'audio_seconds', 3600n, false],
  ['per_second', 'duration_seconds', 1n, false],
  ['input_mchar', 'input_characters', 1_000_000n, false],
  ['per_image', 'images', 1n, false],
  ['requests_k', 'requests', 1000n, false],
  ['web_searches_k', 'web_search_requests', 1000n, false],
];

export const ALL_BUCKETS: readonly UsageBucket[] = UNITS.map(([, bucket]) => bucket);
const CONTEXT: readonly UsageBucket[] = [
  'input',
  'cache_read',
  'cache_write_5m',
  'cache_write_1h',
  'input_audio',
  'cache_read_audio',
  'input_image',
];
const ORDINARY: Readonly<Record<ConditionName, readonly string[]>> = {
  tier: ['default', 'standard', 'standard_only', 'on_demand', 'regular'],
  speed: ['standard', 'normal', 'default'],
  geo: ['global', 'not_available', 'default'],
  region: ['global'],
  profile: [],
  search_context: [],
};

/** A fraction that is never reduced. */
interface Fraction {
  readonly top: bigint;
  readonly bottom: bigint;
}

function fractionOf(text: string): Fraction {
  const [whole = '', decimals = ''] = text.split('.');
  return { top: BigInt(whole + decimals), bottom: 10n ** BigInt(decimals.length) };
}

function multiply(a: Fraction, b: Fraction): Fraction {
  return { top: a.top * b.top, bottom: a.bottom * b.bottom };
}

function plus(a: Fraction, b: Fraction): Fraction {
  return a.bottom === b.bottom
    ? { top: a.top + b.top, bottom: a.bottom }
    : { top: a.top * b.bottom + b.top * a.bottom, bottom: a.bottom * b.bottom };
}

/** Rounds a fraction of USD to 1e-12, a half to the even neighbour. */
export function roundToPico({ top, bottom }: Fraction): bigint {
  const scaled = top * 10n ** 12n;
  const floor = scaled / bottom;
  const rest = (scaled % bottom) * 2n;
  return rest > bottom || (rest === bottom && floor % 2n === 1n) ? floor + 1n : floor;
}

/** The exact sum of `count x rate x factor / per` over lines, rounded once. */
export function sumOfLines(
  lines: readonly { count: string; rate: string; per: number; factor?: string }[],
): bigint {
  let sum: Fraction = { top: 0n, bottom: 1n };
  for (const { count, rate, per, factor } of lines) {
    const product = multiply(multiply(fractionOf(count), fractionOf(rate)), fractionOf(factor ?? '1'));
    sum = plus(sum, { top: product.top, bottom: product.bottom * BigInt(per) });
  }
  return roundToPico(sum);
}

function isWithin(at: number, from: string | undefined, to: string | undefined): boolean {
  return (from === undefined || at >= Date.parse(from)) && (to === undefined || at < Date.parse(to));
}

function tierAt(tiers: readonly ContextTier[], tokens: bigint): ContextTier | undefined {
  const reached = tiers.filter((tier) =>
    tier.inclusive === true ? tokens >= BigInt(tier.above) : tokens > BigInt(tier.above),
  );
  return reached.reduce<ContextTier | undefined>(
    (best, tier) => (best === undefined || tier.above > best.above ? tier : best),
    undefined,
  );
}

function minutes(time: string): number {
  const [hour, minute] = time.split(':').map(Number);
  return hour! * 60 + minute!;
}

/** True where a window is open: checked for the day of the instant and for a night that began the day before. */
function isOpen(window: TimeWindow, at: number): boolean {
  const midnight = new Date(at);
  midnight.setUTCHours(0, 0, 0, 0);
  for (const start of [midnight.getTime(), midnight.getTime() - 86_400_000]) {
    const opens = start + minutes(window.from) * 60_000;
    const length = minutes(window.to) - minutes(window.from);
    const closes = opens + (length > 0 ? length : length + 1440) * 60_000;
    if (at < opens || at >= closes) continue;
    const weekday = new Date(start).getUTCDay() || 7;
    if (window.days !== undefined && !window.days.includes(weekday)) continue;
    if (window.except?.includes(new Date(start).toISOString().slice(0, 10)) === true) continue;
    return true;
  }
  return false;
}

function stated(name: ConditionName, { conditions, provider }: Question): string | undefined {
  switch (name) {
    case 'tier':
      if (conditions.batch !== true) return conditions.serviceTier;
      return conditions.serviceTier === undefined || ORDINARY.tier.includes(conditions.serviceTier)
        ? 'batch'
        : conditions.serviceTier === 'batch'
          ? 'batch'
          : `batch ${conditions.serviceTier}`;
    case 'speed':
      return conditions.speed;
    case 'geo':
      return conditions.inferenceGeo;
    case 'search_context':
      return conditions.searchContextSize;
    case 'region':
      return ['openai', 'x_ai', 'gcp.vertex_ai'].includes(provider) ? conditions.region : undefined;
    case 'profile':
      return undefined;
    default:
      throw new Error(name satisfies never);
  }
}

/** The modifiers that hold; null where a condition has a value that nobody priced. */
function modifiersOf(period: PricePeriod, question: Question): Modifier[] | null {
  const { provider, atMillis } = question;
  const usable = (period.modifiers ?? []).filter(
    (each) =>
      isWithin(atMillis, each.from, each.to) &&
      (each.providers === undefined || each.providers.includes(provider)),
  );
  const found: Modifier[] = [];
  for (const name of Object.keys(ORDINARY) as ConditionName[]) {
    const own = usable.filter((each) => each.condition === name);
    const value = stated(name, question);
    const chosen =
      value === undefined
        ? own.find((each) => each.standard === true)
        : (own.find((each) => each.value === value) ??
          (ORDINARY[name].includes(value) ? undefined : own.find((each) => each.value === '*')));
    if (chosen !== undefined) found.push(chosen);
    else if (value !== undefined && !ORDINARY[name].includes(value)) return null;
  }
  return found;
}

/** What each bucket costs: by its own rate, or the one that stands in for it. */
function rateOf(rates: Rates, bucket: UsageBucket): readonly [string, bigint, boolean] | null {
  const [name, , per, token] = UNITS.find((unit) => unit[1] === bucket)!;
  const own = rates[name];
  if (own !== undefined) return [own, per, token];
  if (bucket === 'reasoning' && rates.output_mtok !== undefined) return [rates.output_mtok, per, true];
  const makesImages = rates.output_image_mtok !== undefined || rates.per_image !== undefined;
  if (bucket !== 'input_image' || makesImages || rates.input_mtok === undefined) return null;
  return [rates.input_mtok, per, true];
}

/** Rates under the factors that a condition gives to single ones. */
function factored(rates: Rates, modifier: Modifier): Rates {
  const all: Partial<Record<RateName, string>> = { ...rates };
  if (modifier.factors?.reasoning_mtok !== undefined && all.output_mtok !== undefined) {
    all.reasoning_mtok ??= all.output_mtok;
  }
  for (const [name, , , token] of UNITS) {
    const usd = all[name];
    const factor = modifier.factors?.[name] ?? (token ? modifier.multiply : undefined);
    if (usd === undefined || factor === undefined) continue;
    const { top, bottom } = multiply(fractionOf(usd), fractionOf(factor));
    const digits = top.toString().padStart(bottom.toString().length, '0');
    const point = digits.length - (bottom.toString().length - 1);
    all[name] = `${digits.slice(0, point)}.${digits.slice(point)}`;
  }
  return all;
}

function isFee(modifier: Modifier): boolean {
  const names = Object.keys(modifier.rates ?? {});
  return modifier.tiers === undefined && UNITS.every(([name, , , token]) => !token || !names.includes(name));
}

function ratesAt(
  period: PricePeriod,
  modifiers: readonly Modifier[],
  { usage, atMillis }: Question,
): Rates | null {
  let tokens = 0n;
  for (const bucket of CONTEXT) tokens += BigInt(usage[bucket] ?? '0');
  const tier = tierAt(period.tiers ?? [], tokens);
  const window = period.windows?.find((each) => isOpen(each, atMillis));
  const changing = modifiers.filter((each) => each.rates !== undefined || each.factors !== undefined);
  if (changing.length > 1) return null;
  const [change] = changing;
  if (change === undefined || change.factors !== undefined || isFee(change)) {
    if (tier !== undefined && window !== undefined) return null;
    const rates = { ...period.rates, ...tier?.rates, ...window?.rates };
    if (change === undefined) return rates;
    return change.factors === undefined ? { ...rates, ...change.rates } : factored(rates, change);
  }
  const own = tierAt(change.tiers ?? [], tokens);
  if (window !== undefined) return null;
  if (tier !== undefined && (own === undefined || own.above < tier.above)) return null;
  return { ...period.rates, ...change.rates, ...own?.rates };
}

/** Prices by the raw entry of a book, in a way that has nothing in common with the engine but the rules. */
export function oracle(question: Question): Verdict {
  const { entry, usage, atMillis } = question;
  const period = entry.periods.find((each) => isWithin(atMillis, each.from, each.to));
  if (period === undefined) return 'unpriced_model';
  const modifiers = modifiersOf(period, question);
  if (modifiers === null) return 'unpriced_dimension';
  const rates = ratesAt(period, modifiers, question);
  if (rates === null) return 'unpriced_dimension';
  const counts = new Map(Object.entries(usage) as [UsageBucket, string][]);
  if (counts.size === 0) return 'missing_usage';
  const isChanged = modifiers.some((each) => each.rates !== undefined);
  if (period.free === true && !isChanged) return 0n;
  if (!counts.has('requests') && rates.requests_k !== undefined) counts.set('requests', '1');
  const pricesTokens = UNITS.some(([name, , , token]) => token && rates[name] !== undefined);
  let onTokens: Fraction = { top: 1n, bottom: 1n };
  for (const { multiply: factor, factors } of modifiers)
    if (factor !== undefined && factors === undefined) onTokens = multiply(onTokens, fractionOf(factor));
  let sum: Fraction = { top: 0n, bottom: 1n };
  let uncovered = false;
  let measured = false;
  for (const [bucket, stated] of counts) {
    const least = bucket === 'audio_seconds' ? BigInt(period.leastSeconds ?? 0) : 0n;
    const used = fractionOf(stated);
    const count = used.top > 0n && used.top < least * used.bottom ? String(least) : stated;
    const rate = rateOf(rates, bucket);
    const isToken = UNITS.find((unit) => unit[1] === bucket)![3];
    if (rate === null) {
      if (fractionOf(count).top === 0n) continue;
      if (isToken && !pricesTokens) uncovered = true;
      else if (!pricesTokens || (bucket !== 'requests' && bucket !== 'duration_seconds'))
        return 'unpriced_dimension';
      continue;
    }
    if (!isToken) measured = true;
    const [usd, per, multiplied] = rate;
    const amount = multiply(
      multiply(fractionOf(usd), fractionOf(count)),
      multiplied ? onTokens : { top: 1n, bottom: 1n },
    );
    sum = plus(sum, { top: amount.top, bottom: amount.bottom * per });
  }
  if (uncovered && !measured) return 'unpriced_dimension';
  for (const discount of question.discounts) sum = multiply(sum, fractionOf(discount));
  return roundToPico(sum);
}
