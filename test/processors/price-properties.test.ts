import assert from 'node:assert/strict';
import { createPriceBook, formatPico, priceUsage } from '@spanmeter/processors';
import type {
  Conditions,
  ContextTier,
  Modifier,
  PriceBook,
  PriceEntry,
  PriceList,
  PricePeriod,
  RateName,
  Rates,
  TimeWindow,
  Usage,
  UsageBucket,
} from '@spanmeter/processors';
import type { Question } from './price-oracle.ts';
import { ALL_BUCKETS, oracle, sumOfLines } from './price-oracle.ts';

/** Another seed tries other cases: `PRICE_SEED=7 npx mocha …`. Every failure names its own. */
const SEED = Number(process.env['PRICE_SEED'] ?? 20_261_121);

/** A small generator of repeatable random numbers (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = randomFrom(SEED);
const pick = (below: number): number => Math.floor(random() * below);
const oneOf = <T>(list: readonly T[]): T => list[pick(list.length)]!;
const chance = (share: number): boolean => random() < share;

const NO_OVERLAY = { entries: [], patches: [], resales: [], removals: [] };
const RATES: readonly RateName[] = [
  'input_mtok',
  'output_mtok',
  'cache_read_mtok',
  'cache_write_mtok',
  'cache_write_1h_mtok',
  'reasoning_mtok',
  'input_audio_mtok',
  'output_audio_mtok',
  'cache_read_audio_mtok',
  'input_image_mtok',
  'audio_hour',
  'per_second',
  'input_mchar',
  'requests_k',
  'web_searches_k',
];

function randomDecimal(): string {
  const digits = String(pick(10 ** (1 + pick(9)))).padStart(8, '0');
  const point = 1 + pick(digits.length - 1);
  return `${digits.slice(0, point)}.${digits.slice(point)}`;
}

function randomRates(names: readonly RateName[], share: number): Rates {
  return Object.fromEntries(names.filter(() => chance(share)).map((name) => [name, randomDecimal()]));
}

function randomTime(): string {
  return `${String(pick(24)).padStart(2, '0')}:${String(pick(60)).padStart(2, '0')}`;
}

const DAY = 86_400_000;
const FIRST_DAY = Date.UTC(2026, 8, 1);
const DAYS = 90;
const instantAt = (millis: number): string => new Date(millis).toISOString();

function randomWindow(): TimeWindow {
  return {
    ...(chance(0.5) ? { days: [1, 2, 3, 4, 5, 6, 7].filter(() => chance(0.6)).concat(3) } : {}),
    ...(chance(0.5) ? { except: [instantAt(FIRST_DAY + pick(DAYS) * DAY).slice(0, 10)] } : {}),
    from: randomTime(),
    to: randomTime(),
    rates: randomRates(['input_mtok', 'output_mtok', 'cache_read_mtok'], 0.8),
  };
}

function randomTier(): ContextTier {
  return {
    above: pick(300_000),
    ...(chance(0.5) ? { inclusive: true as const } : {}),
    rates: randomRates(['input_mtok', 'output_mtok', 'cache_read_mtok'], 0.8),
  };
}

function randomModifiers(): Modifier[] {
  const all: Modifier[] = [
    { condition: 'tier', value: 'batch', multiply: '0.5' },
    { condition: 'tier', value: 'flex', multiply: '0.333' },
    { condition: 'tier', value: 'priority', rates: randomRates(['input_mtok', 'output_mtok'], 0.9) },
    { condition: 'speed', value: 'fast', multiply: '6' },
    { condition: 'geo', value: 'us', multiply: '1.1' },
    { condition: 'region', value: 'eu', multiply: '1.15', from: instantAt(FIRST_DAY + 30 * DAY) },
    { condition: 'region', value: '*', multiply: '1.07' },
    { condition: 'search_context', value: 'low', rates: { requests_k: '5' }, standard: true },
    { condition: 'search_context', value: 'high', rates: { requests_k: '12' } },
  ];
  return all.filter(() => chance(0.4));
}

function randomPeriod(from?: string, to?: string): PricePeriod {
  const when = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  if (chance(0.02)) return { ...when, free: true, rates: {} };
  return {
    ...when,
    rates: randomRates(RATES, chance(0.1) ? 0.1 : 0.7),
    ...(chance(0.4) ? { tiers: Array.from({ length: 1 + pick(3) }, randomTier) } : {}),
    ...(chance(0.3) ? { windows: Array.from({ length: 1 + pick(2) }, randomWindow) } : {}),
    ...(chance(0.5) ? { modifiers: randomModifiers() } : {}),
  };
}

function randomEntry(index: number): PriceEntry {
  const change = instantAt(FIRST_DAY + pick(DAYS * 1440) * 60_000);
  const periods = chance(0.5) ? [randomPeriod()] : [randomPeriod(undefined, change), randomPeriod(change)];
  return { model: `model-${index}`, periods: chance(0.1) ? periods.slice(1) : periods };
}

interface Catalogue {
  readonly book: PriceBook;
  readonly models: readonly { readonly provider: string; readonly entry: PriceEntry }[];
  readonly discounts: ReadonlyMap<string, readonly string[]>;
}

/** Prices that nobody has, with everything that prices can depend on. */
function madeUp(): Catalogue {
  const entries = Array.from({ length: 200 }, (_, index) => randomEntry(index));
  const lists: PriceList[] = [{ seller: 'openai', entries }];
  const discounts = new Map<string, string[]>();
  const layer = {
    prices: [],
    deployments: [],
    discounts: entries
      .filter(() => chance(0.3))
      .map(({ model }) => {
        const multiply = oneOf(['0.9', '0.85', '1.2', '0.3333']);
        discounts.set(model, [...(discounts.get(model) ?? []), multiply]);
        return { provider: 'openai', models: [model], multiply };
      }),
  };
  const book = createPriceBook({ base: lists, overlay: NO_OVERLAY, layers: [layer] });
  return { book, models: entries.map((entry) => ({ provider: 'openai', entry })), discounts };
}

const PROVIDER_OF: Readonly<Record<string, string>> = { google: 'gcp.vertex_ai', azure: 'azure.ai.openai' };

/** The prices that ship, read back from the text of the book. */
function shipped(): Catalogue {
  const book = createPriceBook();
  const { lists } = JSON.parse(book.content()) as { lists: PriceList[] };
  const models = lists.flatMap(({ seller, entries }) =>
    entries.map((entry) => ({ provider: PROVIDER_OF[seller] ?? seller, entry })),
  );
  return { book, models, discounts: new Map() };
}

function randomUsage(): Usage {
  const usage: Partial<Record<UsageBucket, string>> = {};
  const common: readonly UsageBucket[] = ['input', 'output', 'cache_read', 'cache_write_5m', 'reasoning'];
  for (let i = pick(6); i >= 0; i--) {
    const bucket = chance(0.7) ? oneOf(common) : oneOf(ALL_BUCKETS);
    const whole = chance(0.1) ? 0 : pick(10 ** (1 + pick(9)));
    usage[bucket] = bucket.endsWith('_seconds') && chance(0.5) ? `${whole}.${pick(1000)}` : String(whole);
  }
  return chance(0.01) ? {} : usage;
}

/** Input and cached input that come to the bound of a tier, or one off it. */
function usageAtBound(entry: PriceEntry): Usage | null {
  const tiers = entry.periods.flatMap((period) => period.tiers ?? []);
  if (tiers.length === 0 || chance(0.7)) return null;
  const tokens = Math.max(0, oneOf(tiers).above + pick(3) - 1);
  const cached = pick(tokens + 1);
  return { input: String(tokens - cached), cache_read: String(cached), output: String(pick(10_000)) };
}

function randomConditions(): Conditions {
  if (chance(0.4)) return {};
  return {
    ...(chance(0.4)
      ? { serviceTier: oneOf(['batch', 'flex', 'priority', 'default', 'scale', 'standard']) }
      : {}),
    ...(chance(0.1) ? { batch: true } : {}),
    ...(chance(0.2) ? { speed: oneOf(['fast', 'standard']) } : {}),
    ...(chance(0.2) ? { inferenceGeo: oneOf(['us', 'global', 'eu']) } : {}),
    ...(chance(0.3) ? { region: oneOf(['eu', 'us', 'global', 'us-central1']) } : {}),
    ...(chance(0.2) ? { searchContextSize: oneOf(['low', 'high', 'vast']) } : {}),
  };
}

function randomQuestion({ models, discounts }: Catalogue): Question {
  const { entry, provider } = oneOf(models);
  return {
    entry,
    provider,
    usage: usageAtBound(entry) ?? randomUsage(),
    // Bedrock's regions are profiles, which names state; they have tests of their own.
    conditions: provider === 'aws.bedrock' ? {} : randomConditions(),
    atMillis: FIRST_DAY - 20 * DAY + pick((DAYS + 40) * DAY),
    discounts: discounts.get(entry.model) ?? [],
  };
}

function ask(
  book: PriceBook,
  question: Question,
  usage: Usage,
  lines = false,
): ReturnType<typeof priceUsage> {
  return priceUsage(book, {
    provider: question.provider,
    responseModel: question.entry.model,
    requestModel: null,
    usage,
    conditions: question.conditions,
    atMicros: BigInt(question.atMillis) * 1000n,
    lines,
  });
}

function told(question: Question, index: number): string {
  const { entry, ...rest } = question;
  return `PRICE_SEED=${SEED}, case ${index}: ${entry.model} ${JSON.stringify(rest)}`;
}

const catalogues = [madeUp(), shipped()] as const;

/** Questions that have a price, about made-up and shipped models in turn. */
function* pricedQuestions(count: number): Generator<[Catalogue, Question, bigint, number]> {
  for (let i = 0, found = 0; found < count; i++) {
    assert.ok(i < count * 20, `PRICE_SEED=${SEED}: too few questions have a price`);
    const catalogue = catalogues[i % 2]!;
    const question = randomQuestion(catalogue);
    const { costPicoUsd } = ask(catalogue.book, question, question.usage);
    if (costPicoUsd === null) continue;
    found++;
    yield [catalogue, question, costPicoUsd, i];
  }
}

describe('the price engine', () => {
  it('equals an independent computation from the raw book on 100,000 random cases', () => {
    const seen = new Map<string, number>();
    for (let i = 0; i < 100_000; i++) {
      const catalogue = catalogues[i % 2]!;
      const question = randomQuestion(catalogue);
      const expected = oracle(question);
      const result = ask(catalogue.book, question, question.usage);
      const actual = result.costPicoUsd ?? result.status;
      seen.set(result.status, (seen.get(result.status) ?? 0) + 1);
      if (actual === expected) continue;
      const text = (value: bigint | string): string =>
        typeof value === 'bigint' ? formatPico(value) : value;
      assert.fail(`${told(question, i)}: ${text(actual)}, not ${text(expected)} (${result.reason})`);
    }
    // A generator that only makes one kind of case proves nothing of the others.
    for (const status of ['priced', 'unpriced_dimension', 'unpriced_model', 'missing_usage']) {
      assert.ok((seen.get(status) ?? 0) > 100, `${status}: ${seen.get(status)}`);
    }
  });

  it('has lines whose exact sum, rounded once, is the amount', () => {
    for (const [{ book }, question, cost, index] of pricedQuestions(5000)) {
      const { lines } = ask(book, question, question.usage, true);
      assert.equal(sumOfLines(lines), cost, told(question, index));
    }
  });

  it('adds up over disjoint buckets, but for one rounding each, where no tier parts them', () => {
    for (const [{ book }, question, , index] of pricedQuestions(5000)) {
      const period = question.entry.periods.some((each) => each.tiers !== undefined);
      const buckets = Object.keys(question.usage) as UsageBucket[];
      const left = Object.fromEntries(buckets.slice(0, 1).map((each) => [each, question.usage[each]]));
      const right = Object.fromEntries(buckets.slice(1).map((each) => [each, question.usage[each]]));
      if (period || buckets.length < 2) continue;
      const [whole, a, b] = [question.usage, left, right].map((usage) => {
        const { lines, costPicoUsd } = ask(book, question, usage, true);
        return { costPicoUsd, fees: lines.some((line) => line.bucket === 'requests') };
      });
      // A fee per request is one per call, however the call is divided.
      if (a!.costPicoUsd === null || b!.costPicoUsd === null || whole!.fees) continue;
      const apart = a!.costPicoUsd + b!.costPicoUsd - whole!.costPicoUsd!;
      assert.ok(apart >= -1n && apart <= 1n, `${told(question, index)}: ${apart}`);
    }
  });

  it('never falls when a count grows, unless a long context is cheaper', () => {
    for (const [{ book }, question, cost, index] of pricedQuestions(5000)) {
      if (question.entry.periods.some((each) => each.tiers !== undefined)) continue;
      const bucket = oneOf(Object.keys(question.usage) as UsageBucket[]);
      const [whole = '0'] = (question.usage[bucket] ?? '0').split('.');
      const more = { ...question.usage, [bucket]: String(BigInt(whole) + 1n + BigInt(pick(1e6))) };
      const result = ask(book, question, more);
      if (result.costPicoUsd !== null) assert.ok(result.costPicoUsd >= cost, told(question, index));
    }
  });

  it('does not depend on the order of the buckets', () => {
    for (const [{ book }, question, cost, index] of pricedQuestions(5000)) {
      const reversed = Object.fromEntries(Object.entries(question.usage).toReversed()) as Usage;
      assert.equal(ask(book, question, reversed).costPicoUsd, cost, told(question, index));
    }
  });
});
