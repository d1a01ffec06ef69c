import type { Overlay, OverlayPatch } from '../overlay-entry.ts';
import type { Modifier, Rates } from '../price-entry.ts';
import { OVERLAY_ENTRIES } from './overlay-entries.ts';

const REVIEWED = '2026-11-20';
const ANTHROPIC_PAGE = 'platform.claude.com/docs/en/about-claude/pricing';
const LITELLM = 'LiteLLM map of 2026-08-01';

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
    [
      'gpt-3.5-turbo*',
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
    'OpenAI pricing page, Batch; Portkey-AI/models of 2026-08-21 agrees for 44 models',
  ),
  openai(
    [
      'gpt-5',
      'gpt-5-mini',
      'gpt-5-nano',
      'gpt-5.4',
      'gpt-5.4-pro',
      'gpt-5.4-mini',
      'gpt-5.4-nano',
      'gpt-5.5',
      'gpt-5.5-pro',
      'gpt-5.6-*',
      'o3',
      'o4-mini',
    ],
    [tier('flex', '0.5')],
    `OpenAI pricing page, Flex; ${LITELLM} agrees`,
  ),
  openai(
    [
      'gpt-5',
      'gpt-5.1',
      'gpt-5.2',
      'gpt-5.3',
      'gpt-5.3-codex',
      'gpt-5.4',
      'gpt-5.4-mini',
      'gpt-5.5',
      'gpt-5.6-*',
      'gpt-4.1-nano',
    ],
    [tier('priority', '2'), tier('fast', '2')],
    `OpenAI pricing page, Priority; ${LITELLM} agrees`,
  ),
  openai(['gpt-4.1', 'gpt-4.1-mini', 'o3', 'gpt-4o-2024-05-13'], [tier('priority', '1.75')], LITELLM),
  openai(['gpt-5-mini', 'gpt-5.1-codex-mini'], [tier('priority', '1.8')], LITELLM),
  openai(['gpt-4o'], [tier('priority', '1.7')], LITELLM),
  openai(
    ['gpt-4o-mini'],
    [
      {
        condition: 'tier',
        value: 'priority',
        rates: { input_mtok: '0.25', cache_read_mtok: '0.125', output_mtok: '1' },
      },
    ],
    LITELLM,
  ),
  openai(
    ['o4-mini'],
    [
      {
        condition: 'tier',
        value: 'priority',
        rates: { input_mtok: '2', cache_read_mtok: '0.5', output_mtok: '8' },
      },
    ],
    LITELLM,
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
    rates: { cache_read_mtok: '1.25' },
    source: LITELLM,
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
    models: ['claude-opus-4-8'],
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

function profiles(values: readonly string[]): readonly Modifier[] {
  return values.map((value) => ({ condition: 'profile', value, multiply: '1' }));
}

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
    modifiers: profiles(['us', 'eu', 'jp']),
    source: '@pydantic/genai-prices 0.1.8: one price for the three profiles',
    reviewed: REVIEWED,
  },
  {
    sellers: ['google'],
    models: ['claude-*-4-5*', 'claude-*-4-6*', 'claude-*-4-7*', 'claude-*-4-8*', 'claude-*-5*'],
    modifiers: [{ condition: 'region', value: '*', multiply: '1.1' }],
    source: `${ANTHROPIC_PAGE}: regional endpoints cost a tenth more since Claude 4.5`,
    reviewed: REVIEWED,
  },
  {
    sellers: ['google'],
    models: ['gemini-*'],
    modifiers: [
      { condition: 'region', value: '*', multiply: '1', to: '2026-07-01T00:00:00Z' },
      { condition: 'region', value: '*', multiply: '1.1', from: '2026-07-01T00:00:00Z' },
    ],
    source: 'BerriAI/litellm#37543: endpoints other than global cost a tenth more since July 2026',
    reviewed: REVIEWED,
  },
  {
    sellers: ['google'],
    models: ['claude-*'],
    modifiers: [{ condition: 'region', value: '*', multiply: '1' }],
    source: `${ANTHROPIC_PAGE}: earlier models have no regional premium`,
    reviewed: REVIEWED,
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
export const OVERLAY: Overlay = {
  entries: OVERLAY_ENTRIES,
  patches: [...OPENAI, ...ANTHROPIC, ...CLOUDS, ...PERPLEXITY],
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
