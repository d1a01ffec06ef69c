import assert from 'node:assert/strict';
import { createPricer, DIALECTS, formatPico } from '@spanmeter/processors';
import type { AttributeValue, Call } from '@spanmeter/processors';
import { callOf, GPT_4O, spanOf } from './spans.ts';

type Fields = Readonly<Record<string, AttributeValue>>;

function called(attributes: Fields, authoritative?: readonly string[]): Call {
  const cost = authoritative === undefined ? {} : { reportedAuthoritative: authoritative };
  return callOf(spanOf({ ...GPT_4O, ...attributes }), { cost });
}

function reported(attributes: Fields): string | null {
  const pico = called(attributes).reportedCostPicoUsd;
  return pico === null ? null : formatPico(pico);
}

const ROUTER = { 'gen_ai.provider.name': 'openrouter', 'gen_ai.request.model': 'openai/gpt-4o' };

describe('a reported cost', () => {
  const totals = [
    'gen_ai.usage.cost.amount',
    'gen_ai.usage.cost',
    'gen_ai.usage.total_cost',
    'gen_ai.cost.total_cost',
    'gen_ai.cost.total_tokens',
    'litellm.cost.total',
    'litellm.response_cost',
    'llm.cost.total',
    'llm.usage.total_cost',
    'agw.ai.usage.cost.total',
    '_signoz.gen_ai.total_cost',
    'openrouter.usage.cost',
    'operation.cost',
    'response_cost',
    'cost_usd',
  ];
  for (const key of totals) {
    it(`is read from ${key}`, () => {
      for (const value of [0.04, '0.04', '4e-2', '$0.04', 'US$ 0.04', '0.04 USD']) {
        const call = called({ [key]: value });
        assert.equal(formatPico(call.reportedCostPicoUsd ?? 0n), '0.040000000000', String(value));
        assert.equal(call.reportedCostSource, key);
        // Ours is the cost nevertheless.
        assert.equal(`${call.costStatus} ${call.costPicoUsd}`, 'priced 7500000000');
      }
    });
  }

  const sides = [
    ['gen_ai.usage.input_cost', 'gen_ai.usage.output_cost'],
    ['gen_ai.cost.input_cost', 'gen_ai.cost.output_cost'],
    ['gen_ai.cost.input_tokens', 'gen_ai.cost.output_tokens'],
    ['litellm.cost.input', 'litellm.cost.output'],
    ['llm.cost.prompt', 'llm.cost.completion'],
  ] as const;
  for (const [input, output] of sides) {
    it(`is the sum of ${input} and ${output}, and of neither alone`, () => {
      assert.equal(reported({ [input]: 0.1, [output]: 0.2 }), '0.300000000000');
      assert.equal(reported({ [input]: 0.1 }), null);
      assert.equal(reported({ [output]: 0.1 }), null);
    });
  }

  it('is known by every key that a dialect lists', () => {
    for (const { fields } of DIALECTS) {
      for (const key of fields.reportedCost ?? [])
        assert.equal(reported({ [key]: 1 }), '1.000000000000', key);
      for (const key of fields.reportedCostTicks ?? [])
        assert.equal(reported({ [key]: 1e10 }), '1.000000000000', key);
    }
  });

  const nested: readonly (readonly [string, AttributeValue, string | null])[] = [
    ['langfuse.observation.cost_details', '{"input":0.1,"output":0.2,"total":0.35}', '0.350000000000'],
    [
      'langfuse.observation.cost_details',
      '{"input":0.1,"input_cached_tokens":0.01,"output":"0.2"}',
      '0.310000000000',
    ],
    ['langfuse.observation.cost_details', new Map([['total', 0.5]]), '0.500000000000'],
    ['langfuse.observation.cost_details', '{"input":0.1,"output":"unknown"}', null],
    ['langfuse.observation.cost_details', '{"input":0.1,"output":{"text":1}}', null],
    ['langfuse.observation.cost_details', '{}', null],
    ['langfuse.observation.cost_details', '{"total":-1}', null],
    ['langfuse.observation.cost_details', '{"total":', null],
    ['langfuse.observation.cost_details', '[1]', null],
    ['langfuse.observation.cost_details', `{"total":1,"x":"${'y'.repeat(70_000)}"}`, null],
    ['langfuse.observation.cost_details', '{"__proto__":{"total":1}}', null],
    ['gen_ai.usage.cost_details', '{"total":0.25}', '0.250000000000'],
    ['gen_ai.usage.cost_details', '{"upstream_inference_cost":0.25}', null],
    ['langsmith.usage_metadata', '{"input_tokens":9,"input_cost":0.1,"output_cost":0.2}', '0.300000000000'],
    ['langsmith.usage_metadata', '{"input_tokens":9,"total_cost":0.3}', '0.300000000000'],
    ['langsmith.usage_metadata', '{"input_tokens":9,"input_cost":0.1}', null],
    ['hidden_params', '{"model_id":"m","response_cost":0.0125}', '0.012500000000'],
    ['metadata.hidden_params', '{"response_cost":"0.0125"}', '0.012500000000'],
    ['ai.response.providerMetadata', '{"openrouter":{"usage":{"cost":0.02}}}', '0.020000000000'],
    ['ai.response.providerMetadata', '{"gateway":{"cost":"0.03"}}', '0.030000000000'],
    ['ai.response.providerMetadata', '{"openai":{"cost":1}}', null],
    [
      'gen_ai.usage.cost',
      new Map<string, AttributeValue>([
        ['amount', 0.5],
        ['currency', 'USD'],
      ]),
      '0.500000000000',
    ],
    [
      'gen_ai.usage.cost',
      new Map<string, AttributeValue>([
        ['amount', 0.5],
        ['currency', 'EUR'],
      ]),
      null,
    ],
  ];
  for (const [key, value, expected] of nested) {
    const shown =
      typeof value === 'string' ? value : JSON.stringify([...(value as ReadonlyMap<string, unknown>)]);
    it(`in ${key} ${shown.slice(0, 70)} is ${expected ?? 'none'}`, () => {
      assert.equal(reported({ [key]: value }), expected);
    });
  }

  const none: readonly AttributeValue[] = [
    -1,
    '-0.1',
    Number.NaN,
    Infinity,
    'NaN',
    '1e30',
    1e30,
    '1e999999999',
    '€0.04',
    '0.04 EUR',
    '1,5',
    '1,000.50',
    '$',
    'free',
    true,
    ['1'],
    new Uint8Array([1]),
  ];
  for (const value of none) {
    it(`is not ${value instanceof Uint8Array ? 'bytes' : JSON.stringify(value)}, which stays with the call`, () => {
      const call = called({ 'gen_ai.usage.cost': value });
      assert.equal(call.reportedCostPicoUsd, null);
      assert.equal(call.reportedCostSource, null);
      assert.notEqual(call.attributes['gen_ai.usage.cost'], undefined);
    });
  }

  it('of another currency is none, and stays with the call', () => {
    const call = called({ 'gen_ai.usage.cost.amount': 1, 'gen_ai.usage.cost.currency': 'EUR' });
    assert.equal(call.reportedCostPicoUsd, null);
    assert.equal(call.attributes['gen_ai.usage.cost.amount'], '1');
    assert.equal(call.attributes['gen_ai.usage.cost.currency'], 'EUR');
  });

  it('that is empty is not there', () => {
    const call = called({ 'gen_ai.usage.cost': '', 'llm.cost.total': '0.5' });
    assert.equal(call.reportedCostSource, 'llm.cost.total');
  });
});

describe('a reported cost that is taken for the cost', () => {
  it('keeps ours beside it', () => {
    const call = called({ ...ROUTER, 'gen_ai.usage.cost': 0.009 });
    assert.equal(call.costStatus, 'reported');
    assert.equal(call.costPicoUsd, 9_000_000_000n);
    assert.equal(call.computedCostPicoUsd, 7_500_000_000n);
    const unknown = called({ ...ROUTER, 'gen_ai.request.model': 'acme/unknown', 'gen_ai.usage.cost': 0.009 });
    assert.equal(unknown.costStatus, 'reported');
    assert.equal(unknown.computedCostPicoUsd, null);
    assert.equal(called({}).computedCostPicoUsd, 7_500_000_000n);
  });

  it('is that of the providers that the configuration names, in any spelling', () => {
    const grok = {
      'gen_ai.provider.name': 'xai',
      'gen_ai.request.model': 'grok-4.5',
      'gen_ai.usage.cost_in_usd_ticks': 232_856_000,
    };
    assert.equal(called(grok).costStatus, 'priced');
    const call = called(grok, ['xAI']);
    assert.equal(`${call.costStatus} ${call.costPicoUsd}`, 'reported 23285600000');
  });

  it('is not one for counts that contradict each other, or a call that is not billable', () => {
    assert.equal(
      called({ ...ROUTER, 'gen_ai.usage.cost': 1, 'gen_ai.usage.input_tokens': -1 }).costStatus,
      'invalid_usage',
    );
    const agent = called({ ...ROUTER, 'gen_ai.usage.cost': 1, 'gen_ai.operation.name': 'invoke_agent' });
    assert.equal(`${agent.costStatus} ${agent.costPicoUsd}`, 'not_billable null');
  });

  it('of zero needs a witness', () => {
    const zero = { ...ROUTER, 'gen_ai.usage.cost': 0 };
    // Emitters write 0 for what they do not know.
    assert.equal(called(zero).costStatus, 'priced');
    assert.equal(called({ ...zero, 'gen_ai.request.model': 'acme/unknown' }).costStatus, 'unpriced_model');
    assert.equal(called({ ...zero, 'openrouter.is_byok': false }).costStatus, 'reported');
    assert.equal(called({ ...zero, 'openrouter.is_byok': 'False' }).costPicoUsd, 0n);
    const free = { ...zero, 'gen_ai.request.model': 'meta-llama/llama-3.3-70b-instruct:free' };
    assert.equal(called(free).costStatus, 'reported');
    assert.equal(
      called({ ...zero, 'gen_ai.provider.name': 'openai', 'gen_ai.request.model': 'gpt-4o' }, ['openai'])
        .costStatus,
      'priced',
    );
  });

  it("with one's own key has the upstream's charge, or is none", () => {
    const own = { ...ROUTER, 'gen_ai.usage.cost': 0.001, 'openrouter.is_byok': true };
    const upstream = { 'openrouter.cost_details.upstream_inference_cost': 0.02 };
    const both = called({ ...own, ...upstream });
    assert.equal(`${both.costStatus} ${both.costPicoUsd}`, 'reported 21000000000');
    assert.equal(
      both.reportedCostSource,
      'gen_ai.usage.cost+openrouter.cost_details.upstream_inference_cost',
    );
    const json = called({ ...own, 'gen_ai.usage.cost_details': '{"upstream_inference_cost":0.02}' });
    assert.equal(json.costPicoUsd, 21_000_000_000n);
    const alone = called(own);
    assert.equal(alone.costStatus, 'priced');
    assert.equal(alone.costPicoUsd, 7_500_000_000n);
    assert.equal(alone.reportedCostPicoUsd, null);
    assert.equal(alone.attributes['gen_ai.usage.cost'], '0.001');
    assert.equal(alone.attributes['openrouter.is_byok'], true);
    assert.equal(called({ ...own, 'gen_ai.request.model': 'acme/unknown' }).costStatus, 'unpriced_model');
    assert.equal(called({ ...own, ...upstream, 'gen_ai.usage.cost': 0 }).costPicoUsd, 20_000_000_000n);
    assert.equal(
      called({ ...own, 'openrouter.cost_details.upstream_inference_cost': -1 }).costStatus,
      'priced',
    );
  });

  it('is the same for one line of the pricer', () => {
    const price = createPricer();
    const of = (attrs: object, model = 'openai/gpt-4o'): string => {
      const usage = { input_tokens: 1000, output_tokens: 500 };
      const answer = price({
        id: 'x',
        provider: 'openrouter',
        model,
        usage,
        at: '2026-11-20T12:00:00Z',
        attrs,
      });
      return `${answer.status} ${answer.costUsd}`;
    };
    assert.equal(of({ 'gen_ai.usage.cost': 0.009 }), 'reported 0.009000000000');
    assert.equal(of({ 'gen_ai.usage.cost': 0 }), 'priced 0.007500000000');
    assert.equal(of({ 'gen_ai.usage.cost': 0, 'openrouter.is_byok': false }), 'reported 0.000000000000');
    assert.equal(of({ 'gen_ai.usage.cost': 0, 'openrouter.is_byok': true }), 'priced 0.007500000000');
    assert.equal(of({ 'gen_ai.usage.cost': '-1' }), 'priced 0.007500000000');
    assert.equal(of({ 'gen_ai.usage.cost': 1 }, 'acme/unknown'), 'reported 1.000000000000');
    assert.equal(of({ 'gen_ai.usage.cost_details': { total: 0.25 } }), 'reported 0.250000000000');
  });
});
