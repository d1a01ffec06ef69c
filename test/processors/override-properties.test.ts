import assert from 'node:assert/strict';
import {
  createPriceBook,
  createTenantBooks,
  formatPico,
  parsePriceOverrides,
  priceUsage,
} from '@spanmeter/processors';
import type { PriceList } from '@spanmeter/processors';

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

const random = randomFrom(20261121);
const pick = (below: number): number => Math.floor(random() * below);
const chance = (share: number): boolean => random() < share;
const pickOf = <T>(all: readonly T[]): T => all[pick(all.length)]!;

const DAY_MS = 86_400_000;
const FIRST_DAY = Date.UTC(2026, 0, 1) / DAY_MS;
const DAYS = 60;
const MODELS = ['model-0', 'model-1', 'other-0'];
const PROVIDERS = ['openai', 'anthropic'];
const TIER_ABOVE = 1000n;

/** Amounts are whole millionths in here; in a file they are decimals. */
type Micro = bigint;
const decimal = (micro: Micro): string =>
  `${micro / 1_000_000n}.${(micro % 1_000_000n).toString().padStart(6, '0')}`;

interface Span {
  /** Days since FIRST_DAY; null where open. */
  readonly from: number | null;
  readonly to: number | null;
}
interface Rates {
  readonly input: Micro;
  readonly output: Micro;
}
interface Price extends Span {
  readonly model: string;
  readonly euro: boolean;
  readonly rates: Rates;
  readonly tier: Rates | null;
}
interface Discount extends Span {
  readonly provider: string | null;
  readonly models: string | null;
  readonly form: 'multiply' | 'rates' | 'subtract';
  readonly euro: boolean;
  readonly amount: Partial<Record<'input' | 'output', Micro>>;
  readonly factor: Micro;
}
interface Layer {
  readonly prices: readonly Price[];
  readonly discounts: readonly Discount[];
  readonly euros: readonly (Span & { readonly usd: Micro })[];
}

const instant = (day: number): string => new Date((FIRST_DAY + day) * DAY_MS).toISOString();
const holds = (span: Span, day: number): boolean =>
  (span.from === null || day >= span.from) && (span.to === null || day < span.to);
const start = (span: Span): number => span.from ?? -1;

function rates(): Rates {
  return { input: BigInt(pick(30_000_000)), output: BigInt(pick(90_000_000)) };
}

/** Starts are all different within a layer, so that nothing begins at once. */
function randomLayer(withEuros: boolean): Layer {
  const starts = Array.from({ length: DAYS }, (_, day) => day).toSorted(() => random() - 0.5);
  const open = (): Span => ({ from: starts.pop() ?? null, to: null });
  const nested = (): Span => {
    const { from } = open();
    return { from, to: chance(0.5) || from === null ? null : from + 1 + pick(20) };
  };
  const prices = Array.from({ length: pick(4) }, () => ({
    ...open(),
    model: pickOf(MODELS),
    euro: withEuros && chance(0.5),
    rates: rates(),
    tier: chance(0.5) ? rates() : null,
  }));
  const discounts = Array.from({ length: pick(6) }, () => {
    const { input, output } = rates();
    const amount = chance(0.5) ? { input } : chance(0.5) ? { output } : { input, output };
    return {
      ...nested(),
      provider: chance(0.3) ? null : pickOf(PROVIDERS),
      models: pickOf([null, 'model-*', 'model-1', '*-0']),
      form: pickOf(['multiply', 'rates', 'subtract'] as const),
      euro: withEuros && chance(0.5),
      amount,
      factor: BigInt(pick(1_500_000)),
    };
  });
  const euros = withEuros
    ? Array.from({ length: 1 + pick(4) }, () => ({ ...open(), usd: BigInt(1 + pick(2_000_000)) }))
    : [];
  return { prices, discounts, euros };
}

function fileOf(layer: Layer): object {
  const span = ({ from, to }: Span): object => ({
    ...(from === null ? {} : { from: instant(from) }),
    ...(to === null ? {} : { to: instant(to) }),
  });
  const named = (each: Partial<Record<'input' | 'output', Micro>>): object =>
    Object.fromEntries(Object.entries(each).map(([name, micro]) => [`${name}_mtok`, decimal(micro)]));
  return {
    prices: layer.prices.map(({ model, euro, rates: own, tier, ...when }) => ({
      ...span(when),
      provider: 'openai',
      model,
      ...(euro ? { currency: 'EUR' } : {}),
      ...named({ ...own }),
      ...(tier === null ? {} : { tiers: [{ above: Number(TIER_ABOVE), ...named({ ...tier }) }] }),
    })),
    discounts: layer.discounts.map(({ provider, models, form, euro, amount, factor, ...when }) => ({
      ...span(when),
      ...(provider === null ? {} : { provider }),
      ...(models === null ? {} : { models: [models] }),
      ...(form === 'multiply' ? { multiply: decimal(factor) } : { [form]: named(amount) }),
      ...(euro && form !== 'multiply' ? { currency: 'EUR' } : {}),
    })),
    ...(layer.euros.length === 0
      ? {}
      : { currencies: { EUR: layer.euros.map((euro) => ({ ...span(euro), usd: decimal(euro.usd) })) } }),
  };
}

const LIST: readonly Price[] = MODELS.map((model) => ({
  from: null,
  to: null,
  model,
  euro: false,
  rates: rates(),
  tier: chance(0.5) ? rates() : null,
}));
const LISTS: readonly PriceList[] = [
  {
    seller: 'openai',
    entries: LIST.map(({ model, rates: own, tier }) => ({
      model,
      periods: [
        {
          rates: { input_mtok: decimal(own.input), output_mtok: decimal(own.output) },
          ...(tier === null
            ? {}
            : {
                tiers: [
                  {
                    above: Number(TIER_ABOVE),
                    rates: { input_mtok: decimal(tier.input), output_mtok: decimal(tier.output) },
                  },
                ],
              }),
        },
      ],
    })),
  },
];

function latest<T extends Span>(all: readonly T[], day: number): T | null {
  return all.filter((each) => holds(each, day)).toSorted((a, b) => start(b) - start(a))[0] ?? null;
}

function isMeant({ provider, models }: Discount, model: string): boolean {
  if (provider !== null && provider !== 'openai') return false;
  if (models === null) return true;
  return models === '*-0'
    ? model.endsWith('-0')
    : models === 'model-*'
      ? model.startsWith('model-')
      : model === models;
}

/** What a euro is worth in a layer: its own rates, else those of the layer below, in millionths. */
function euroIn(layers: readonly Layer[], depth: number, day: number): Micro | null {
  const table = layers.slice(0, depth + 1).findLast(({ euros }) => euros.length > 0)?.euros ?? [];
  return latest(table, day)?.usd ?? null;
}

/** The cost in 1e-12 USD by hand, with rates in 1e-12 USD per million tokens; null where there is no rate. */
function byHand(
  layers: readonly Layer[],
  model: string,
  day: number,
  input: bigint,
  output: bigint,
): bigint | null {
  let depth = layers.length - 1;
  let found: Price | null = null;
  for (; depth >= 0 && found === null; depth--) {
    found = latest(
      layers[depth]!.prices.filter((each) => each.model === model),
      day,
    );
    if (found !== null) break;
  }
  const price = found ?? LIST.find((each) => each.model === model)!;
  const listed = input > TIER_ABOVE && price.tier !== null ? price.tier : price.rates;
  const usd = price.euro ? euroIn(layers, depth, day) : 1_000_000n;
  if (usd === null) return null;
  const own = { input: listed.input * usd, output: listed.output * usd };
  for (let at = Math.max(depth, 0); at < layers.length; at++) {
    const active = layers[at]!.discounts.filter((each) => holds(each, day) && isMeant(each, model));
    const absolute = active.filter(({ form }) => form !== 'multiply');
    if (absolute.some(({ euro }) => euro && euroIn(layers, at, day) === null)) return null;
    const worth = ({ euro }: Discount): Micro => (euro ? euroIn(layers, at, day)! : 1_000_000n);
    for (const name of ['input', 'output'] as const) {
      const negotiated = latest(
        absolute.filter(({ form, amount }) => form === 'rates' && amount[name] !== undefined),
        day,
      );
      if (negotiated !== null) own[name] = negotiated.amount[name]! * worth(negotiated);
      for (const each of absolute.filter(({ form }) => form === 'subtract')) {
        own[name] -= (each.amount[name] ?? 0n) * worth(each);
        if (own[name] < 0n) own[name] = 0n;
      }
    }
  }
  let numerator = input * own.input + output * own.output;
  let denominator = 1_000_000n;
  for (const layer of layers) {
    for (const each of layer.discounts) {
      if (each.form !== 'multiply' || !holds(each, day) || !isMeant(each, model)) continue;
      numerator *= each.factor;
      denominator *= 1_000_000n;
    }
  }
  const [whole, rest] = [numerator / denominator, (numerator % denominator) * 2n];
  return rest > denominator || (rest === denominator && whole % 2n === 1n) ? whole + 1n : whole;
}

/** Values that a file may hold anywhere, right and wrong. */
const words = (text: string): readonly string[] => text.split(' ');
const VALUES: readonly unknown[] = words(
  'openai azure * gpt-4o gpt-* claude-haiku-4-5 EUR USD batch 01:00 24:00 2026-01-01 2026-07-01T00:00:00Z ' +
    '2026-02-30 9999-12-31 1 0 0.5 -1 1e-400 1e11 1e9999 __proto__',
).concat(['', 'x'.repeat(600), '\u0000'], [
  0,
  1,
  7,
  0.1,
  -1,
  1e300,
  Number.NaN,
  true,
  false,
  null,
] as never[]);
const KEYS = words(
  'prices deployments discounts currencies tenants provider model models aliases name from to free currency tiers ' +
    'windows conditions multiply percent rates subtract usd above inclusive days except tier geo standard ' +
    'input_mtok output_mtok per_second requests_k EUR acme __proto__',
);

/** Changes a file somewhere: a value, a key, an entry twice. */
function damaged(value: unknown, depth: number): unknown {
  if (depth === 0 || chance(0.05)) return chance(0.5) ? pickOf(VALUES) : value;
  if (Array.isArray(value)) {
    const list = value.map((each: unknown) => (chance(0.5) ? damaged(each, depth - 1) : each));
    return chance(0.3) && list.length > 0 ? [...list, pickOf(list)] : list;
  }
  if (value === null || typeof value !== 'object') return chance(0.3) ? pickOf(VALUES) : value;
  const entries = Object.entries(value).map(([key, each]) => [
    chance(0.05) ? pickOf(KEYS) : key,
    chance(0.5) ? damaged(each, depth - 1) : each,
  ]);
  if (chance(0.3)) entries.push([pickOf(KEYS), pickOf(VALUES)]);
  return Object.fromEntries(entries);
}

const WHOLE = {
  prices: [
    { provider: 'openai', model: 'gpt-4o', from: '2026-01-01', input_mtok: '1', currency: 'EUR' },
    {
      provider: 'vllm',
      model: 'm',
      aliases: ['n'],
      per_second: '1',
      input_mtok: '2',
      tiers: [{ above: 5, input_mtok: '3' }],
      windows: [{ days: [1], except: ['2026-01-01'], from: '01:00', to: '02:00', input_mtok: '4' }],
      conditions: [{ tier: 'batch', multiply: '0.5', from: '2026-01-01', to: '2026-12-01' }],
    },
  ],
  deployments: [
    { provider: 'azure', name: 'a', model: 'gpt-4o', from: '2026-01-01', model_provider: 'openai' },
  ],
  discounts: [
    { provider: 'openai', models: ['gpt-*'], rates: { input_mtok: '1' }, currency: 'EUR' },
    { percent: 5 },
  ],
  currencies: { EUR: [{ from: '2026-01-01', usd: '1.1' }, { usd: '1' }] },
};

describe('a damaged prices file', function () {
  it('never makes parsing or pricing fail, in 4,000 random cases, and is mostly told of', () => {
    let faulty = 0;
    for (let i = 0; i < 4_000; i++) {
      const { overrides, faults } = parsePriceOverrides(damaged({ ...WHOLE, tenants: { acme: WHOLE } }, 6));
      if (faults.length > 0) faulty++;
      // What is without a fault is used even where something else in the file has one.
      const books = createTenantBooks(overrides);
      for (const tenant of ['acme', 'other']) {
        for (const [provider, model] of [
          ['openai', 'gpt-4o'],
          ['vllm', 'm'],
          ['azure.ai.openai', 'a'],
        ] as const) {
          const result = priceUsage(books.of(tenant), {
            provider,
            responseModel: model,
            requestModel: null,
            usage: { input: '10' },
            conditions: chance(0.5) ? {} : { serviceTier: 'batch' },
            atMicros: BigInt(Date.UTC(2026, pick(12), 1 + pick(28))) * 1000n,
            durationNanos: 1_000_000_000n,
          });
          assert.ok(result.costPicoUsd === null || result.costPicoUsd >= 0n);
        }
      }
    }
    assert.ok(faulty > 1_000 && faulty < 4_000, String(faulty));
  });
});

describe('prices of layers', function () {
  it('in other currencies and with discounts equal an independent computation in 20,000 random cases', () => {
    let unpriced = 0;
    for (let world = 0; world < 500; world++) {
      const layers = [randomLayer(true), randomLayer(chance(0.5))];
      const read = parsePriceOverrides({ ...fileOf(layers[0]!), tenants: { acme: fileOf(layers[1]!) } });
      assert.deepEqual(read.faults, []);
      const { operator, tenants } = read.overrides;
      const book = createPriceBook({
        base: LISTS,
        overlay: { entries: [], patches: [], resales: [], removals: [] },
        layers: [operator, tenants.get('acme')!],
      });
      for (let i = 0; i < 40; i++) {
        const [model, day] = [pickOf(MODELS), pick(DAYS + 10)];
        const [input, output] = [BigInt(pick(2 * Number(TIER_ABOVE))), BigInt(pick(100_000))];
        const expected = byHand(layers, model, day, input, output);
        const actual = priceUsage(book, {
          provider: 'openai',
          responseModel: model,
          requestModel: null,
          usage: { input: String(input), output: String(output) },
          conditions: {},
          atMicros: BigInt((FIRST_DAY + day) * DAY_MS) * 1000n,
        });
        const shown = `${JSON.stringify(fileOf(layers[0]!))}\n${JSON.stringify(fileOf(layers[1]!))}\n${model} ${day}`;
        if (expected === null) {
          unpriced++;
          assert.equal(actual.status, 'unpriced_model', shown);
          assert.equal(actual.reason, 'no rate of EUR at that time');
        } else {
          assert.equal(formatPico(actual.costPicoUsd ?? -1n), formatPico(expected), shown);
        }
      }
    }
    assert.ok(unpriced > 500 && unpriced < 10_000, String(unpriced));
  });
});
