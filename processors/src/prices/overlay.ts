import type { Overlay, OverlayPatch } from '../overlay-entry.ts';
import type { Modifier, Rates } from '../price-entry.ts';
import { IMPORT_DATE } from './imported/index.ts';
import { IMPORTED_CONDITIONS, IMPORTED_ENTRIES } from './imported.ts';
import { DATED_ENTRIES, DATED_PATCHES } from './overlay-dated.ts';
import { OVERLAY_ENTRIES } from './overlay-entries.ts';

const REVIEWED = '2026-11-20';
const ANTHROPIC_PAGE = 'platform.claude.com/docs/en/about-claude/pricing';
const LITELLM = 'LiteLLM map of 2026-08-01';
const NEWEST = 'LiteLLM 1.109.1';

function tier(value: string, multiply: string): Modifier {
  return { condition: 'tier', value, multiply };
}

function openai(models: readonly string[], modifiers: readonly Modifier[], source: string): OverlayPatch {
  return { sellers: ['openai'], models, modifiers, source, reviewed: REVIEWED };
}

/** OpenAI's models that came with data residency at a premium. */
const PREMIUM_REGIONS: readonly string[] = [
  'gpt-5.4*',
  'gpt-5.5*',
  'gpt-5.6*',
  'gpt-6*',
  'gpt-realtime-2.1*',
];

const OPENAI: readonly OverlayPatch[] = [
  {
    sellers: ['openai', 'azure', 'aws.bedrock', 'openrouter'],
    models: ['*'],
    tierBound: { above: 271_999, to: 272_000 },
    source: 'OpenAI model pages: above 272K; pydantic/genai-prices#711',
    reviewed: REVIEWED,
  },
  openai(
    ['ft:gpt-4.1-mini', 'ft:gpt-4.1-nano', 'ft:gpt-4o-mini', 'ft:o4-mini', 'ft:gpt-3.5-turbo'],
    [tier('batch', '0.5')],
    `OpenAI pricing page, fine-tuned models, Batch; ${NEWEST} agrees`,
  ),
  openai(
    ['ft:gpt-4.1'],
    [
      {
        condition: 'tier',
        value: 'batch',
        rates: { input_mtok: '1.5', cache_read_mtok: '0.5', output_mtok: '6' },
      },
    ],
    `OpenAI pricing page, fine-tuned models, Batch; ${NEWEST} agrees`,
  ),
  openai(
    ['gpt-5.4'],
    ['batch', 'flex'].map((value) => ({
      condition: 'tier',
      value,
      rates: { input_mtok: '1.25', cache_read_mtok: '0.13', output_mtok: '7.5' },
      tiers: [
        { above: 272_000, rates: { input_mtok: '2.5', cache_read_mtok: '0.25', output_mtok: '11.25' } },
      ],
    })),
    `OpenAI pricing page: cached input at 0.13; ${NEWEST}, genai-prices 0.2.3 and Portkey agree`,
  ),
  openai(
    ['gpt-3.5-turbo-1106'],
    [tier('batch', '1')],
    `OpenAI pricing page, Batch: no discount; ${NEWEST} and Portkey agree`,
  ),
  openai(
    [
      'gpt-3.5*',
      'gpt-4',
      'gpt-4-*',
      'gpt-4o',
      'gpt-4o-20*',
      'gpt-4o-mini',
      'gpt-4.1*',
      'gpt-5*',
      'o1*',
      'o3*',
      'o4-mini*',
      'computer-use',
      'text-embedding-*',
    ],
    [tier('batch', '0.5')],
    `OpenAI pricing page, Batch; ${NEWEST} agrees where it lists one, Portkey for the older models`,
  ),
  openai(
    ['gpt-5.1-codex-mini'],
    [tier('priority', '1.8'), tier('fast', '1.8')],
    `OpenAI pricing page, Priority; ${LITELLM}`,
  ),
  openai(
    PREMIUM_REGIONS,
    [{ condition: 'region', value: '*', multiply: '1.1' }],
    `regional hosts cost a tenth more on models since March 2026; ${LITELLM}`,
  ),
  openai(
    ['*'],
    [{ condition: 'region', value: '*', multiply: '1' }],
    `earlier models have no regional premium; ${LITELLM}`,
  ),
  {
    sellers: ['openai'],
    models: ['ft:gpt-4o-mini'],
    rates: { cache_read_mtok: '0.15' },
    source: LITELLM,
    reviewed: REVIEWED,
  },
  {
    sellers: ['openai'],
    models: ['ft:gpt-4o'],
    rates: { cache_read_mtok: '1.875' },
    source: LITELLM,
    reviewed: REVIEWED,
  },
  {
    sellers: ['openai'],
    models: ['gpt-4o-search-preview'],
    rates: { cache_read_mtok: '1.25', web_searches_k: '25' },
    source: `${LITELLM}; OpenAI pricing page: web search preview at 25 USD per thousand calls`,
    reviewed: REVIEWED,
  },
  {
    sellers: ['openai'],
    models: ['gpt-4o-mini-audio-preview'],
    rates: { input_audio_mtok: '10', output_audio_mtok: '20' },
    source: LITELLM,
    reviewed: REVIEWED,
  },
];

/** Claude models that can be asked to stay in the United States. */
const RESIDENT_CLAUDES: readonly string[] = [
  'claude-opus-4-6',
  'claude-opus-4-7',
  'claude-opus-4-8',
  'claude-sonnet-4-6',
  'claude-sonnet-5*',
  'claude-opus-5*',
  'claude-haiku-5*',
  'claude-fable-5*',
  'claude-mythos-5*',
];

const ANTHROPIC: readonly OverlayPatch[] = [
  {
    sellers: ['anthropic', 'openrouter'],
    models: ['claude-sonnet-4-0', 'anthropic/claude-sonnet-4'],
    tiers: [
      {
        above: 200_000,
        rates: {
          input_mtok: '6',
          cache_read_mtok: '0.6',
          cache_write_mtok: '7.5',
          cache_write_1h_mtok: '12',
          output_mtok: '22.5',
        },
      },
    ],
    source: `${ANTHROPIC_PAGE}, long context of Claude Sonnet 4 and 4.5; LiteLLM 1.94.0 agrees, the base has it for 4.5 only`,
    reviewed: '2026-11-21',
  },
  {
    sellers: ['anthropic'],
    models: ['claude-*'],
    modifiers: [tier('batch', '0.5')],
    source: `${ANTHROPIC_PAGE}, batch processing: half of input and output; cache factors apply on top`,
    reviewed: REVIEWED,
  },
  {
    sellers: ['anthropic'],
    models: RESIDENT_CLAUDES,
    modifiers: [{ condition: 'geo', value: 'us', multiply: '1.1' }],
    source: `${ANTHROPIC_PAGE}, data residency; pydantic/genai-prices#429`,
    reviewed: REVIEWED,
  },
  {
    sellers: ['anthropic'],
    models: ['claude-opus-4-6', 'claude-opus-4-7'],
    modifiers: [{ condition: 'speed', value: 'fast', multiply: '6' }],
    source: `${ANTHROPIC_PAGE}, fast mode`,
    reviewed: REVIEWED,
  },
  {
    sellers: ['anthropic'],
    models: ['claude-opus-4-8', 'claude-opus-5', 'claude-opus-5-5'],
    modifiers: [{ condition: 'speed', value: 'fast', multiply: '2' }],
    source: `${ANTHROPIC_PAGE}, fast mode`,
    reviewed: REVIEWED,
  },
  {
    sellers: ['aws.bedrock', 'google', 'openrouter', 'azure'],
    models: ['anthropic.claude-*', 'global.anthropic.claude-*', 'claude-*', 'anthropic/claude-*'],
    derive: { rate: 'cache_write_1h_mtok', of: 'input_mtok', times: '2' },
    source: `${ANTHROPIC_PAGE}, prompt caching: a one-hour write is twice the input price; the base has it for few`,
    reviewed: REVIEWED,
  },
];

/** Azure's Data Zones, which spans never tell: a deployments map says `eu/gpt-5.4`. */
function dataZone(value: string, multiply: string): Modifier {
  return { condition: 'profile', value, multiply };
}

const AZURE_RETAIL = 'prices.azure.com retail prices by LiteLLM 1.109.1';

const AZURE: readonly OverlayPatch[] = [
  {
    sellers: ['azure'],
    models: ['gpt-6*'],
    modifiers: [dataZone('us', '1.1'), dataZone('eu', '1.2'), dataZone('apac', '1.2')],
    source: `${AZURE_RETAIL}: Data Zones of GPT-6`,
    reviewed: IMPORT_DATE,
  },
  {
    sellers: ['azure'],
    models: ['gpt-4*', 'gpt-5*', 'o1*', 'o3*', 'o4*', 'codex*', 'computer-use*', 'text-embedding-*'],
    modifiers: [dataZone('us', '1.1'), dataZone('eu', '1.1')],
    source: `${AZURE_RETAIL}: Data Zones cost a tenth more than Global Standard, for all of 120 models`,
    reviewed: IMPORT_DATE,
  },
];

function profiles(values: readonly string[]): readonly Modifier[] {
  return values.map((value) => ({ condition: 'profile', value, multiply: '1' }));
}

/** What a long context costs on Bedrock, where the base has it for no model: everything twice, output 1.5 times. */
function longContext(models: readonly string[], rates: Rates): OverlayPatch {
  return {
    sellers: ['aws.bedrock'],
    models,
    tiers: [{ above: 200_000, rates }],
    source: `AWS model card of Claude Sonnet 4.5 by ${NEWEST}; the map of 2026-08-01 agrees`,
    reviewed: IMPORT_DATE,
  };
}

const BEDROCK: readonly OverlayPatch[] = [
  longContext(['anthropic.claude-sonnet-4-5-*'], {
    input_mtok: '6.6',
    cache_read_mtok: '0.66',
    cache_write_mtok: '8.25',
    output_mtok: '24.75',
  }),
  longContext(
    [
      'anthropic.claude-sonnet-4-2*',
      'global.anthropic.claude-sonnet-4-2*',
      'global.anthropic.claude-sonnet-4-5-*',
    ],
    { input_mtok: '6', cache_read_mtok: '0.6', cache_write_mtok: '7.5', output_mtok: '22.5' },
  ),
];

/** A price that Vertex has and the Gemini API, which shares its list, has not; wherever it is called. */
function vertexOnly(models: readonly string[], rates: Rates, source: string): OverlayPatch[] {
  const there = { condition: 'region', providers: ['gcp.vertex_ai'], rates } as const;
  const modifiers: Modifier[] = [
    { ...there, value: '*', standard: true },
    { ...there, value: 'global' },
  ];
  return [{ sellers: ['google'], models, modifiers, source, reviewed: IMPORT_DATE }];
}

/** Models of AWS, Meta and Mistral that run in batches at half, where no table but Portkey's says so per model. */
const BEDROCK_BATCH: OverlayPatch = {
  sellers: ['aws.bedrock'],
  models: ['amazon.titan-*', 'meta.llama3-*', 'meta.llama4-*', 'mistral.mistral-*', 'mistral.pixtral-*'],
  modifiers: [tier('batch', '0.5')],
  source:
    'AWS, Bedrock pricing: batch at half of on-demand; Portkey-AI/models of 2026-08-21 lists it per model',
  reviewed: IMPORT_DATE,
};

const CLOUDS: readonly OverlayPatch[] = [
  {
    sellers: ['aws.bedrock'],
    models: ['anthropic.*'],
    modifiers: profiles(['us', 'eu', 'apac', 'au', 'jp', 'ca', 'in', 'sa', 'me', 'uk', 'mx']),
    source: 'AWS user guide, cross-region inference: profiles of a geography cost what the region does',
    reviewed: REVIEWED,
  },
  {
    sellers: ['aws.bedrock'],
    models: ['*'],
    modifiers: profiles(['us']),
    source: 'the base has the prices of US regions',
    reviewed: REVIEWED,
  },
  {
    sellers: ['aws.bedrock'],
    models: ['amazon.nova-2-lite-v1:0'],
    modifiers: profiles(['eu', 'jp']),
    source: '@pydantic/genai-prices 0.1.8: one price for the three profiles',
    reviewed: REVIEWED,
  },
  {
    sellers: ['google'],
    // Not `claude-*-5*`: Claude 3.5 has no premium.
    models: [
      'claude-*-4-5*',
      'claude-*-4-6*',
      'claude-*-4-7*',
      'claude-*-4-8*',
      'claude-opus-5*',
      'claude-sonnet-5*',
      'claude-haiku-5*',
      'claude-fable-5*',
      'claude-mythos-5*',
    ],
    modifiers: [{ condition: 'region', value: '*', multiply: '1.1' }],
    source: `${ANTHROPIC_PAGE}: regional endpoints cost a tenth more since Claude 4.5`,
    reviewed: REVIEWED,
  },
  {
    sellers: ['google'],
    models: [
      'gemini-3.1-flash-lite*',
      'gemini-3.1-flash-image*',
      'gemini-3.5-*',
      'gemini-3.6-*',
      'gemini-3.7-*',
      'gemini-3.8-*',
      'gemini-4-*',
    ],
    modifiers: [
      { condition: 'region', value: '*', multiply: '1', to: '2026-07-01T00:00:00Z' },
      { condition: 'region', value: '*', multiply: '1.1', from: '2026-07-01T00:00:00Z' },
    ],
    source: `BerriAI/litellm#37543: endpoints other than global cost a tenth more since July 2026; models by ${NEWEST}, Portkey agrees`,
    reviewed: IMPORT_DATE,
  },
  ...vertexOnly(
    ['gemini-2.0-flash'],
    { input_mtok: '0.15', cache_read_mtok: '0.0375', output_mtok: '0.6', input_audio_mtok: '1' },
    `Gemini 2.0 Flash costs more on Vertex than in the Gemini API: ${LITELLM} and ${NEWEST}`,
  ),
  ...vertexOnly(
    ['gemma-4-26b-a4b-it'],
    { input_mtok: '0.15', cache_read_mtok: '0.015', output_mtok: '0.6' },
    `free in the Gemini API, not on Vertex: ${NEWEST}`,
  ),
  {
    sellers: ['google'],
    models: ['gemini-*'],
    modifiers: [{ condition: 'region', value: '*', multiply: '1' }],
    source: `earlier models have no regional premium: ${NEWEST} and Portkey list none`,
    reviewed: IMPORT_DATE,
  },
  {
    sellers: ['google'],
    models: ['claude-*'],
    modifiers: [{ condition: 'region', value: '*', multiply: '1' }],
    source: `${ANTHROPIC_PAGE}: earlier models have no regional premium`,
    reviewed: REVIEWED,
  },
  {
    sellers: ['google'],
    models: ['*'],
    modifiers: [{ condition: 'region', value: '*', multiply: '1' }],
    source: `partner models on Vertex are sold by region, at one price: ${NEWEST}`,
    reviewed: IMPORT_DATE,
  },
  {
    sellers: ['groq'],
    models: ['whisper-*'],
    leastSeconds: 10,
    source: 'console.groq.com/docs/speech-to-text: billed for ten seconds at least',
    reviewed: IMPORT_DATE,
  },
  {
    sellers: ['groq'],
    models: ['*'],
    modifiers: [tier('flex', '1')],
    source: 'console.groq.com/docs/service-tiers: flex costs what on-demand does',
    reviewed: REVIEWED,
  },
];

/** What Perplexity takes for each request, by how much it searches; its default is low. */
function searchFees(models: readonly string[], low: string, medium: string, high: string): OverlayPatch {
  const fee = (value: string, usd: string): Modifier => {
    const rates: Rates = { requests_k: usd };
    return { condition: 'search_context', value, rates, ...(value === 'low' ? { standard: true } : {}) };
  };
  return {
    sellers: ['perplexity'],
    models,
    modifiers: [fee('low', low), fee('medium', medium), fee('high', high)],
    source: `docs.perplexity.ai pricing, request fees; ${LITELLM} and Portkey agree`,
    reviewed: REVIEWED,
  };
}

const PERPLEXITY: readonly OverlayPatch[] = [
  searchFees(['sonar', 'sonar-reasoning'], '5', '8', '12'),
  searchFees(['sonar-pro', 'sonar-reasoning-pro'], '6', '10', '14'),
];

/** The reviewed overlay of the base prices. The first modifier that fits a value applies. */
export const REVIEWED_OVERLAY: Overlay = {
  entries: [...DATED_ENTRIES, ...OVERLAY_ENTRIES],
  patches: [
    ...DATED_PATCHES,
    ...BEDROCK,
    BEDROCK_BATCH,
    ...OPENAI,
    ...ANTHROPIC,
    ...AZURE,
    ...CLOUDS,
    ...PERPLEXITY,
  ],
  resales: [
    {
      seller: 'azure',
      of: 'openai',
      models: [
        'gpt-*',
        'o1*',
        'o3*',
        'o4-*',
        'text-embedding-*',
        'whisper-*',
        'tts-*',
        'codex-*',
        'computer-use*',
      ],
      source: 'Azure Global Standard equals the OpenAI list; LiteLLM and Portkey agree for gpt-4o',
      reviewed: REVIEWED,
    },
    {
      seller: 'azure',
      of: 'anthropic',
      models: ['claude-*'],
      source: `${ANTHROPIC_PAGE}: Claude in Microsoft Foundry at Anthropic's prices`,
      reviewed: REVIEWED,
    },
    {
      seller: 'google',
      of: 'anthropic',
      models: ['claude-*'],
      source: `${ANTHROPIC_PAGE}: Claude on Google Cloud at Anthropic's prices on the global endpoint`,
      reviewed: REVIEWED,
    },
  ],
  removals: [
    {
      seller: 'openai',
      models: ['gpt-oss-*'],
      source: 'OpenAI does not sell its open-weight models; the base has a reseller price',
      reviewed: REVIEWED,
    },
  ],
};

/** Everything that goes over the base prices. */
export const OVERLAY: Overlay = {
  ...REVIEWED_OVERLAY,
  entries: [...REVIEWED_OVERLAY.entries, ...IMPORTED_ENTRIES],
  patches: [...REVIEWED_OVERLAY.patches, ...IMPORTED_CONDITIONS],
};
