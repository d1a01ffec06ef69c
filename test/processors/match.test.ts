import assert from 'node:assert/strict';
import { canonicalProvider, createPriceBook, PROVIDERS } from '@spanmeter/processors';
import type { PriceLayer } from '@spanmeter/processors';

const book = createPriceBook();

describe('matching a model', () => {
  const found: readonly (readonly [string, string, string])[] = [
    ['openai', 'gpt-4o', 'gpt-4o'],
    ['openai', ' GPT-4o ', 'gpt-4o'],
    ['openai', 'openai/gpt-4o', 'gpt-4o'],
    ['openai', 'gpt-4o-2024-08-06', 'gpt-4o'],
    ['openai', 'gpt-4o-2024-05-13', 'gpt-4o-2024-05-13'],
    ['openai', 'gpt-4o-2031-01-02', 'gpt-4o'],
    ['openai', 'ft:gpt-4o-mini-2024-07-18:acme::abc123', 'ft:gpt-4o-mini'],
    ['openai', 'gpt-4o-mini-2024-07-18.ft-0123456789abcdef', 'ft:gpt-4o-mini'],
    ['openai', 'ft:gpt-4.1-2025-04-14:acme::x', 'ft:gpt-4.1'],
    ['anthropic', 'claude-opus-4-8[1m]', 'claude-opus-4-8'],
    ['anthropic', 'claude-3-5-haiku-20241022', 'claude-3-5-haiku-latest'],
    ['anthropic', 'anthropic/claude-sonnet-4-5', 'claude-sonnet-4-5'],
    ['anthropic', 'claude-sonnet-5-5', 'claude-sonnet-5-5'],
    ['gcp.gemini', 'models/gemini-2.5-flash', 'gemini-2.5-flash'],
    ['gcp.gemini', 'gemini-1.5-flash-8b', 'gemini-flash-1.5-8b'],
    ['gcp.vertex_ai', 'publishers/google/models/gemini-2.5-flash', 'gemini-2.5-flash'],
    [
      'gcp.vertex_ai',
      'projects/p/locations/us-central1/publishers/google/models/gemini-2.5-flash',
      'gemini-2.5-flash',
    ],
    ['gcp.vertex_ai', 'gemini-2.0-flash-001', 'gemini-2.0-flash'],
    ['gcp.vertex_ai', 'claude-haiku-4-5@20251001', 'claude-haiku-4-5'],
    ['gcp.vertex_ai', 'claude-sonnet-4-5@default', 'claude-sonnet-4-5'],
    ['aws.bedrock', 'amazon.titan-embed-text-v2:0', 'amazon.titan-embed-text-v2:0'],
    ['aws.bedrock', 'us.amazon.nova-pro-v1:0', 'amazon.nova-pro-v1:0'],
    ['aws.bedrock', 'amazon.nova-pro-v1:0:300k', 'amazon.nova-pro-v1:0'],
    ['aws.bedrock', 'eu.anthropic.claude-opus-4-5-20251101-v1:0', 'anthropic.claude-opus-4-5-v1:0'],
    [
      'aws.bedrock',
      'global.anthropic.claude-sonnet-4-5-20250929-v1:0',
      'global.anthropic.claude-sonnet-4-5-20250929-v1:0',
    ],
    [
      'aws.bedrock',
      'arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0',
      'anthropic.claude-sonnet-4-5-20250929-v1:0',
    ],
    ['azure.ai.openai', 'gpt-4o', 'gpt-4o'],
    ['openrouter', 'anthropic/claude-sonnet-4.5', 'anthropic/claude-sonnet-4.5'],
    ['x_ai', 'x-ai/grok-4.3', 'grok-4.3'],
  ];
  for (const [provider, model, expected] of found) {
    it(`takes ${provider} ${model} for ${expected}`, () => {
      assert.equal(book.match(provider, model)?.model, expected);
    });
  }

  const unknown: readonly (readonly [string, string])[] = [
    ['openai', 'gpt-4o-totally-made-up'],
    ['openai', 'gpt-4'.concat('x')],
    ['openai', 'my-gpt-4o'],
    ['openai', 'gpt-4o-2024'],
    ['openai', 'gpt-oss-120b'],
    ['openai', ''],
    ['anthropic', 'claude-sonnet-5-7'],
    ['anthropic', 'gpt-4o'],
    ['openrouter', 'gpt-4o'],
    ['together_ai', 'gpt-4o'],
    ['vllm', 'gpt-4o'],
    ['aws.bedrock', 'amazon.titan-embed-text-v9:0'],
    ['aws.bedrock', 'arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/a1b2c3d4e5f6'],
    ['azure.ai.openai', 'prod-chat-eastus'],
    ['gcp.gemini', 'gemini-2.5-flash-imaginary'],
  ];
  for (const [provider, model] of unknown) {
    it(`finds no price for ${provider} ${model === '' ? '(no name)' : model}`, () => {
      assert.equal(book.match(provider, model), null);
    });
  }

  it('keeps the profile of a Bedrock id as a condition', () => {
    assert.equal(book.match('aws.bedrock', 'us.amazon.nova-pro-v1:0')?.profile, 'us');
    assert.equal(book.match('aws.bedrock', 'amazon.nova-pro-v1:0')?.profile, null);
    assert.equal(
      book.match('aws.bedrock', 'arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-pro-v1:0')?.profile,
      'eu',
    );
  });

  it('infers a vendor only where exactly one sells that exact id', () => {
    assert.equal(book.vendorOf('gpt-4o'), 'openai');
    assert.equal(book.vendorOf('claude-haiku-4-5'), 'anthropic');
    assert.equal(book.vendorOf('llama-3.3-70b-versatile'), null);
    assert.equal(book.vendorOf('no-such-model'), null);
  });

  it('answers alike however many made-up names it was asked in between', () => {
    for (let i = 0; i < 50_000; i++) assert.equal(book.match('openai', `made-up-${i}`), null);
    assert.equal(book.match('openai', 'gpt-4o')?.model, 'gpt-4o');
  });

  it("lets a layer's price hold for every name that the list knows the model by", () => {
    const layer: PriceLayer = {
      prices: [{ provider: 'openai', model: 'gpt-4o', periods: [{ rates: { input_mtok: '1' } }] }],
      deployments: [],
      discounts: [],
    };
    const own = createPriceBook({ layers: [layer] });
    const first = (model: string): unknown => own.match('openai', model)?.periods.length;
    assert.equal(first('gpt-4o'), 2);
    assert.equal(first('gpt-4o-2024-08-06'), 2);
    // The dearer snapshot is a model of its own.
    assert.equal(first('gpt-4o-2024-05-13'), 1);
  });
});

describe('provider names', () => {
  const cases: readonly (readonly [string, string | null])[] = [
    ['OpenAI', 'openai'],
    ['x_ai', 'x_ai'],
    ['xai', 'x_ai'],
    ['x-ai', 'x_ai'],
    ['gcp.gen_ai', 'gcp.gen_ai'],
    ['vertex_ai', 'gcp.vertex_ai'],
    ['gemini', 'gcp.gemini'],
    ['az.ai.openai', 'azure.ai.openai'],
    ['azure.ai.inference', 'azure.ai.inference'],
    ['AWS', 'aws.bedrock'],
    ['mistralai', 'mistral_ai'],
    ['fireworks_ai', 'fireworks_ai'],
    ['ibm.watsonx.ai', 'ibm.watsonx.ai'],
    ['vLLM', 'vllm'],
    ['My Provider', 'my provider'],
    ['strands-agents', null],
    ['langchain', null],
    ['  ', null],
  ];
  for (const [named, expected] of cases) {
    it(`reads ${JSON.stringify(named)} as ${expected ?? 'no provider'}`, () => {
      assert.equal(canonicalProvider(named), expected);
    });
  }

  it('have no spelling that two providers share', () => {
    const seen = new Map<string, string>();
    for (const { id, aliases } of PROVIDERS) {
      for (const name of [id, ...aliases]) {
        const folded = name.toLowerCase().replace(/[^a-z0-9]/g, '');
        assert.ok((seen.get(folded) ?? id) === id, `${name} of ${id} and ${seen.get(folded)}`);
        seen.set(folded, id);
      }
    }
  });
});
