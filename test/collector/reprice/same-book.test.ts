import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import {
  DIALECTS,
  OTHER_SPLITS,
  GEN_AI_KEY_PREFIXES,
  WANTED_KEYS,
  type AttributeValue,
  type SpanGroup,
} from '@spanmeter/processors';
import { scanTraces } from '@spanmeter/collector/dist/otlp/scan.js';
import { createSpanDecoder } from '@spanmeter/collector/dist/otlp/span.js';
import { SPAN_CASES } from '../../integration/bad-input-spans.ts';
import { groupOf, NOW_MS, NOW_NANOS, spanOf } from '../../processors/spans.ts';
import { type FreshDatabase, freshDatabase, sql } from '../../support/database.ts';
import { buildTraces } from '../../support/otlp-builder.ts';
import {
  adjustmentsIn,
  callsOf,
  disagreements,
  LedgerWriter,
  pricingOf,
  repriceIn,
} from '../../support/reprice-lab.ts';
import { Random } from '../simulator/random.ts';

const RANDOM_SPANS = 4_000;

/** Prices of every kind, so that every rule of the cost step has something to do. */
const PRICES = {
  prices: [
    { provider: 'vllm', model: 'llama-3.3-70b', per_second: '0.00042' },
    { provider: 'ollama', model: 'llama3', free: true },
    { provider: 'openai', model: 'gpt-4o', input_mtok: '2', output_mtok: '8', cache_read_mtok: '1' },
    { provider: 'openai', model: 'own-model', input_mtok: '0.000000123456789', requests_k: '0.1' },
  ],
  deployments: [{ provider: 'azure.ai.openai', name: 'prod-chat', model: 'gpt-4o-2024-08-06' }],
  discounts: [{ provider: 'anthropic', models: ['claude-*'], multiply: '0.9' }],
  tenants: {
    acme: {
      prices: [{ provider: 'anthropic', model: 'claude-haiku-4-5', input_mtok: '0.9', output_mtok: '4.1' }],
      deployments: [],
      discounts: [],
    },
  },
};

const PROVIDERS = [
  'openai',
  'anthropic',
  'gcp.vertex_ai',
  'gcp.gemini',
  'aws.bedrock',
  'azure.ai.openai',
  'openrouter',
  'vllm',
  'ollama',
  'mistral_ai',
  'x_ai',
  'nobody-knows',
  '',
] as const;
const MODELS = [
  'gpt-4o',
  'gpt-4o-2024-08-06',
  'gpt-4o-audio-preview',
  'gpt-5.4',
  'claude-haiku-4-5',
  'claude-opus-4-6',
  'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
  'gemini-2.5-flash',
  'text-embedding-3-large',
  'llama-3.3-70b',
  'llama3',
  'prod-chat',
  'own-model',
  'openai/gpt-4o',
  'no-such-model',
] as const;
const OPERATIONS = [
  'chat',
  'embeddings',
  'transcription',
  'image_generation',
  'invoke_agent',
  'guess',
] as const;
const TEXTS = [
  'default',
  'priority',
  'flex',
  'batch',
  'fast',
  'us',
  'eu',
  'eu-west-1',
  'api.openai.com',
  'high',
] as const;

function randomValue(random: Random, key: string): AttributeValue {
  if (/tokens|count|images|characters|requests|seconds/.test(key)) {
    return random.pick<AttributeValue>([0, 1, 17, 1000, 250_000, random.int(1, 5000), '12', '2.5', -1, 2.5]);
  }
  if (/cost|price/.test(key)) return random.pick<AttributeValue>([0.01, '0.000123', 0, 'much', -3]);
  return random.pick<AttributeValue>([...TEXTS, true, false, 3]);
}

/** Spans that say anything that any dialect has a key for. */
function randomGroups(seed: number): SpanGroup[] {
  const random = new Random(seed);
  const keys = DIALECTS.flatMap((dialect) => Object.values(dialect.fields).flat());
  return Array.from({ length: RANDOM_SPANS / 4 }, () => {
    const spans = Array.from({ length: 4 }, () => {
      const provider = random.pick(PROVIDERS);
      const attributes: Record<string, AttributeValue> = {
        'gen_ai.operation.name': random.pick(OPERATIONS),
        'gen_ai.request.model': random.pick(MODELS),
        'gen_ai.usage.input_tokens': random.int(0, 300_000),
        'gen_ai.usage.output_tokens': random.int(0, 5_000),
      };
      if (provider !== '') attributes['gen_ai.provider.name'] = provider;
      if (random.chance(0.5)) attributes['gen_ai.response.model'] = random.pick(MODELS);
      if (random.chance(0.2)) delete attributes['gen_ai.usage.input_tokens'];
      if (random.chance(0.2)) delete attributes['gen_ai.usage.output_tokens'];
      if (random.chance(0.15)) attributes['error.type'] = 'timeout';
      for (let more = random.int(0, 4); more > 0; more--) {
        const key = random.pick(keys);
        attributes[key] ??= randomValue(random, key);
      }
      const ends = random.pick([NOW_NANOS + 1_234_567_891n, NOW_NANOS, 0n, 18_000_000_000_000_000_000n]);
      const startUnixNano = NOW_NANOS - BigInt(random.int(0, 2_000_000_000));
      return spanOf(attributes, { startUnixNano, endUnixNano: ends });
    });
    return groupOf(spans, { receivedUnixMs: NOW_MS + 1000, declaredTenant: random.pick(['acme', 'other']) });
  });
}

function fixtureGroups(): SpanGroup[] {
  const folder = new URL('../../../fixtures/dialects/', import.meta.url);
  return readdirSync(folder).flatMap((dialect) => {
    const files = new URL(`${dialect}/`, folder);
    const names = readdirSync(files).filter((file) => file.endsWith('.in.json'));
    return names.map((name) => {
      const { attributes, ...over } = JSON.parse(readFileSync(new URL(name, files), 'utf8'));
      return groupOf([spanOf(attributes, over)], { declaredTenant: dialect });
    });
  });
}

function badInputGroups(): SpanGroup[] {
  const decode = createSpanDecoder({ ...WANTED_KEYS, maxValueBytes: 16_384 });
  return SPAN_CASES.map((each, index) => {
    const { resource, scope } = each;
    const group = {
      spans: each.spans(),
      ...(resource === undefined ? {} : { resource }),
      ...(scope === undefined ? {} : { scope }),
    };
    const built = buildTraces([group]);
    const sent = each.patch === undefined ? built : each.patch(Buffer.from(built));
    const { body, offsets } = scanTraces(sent, { keep: 'gen_ai', keyPrefixes: GEN_AI_KEY_PREFIXES });
    const context = { receivedUnixMs: Date.now(), declaredTenant: `case-${index}` };
    return groupOf(decode(body, offsets), context);
  });
}

describe('a reprice with the book that priced the calls', function () {
  let database: FreshDatabase;

  beforeEach(async () => {
    database = await freshDatabase();
  });
  afterEach(() => database.drop());

  /** Stores what the groups hold, and expects that pricing it again changes nothing. */
  async function expectNoChange(
    groups: SpanGroup[],
    nowMs: number,
    authoritative: string[],
  ): Promise<Set<string>> {
    const pricing = pricingOf(PRICES, authoritative);
    const calls = callsOf(groups, pricing);
    const ledger = new LedgerWriter(database.url, () => nowMs);
    const inserted = await ledger.write(calls);
    await ledger.close();
    assert.ok(inserted.length > 0);
    const { plan } = await repriceIn(database.url, pricing, { pageCalls: 500 });
    const changed = plan.summary.rows.filter((row) => row.changed > 0);
    assert.deepEqual(changed, []);
    assert.equal(await adjustmentsIn(database.url), 0);
    assert.deepEqual(await disagreements(database.url), []);
    return new Set(inserted.map((call) => call.costStatus));
  }

  it('changes no call of the dialect fixtures', async () => {
    await expectNoChange(fixtureGroups(), NOW_MS, ['openrouter']);
  });

  it('changes no call whose usage was estimated, whatever its provider reports', async () => {
    const spans = [undefined, 0, 0.5, '1e-30', -1].flatMap((cost) =>
      ['llama3', 'gpt-4o', 'own-model', 'no-such-model'].flatMap((model) =>
        ['openrouter', 'ollama', 'openai'].map((provider) => {
          const attributes: Record<string, AttributeValue> = {
            'gen_ai.operation.name': 'chat',
            'gen_ai.provider.name': provider,
            'gen_ai.request.model': model,
            'spanmeter.usage.estimate.input_characters': 440,
            'spanmeter.usage.estimate.output_characters': 44,
          };
          if (cost !== undefined) attributes['gen_ai.usage.cost'] = cost;
          return spanOf(attributes);
        }),
      ),
    );
    await expectNoChange([groupOf(spans)], NOW_MS, ['openrouter', 'ollama', 'openai']);
    const estimated = `SELECT DISTINCT cost_status FROM spanmeter.calls WHERE usage_source = 'estimated' ORDER BY 1`;
    const statuses = await sql<{ cost_status: string }>(database.url, estimated);
    assert.deepEqual(
      statuses.map((row) => row.cost_status),
      ['priced', 'unpriced_dimension', 'unpriced_model'],
    );
  });

  it('changes no call of bad input', async () => {
    await expectNoChange(badInputGroups(), Date.now(), ['openrouter']);
  });

  it('changes no call of spans that say anything, in any status', async () => {
    const statuses = await expectNoChange(randomGroups(7), NOW_MS, ['openrouter', 'x_ai']);
    const expected = [
      'priced',
      'reported',
      'unpriced_model',
      'unpriced_dimension',
      'invalid_usage',
      'missing_usage',
    ];
    for (const status of [...expected, 'not_billable']) assert.ok(statuses.has(status), status);
    const overlapping = await sql<{ count: string }>(
      database.url,
      `SELECT count(*) FROM spanmeter.calls WHERE attributes ->> '${OTHER_SPLITS}' IS NOT NULL`,
    );
    assert.ok(Number(overlapping[0]!.count) > 0, 'no span had counts that overlap in an unknown way');
  });
});
