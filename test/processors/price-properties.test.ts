import assert from 'node:assert/strict';
import { createPriceBook, formatPico, priceUsage } from '@spanmeter/processors';
import type { PriceList, RateName, Usage, UsageBucket } from '@spanmeter/processors';

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

const NAMES: readonly (readonly [RateName, UsageBucket, bigint])[] = [
  ['input_mtok', 'input', 1_000_000n],
  ['cache_read_mtok', 'cache_read', 1_000_000n],
  ['cache_write_mtok', 'cache_write_5m', 1_000_000n],
  ['cache_write_1h_mtok', 'cache_write_1h', 1_000_000n],
  ['output_mtok', 'output', 1_000_000n],
  ['reasoning_mtok', 'reasoning', 1_000_000n],
  ['input_audio_mtok', 'input_audio', 1_000_000n],
  ['audio_hour', 'audio_seconds', 3600n],
  ['input_mchar', 'input_characters', 1_000_000n],
  ['web_searches_k', 'web_search_requests', 1000n],
];

interface RandomModel {
  readonly model: string;
  /** Price in 1e-6 USD by bucket. */
  readonly micro: ReadonlyMap<UsageBucket, bigint>;
}

const random = randomFrom(20261120);
const pick = (below: number): number => Math.floor(random() * below);

function randomModels(count: number): { models: RandomModel[]; lists: PriceList[] } {
  const models: RandomModel[] = [];
  const entries = [];
  for (let i = 0; i < count; i++) {
    const micro = new Map<UsageBucket, bigint>();
    const rates: Partial<Record<RateName, string>> = {};
    for (const [name, bucket] of NAMES) {
      const value = BigInt(pick(200_000_000));
      micro.set(bucket, value);
      rates[name] = `${value / 1_000_000n}.${(value % 1_000_000n).toString().padStart(6, '0')}`;
    }
    models.push({ model: `model-${i}`, micro });
    entries.push({ model: `model-${i}`, periods: [{ rates }] });
  }
  return { models, lists: [{ seller: 'openai', entries }] };
}

const { models, lists } = randomModels(50);
const book = createPriceBook({
  base: lists,
  overlay: { entries: [], patches: [], resales: [], removals: [] },
});

function cost(model: string, usage: Usage): bigint {
  const result = priceUsage(book, {
    provider: 'openai',
    responseModel: model,
    requestModel: null,
    usage,
    conditions: {},
    atMicros: 1_795_176_000_000_000n,
  });
  assert.equal(result.status, 'priced', result.reason ?? '');
  assert.ok(result.costPicoUsd !== null);
  return result.costPicoUsd;
}

function randomUsage(): { usage: Usage; counts: Map<UsageBucket, bigint> } {
  const counts = new Map<UsageBucket, bigint>();
  const usage: Partial<Record<UsageBucket, string>> = {};
  const start = pick(NAMES.length);
  for (let i = 0; i <= pick(6); i++) {
    const bucket = NAMES[(start + i) % NAMES.length]![1];
    const count = BigInt(pick(10 ** (1 + pick(9))));
    counts.set(bucket, count);
    usage[bucket] = count.toString();
  }
  return { usage, counts };
}

/** The same arithmetic in another way: everything over one denominator, rounded by comparing twice the rest. */
function independent(model: RandomModel, counts: ReadonlyMap<UsageBucket, bigint>): bigint {
  const common = 3600n * 1_000_000n;
  let sum = 0n;
  for (const [, bucket, per] of NAMES) {
    sum += (counts.get(bucket) ?? 0n) * (model.micro.get(bucket) ?? 0n) * (common / per);
  }
  const numerator = sum * 1_000_000n;
  const floor = numerator / common;
  const rest = (numerator % common) * 2n;
  if (rest > common || (rest === common && floor % 2n === 1n)) return floor + 1n;
  return floor;
}

describe('the price engine', () => {
  it('equals an independent computation on 100,000 random cases', () => {
    for (let i = 0; i < 100_000; i++) {
      const model = models[pick(models.length)]!;
      const { usage, counts } = randomUsage();
      const expected = independent(model, counts);
      const actual = cost(model.model, usage);
      if (actual !== expected) {
        assert.fail(`${JSON.stringify(usage)}: ${formatPico(actual)}, not ${formatPico(expected)}`);
      }
    }
  });

  it('adds up over disjoint buckets of whole pico-USD', () => {
    for (let i = 0; i < 2000; i++) {
      const model = models[pick(models.length)]!;
      const a = String(pick(1e9));
      const b = String(pick(1e9));
      const both = cost(model.model, { input: a, output: b });
      assert.equal(both, cost(model.model, { input: a }) + cost(model.model, { output: b }));
    }
  });

  it('never falls when a count grows', () => {
    for (let i = 0; i < 2000; i++) {
      const model = models[pick(models.length)]!;
      const { usage, counts } = randomUsage();
      const [bucket, count] = [...counts][0]!;
      const more = { ...usage, [bucket]: String(count + BigInt(pick(1e6))) };
      assert.ok(cost(model.model, more) >= cost(model.model, usage));
    }
  });

  it('does not depend on the order of the buckets', () => {
    for (let i = 0; i < 2000; i++) {
      const model = models[pick(models.length)]!;
      const { usage } = randomUsage();
      const reversed = Object.fromEntries(Object.entries(usage).toReversed()) as Usage;
      assert.equal(cost(model.model, reversed), cost(model.model, usage));
    }
  });
});
