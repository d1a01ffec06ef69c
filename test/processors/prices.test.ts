import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  createPriceBook,
  createPricer,
  formatPico,
  parsePriceOverrides,
  priceUsage,
} from '@spanmeter/processors';
import type { Conditions, PriceBook, Usage } from '@spanmeter/processors';

const shipped = createPriceBook();

function price(
  provider: string,
  model: string,
  usage: Usage,
  more: {
    at?: string;
    conditions?: Conditions;
    book?: PriceBook;
    durationNanos?: bigint;
    requestModel?: string;
  } = {},
): { status: string; usd: string | null } {
  const result = priceUsage(more.book ?? shipped, {
    provider,
    responseModel: model,
    requestModel: more.requestModel ?? null,
    usage,
    conditions: more.conditions ?? {},
    atMicros: BigInt(Date.parse(more.at ?? '2026-11-20T12:00:00Z')) * 1000n,
    durationNanos: more.durationNanos ?? null,
  });
  return { status: result.status, usd: result.costPicoUsd === null ? null : formatPico(result.costPicoUsd) };
}

const MILLION: Usage = { input: '1000000' };

describe('what a price depends on', () => {
  it('prices the two calls that everybody checks first', () => {
    assert.deepEqual(price('anthropic', 'claude-haiku-4-5', { input: '450', output: '180' }), {
      status: 'priced',
      usd: '0.001350000000',
    });
    assert.equal(price('openai', 'text-embedding-3-large', { input: '1000' }).usd, '0.000130000000');
  });

  it("never takes one vendor's price where another vendor's model answered", () => {
    for (const model of ['claude-sonnet-4-5', 'claude-sonnet-4-5-20250929', 'mistral-large-latest']) {
      const answer = price('openai', model, MILLION, { requestModel: 'gpt-4o' });
      assert.deepEqual(answer, { status: 'unpriced_model', usd: null }, model);
    }
    const other = price('anthropic', 'gpt-4o-mini-2024-07-18', MILLION, {
      requestModel: 'claude-sonnet-4-5',
    });
    assert.equal(other.status, 'unpriced_model');
    // A name that nobody lists says nothing against the one that was asked for.
    assert.equal(price('openai', 'gpt-4o-next', MILLION, { requestModel: 'gpt-4o' }).usd, '2.500000000000');
    assert.equal(price('azure.ai.openai', 'claude-x', MILLION, { requestModel: 'gpt-4o' }).status, 'priced');
  });

  it('never ignores a condition that nobody priced', () => {
    const cases: readonly (readonly [string, string, Conditions])[] = [
      ['openai', 'gpt-4o', { serviceTier: 'flex' }],
      ['openai', 'gpt-4o', { serviceTier: 'gold' }],
      ['openai', 'gpt-5', { serviceTier: 'flex', batch: true }],
      ['anthropic', 'claude-haiku-4-5', { inferenceGeo: 'us' }],
      ['anthropic', 'claude-opus-4-6', { inferenceGeo: 'eu' }],
      ['anthropic', 'claude-haiku-4-5', { speed: 'fast' }],
      ['aws.bedrock', 'us-gov.deepseek.r1-v1:0', {}],
      ['aws.bedrock', 'eu.meta.llama3-70b-instruct-v1:0', {}],
      ['groq', 'llama-3.3-70b-versatile', { serviceTier: 'performance' }],
    ];
    for (const [provider, model, conditions] of cases) {
      const answer = price(provider, model, MILLION, { conditions });
      assert.deepEqual(
        answer,
        { status: 'unpriced_dimension', usd: null },
        `${model} ${JSON.stringify(conditions)}`,
      );
    }
  });

  it('takes the values that mean the ordinary price for that', () => {
    for (const conditions of [
      { serviceTier: 'default' },
      { serviceTier: 'standard' },
      { speed: 'standard' },
      { inferenceGeo: 'not_available' },
      { serverAddress: 'proxy.internal' },
    ]) {
      assert.equal(price('anthropic', 'claude-haiku-4-5', MILLION, { conditions }).usd, '1.000000000000');
    }
  });

  it('multiplies conditions that come together', () => {
    const conditions = { inferenceGeo: 'us', batch: true, speed: 'fast' };
    // 5 x 1.1 x 0.5 x 6
    assert.equal(price('anthropic', 'claude-opus-4-6', MILLION, { conditions }).usd, '16.500000000000');
  });

  it('leaves fees per search out of what conditions multiply', () => {
    const usage = { input: '1000000', web_search_requests: '1' };
    const conditions = { serviceTier: 'batch' };
    assert.equal(price('anthropic', 'claude-sonnet-5', usage, { conditions }).usd, '1.010000000000');
  });

  it('applies explicit rates of a tier', () => {
    const conditions = { serviceTier: 'priority' };
    assert.equal(price('openai', 'gpt-4o-mini', MILLION, { conditions }).usd, '0.250000000000');
    assert.equal(price('openai', 'gpt-4o', MILLION, { conditions }).usd, '4.250000000000');
  });

  it("adds a region's premium where the model has one, from the day it began", () => {
    const eu = { region: 'eu', serverAddress: 'eu.api.openai.com' };
    assert.equal(price('openai', 'gpt-5.4-mini', MILLION, { conditions: eu }).usd, '0.825000000000');
    assert.equal(price('openai', 'gpt-4o', MILLION, { conditions: eu }).usd, '2.500000000000');
    const vertex = { region: 'us-central1' };
    const flash = (at: string): string | null =>
      price('gcp.vertex_ai', 'gemini-3.5-flash', MILLION, { at, conditions: vertex }).usd;
    assert.equal(flash('2026-06-30T23:59:59Z'), '1.500000000000');
    assert.equal(flash('2026-07-01T00:00:00Z'), '1.650000000000');
    assert.equal(
      price('gcp.vertex_ai', 'gemini-2.5-flash', MILLION, { conditions: vertex }).usd,
      '0.300000000000',
    );
    // The same attribute on a span of another provider is where the app runs.
    assert.equal(
      price('gcp.gemini', 'gemini-2.5-flash', MILLION, { conditions: vertex }).usd,
      '0.300000000000',
    );
  });

  it('reads the location that a Vertex resource name states', () => {
    const name = 'projects/p/locations/europe-west4/publishers/google/models/gemini-3.5-flash';
    assert.equal(price('gcp.vertex_ai', name, MILLION).usd, '1.650000000000');
  });

  it('writes a one-hour cache on Bedrock at twice the input price', () => {
    const claude = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';
    assert.equal(price('aws.bedrock', claude, { cache_write_1h: '100000' }).usd, '0.660000000000');
    // Beyond 200,000 tokens the input price doubles, and what derives from it.
    assert.equal(price('aws.bedrock', claude, { cache_write_1h: '1000000' }).usd, '13.200000000000');
  });

  it("goes by the caller's region on Bedrock only where the name states no profile", () => {
    const claude = 'anthropic.claude-sonnet-4-6';
    const cost = (model: string, region: string): string | null =>
      price('aws.bedrock', model, MILLION, { conditions: { region } }).usd;
    assert.equal(cost(`global.${claude}`, 'eu-west-1'), '3.000000000000');
    assert.equal(cost(claude, 'eu-west-1'), '3.300000000000');
    assert.equal(cost(claude, 'us-gov-west-1'), null);
    assert.equal(cost('eu.amazon.nova-pro-v1:0', 'eu-west-1'), '1.050000000000');
    assert.equal(cost('amazon.nova-pro-v1:0', 'us-east-1'), '0.800000000000');
    assert.equal(cost('amazon.nova-pro-v1:0', 'eu-west-1'), null);
  });

  it('has no price per token for capacity that is bought on Bedrock, whichever model answers there', () => {
    const cost = (resource: string): string | null => {
      const requestModel = `arn:aws:bedrock:us-east-1:123456789012:${resource}`;
      return price('aws.bedrock', 'claude-sonnet-4-6', MILLION, { requestModel }).usd;
    };
    assert.equal(cost('application-inference-profile/a1'), '3.300000000000');
    for (const kind of ['provisioned-model', 'imported-model', 'custom-model', 'custom-model-deployment']) {
      assert.equal(cost(`${kind}/a1`), null, kind);
    }
  });

  it('changes prices at the instant, not at the day', () => {
    const at = (text: string): string | null =>
      price('deepseek', 'deepseek-v4-flash', MILLION, { at: text }).usd;
    assert.equal(at('2026-08-16T15:59:59.999Z'), '0.140000000000');
    assert.equal(at('2026-08-16T16:00:00Z'), '0.220000000000');
    assert.equal(at('2026-09-10T03:59:59Z'), '0.440000000000');
    assert.equal(at('2026-09-10T04:00:00Z'), '0.150000000000');
  });

  it('knows peak hours, weekends and holidays', () => {
    const at = (text: string): string | null =>
      price('deepseek', 'deepseek-flash', MILLION, { at: text }).usd;
    assert.equal(at('2026-11-18T01:00:00Z'), '0.300000000000');
    assert.equal(at('2026-11-18T04:00:00Z'), '0.150000000000');
    assert.equal(at('2026-11-18T09:59:59Z'), '0.300000000000');
    assert.equal(at('2026-11-21T02:00:00Z'), '0.150000000000');
    assert.equal(at('2026-10-01T02:00:00Z'), '0.150000000000');
  });

  it('moves the whole request to the long-context price, cached input counted', () => {
    const usage = { input: '1000', cache_read: '271000', output: '1000' };
    assert.equal(price('openai', 'gpt-5.5', usage).usd, '0.170500000000');
    assert.equal(price('openai', 'gpt-5.5', { ...usage, cache_read: '271001' }).usd, '0.326001000000');
  });

  it('has no price for a bucket without a rate, unless it is empty', () => {
    assert.equal(
      price('openai', 'text-embedding-3-small', { input: '1', output: '1' }).status,
      'unpriced_dimension',
    );
    assert.equal(price('openai', 'text-embedding-3-small', { input: '1', output: '0' }).status, 'priced');
    assert.equal(
      price('anthropic', 'claude-haiku-4-5', { input: '1', audio_seconds: '3' }).status,
      'unpriced_dimension',
    );
  });

  it('says so when there is nothing to price, or counts are none', () => {
    assert.equal(price('openai', 'gpt-4o', {}).status, 'missing_usage');
    assert.equal(price('openai', 'gpt-4o', { input: '-1' }).status, 'invalid_usage');
    assert.equal(price('openai', 'gpt-4o', { input: 'many' }).status, 'invalid_usage');
  });

  it('counts a request as one request where there is a fee for it', () => {
    const usage = { input: '1000', output: '100' };
    assert.equal(price('perplexity', 'sonar', usage).usd, '0.006100000000');
    const conditions = { searchContextSize: 'high' };
    assert.equal(price('perplexity', 'sonar', usage, { conditions }).usd, '0.013100000000');
  });
});

describe('a prices file', () => {
  const { overrides, faults } = parsePriceOverrides({
    prices: [
      { provider: 'vllm', model: 'llama-3.3-70b', per_second: '0.00042' },
      { provider: 'ollama', model: 'llama3', free: true },
      {
        provider: 'openai',
        model: 'gpt-4o',
        from: '2026-07-01T00:00:00Z',
        input_mtok: '2',
        output_mtok: 8,
        conditions: [{ tier: 'batch', multiply: '0.4' }],
      },
    ],
    deployments: [{ provider: 'azure', name: 'Prod-Chat', model: 'gpt-4o' }],
    tenants: {
      acme: {
        prices: [{ provider: 'openai', model: 'gpt-4o', input_mtok: '1', output_mtok: '1' }],
        discounts: [{ provider: 'anthropic', models: ['claude-haiku-*'], multiply: '0.9' }],
      },
    },
  });
  const operator = createPriceBook({ layers: [overrides.operator] });
  const acme = createPriceBook({ layers: [overrides.operator, overrides.tenants.get('acme')!] });

  it('without faults is read whole', () => {
    assert.deepEqual(faults, []);
    assert.equal(overrides.tenants.size, 1);
  });

  it('goes before the list, and the tenant before the operator', () => {
    assert.equal(price('openai', 'gpt-4o', MILLION, { book: operator }).usd, '2.000000000000');
    assert.equal(price('openai', 'gpt-4o', MILLION, { book: acme }).usd, '1.000000000000');
    assert.equal(
      price('openai', 'gpt-4o', MILLION, { book: operator, at: '2026-06-30T23:59:59Z' }).usd,
      '2.500000000000',
    );
  });

  it('prices self-hosted models by the length of the call, tokens included', () => {
    const answer = price('vllm', 'llama-3.3-70b', MILLION, { book: operator, durationNanos: 2_500_000_000n });
    assert.deepEqual(answer, { status: 'priced', usd: '0.001050000000' });
    assert.equal(price('vllm', 'llama-3.3-70b', MILLION, { book: operator }).status, 'unpriced_dimension');
  });

  it('makes free an explicit zero', () => {
    assert.deepEqual(price('ollama', 'llama3', MILLION, { book: operator }), {
      status: 'priced',
      usd: '0.000000000000',
    });
  });

  it('agrees with one provider what holds for no other that shares its list', () => {
    const layer = { prices: [], deployments: [], discounts: [] };
    const own = createPriceBook({
      layers: [
        {
          ...layer,
          prices: [
            {
              provider: 'gcp.vertex_ai',
              model: 'gemini-2.5-flash',
              periods: [{ rates: { input_mtok: '0.1' } }],
            },
          ],
        },
      ],
    });
    assert.equal(price('gcp.vertex_ai', 'gemini-2.5-flash', MILLION, { book: own }).usd, '0.100000000000');
    assert.equal(price('gcp.gemini', 'gemini-2.5-flash', MILLION, { book: own }).usd, '0.300000000000');
  });

  it('maps deployments, whatever their case', () => {
    assert.equal(price('azure.ai.openai', 'prod-chat', MILLION, { book: operator }).usd, '2.500000000000');
    assert.equal(price('openai', 'prod-chat', MILLION, { book: operator }).status, 'unpriced_model');
  });

  it('takes discounts off every amount of the models they name', () => {
    assert.equal(price('anthropic', 'claude-haiku-4-5', MILLION, { book: acme }).usd, '0.900000000000');
    assert.equal(price('anthropic', 'claude-sonnet-5', MILLION, { book: acme }).usd, '2.000000000000');
  });

  it('takes the price that began last, whatever the order, and falls back where it ended', () => {
    const model = { provider: 'openai', model: 'gpt-4o' };
    const { overrides: read, faults: none } = parsePriceOverrides({
      prices: [
        { ...model, input_mtok: '3' },
        { ...model, input_mtok: '2', from: '2026-07-01' },
        { ...model, input_mtok: '1', from: '2026-11-01', to: '2026-11-15' },
      ],
    });
    assert.deepEqual(none, []);
    const own = createPriceBook({ layers: [read.operator] });
    const at = (instant: string): string | null =>
      price('openai', 'gpt-4o', MILLION, { book: own, at: instant }).usd;
    assert.equal(at('2026-06-30T23:59:59.999999Z'), '3.000000000000');
    assert.equal(at('2026-07-01T00:00:00Z'), '2.000000000000');
    assert.equal(at('2026-11-01T00:00:00Z'), '1.000000000000');
    assert.equal(at('2026-11-15T00:00:00Z'), '2.000000000000');
  });

  it('refuses what could mean two amounts', () => {
    const model = { provider: 'openai', model: 'gpt-4o' };
    const paths = (file: unknown): string[] => parsePriceOverrides(file).faults.map((fault) => fault.path);
    const twice = [
      { ...model, input_mtok: '1', from: '2026-07-01' },
      { ...model, input_mtok: '2', from: '2026-07-01T02:00:00+02:00' },
    ];
    assert.deepEqual(paths({ prices: twice }), ['prices[1]']);
    assert.deepEqual(
      paths({ prices: [{ ...model, input_mtok: 0.1234567890123456 }] })[0],
      'prices[0].input_mtok',
    );
    assert.deepEqual(paths({ prices: [{ ...model, input_mtok: '0.12345678901234567890' }] }), []);
    assert.deepEqual(paths({ prices: [{ ...model, input_mtok: '1', from: '2026-02-30' }] }), [
      'prices[0].from',
    ]);
    const tiers = [{ above: 200_000, inclusive: 'yes', input_mtok: '2' }];
    assert.deepEqual(paths({ prices: [{ ...model, input_mtok: '1', tiers }] }), [
      'prices[0].tiers[0].inclusive',
    ]);
  });

  it('holds for the inference profile that it names, and for no other', () => {
    const id = 'anthropic.claude-sonnet-4-6';
    const { overrides: read } = parsePriceOverrides({
      prices: [{ provider: 'bedrock', model: `us.${id}`, input_mtok: '1', from: '2026-07-01' }],
    });
    const own = createPriceBook({ layers: [read.operator] });
    const of = (model: string, at = '2026-11-20T12:00:00Z'): string | null =>
      price('aws.bedrock', model, MILLION, { book: own, at }).usd;
    assert.equal(of(`us.${id}`), '1.000000000000');
    assert.equal(of(`us.${id}`, '2026-06-30T00:00:00Z'), '3.300000000000');
    assert.equal(of(`eu.${id}`), '3.300000000000');
    assert.equal(of(id), '3.300000000000');
  });

  it('discounts a model by any of its names, in any case', () => {
    const discounted = (models: string[]): string | null => {
      const { overrides: read } = parsePriceOverrides({
        discounts: [{ provider: 'openai', models, multiply: '0.5' }],
      });
      const own = createPriceBook({ layers: [read.operator] });
      return price('openai', 'gpt-4o', MILLION, { book: own }).usd;
    };
    assert.equal(discounted(['gpt-4o']), '1.250000000000');
    assert.equal(discounted(['GPT-4*']), '1.250000000000');
    assert.equal(discounted(['gpt-4o-2024-08-06']), '1.250000000000');
    assert.equal(discounted(['gpt-4o-2024-05-13']), '2.500000000000');
    assert.equal(discounted(['gpt-4o-mini']), '2.500000000000');
  });

  it('applies what is served by default only while it is', () => {
    const { overrides: read } = parsePriceOverrides({
      prices: [
        {
          provider: 'vllm',
          model: 'm',
          input_mtok: '1',
          conditions: [{ tier: 'peak', multiply: '2', standard: true, from: '2026-07-01' }],
        },
      ],
    });
    const own = createPriceBook({ layers: [read.operator] });
    const at = (instant: string): string | null =>
      price('vllm', 'm', MILLION, { book: own, at: instant }).usd;
    assert.equal(at('2026-06-30T23:59:59Z'), '1.000000000000');
    assert.equal(at('2026-07-01T00:00:00Z'), '2.000000000000');
  });

  it('reports every fault with its path, and keeps the rest', () => {
    const { faults: found, overrides: rest } = parsePriceOverrides({
      price: [],
      prices: [
        { provider: 'openai', model: 'gpt-4o', input_mtok: 'cheap' },
        { provider: 'langchain', model: 'm', input_mtok: '1' },
        { provider: 'openai', model: 'ok', input_mtok: '1', from: 'soon', colour: 'red' },
        { provider: 'openai', model: 'nothing' },
        {
          provider: 'openai',
          model: 'w',
          input_mtok: '1',
          windows: [{ from: '25:00', to: '04:00', days: [8] }],
        },
      ],
      discounts: [{ provider: 'openai', multiply: '-1' }],
      tenants: { acme: { prices: 'none' } },
    });
    assert.deepEqual(found.map((fault) => fault.path).toSorted(), [
      'discounts[0].multiply',
      'price',
      'prices[0].input_mtok',
      'prices[1].provider',
      'prices[2].colour',
      'prices[2].from',
      'prices[3]',
      'prices[4].windows[0]',
      'prices[4].windows[0].days[0]',
      'prices[4].windows[0].from',
      'tenants.acme.prices',
    ]);
    assert.deepEqual(
      rest.operator.prices.map((each) => each.model),
      ['ok', 'w'],
    );
  });

  it('is faulty, not fatal, where it is no mapping', () => {
    for (const value of [7, 'text', [], { prices: 3 }, { tenants: [] }]) {
      assert.notEqual(parsePriceOverrides(value).faults.length, 0);
    }
    assert.deepEqual(parsePriceOverrides(null).faults, []);
  });

  it('given with one line of the pricer belongs to that line alone', () => {
    const pricer = createPricer();
    const line = {
      id: 'own',
      provider: 'ollama',
      model: 'llama3',
      usage: { input_tokens: 1000, output_tokens: 500 },
      at: '2026-11-20T12:00:00Z',
    };
    const own = { ...line, attrs: { 'tenantConfig.price': { input_mtok: '1', output_mtok: '2' } } };
    assert.equal(pricer(line).status, 'unpriced_model');
    assert.equal(pricer(own).costUsd, '0.002000000000');
    assert.equal(pricer(line).status, 'unpriced_model');
    assert.equal(pricer({ ...line, attrs: { 'tenantConfig.mood': 1 } }).status, 'invalid_usage');
  });
});

describe('the price book', () => {
  it('is named by the SHA-256 of its content', () => {
    assert.equal(shipped.version, createHash('sha256').update(shipped.content()).digest('hex'));
  });

  it('has the same name however often it is made, and another once a price differs', () => {
    assert.equal(createPriceBook().version, shipped.version);
    const layer = { prices: [], deployments: [{ provider: 'openai', name: 'a', model: 'b' }], discounts: [] };
    assert.notEqual(createPriceBook({ layers: [layer] }).version, shipped.version);
  });

  it('holds only decimals that are exact in pico-USD per million', () => {
    const content = JSON.parse(shipped.content()) as {
      lists: { seller: string; entries: { model: string; periods: { rates: Record<string, string> }[] }[] }[];
    };
    let rates = 0;
    for (const list of content.lists) {
      for (const entry of list.entries) {
        for (const period of entry.periods) {
          for (const [name, usd] of Object.entries(period.rates)) {
            rates++;
            assert.match(usd, /^\d+(\.\d{1,12})?$/, `${list.seller} ${entry.model} ${name}`);
          }
        }
      }
    }
    assert.ok(rates > 3000, String(rates));
  });
});
