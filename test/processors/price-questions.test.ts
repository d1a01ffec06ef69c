import assert from 'node:assert/strict';
import { createPricer } from '@spanmeter/processors';

type Attrs = Readonly<Record<string, unknown>>;

/** A question as `spanmeter price --stdin` gets it, with the amount worked out by hand from the rates of `source`. */
interface Question {
  readonly on: string;
  readonly model: string;
  readonly usage: Readonly<Record<string, number | string>>;
  /** USD, or the status of what has no price. */
  readonly answer: string;
  readonly source: string;
  readonly attrs?: Attrs;
  readonly at?: string;
  readonly inputIncludesCached?: boolean;
  readonly outputIncludesReasoning?: boolean;
}

function asked(
  on: string,
  model: string,
  usage: Question['usage'],
  answer: string,
  source: string,
  more: Partial<Question> = {},
): Question {
  return { on, model, usage, answer, source, ...more };
}

const TEXT = { input_tokens: 1000, output_tokens: 500 };
const CLAUDE_PAGE = 'platform.claude.com, pricing';
const OPENAI_PAGE = 'OpenAI pricing page';
const APART = { inputIncludesCached: false };
const WRITTEN = {
  input_tokens: 10,
  output_tokens: 100,
  cache_write_tokens: 3000,
  cache_write_1h_tokens: 1000,
};
const FAST_IN_US = { 'anthropic.usage.speed': 'fast', 'anthropic.usage.inference_geo': 'us' };
const VERTEX_SONNET =
  'projects/p/locations/us-central1/publishers/anthropic/models/claude-sonnet-4-5@20250929';

const CACHES: readonly Question[] = [
  asked('anthropic', 'claude-haiku-4-5', WRITTEN, '0.00501', `${CLAUDE_PAGE}: 1/1.25/2/5`, APART),
  asked(
    'aws.bedrock',
    'us.anthropic.claude-haiku-4-5-20251001-v1:0',
    WRITTEN,
    '0.005511',
    `${CLAUDE_PAGE}, +10 %`,
    APART,
  ),
  asked('gcp.vertex_ai', 'claude-opus-4-5@20251101', WRITTEN, '0.02505', `${CLAUDE_PAGE}: 5/6.25/10/25`, {
    ...APART,
    attrs: { 'cloud.region': 'global' },
  }),
  asked(
    'openrouter',
    'anthropic/claude-opus-4.5',
    { ...WRITTEN, input_tokens: 3010 },
    '0.02505',
    CLAUDE_PAGE,
  ),
  asked(
    'azure.ai.inference',
    'claude-sonnet-4-5',
    { ...WRITTEN, input_tokens: 3010 },
    '0.01503',
    CLAUDE_PAGE,
  ),
  asked(
    'openai',
    'gpt-6-luna',
    { input_tokens: 20_000, output_tokens: 100, cache_read_tokens: 5000, cache_write_tokens: 5000 },
    '0.001725',
    `${OPENAI_PAGE}: 0.10/0.01/0.125/0.50`,
  ),
  asked(
    'openai',
    'ft:gpt-4.1-2025-04-14:acme:s:x1',
    { input_tokens: 5000, output_tokens: 100, cache_read_tokens: 1000 },
    '0.01395',
    `${OPENAI_PAGE}: 3/0.75/12`,
  ),
  asked(
    'x_ai',
    'grok-4.5',
    { input_tokens: 1000, output_tokens: 100, cache_read_tokens: 600 },
    '0.00158',
    'docs.x.ai: 2/0.30/6',
  ),
  asked(
    'gcp.gemini',
    'gemini-2.5-pro',
    { input_tokens: 250_000, output_tokens: 100, cache_read_tokens: 200_000 },
    '0.1765',
    'ai.google.dev: 2.50/0.25/15 above 200K',
  ),
  asked(
    'aws.bedrock',
    'us.amazon.nova-pro-v1:0',
    { input_tokens: 100, output_tokens: 10, cache_read_tokens: 1000 },
    '0.000312',
    'AWS pricing page: 0.80/0.20/3.20',
    APART,
  ),
];

const LONG = { input_tokens: 200_001, output_tokens: 10 };
const TIERS: readonly Question[] = [
  asked(
    'anthropic',
    'claude-sonnet-4-20250514',
    LONG,
    '1.200231',
    `${CLAUDE_PAGE}: Sonnet 4 above 200K 6/22.50`,
  ),
  asked(
    'anthropic',
    'claude-sonnet-4-20250514',
    { ...LONG, input_tokens: 200_000 },
    '0.60015',
    `${CLAUDE_PAGE}: 3/15`,
  ),
  asked('openrouter', 'anthropic/claude-sonnet-4', LONG, '1.200231', 'LiteLLM 1.94.0, openrouter: 6/22.50'),
  asked(
    'anthropic',
    'claude-sonnet-4-0',
    {
      input_tokens: 1,
      output_tokens: 0,
      cache_read_tokens: 200_000,
      cache_write_tokens: 1000,
      cache_write_1h_tokens: 1000,
    },
    '0.132006',
    `${CLAUDE_PAGE}: long context 6/0.60/12`,
    APART,
  ),
  asked(
    'openai',
    'gpt-5.4',
    { input_tokens: 272_001, output_tokens: 10 },
    '1.36023',
    `${OPENAI_PAGE}: above 272K 5/22.50`,
  ),
  asked(
    'x_ai',
    'grok-4.3',
    { input_tokens: 199_999, output_tokens: 1 },
    '0.25000125',
    'docs.x.ai: from 200K on',
  ),
  asked(
    'x_ai',
    'grok-4-fast-reasoning',
    { input_tokens: 128_000, output_tokens: 100 },
    '0.0513',
    'docs.x.ai: 0.40/1 from 128K on',
  ),
  asked(
    'gcp.gemini',
    'gemini-1.5-pro',
    { input_tokens: 128_001, output_tokens: 10 },
    '0.3201025',
    'ai.google.dev: 2.50/10 above 128K',
    { at: '2025-03-01T00:00:00Z' },
  ),
];

const PLACES: readonly Question[] = [
  asked(
    'gcp.vertex_ai',
    'claude-3-5-haiku@20241022',
    TEXT,
    '0.0028',
    `${CLAUDE_PAGE}: no premium before Claude 4.5`,
    {
      attrs: { 'cloud.region': 'us-east5' },
    },
  ),
  asked(
    'gcp.vertex_ai',
    'claude-3-5-sonnet-v2@20241022',
    TEXT,
    '0.0105',
    `${CLAUDE_PAGE}: no premium before 4.5`,
    {
      attrs: { 'gcp.location': 'europe-west1' },
    },
  ),
  asked('gcp.vertex_ai', VERTEX_SONNET, TEXT, '0.01155', `${CLAUDE_PAGE}: regional endpoints +10 %`),
  asked(
    'aws.bedrock',
    'us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0',
    TEXT,
    '0.0126',
    'LiteLLM: GovCloud 3.60/18',
  ),
  asked('aws.bedrock', 'eu.amazon.nova-pro-v1:0', TEXT, '0.00315', 'LiteLLM: 1.05/4.20 in the EU'),
  asked('openai', 'gpt-5.4', TEXT, '0.011', `${OPENAI_PAGE}: regional hosts +10 %`, {
    attrs: { 'server.address': 'eu.api.openai.com' },
  }),
  asked('anthropic', 'claude-opus-4-6', TEXT, '0.1155', `${CLAUDE_PAGE}: fast 30/150, US x 1.1`, {
    attrs: FAST_IN_US,
    at: '2026-05-01T00:00:00Z',
  }),
  asked('openai', 'o3', { ...TEXT, cache_read_tokens: 400 }, '0.0027', `${OPENAI_PAGE}, Flex: 1/0.25/4`, {
    attrs: { 'gen_ai.response.service_tier': 'flex' },
  }),
  asked('openai', 'gpt-4o', TEXT, 'unpriced_dimension', `${OPENAI_PAGE}: no Flex for it`, {
    attrs: { 'openai.response.service_tier': 'flex' },
  }),
  asked(
    'anthropic',
    'claude-opus-4-5',
    { input_tokens: 1000, output_tokens: 200, web_search_requests: 1 },
    '0.015',
    `${CLAUDE_PAGE}: a batch halves tokens, not searches`,
    {
      attrs: { 'anthropic.usage.service_tier': 'batch' },
    },
  ),
];

const TIMES: readonly Question[] = [
  asked('deepseek', 'deepseek-v4-flash', TEXT, '0.00028', 'before 2026-08-16T16:00Z: 0.14/0.28', {
    at: '2026-08-16T15:59:59.999999Z',
  }),
  asked('deepseek', 'deepseek-v4-flash', TEXT, '0.00055', 'from then on: 0.22/0.66', {
    at: '2026-08-16T16:00:00Z',
  }),
  asked('deepseek', 'deepseek-v4-pro', TEXT, '0.0033', 'api-docs.deepseek.com, peak: 1.32/3.96', {
    at: '2026-11-16T06:00:00Z',
  }),
  asked('deepseek', 'deepseek-v4-pro', TEXT, '0.00165', 'the peak ends at 10:00 UTC: 0.66/1.98', {
    at: '2026-11-16T10:00:00Z',
  }),
  asked('deepseek', 'deepseek-v4-pro', TEXT, '0.00165', 'no peak on a Sunday', {
    at: '2026-11-15T02:00:00Z',
  }),
  asked('deepseek', 'deepseek-v4-pro', TEXT, '0.00165', 'no peak on a Chinese holiday', {
    at: '2026-10-01T02:00:00Z',
  }),
  asked(
    'openai',
    'gpt-4o-audio-preview',
    { input_tokens: 1100, output_tokens: 600, input_audio_tokens: 1000, output_audio_tokens: 500 },
    '0.20125',
    'launch price 100/200',
    { at: '2024-12-16T23:59:59Z' },
  ),
  asked(
    'openai',
    'gpt-4o-audio-preview',
    { input_tokens: 1100, output_tokens: 600, input_audio_tokens: 1000, output_audio_tokens: 500 },
    '0.08125',
    '40/80 since 2024-12-17',
    { at: '2024-12-17T00:00:00Z' },
  ),
  asked(
    'groq',
    'whisper-large-v3',
    { audio_seconds: 3 },
    '0.000308333333',
    'console.groq.com: 0.111 an hour, ten seconds at least',
  ),
  asked(
    'gcp.gemini',
    'gemini-2.5-pro',
    { input_tokens: 100, output_tokens: 10, reasoning_tokens: 90 },
    '0.001125',
    'thoughts above the output are beside it: 1.25/10',
  ),
];

const OWN = 'docs/prices.md';
const discounted = (discount: unknown, answer: string): Question =>
  asked('openai', 'gpt-4o', TEXT, answer, OWN, { attrs: { 'tenantConfig.discount': discount } });

const AGREED: readonly Question[] = [
  discounted(0.9, '0.00675'),
  discounted('10%', '0.00675'),
  discounted(' 12.5 % ', '0.0065625'),
  discounted({ percent: '10%' }, '0.00675'),
  discounted({ multiply: '0.85', provider: 'anthropic' }, '0.0075'),
  discounted([{ percent: 10 }, { models: ['gpt-4o'], multiply: '0.5' }], '0.003375'),
  discounted({ rates: { input_mtok: '2' }, models: ['gpt-4o*'] }, '0.007'),
  // Ten per cent off, or ten times the price: nobody can tell.
  discounted(10, 'invalid_usage'),
  discounted('110%', 'invalid_usage'),
  asked('azure.ai.openai', 'mine', TEXT, '0.0048', OWN, {
    attrs: { 'tenantConfig.deploymentMap': { Mine: 'gpt-4.1' }, 'tenantConfig.discount': { percent: 20 } },
  }),
  asked('my-gateway', 'mine', TEXT, '0.006', OWN, {
    attrs: { 'tenantConfig.deploymentMap': { mine: { model: 'gpt-4.1', model_provider: 'openai' } } },
  }),
];

const TABLE: readonly (readonly [string, readonly Question[]])[] = [
  ['cached tokens', CACHES],
  ['the size of the context', TIERS],
  ['where and how a call was served', PLACES],
  ['time, audio and reasoning', TIMES],
  ["a tenant's own configuration", AGREED],
];

const NOW = '2026-11-20T12:00:00Z';

describe('a question about', () => {
  const price = createPricer();
  for (const [what, questions] of TABLE) {
    it(`${what} gets the amount of the public price page`, () => {
      for (const [i, { on, answer, source, ...line }] of questions.entries()) {
        const told = price({ id: i, provider: on, at: NOW, inputIncludesCached: true, ...line });
        const usd = told.costUsd === null ? told.status : told.costUsd.replace(/\.?0+$/, '');
        assert.equal(usd, answer, `${on} ${line.model} (${source}): ${told.reason ?? ''}`);
      }
    });
  }
});
