import assert from 'node:assert/strict';
import {
  createAttribution,
  createCost,
  createCountOnce,
  createNormalizer,
  formatPico,
  NO_OVERRIDES,
  parsePriceOverrides,
} from '@spanmeter/processors';
import type { Call, CallProcessor } from '@spanmeter/processors';
import { callOf, GPT_4O, groupOf, run, spanOf } from './spans.ts';

function priced(cost: CallProcessor, tenant: string): Call {
  const group = groupOf([spanOf({ ...GPT_4O, 'tenant.id': tenant })]);
  run([group], createNormalizer(), createAttribution(), createCountOnce(), cost);
  const [call] = group.calls;
  assert.ok(call != null);
  return call;
}

describe('the cost of a call', () => {
  it('is exact, and names the model and the book', () => {
    const call = callOf(spanOf({ ...GPT_4O, 'gen_ai.response.model': 'gpt-4o-2024-08-06' }));
    assert.equal(call.costStatus, 'priced');
    assert.equal(formatPico(call.costPicoUsd ?? 0n), '0.007500000000');
    assert.equal(call.model, 'gpt-4o');
    assert.match(call.priceVersion ?? '', /^[0-9a-f]{64}$/);
    assert.deepEqual(call.lines, []);
  });

  it('comes with lines where they are wanted', () => {
    const call = callOf(spanOf(GPT_4O), { cost: { lines: true } });
    assert.deepEqual(call.lines, [
      { bucket: 'input', count: '1000', rate: '2.5', per: 1_000_000, amount: '0.0025' },
      { bucket: 'output', count: '500', rate: '10', per: 1_000_000, amount: '0.005' },
    ]);
  });

  it('is null for a model without a price, whose own name stays', () => {
    const call = callOf(spanOf({ ...GPT_4O, 'gen_ai.request.model': 'gpt-99' }));
    assert.equal(call.costStatus, 'unpriced_model');
    assert.equal(call.costPicoUsd, null);
    assert.equal(call.model, 'gpt-99');
  });

  it('goes by the request where the answer names a model that nobody knows', () => {
    const call = callOf(spanOf({ ...GPT_4O, 'gen_ai.response.model': 'internal-7' }));
    assert.equal(call.costStatus, 'priced');
    assert.equal(call.model, 'gpt-4o');
  });

  it('is unknown where Bedrock answered faster at a price that is not in the book', () => {
    const served = (latency: string): Call =>
      callOf(
        spanOf({
          ...GPT_4O,
          'gen_ai.provider.name': 'aws.bedrock',
          'gen_ai.request.model': 'us.anthropic.claude-3-5-haiku-20241022-v1:0',
          'aws.bedrock.response.performance_latency': latency,
        }),
      );
    assert.equal(served('standard').costStatus, 'priced');
    assert.equal(served('optimized').costStatus, 'unpriced_dimension');
  });

  it('infers the vendor only where a span names no provider at all', () => {
    const { 'gen_ai.provider.name': _, ...anonymous } = GPT_4O;
    const inferred = callOf(spanOf(anonymous));
    assert.equal(inferred.provider, 'openai');
    assert.equal(inferred.attribution['provider'], 'mapping');
    assert.equal(inferred.costStatus, 'priced');
    const named = callOf(spanOf({ ...GPT_4O, 'gen_ai.provider.name': 'acme-gateway' }));
    assert.equal(named.provider, 'acme-gateway');
    assert.equal(named.costStatus, 'unpriced_model');
    const framework = callOf(spanOf({ ...GPT_4O, 'gen_ai.provider.name': 'langchain' }));
    assert.equal(framework.provider, 'openai');
    assert.equal(framework.attributes['gen_ai.provider.name'], 'langchain');
  });

  it('is missing usage where a chat says only one side, and an embedding has but one', () => {
    const { 'gen_ai.usage.output_tokens': _, ...half } = GPT_4O;
    assert.equal(callOf(spanOf(half)).costStatus, 'missing_usage');
    assert.equal(callOf(spanOf(half, { statusCode: 2 })).costStatus, 'priced');
    const embedding = { ...half, 'gen_ai.request.model': 'text-embedding-3-large' };
    assert.equal(callOf(spanOf(embedding)).costStatus, 'priced');
    const call = callOf(spanOf({ ...embedding, 'gen_ai.operation.name': 'embeddings' }));
    assert.equal(formatPico(call.costPicoUsd ?? 0n), '0.000130000000');
  });

  it('is missing usage where the tokens that the price counts are not stated', () => {
    const { 'gen_ai.usage.input_tokens': _, 'gen_ai.usage.output_tokens': __, ...bare } = GPT_4O;
    const status = (attributes: Record<string, string | number>): string =>
      callOf(spanOf({ ...bare, ...attributes })).costStatus;
    assert.equal(status({ 'gen_ai.usage.cache_read.input_tokens': 400 }), 'missing_usage');
    assert.equal(status({ 'gen_ai.usage.reasoning.output_tokens': 40 }), 'missing_usage');
    const search = { 'gen_ai.request.model': 'sonar', 'gen_ai.provider.name': 'perplexity' };
    assert.equal(status({ ...search, 'gen_ai.usage.requests': 1 }), 'missing_usage');
    const embedding = {
      'gen_ai.operation.name': 'embeddings',
      'gen_ai.request.model': 'text-embedding-3-large',
    };
    assert.equal(status({ ...embedding, 'gen_ai.usage.output_tokens': 0 }), 'missing_usage');
    const ownName = { 'gen_ai.operation.name': 'deep_research' };
    assert.equal(status({ ...ownName, 'gen_ai.usage.input_tokens': 1000 }), 'missing_usage');
    const spoken = { 'gen_ai.operation.name': 'realtime', 'gen_ai.request.model': 'gpt-realtime' };
    assert.equal(status({ ...spoken, 'gen_ai.usage.input_tokens': 1000 }), 'missing_usage');
  });

  it('keeps what the emitter reports beside ours', () => {
    const call = callOf(spanOf({ ...GPT_4O, 'gen_ai.usage.cost': 0.0081 }));
    assert.equal(call.costStatus, 'priced');
    assert.equal(formatPico(call.costPicoUsd ?? 0n), '0.007500000000');
    assert.equal(formatPico(call.reportedCostPicoUsd ?? 0n), '0.008100000000');
    assert.equal(call.reportedCostSource, 'gen_ai.usage.cost');
  });

  it('is the reported one for OpenRouter, and for whom the configuration says', () => {
    const router = { ...GPT_4O, 'gen_ai.provider.name': 'openrouter', 'gen_ai.usage.cost': 2.85e-6 };
    const call = callOf(spanOf(router));
    assert.equal(call.costStatus, 'reported');
    assert.equal(formatPico(call.costPicoUsd ?? 0n), '0.000002850000');
    assert.equal(call.priceVersion, null);
    assert.notEqual(callOf(spanOf(router), { cost: { reportedAuthoritative: [] } }).costStatus, 'reported');
    const ours = callOf(spanOf({ ...GPT_4O, 'gen_ai.usage.cost': 1 }), {
      cost: { reportedAuthoritative: ['openai'] },
    });
    assert.equal(ours.costStatus, 'reported');
  });

  it("adds the upstream's charge only where the key is one's own", () => {
    const router = {
      ...GPT_4O,
      'gen_ai.provider.name': 'openrouter',
      'gen_ai.usage.cost': 0.5,
      'openrouter.cost_details.upstream_inference_cost': 0.25,
    };
    const cost = (own: boolean | string): string =>
      formatPico(callOf(spanOf({ ...router, 'openrouter.is_byok': own })).costPicoUsd ?? 0n);
    assert.equal(cost(false), '0.500000000000');
    assert.equal(cost('false'), '0.500000000000');
    assert.equal(cost(true), '0.750000000000');
    assert.equal(cost('True'), '0.750000000000');
    const { 'openrouter.cost_details.upstream_inference_cost': _, ...feeOnly } = router;
    const fee = callOf(spanOf({ ...feeOnly, 'openrouter.is_byok': true }));
    assert.notEqual(fee.costStatus, 'reported');
    assert.equal(fee.reportedCostPicoUsd, null);
  });

  it('reads every way of reporting it, and no other currency', () => {
    const reported = (attributes: Record<string, string | number>): string | null => {
      const pico = callOf(spanOf({ ...GPT_4O, ...attributes })).reportedCostPicoUsd;
      return pico === null ? null : formatPico(pico);
    };
    assert.equal(
      reported({ 'gen_ai.usage.input_cost': 0.1, 'gen_ai.usage.output_cost': 0.2 }),
      '0.300000000000',
    );
    assert.equal(reported({ 'gen_ai.usage.cost_in_usd_ticks': 232_856_000 }), '0.023285600000');
    assert.equal(reported({ 'operation.cost': '0.04' }), '0.040000000000');
    assert.equal(reported({ 'gen_ai.usage.cost.amount': 1, 'gen_ai.usage.cost.currency': 'EUR' }), null);
    assert.equal(
      reported({ 'gen_ai.usage.cost.amount': 1, 'gen_ai.usage.cost.currency': 'usd' }),
      '1.000000000000',
    );
    assert.equal(reported({ 'gen_ai.usage.cost.amount': 1, 'gen_ai.usage.cost.currency': 978 }), null);
    assert.equal(reported({ 'gen_ai.usage.input_cost': 0.1 }), null);
    assert.equal(reported({ 'gen_ai.usage.input_cost': 0.1, 'gen_ai.usage.output_cost': 'NaN' }), null);
    assert.equal(reported({ 'gen_ai.usage.cost': -1 }), null);
    assert.equal(reported({ 'gen_ai.usage.cost': Number.NaN }), null);
    assert.equal(reported({ 'gen_ai.usage.cost': Infinity }), null);
    assert.equal(reported({ 'gen_ai.usage.cost': '1e26' }), null);
    assert.equal(reported({ 'gen_ai.usage.cost': '1e999999999' }), null);
    assert.equal(reported({ 'gen_ai.usage.cost': 1e-7 }), '0.000000100000');
    assert.equal(reported({ 'gen_ai.usage.cost': 'free' }), null);
  });

  it("is a tenant's own where it has prices of its own, under a book of its own", () => {
    const { overrides } = parsePriceOverrides({
      tenants: {
        acme: { prices: [{ provider: 'openai', model: 'gpt-4o', input_mtok: '1', output_mtok: '1' }] },
      },
    });
    const cost = createCost({ overrides });
    const ours = priced(cost, 'acme');
    const theirs = priced(cost, 'other');
    assert.equal(formatPico(ours.costPicoUsd ?? 0n), '0.001500000000');
    assert.equal(formatPico(theirs.costPicoUsd ?? 0n), '0.007500000000');
    const books = cost.books();
    assert.deepEqual(
      new Set([ours.priceVersion, theirs.priceVersion]),
      new Set(books.map((book) => book.version)),
    );
    // What other tenants pay is nobody's business.
    assert.doesNotMatch(books[0]?.content() ?? '', /acme/);
    assert.ok((books[1]?.content() ?? '').includes(books[0]?.version ?? '-'));
  });

  it('follows layers that are replaced, and tells of each batch exactly the books that its calls name', () => {
    const read = (usd: string) =>
      parsePriceOverrides({
        prices: [{ provider: 'openai', model: 'gpt-4o', input_mtok: usd, output_mtok: '0' }],
        tenants: { acme: { discounts: [{ multiply: '0.5' }] }, quiet: { discounts: [{ multiply: '0.1' }] } },
      }).overrides;
    const cost = createCost({ overrides: read('1') });
    const versions = (): string[] => cost.books().map((book) => book.version);
    const first = priced(cost, 'acme');
    assert.equal(formatPico(first.costPicoUsd ?? 0n), '0.000500000000');
    const shared = cost.version;
    assert.deepEqual(versions(), [shared, first.priceVersion]);
    assert.deepEqual(versions(), []);

    const before = priced(cost, 'other');
    cost.replaceOverrides(read('2'));
    const after = priced(cost, 'other');
    assert.equal(formatPico(after.costPicoUsd ?? 0n), '0.002000000000');
    assert.notEqual(before.priceVersion, after.priceVersion);
    assert.deepEqual(versions(), [before.priceVersion, after.priceVersion]);
    cost.replaceOverrides(NO_OVERRIDES);
    assert.equal(formatPico(priced(cost, 'acme').costPicoUsd ?? 0n), '0.007500000000');
  });

  it('leaves empty groups and rejected spans alone', () => {
    const group = groupOf([]);
    createCost()([group, { ...group, calls: [null] }]);
    assert.deepEqual(group.calls, []);
  });
});
