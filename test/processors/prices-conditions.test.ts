import assert from 'node:assert/strict';
import { createPriceBook, formatPico, priceUsage } from '@spanmeter/processors';
import type { Conditions, Modifier, PricePeriod, Usage } from '@spanmeter/processors';

const TIERED: PricePeriod = {
  rates: { input_mtok: '2', cache_read_mtok: '0.5', output_mtok: '8' },
  tiers: [{ above: 200_000, rates: { input_mtok: '4', cache_read_mtok: '1', output_mtok: '12' } }],
};

/** What a call costs under the conditions, on a list that has one model; null where that is not known. */
function cost(
  modifiers: readonly Modifier[],
  usage: Usage,
  conditions: Conditions,
  period: PricePeriod = TIERED,
  at = '2026-11-20T12:00:00Z',
): string | null {
  const book = createPriceBook({
    base: [{ seller: 'x', entries: [{ model: 'm', periods: [{ ...period, modifiers }] }] }],
    overlay: { entries: [], patches: [], resales: [], removals: [] },
  });
  const result = priceUsage(book, {
    provider: 'x',
    responseModel: 'm',
    requestModel: null,
    usage,
    conditions,
    atMicros: BigInt(Date.parse(at)) * 1000n,
  });
  return result.costPicoUsd === null ? null : formatPico(result.costPicoUsd).replace(/0+$/, '');
}

const FLEX: Conditions = { serviceTier: 'flex' };
const SMALL: Usage = { input: '1000', cache_read: '1000', output: '1000' };
const LARGE: Usage = { input: '201000', cache_read: '1000', output: '1000' };

describe('a condition on single rates', () => {
  const flex: Modifier = {
    condition: 'tier',
    value: 'flex',
    multiply: '0.5',
    factors: { cache_read_mtok: '1' },
  };

  it('has a factor of its own for some and one for all others', () => {
    // 1000 x 1 + 1000 x 0.5 + 1000 x 4
    assert.equal(cost([flex], SMALL, FLEX), '0.0055');
  });

  it('holds in the context tier that the request is in', () => {
    // 201000 x 2 + 1000 x 1 + 1000 x 6
    assert.equal(cost([flex], LARGE, FLEX), '0.409');
  });

  it('holds at the hours that have prices of their own', () => {
    const windows = [{ from: '10:00', to: '14:00', rates: { input_mtok: '20' } }];
    const { tiers: _tiers, ...plain } = TIERED;
    assert.equal(cost([flex], { input: '1000' }, FLEX, { ...plain, windows }), '0.01');
    assert.equal(
      cost([flex], { input: '1000' }, FLEX, { ...plain, windows }, '2026-11-20T15:00:00Z'),
      '0.001',
    );
  });

  it('counts reasoning by its own factor, though it is charged as output', () => {
    const modifier: Modifier = { ...flex, factors: { reasoning_mtok: '1' } };
    assert.equal(cost([modifier], { output: '1000', reasoning: '1000' }, FLEX), '0.012');
  });

  it('multiplies with a condition that has one factor', () => {
    const region: Modifier = { condition: 'geo', value: 'us', multiply: '1.1' };
    assert.equal(cost([flex, region], SMALL, { ...FLEX, inferenceGeo: 'us' }), '0.00605');
  });

  it('is not combined with another that has rates of its own', () => {
    const other: Modifier = { condition: 'geo', value: 'us', rates: { input_mtok: '9' } };
    assert.equal(cost([flex, other], SMALL, { ...FLEX, inferenceGeo: 'us' }), null);
  });
});

describe('a condition with rates of its own', () => {
  const rates = { input_mtok: '1', cache_read_mtok: '0.3', output_mtok: '5' };

  it('has no price for a context size that it does not list', () => {
    const modifier: Modifier = { condition: 'tier', value: 'flex', rates };
    assert.equal(cost([modifier], SMALL, FLEX), '0.0063');
    assert.equal(cost([modifier], LARGE, FLEX), null);
  });

  it('has the prices of the sizes that it lists', () => {
    const tiers = [{ above: 200_000, rates: { input_mtok: '2' } }];
    const modifier: Modifier = { condition: 'tier', value: 'flex', rates, tiers };
    // 201000 x 2 + 1000 x 0.3 + 1000 x 5
    assert.equal(cost([modifier], LARGE, FLEX), '0.4073');
  });

  it('that is a fee alone leaves the context tiers as they are', () => {
    const fee: Modifier = { condition: 'search_context', value: 'high', rates: { requests_k: '12' } };
    const usage: Usage = { ...LARGE, requests: '1' };
    // 201000 x 4 + 1000 x 1 + 1000 x 12, and the fee
    assert.equal(cost([fee], usage, { searchContextSize: 'high' }), '0.829');
  });
});

describe('the region of a call on Bedrock', () => {
  const book = createPriceBook();
  function usd(model: string, region?: string): string | null {
    const result = priceUsage(book, {
      provider: 'aws.bedrock',
      responseModel: model,
      requestModel: null,
      usage: { input: '1000000' },
      conditions: region === undefined ? {} : { region },
      atMicros: BigInt(Date.parse('2026-11-20T12:00:00Z')) * 1000n,
    });
    return result.costPicoUsd === null ? null : formatPico(result.costPicoUsd).replace(/0+$/, '');
  }

  it('has a price of its own where AWS lists one, and goes by it before its geography', () => {
    assert.equal(usd('meta.llama3-70b-instruct-v1:0', 'ca-central-1'), '3.05');
    assert.equal(usd('meta.llama3-70b-instruct-v1:0', 'us-east-1'), '2.65');
  });

  it("is not priced as its geography's profile where that costs otherwise", () => {
    assert.equal(usd('eu.amazon.nova-pro-v1:0'), '1.05');
    assert.equal(usd('amazon.nova-pro-v1:0', 'eu-west-1'), null);
  });

  it('says nothing where the name states a profile', () => {
    assert.equal(usd('eu.amazon.nova-pro-v1:0', 'us-east-1'), '1.05');
  });
});
