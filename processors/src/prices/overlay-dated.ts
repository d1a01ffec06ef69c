import type { OverlayEntry, OverlayPatch } from '../overlay-entry.ts';
import type { ContextTier, Modifier, PricePeriod, Rates } from '../price-entry.ts';

const REVIEWED = '2026-11-21';
const OPENAI_PAGE = 'developers.openai.com/api/docs/models';
const XAI_PAGE = 'docs.x.ai/developers/pricing';
const GEMINI_PAGE = 'ai.google.dev/gemini-api/docs/pricing';

function entry(
  seller: string,
  model: string,
  periods: readonly PricePeriod[],
  source: string,
  aliases: readonly string[] = [],
): OverlayEntry {
  return { seller, model, aliases, periods, source, reviewed: REVIEWED };
}

function rates(input: string, cached: string | null, output: string, more: Rates = {}): Rates {
  return {
    input_mtok: input,
    ...(cached === null ? {} : { cache_read_mtok: cached }),
    output_mtok: output,
    ...more,
  };
}

const SEARCH: Rates = { web_searches_k: '10' };

function above272k(input: string, cached: string, written: string, output: string): ContextTier[] {
  return [{ above: 272_000, rates: rates(input, cached, output, { cache_write_mtok: written }) }];
}

const OPENAI: readonly OverlayEntry[] = [
  entry(
    'openai',
    'gpt-6.2-astra',
    [
      {
        rates: rates('8', '0.4', '40', { cache_write_mtok: '10', ...SEARCH }),
        tiers: above272k('16', '0.8', '20', '60'),
      },
    ],
    `BerriAI/litellm discussion 52347: 8/40, cached input 60 % under GPT-6 Astra; docs.apiyi.com agrees; long context as on ${OPENAI_PAGE}/gpt-6.2-sol`,
  ),
  entry(
    'openai',
    'gpt-6.2-sol',
    [
      {
        rates: rates('2', '0.1', '10', { cache_write_mtok: '2.5', ...SEARCH }),
        tiers: above272k('4', '0.2', '5', '15'),
      },
    ],
    `${OPENAI_PAGE}/gpt-6.2-sol`,
  ),
];

const SEARCH_PREVIEW = entry(
  'openai',
  'gpt-4o-mini-search-preview',
  [{ rates: rates('0.15', '0.075', '0.6', { web_searches_k: '25' }) }],
  'OpenAI pricing page: web search preview at 25 USD per thousand calls; LiteLLM 1.109.1 agrees',
  ['gpt-4o-mini-search-preview-2025-03-11'],
);

/** Prices that rise on a day the vendor has named. */
function introductory(
  model: string,
  until: string,
  first: Rates,
  then: Rates,
  aliases: string[] = [],
): OverlayEntry {
  return entry(
    'google',
    model,
    [
      { to: until, rates: first },
      { from: until, rates: then },
    ],
    `${GEMINI_PAGE}: introductory rates; genai-prices 0.2.3 agrees`,
    aliases,
  );
}

const NEW_YEAR = '2027-01-01T00:00:00Z';
const GROUNDING: Rates = { web_searches_k: '14' };

const GOOGLE: readonly OverlayEntry[] = [
  introductory('gemini-3.8-flash-tts', NEW_YEAR, rates('0.5', null, '9'), rates('1', null, '18')),
  introductory('gemini-3.8-flash-lite-tts', NEW_YEAR, rates('0.5', null, '6'), rates('1', null, '12')),
  introductory(
    'gemini-4-argon',
    '2026-12-01T00:00:00Z',
    rates('2', '0.1', '10', GROUNDING),
    rates('4', '0.2', '20', GROUNDING),
  ),
  introductory('gemini-robotics-er-2-preview', NEW_YEAR, rates('1', '0.1', '5'), rates('2', '0.2', '10')),
];

const MISTRAL: readonly OverlayEntry[] = [
  entry(
    'mistral_ai',
    'mistral-large-4',
    [
      { to: '2026-10-20T00:00:00Z', rates: rates('0.68', '0.07', '2.09') },
      { from: '2026-10-20T00:00:00Z', to: '2026-10-29T00:00:00Z', rates: rates('1.36', '0.14', '4.18') },
      { from: '2026-10-29T00:00:00Z', rates: rates('0.7', '0.07', '2.1') },
    ],
    'docs.mistral.ai/inference/pricing by genai-prices 0.2.3; LiteLLM 1.109.1 stops at the list price of 20 October',
    ['mistral-large-4-0'],
  ),
  entry(
    'mistral_ai',
    'mistral-small-latest',
    [{ from: '2026-03-16T00:00:00Z', rates: rates('0.15', '0.015', '0.6') }],
    'the alias moved to Small 4 with its release: genai-prices 0.2.3 and LiteLLM 1.109.1 agree',
  ),
  entry(
    'mistral_ai',
    'voxtral-small-24b-2507',
    [],
    'docs.mistral.ai/inference/pricing: other names of the model',
    ['voxtral-small-2507', 'voxtral-small-latest'],
  ),
];

const GROK_LONG: readonly ContextTier[] = [
  { above: 200_000, inclusive: true, rates: rates('2.5', '0.4', '5') },
];
const GROK_LONG_BEFORE: readonly ContextTier[] = [
  { above: 200_000, inclusive: true, rates: rates('4', '0.4', '12') },
];
const GROK_CUT = '2026-04-30T00:00:00Z';

function grok420(model: string, aliases: readonly string[]): OverlayEntry {
  return entry(
    'x_ai',
    model,
    [
      { to: GROK_CUT, rates: rates('2', '0.2', '6'), tiers: GROK_LONG_BEFORE },
      { from: GROK_CUT, rates: rates('1.25', '0.2', '2.5'), tiers: GROK_LONG },
    ],
    `${XAI_PAGE}; the cut of 2026-04-30 by genai-prices 0.2.3`,
    aliases,
  );
}

const XAI: readonly OverlayEntry[] = [
  entry(
    'x_ai',
    'grok-4.7',
    [
      {
        rates: rates('2', '0.5', '6'),
        tiers: [{ above: 200_000, inclusive: true, rates: rates('4', '1', '12') }],
      },
    ],
    `${XAI_PAGE}; LiteLLM 1.109.1 and genai-prices 0.2.3 agree`,
    ['grok-4.7-latest'],
  ),
  grok420('grok-4.20', [
    'grok-4.20-0309',
    'grok-4.20-0309-reasoning',
    'grok-4.20-0309-non-reasoning',
    'grok-4.20-reasoning',
    'grok-4.20-non-reasoning',
    'grok-4.20-beta-0309-reasoning',
    'grok-4.20-beta-0309-non-reasoning',
  ]),
  grok420('grok-4.20-multi-agent', ['grok-4.20-multi-agent-0309', 'grok-4.20-multi-agent-beta-0309']),
];

const REALTIME_2: Rates = {
  input_mtok: '4',
  cache_read_mtok: '0.4',
  output_mtok: '24',
  input_audio_mtok: '32',
  cache_read_audio_mtok: '0.4',
  output_audio_mtok: '64',
  input_image_mtok: '5',
};
const REALTIME_MINI: Rates = {
  input_mtok: '0.6',
  cache_read_mtok: '0.06',
  output_mtok: '2.4',
  input_audio_mtok: '10',
  cache_read_audio_mtok: '0.3',
  output_audio_mtok: '20',
  input_image_mtok: '0.8',
};

function image(model: string, usd: string, aliases: readonly string[] = []): OverlayEntry {
  return entry(
    'google',
    model,
    [{ rates: { per_image: usd } }],
    'LiteLLM map of 2026-08-01; Portkey agrees',
    aliases,
  );
}

/** Models that make images at a price by size and quality, which no attribute tells: known, and without a price. */
function bySize(seller: string, model: string, aliases: readonly string[] = []): OverlayEntry {
  return entry(
    seller,
    model,
    [{ rates: {} }],
    `price page of ${seller}: by size and quality of the image`,
    aliases,
  );
}

const IMAGES: readonly OverlayEntry[] = [
  image('imagen-3.0-generate-002', '0.04', ['imagen-3.0-capability-001']),
  image('imagen-4.0-generate-001', '0.04', ['imagen-4.0-generate-preview-06-06']),
  image('imagen-4.0-fast-generate-001', '0.02', ['imagen-4.0-fast-generate-preview-06-06']),
  image('imagen-4.0-ultra-generate-001', '0.06', ['imagen-4.0-ultra-generate-preview-06-06']),
  bySize('openai', 'dall-e-2'),
  bySize('openai', 'dall-e-3'),
  bySize('azure', 'dall-e-3'),
  bySize('aws.bedrock', 'amazon.nova-canvas-v1:0'),
  bySize('aws.bedrock', 'amazon.titan-image-generator-v2:0', ['amazon.titan-image-generator-v1']),
];

const NEW_TABLES = 'LiteLLM 1.109.1 and genai-prices 0.2.3 agree against the base';

function azure(model: string, input: string, output: string): OverlayEntry {
  return entry('azure', model, [{ rates: rates(input, null, output) }], `prices.azure.com: ${NEW_TABLES}`);
}

const RESELLERS: readonly OverlayEntry[] = [
  azure('phi-3-medium-128k-instruct', '0.17', '0.68'),
  azure('phi-3-mini-128k-instruct', '0.13', '0.52'),
  azure('phi-4', '0.125', '0.5'),
  azure('phi-4-mini-instruct', '0.075', '0.3'),
  azure('phi-4-multimodal-instruct', '0.08', '0.32'),
  entry(
    'azure',
    'deepseek-r1',
    [{ rates: rates('1.35', null, '5.4') }],
    'prices.azure.com by LiteLLM of August and 1.109.1; Portkey has 7.08, which is no price of Azure',
  ),
  entry(
    'azure',
    'o4-mini',
    [{ rates: rates('1.1', '0.275', '4.4') }],
    `the base rounds cached input to 0.28: ${NEW_TABLES}`,
  ),
  entry(
    'fireworks_ai',
    'gpt-oss-120b',
    [{ from: '2026-10-19T00:00:00Z', rates: rates('0.15', '0.015', '0.6') }],
    NEW_TABLES,
  ),
  entry(
    'fireworks_ai',
    'kimi-k3-us',
    [{ from: '2026-09-01T00:00:00Z', rates: rates('4.5', '0.45', '22.5') }],
    NEW_TABLES,
  ),
];

const REALTIME: readonly OverlayEntry[] = ['gpt-realtime-2.1', 'gpt-realtime-2.1-mini'].map((model) =>
  entry(
    'openai',
    model,
    [{ rates: model.endsWith('mini') ? REALTIME_MINI : REALTIME_2 }],
    `${OPENAI_PAGE}: an entry of its own, since its regional premium is; LiteLLM 1.109.1 agrees`,
  ),
);

/** Models whose prices have changed, or are about to, on days that are known. */
export const DATED_ENTRIES: readonly OverlayEntry[] = [
  ...OPENAI,
  SEARCH_PREVIEW,
  ...REALTIME,
  ...GOOGLE,
  ...MISTRAL,
  ...XAI,
  ...RESELLERS,
  ...IMAGES,
];

function tiers(values: readonly string[], multiply: string): Modifier[] {
  return values.map((value) => ({ condition: 'tier', value, multiply }));
}

/** Conditions of the models above, and rules of their vendors that no table states per model. */
export const DATED_PATCHES: readonly OverlayPatch[] = [
  {
    sellers: ['openai'],
    models: ['gpt-6.2-*'],
    modifiers: [...tiers(['batch'], '0.5'), ...tiers(['priority', 'fast'], '2')],
    source: `${OPENAI_PAGE}/gpt-6.2-sol: batch half, fast mode twice the standard rates; docs.apiyi.com agrees for Astra`,
    reviewed: REVIEWED,
  },
  {
    sellers: ['openai'],
    models: ['gpt-6.2-sol'],
    modifiers: [
      { condition: 'tier', value: 'ultrafast', multiply: '3', to: '2027-03-01T00:00:00Z' },
      { condition: 'tier', value: 'ultrafast', multiply: '6', from: '2027-03-01T00:00:00Z' },
    ],
    source: `${OPENAI_PAGE}/gpt-6.2-sol: ultrafast three times the standard rates until the end of February 2027, then six`,
    reviewed: REVIEWED,
  },
  {
    sellers: ['openai', 'azure'],
    models: ['gpt-image-1', 'gpt-image-1-mini', 'gpt-image-2'],
    derive: { rate: 'output_image_mtok', of: 'output_mtok', times: '1' },
    source: 'their output is images alone, at the one output rate of the model; LiteLLM 1.109.1 agrees',
    reviewed: REVIEWED,
  },
  {
    sellers: ['openai', 'azure'],
    models: ['gpt-4o-mini-tts'],
    derive: { rate: 'output_audio_mtok', of: 'output_mtok', times: '1' },
    source: 'its output is audio alone, at 12 USD per million tokens; LiteLLM 1.109.1 agrees on audio tokens',
    reviewed: REVIEWED,
  },
  {
    sellers: ['google'],
    models: [
      'gemini-1.5-pro',
      'gemini-1.5-flash',
      'gemini-2.5-pro',
      'gemini-3-pro-preview',
      'gemini-3.1-pro-preview',
      'gemini-3.5-flash',
      'gemini-3.6-flash',
      'gemini-3.7-flash',
      'gemini-3.8-flash',
      'gemini-4-argon',
      'gemini-robotics-er-2-preview',
    ],
    derive: { rate: 'input_audio_mtok', of: 'input_mtok', times: '1' },
    source: `${GEMINI_PAGE}: one input price for text, image, video and audio`,
    reviewed: REVIEWED,
  },
  {
    sellers: ['google'],
    models: ['gemini-*-tts', 'gemini-*-preview-tts'],
    derive: { rate: 'output_audio_mtok', of: 'output_mtok', times: '1' },
    source: `${GEMINI_PAGE}: their output is audio alone`,
    reviewed: REVIEWED,
  },
  {
    sellers: ['x_ai'],
    models: ['grok-*'],
    modifiers: [{ condition: 'region', value: 'us', multiply: '1.1' }],
    source: `${XAI_PAGE}: token usage of the US regional endpoint at 1.1 times the global rates`,
    reviewed: REVIEWED,
  },
  {
    sellers: ['x_ai'],
    models: ['grok-4*', 'grok-3*', 'grok-build*', 'grok-code*'],
    rates: { web_searches_k: '5' },
    source: `${XAI_PAGE}: web and X search at 5 USD per thousand calls`,
    reviewed: REVIEWED,
  },
  {
    sellers: ['x_ai'],
    models: ['grok-4.3', 'grok-4.20', 'grok-4.20-multi-agent', 'grok-4.7'],
    modifiers: tiers(['batch'], '0.8'),
    source: `${XAI_PAGE}, batch: 20 % off all tokens; LiteLLM 1.109.1 and genai-prices 0.2.3 agree`,
    reviewed: REVIEWED,
  },
  {
    sellers: ['x_ai'],
    models: ['grok-4-fast-*', 'grok-4-1-fast-*'],
    tiers: [{ above: 128_000, inclusive: true, rates: { input_mtok: '0.4', output_mtok: '1' } }],
    source: `LiteLLM map of 2026-08-01; the base has the tier on OpenRouter; the bound as ${XAI_PAGE} words its others`,
    reviewed: REVIEWED,
  },
  {
    sellers: ['x_ai'],
    models: ['grok-4-0709'],
    tiers: [{ above: 128_000, inclusive: true, rates: { input_mtok: '6', output_mtok: '30' } }],
    source: `LiteLLM map of 2026-08-01; the bound as ${XAI_PAGE} words its others`,
    reviewed: REVIEWED,
  },
  {
    sellers: ['openai'],
    models: ['ft:gpt-4o'],
    modifiers: [
      {
        condition: 'tier',
        value: 'batch',
        rates: { input_mtok: '2.225', cache_read_mtok: '0.9', output_mtok: '12.5' },
      },
    ],
    source:
      'OpenAI pricing page, fine-tuned models, Batch, by LiteLLM 1.109.1: not the half that other models pay',
    reviewed: REVIEWED,
  },
  {
    sellers: ['mistral_ai'],
    models: ['*'],
    modifiers: tiers(['batch'], '0.5'),
    source:
      'docs.mistral.ai, batch inference: half of the standard rates; genai-prices 0.2.3 agrees per model',
    reviewed: REVIEWED,
  },
];
