import assert from 'node:assert/strict';
import { createPricer } from '@spanmeter/processors';

/** A call, what it costs by its vendor's page, and where the rates were read. */
interface Row {
  readonly on: string;
  readonly model: string;
  readonly usage: Readonly<Record<string, number>>;
  readonly usd: string | null;
  readonly source: string;
  readonly attrs?: Readonly<Record<string, string>>;
  readonly at?: string;
  readonly inputIncludesCached?: boolean;
}

const TEXT = { input_tokens: 100_000, output_tokens: 10_000 };
const CACHED = { input_tokens: 100_000, output_tokens: 10_000, cache_read_tokens: 80_000 };
const BATCH = { 'gen_ai.response.service_tier': 'batch' };
const FLEX = { 'gen_ai.response.service_tier': 'flex' };
const PRIORITY = { 'gen_ai.response.service_tier': 'priority' };
const EU_HOST = { 'server.address': 'eu.api.openai.com' };
const LITELLM = 'LiteLLM 1.109.1';
const BOTH = 'LiteLLM 1.109.1, genai-prices 0.2.3';

function row(
  on: string,
  model: string,
  usage: Row['usage'],
  usd: string | null,
  source: string,
  more: Partial<Row> = {},
): Row {
  return { on, model, usage, usd, source, ...more };
}

const OPENAI: readonly Row[] = [
  row('openai', 'gpt-4o', TEXT, '0.175', 'OpenAI, Batch: 1.25/5', { attrs: BATCH }),
  row('openai', 'gpt-4o', CACHED, '0.425', 'OpenAI, Priority: 4.25/2.125/17', { attrs: PRIORITY }),
  row('openai', 'gpt-4o-mini', TEXT, '0.035', 'OpenAI, Priority: 0.25/1', { attrs: PRIORITY }),
  row('openai', 'gpt-4.1-mini', TEXT, '0.098', 'OpenAI, Priority: 0.70/2.80', { attrs: PRIORITY }),
  row('openai', 'o3', TEXT, '0.14', 'OpenAI, Flex: 1/4', { attrs: FLEX }),
  row('openai', 'o4-mini', CACHED, '0.04404', 'OpenAI, Flex: 0.55/0.138/2.20', { attrs: FLEX }),
  row('openai', 'gpt-5.4', CACHED, '0.1104', 'OpenAI, Flex: 1.25/0.13/7.50', { attrs: FLEX }),
  row('openai', 'gpt-5.5', TEXT, '2', `${BOTH}, Portkey: priority 12.50/75`, { attrs: PRIORITY }),
  row('openai', 'gpt-5-mini', TEXT, '0.081', 'OpenAI, Priority: 0.45/3.60', { attrs: PRIORITY }),
  row('openai', 'gpt-5.6-sol', CACHED, '0.156', `${BOTH}: batch 2/0.2/10 of 4/0.4/20`, { attrs: BATCH }),
  row('openai', 'gpt-6-astra', TEXT, '9', `${LITELLM}: ultrafast 60/300`, {
    attrs: { 'openai.response.service_tier': 'ultrafast' },
  }),
  row('openai', 'gpt-6.1-sol', CACHED, '0.148', `${BOTH}: 2/0.10/10 since 2026-09-29`),
  row('openai', 'gpt-6.2-sol', CACHED, '0.148', 'developers.openai.com, model page: 2/0.10/10'),
  row('openai', 'gpt-6.2-astra', CACHED, '0.592', 'LiteLLM discussion 52347: 8/0.40/40'),
  row('openai', 'gpt-6.2-astra', { input_tokens: 272_001, output_tokens: 0 }, '4.352016', 'over 272K twice'),
  row('openai', 'gpt-5.4-mini', TEXT, '0.132', 'OpenAI: regional hosts +10 % since GPT-5.4', {
    attrs: EU_HOST,
  }),
  row('openai', 'gpt-5', TEXT, '0.225', 'OpenAI: no premium before GPT-5.4', { attrs: EU_HOST }),
  row(
    'openai',
    'gpt-realtime-2.1',
    { input_tokens: 1000, input_audio_tokens: 1000 },
    '0.0352',
    `${LITELLM}: x 1.1`,
    {
      attrs: EU_HOST,
    },
  ),
  row('openai', 'gpt-4o', { ...TEXT, web_search_requests: 2 }, '0.37', 'OpenAI: web search 10 per thousand'),
  row(
    'openai',
    'gpt-4o-search-preview',
    { ...CACHED, web_search_requests: 1 },
    '0.275',
    `${LITELLM}: 25 per thousand`,
  ),
  row('openai', 'gpt-5.4', TEXT, '0.2', 'OpenAI, Batch: 1.25/7.50', { attrs: BATCH }),
  row('openai', 'ft:gpt-4.1-2025-04-14:acme::x', CACHED, '0.24', `${LITELLM}: 3/0.75/12`),
  row('openai', 'ft:gpt-4.1-2025-04-14:acme::x', CACHED, '0.13', `${LITELLM}: batch 1.5/0.5/6`, {
    attrs: BATCH,
  }),
  row('openai', 'ft:gpt-4o-2024-08-06:acme::x', CACHED, '0.375', `${LITELLM}: 3.75/1.875/15`),
  row(
    'openai',
    'gpt-4o-audio-preview-2024-10-01',
    { input_tokens: 1000, input_audio_tokens: 1000, output_tokens: 0 },
    '0.1',
    'Portkey: 100/200',
  ),
  row(
    'openai',
    'gpt-4o-audio-preview',
    { input_tokens: 1000, input_audio_tokens: 1000, output_tokens: 0 },
    '0.1',
    'before the cut of 2024-12-17',
    { at: '2024-11-01T00:00:00Z' },
  ),
  row(
    'openai',
    'gpt-image-1',
    { input_tokens: 50, output_tokens: 4160, output_image_tokens: 4160 },
    '0.16665',
    `${LITELLM}: image output 40`,
  ),
  row(
    'openai',
    'gpt-image-1.5',
    { input_tokens: 100, output_tokens: 1000, output_image_tokens: 1000 },
    '0.0325',
    `${LITELLM}: image output 32`,
  ),
  row(
    'openai',
    'gpt-4o-mini-tts',
    { input_tokens: 100, output_tokens: 1000, output_audio_tokens: 1000 },
    '0.01206',
    `${LITELLM}: audio output 12`,
  ),
  row(
    'openai',
    'gpt-4o-transcribe',
    { input_tokens: 1000, input_audio_tokens: 1000, output_tokens: 100 },
    '0.007',
    'OpenAI: audio 6, output 10',
  ),
  row(
    'openai',
    'gpt-realtime-mini',
    {
      input_tokens: 1000,
      input_audio_tokens: 600,
      cache_read_tokens: 400,
      cache_read_audio_tokens: 300,
      output_tokens: 200,
      output_audio_tokens: 150,
    },
    '0.006396',
    'OpenAI: 0.6/0.06, audio 10/0.3/20, output 2.4',
  ),
  row('openai', 'whisper-1', { audio_seconds: 60 }, '0.006', 'OpenAI: 0.006 a minute'),
  row('openai', 'tts-1-hd', { input_characters: 1000 }, '0.03', 'OpenAI: 30 per million characters'),
  row('openai', 'dall-e-3', { images: 1 }, null, 'by size and quality, which no attribute tells'),
];

const ANTHROPIC: readonly Row[] = [
  row('anthropic', 'claude-opus-4-7', TEXT, '4.5', 'Anthropic, fast mode: 30/150', {
    attrs: { 'anthropic.usage.speed': 'fast' },
  }),
  row('anthropic', 'claude-opus-5', TEXT, '1.5', `${BOTH}, fast mode: 10/50`, {
    attrs: { 'anthropic.usage.speed': 'fast' },
  }),
  row('anthropic', 'claude-opus-5-5', TEXT, '1.2', `${BOTH}, fast mode: 8/40`, {
    attrs: { 'anthropic.usage.speed': 'fast' },
  }),
  row('anthropic', 'claude-haiku-5-5', TEXT, '0.0165', 'Anthropic: US only x 1.1', {
    attrs: { 'anthropic.usage.inference_geo': 'us' },
  }),
  row(
    'anthropic',
    'claude-sonnet-5',
    { input_tokens: 0, output_tokens: 0, cache_read_tokens: 100_000 },
    '0.01',
    'batch halves cached input too',
    { attrs: BATCH, inputIncludesCached: false },
  ),
];

const BEDROCK: readonly Row[] = [
  row(
    'aws.bedrock',
    'us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0',
    TEXT,
    '0.54',
    'AWS model card: 3.60/18',
  ),
  row('aws.bedrock', 'eu.amazon.nova-pro-v1:0', TEXT, '0.147', 'LiteLLM of August and 1.109.1: 1.05/4.20'),
  row('aws.bedrock', 'apac.amazon.nova-pro-v1:0', TEXT, '0.1176', 'LiteLLM of August and 1.109.1: 0.84/3.36'),
  row('aws.bedrock', 'us.amazon.nova-pro-v1:0', TEXT, '0.056', `${LITELLM}: flex 0.4/1.6`, { attrs: FLEX }),
  row('aws.bedrock', 'us.amazon.nova-pro-v1:0', TEXT, '0.196', `${LITELLM}: priority 1.4/5.6`, {
    attrs: PRIORITY,
  }),
  row('aws.bedrock', 'us.amazon.nova-lite-v1:0', TEXT, '0.0042', `${LITELLM}: batch 0.03/0.12`, {
    attrs: BATCH,
  }),
  row(
    'aws.bedrock',
    'global.anthropic.claude-haiku-4-5-20251001-v1:0',
    TEXT,
    '0.075',
    `${LITELLM}: batch 0.5/2.5`,
    { attrs: BATCH },
  ),
  row(
    'aws.bedrock',
    'us.anthropic.claude-haiku-4-5-20251001-v1:0',
    { input_tokens: 10, output_tokens: 0, cache_write_tokens: 1000, cache_write_1h_tokens: 1000 },
    '0.002211',
    'AWS: one-hour writes 2.20',
    { inputIncludesCached: false },
  ),
  row('aws.bedrock', 'us.anthropic.claude-haiku-5-5', TEXT, '0.0165', `${LITELLM}: 0.11/0.55`),
  row('aws.bedrock', 'global.anthropic.claude-haiku-5-5', TEXT, '0.015', `${LITELLM}: 0.10/0.50`),
  row(
    'aws.bedrock',
    'eu.anthropic.claude-sonnet-4-5-20250929-v1:0',
    { input_tokens: 200_001, output_tokens: 0 },
    '1.3200066',
    'AWS model card: 6.60 over 200K',
  ),
  row('aws.bedrock', 'amazon.titan-embed-text-v2:0', { input_tokens: 100_000 }, '0.002', 'AWS: 0.02'),
  row('aws.bedrock', 'cohere.embed-english-v3', { input_tokens: 100_000 }, '0.01', `${LITELLM}: 0.10`),
  row(
    'aws.bedrock',
    'meta.llama3-70b-instruct-v1:0',
    TEXT,
    '0.3453',
    `${LITELLM}: 3.05/4.03 in ca-central-1`,
    { attrs: { 'cloud.region': 'ca-central-1' } },
  ),
  row('aws.bedrock', 'openai.gpt-oss-120b-1:0', TEXT, '0.0105', `${LITELLM}: batch half of 0.15/0.60`, {
    attrs: BATCH,
  }),
  row('aws.bedrock', 'meta.llama3-3-70b-instruct-v1:0', TEXT, '0.0396', 'AWS: batch half of 0.72', {
    attrs: BATCH,
  }),
  row(
    'aws.bedrock',
    'us.openai.gpt-5.6-sol',
    { input_tokens: 272_001, output_tokens: 0 },
    '2.3936088',
    `${BOTH}: 8.80 over 272K`,
  ),
  row('aws.bedrock', 'eu.meta.llama3-70b-instruct-v1:0', TEXT, null, 'no such profile is listed'),
];

const GOOGLE: readonly Row[] = [
  row('gcp.gemini', 'gemini-2.5-flash', CACHED, '0.0179', `${LITELLM}: flex 0.15/1.25, cached 0.03 as ever`, {
    attrs: FLEX,
  }),
  row(
    'gcp.gemini',
    'gemini-2.5-flash',
    CACHED,
    '0.0179',
    `${LITELLM}: batch 0.15/1.25, cached 0.03 as ever`,
    { attrs: BATCH },
  ),
  row('gcp.gemini', 'gemini-2.5-flash', CACHED, '0.06012', `${LITELLM}: priority 0.54/0.054/4.50`, {
    attrs: PRIORITY,
  }),
  row(
    'gcp.gemini',
    'gemini-2.5-pro',
    { input_tokens: 200_001, output_tokens: 0 },
    '0.25000125',
    `${LITELLM}: batch 1.25 over 200K`,
    { attrs: BATCH },
  ),
  row('gcp.gemini', 'gemini-3.6-flash', CACHED, '0.0585', `${BOTH}: batch 0.75/0.075/3.75 from 2027`, {
    attrs: BATCH,
    at: '2027-01-01T00:00:00Z',
  }),
  row('gcp.gemini', 'gemini-4-argon', TEXT, '0.6', 'Google: 4/20 from December 2026', {
    at: '2026-12-01T00:00:00Z',
  }),
  row(
    'gcp.gemini',
    'gemini-2.5-pro',
    { input_tokens: 1000, input_audio_tokens: 900, output_tokens: 0 },
    '0.00125',
    'Google: one price for text and audio',
  ),
  row(
    'gcp.gemini',
    'gemini-2.5-flash',
    { input_tokens: 1000, output_tokens: 0, web_search_requests: 1 },
    '0.0353',
    `${LITELLM}: grounding 35 per thousand`,
  ),
  row(
    'gcp.gemini',
    'gemini-3.5-flash',
    { input_tokens: 1000, output_tokens: 0, web_search_requests: 1 },
    '0.0155',
    `${LITELLM}: grounding 14 per thousand`,
  ),
  row(
    'gcp.gemini',
    'gemini-2.5-flash-preview-tts',
    { input_tokens: 100, output_tokens: 1000, output_audio_tokens: 1000 },
    '0.01005',
    'Google: 0.50, audio output 10',
  ),
  row('gcp.vertex_ai', 'gemini-3.5-flash', TEXT, '0.264', 'Google Cloud: outside global + 10 %', {
    attrs: { 'cloud.region': 'europe-west1' },
  }),
  row('gcp.vertex_ai', 'gemini-2.5-flash', TEXT, '0.055', 'Google Cloud: none on older models', {
    attrs: { 'cloud.region': 'europe-west1' },
  }),
  row('gcp.vertex_ai', 'gemini-2.0-flash', TEXT, '0.021', 'Google Cloud: 0.15/0.60 on Vertex'),
  row('gcp.gemini', 'gemini-2.0-flash', TEXT, '0.014', 'Google: 0.10/0.40 in the Gemini API'),
  row('gcp.vertex_ai', 'claude-sonnet-4-5@20250929', TEXT, '0.495', 'Anthropic: regional endpoints + 10 %', {
    attrs: { 'cloud.region': 'us-east5' },
  }),
  row(
    'gcp.vertex_ai',
    'claude-haiku-4-5',
    { input_tokens: 10, output_tokens: 0, cache_write_tokens: 1000, cache_write_1h_tokens: 1000 },
    '0.00201',
    'Anthropic: one-hour writes 2',
    { inputIncludesCached: false },
  ),
  row(
    'gcp.vertex_ai',
    'publishers/meta/models/llama-3.3-70b-instruct-maas',
    TEXT,
    '0.0792',
    `${LITELLM}: 0.72/0.72`,
  ),
  row('gcp.vertex_ai', 'deepseek-ai/deepseek-v3.1-maas', TEXT, '0.077', `${LITELLM}: 0.60/1.70`),
  row('gcp.vertex_ai', 'imagen-4.0-generate-001', { images: 2 }, '0.08', `${LITELLM}: 0.04 an image`),
];

const OTHERS: readonly Row[] = [
  row('azure.ai.openai', 'eu/gpt-4o-2024-08-06', TEXT, '0.385', 'Azure retail prices: Data Zone 2.75/11'),
  row('azure.ai.openai', 'eu/gpt-6.1-sol', TEXT, '0.36', 'Azure retail prices: EU Data Zone x 1.2'),
  row('azure.ai.openai', 'gpt-4o-2024-08-06', TEXT, '0.175', 'Azure retail prices: batch 1.25/5', {
    attrs: BATCH,
  }),
  row('azure.ai.openai', 'gpt-5.4', TEXT, '0.8', 'Azure retail prices: priority 5/30', { attrs: PRIORITY }),
  row(
    'azure.ai.inference',
    'claude-haiku-4-5',
    { input_tokens: 10, output_tokens: 0, cache_write_tokens: 1000, cache_write_1h_tokens: 1000 },
    '0.00201',
    'Anthropic in Foundry: one-hour writes 2',
    { inputIncludesCached: false },
  ),
  row(
    'openrouter',
    'anthropic/claude-haiku-4.5',
    { input_tokens: 10, output_tokens: 0, cache_write_tokens: 1000, cache_write_1h_tokens: 1000 },
    '0.00201',
    'Anthropic: one-hour writes 2',
    { inputIncludesCached: false },
  ),
  row(
    'openrouter',
    'x-ai/grok-4-fast',
    { input_tokens: 128_001, output_tokens: 0, cache_read_tokens: 100_000 },
    '0.0162004',
    'genai-prices: 0.4 over 128K, cached 0.05 as ever',
  ),
  row('x_ai', 'grok-4.6', TEXT, '0.286', 'docs.x.ai: US endpoint x 1.1', {
    attrs: { 'server.address': 'us.api.x.ai' },
  }),
  row('x_ai', 'grok-4.7', CACHED, '0.112', 'docs.x.ai: batch 20 % off 2/0.5/6', { attrs: BATCH }),
  row('x_ai', 'grok-4.20-0309-reasoning', TEXT, '0.26', 'docs.x.ai: 2/6 before 2026-04-30', {
    at: '2026-04-29T23:59:59Z',
  }),
  row(
    'x_ai',
    'grok-4.7',
    { input_tokens: 200_000, output_tokens: 0 },
    '0.8',
    'docs.x.ai: long context from 200K on',
  ),
  row(
    'x_ai',
    'grok-4-fast',
    { input_tokens: 128_000, output_tokens: 0 },
    '0.0512',
    'LiteLLM of August: 0.4 from 128K on',
  ),
  row(
    'x_ai',
    'grok-4.5',
    { input_tokens: 1000, output_tokens: 0, web_search_requests: 1 },
    '0.007',
    'docs.x.ai: web search 5 per thousand',
  ),
  row('groq', 'openai/gpt-oss-safeguard-20b', TEXT, '0.0105', 'pydantic/genai-prices#701: 0.075/0.30'),
  row('groq', 'llama-3.3-70b-versatile', TEXT, '0.0669', 'Groq: flex costs what on-demand does', {
    attrs: FLEX,
  }),
  row('groq', 'whisper-large-v3', { audio_seconds: 3 }, '0.000308333333', 'Groq: ten seconds at least'),
  row('groq', 'whisper-large-v3-turbo', { audio_seconds: 36 }, '0.0004', 'Groq: 0.04 an hour'),
  row('mistral_ai', 'mistral-large-2512', TEXT, '0.0325', 'Mistral: batch half of 0.5/1.5', { attrs: BATCH }),
  row('mistral_ai', 'mistral-large-4', TEXT, '0.1778', 'Mistral: 1.36/4.18 between 20 and 29 October', {
    at: '2026-10-28T23:59:59Z',
  }),
  row('mistral_ai', 'mistral-large-4-0', TEXT, '0.091', 'Mistral: 0.7/2.1 since 2026-10-29'),
  row(
    'perplexity',
    'sonar-pro',
    { input_tokens: 1000, output_tokens: 100, requests: 1 },
    '0.0185',
    'Perplexity: 14 per thousand, high',
    { attrs: { 'perplexity.search_context_size': 'high' } },
  ),
  row(
    'perplexity',
    'sonar',
    { input_tokens: 1000, output_tokens: 100, requests: 1 },
    '0.0091',
    'Perplexity: 8 per thousand, medium',
    { attrs: { 'perplexity.search_context_size': 'medium' } },
  ),
  row('cohere', 'rerank-v3.5', { requests: 1 }, '0.002', `${LITELLM}: 2 per thousand searches`),
  row('voyageai', 'voyage-3-large', { input_tokens: 100_000 }, '0.018', `${LITELLM}: 0.18`),
  row(
    'fireworks_ai',
    'accounts/fireworks/models/gpt-oss-120b',
    CACHED,
    '0.0102',
    `${BOTH}: cached 0.015 since 2026-10-19`,
  ),
  row(
    'fireworks_ai',
    'accounts/fireworks/models/gpt-oss-120b',
    TEXT,
    '0.0252',
    `${LITELLM}: priority x 1.2`,
    { attrs: PRIORITY },
  ),
  row('deepseek', 'deepseek-v4-pro', TEXT, '0.1716', 'DeepSeek: peak 1.32/3.96', {
    at: '2026-11-19T02:00:00Z',
  }),
];

function padded(usd: string | null): string | null {
  if (usd === null) return null;
  const [whole = '', fraction = ''] = usd.split('.');
  return `${whole}.${fraction.padEnd(12, '0')}`;
}

describe('the table of prices', () => {
  const price = createPricer();
  for (const { on, model, usage, usd, source, attrs, at, inputIncludesCached } of [
    ...OPENAI,
    ...ANTHROPIC,
    ...BEDROCK,
    ...GOOGLE,
    ...OTHERS,
  ]) {
    const under = Object.values(attrs ?? {}).join(' ');
    it(`has ${on} ${model} ${under} ${at ?? ''} at ${usd ?? 'no price'} (${source})`, () => {
      const answer = price({
        provider: on,
        model,
        usage,
        attrs: attrs ?? {},
        at: at ?? '2026-11-20T12:00:00Z',
        inputIncludesCached: inputIncludesCached ?? true,
      });
      assert.equal(answer.costUsd, padded(usd), `${answer.status} ${answer.reason ?? ''}`);
    });
  }
});
