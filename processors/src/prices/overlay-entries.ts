import type { OverlayEntry } from '../overlay-entry.ts';
import type { PricePeriod, Rates, TimeWindow } from '../price-entry.ts';

const REVIEWED = '2026-11-20';
const DEEPSEEK_PAGE = 'api-docs.deepseek.com/quick_start/pricing';
const WEEKDAYS: readonly number[] = [1, 2, 3, 4, 5];

/** Weekdays without peak hours: holidays of mainland China, which the vendor has named since October 2026. */
const CHINESE_HOLIDAYS: readonly string[] = [
  '2026-10-01',
  '2026-10-02',
  '2026-10-05',
  '2026-10-06',
  '2026-10-07',
];

/** DeepSeek's peak hours, 9 to 12 and 14 to 18 in Beijing. */
function peak(rates: Rates, days?: readonly number[]): TimeWindow[] {
  const when = days === undefined ? {} : { days, except: CHINESE_HOLIDAYS };
  return [
    { ...when, from: '01:00', to: '04:00', rates },
    { ...when, from: '06:00', to: '10:00', rates },
  ];
}

const V4_FLASH: Rates = { input_mtok: '0.14', cache_read_mtok: '0.0028', output_mtok: '0.28' };
const V4_FLASH_AUGUST: Rates = { input_mtok: '0.22', cache_read_mtok: '0.007', output_mtok: '0.66' };
const V4_FLASH_AUGUST_PEAK: Rates = { input_mtok: '0.44', cache_read_mtok: '0.014', output_mtok: '1.32' };
const FLASH: Rates = { input_mtok: '0.15', cache_read_mtok: '0.003', output_mtok: '0.60' };
const FLASH_PEAK: Rates = { input_mtok: '0.30', cache_read_mtok: '0.006', output_mtok: '1.20' };
const V4_PRO: Rates = { input_mtok: '0.435', cache_read_mtok: '0.003625', output_mtok: '0.87' };
const V4_PRO_AUGUST: Rates = { input_mtok: '0.66', cache_read_mtok: '0.022', output_mtok: '1.98' };
const V4_PRO_AUGUST_PEAK: Rates = { input_mtok: '1.32', cache_read_mtok: '0.044', output_mtok: '3.96' };
const V3: Rates = { input_mtok: '0.27', cache_read_mtok: '0.07', output_mtok: '1.10' };
const R1: Rates = { input_mtok: '0.55', cache_read_mtok: '0.14', output_mtok: '2.19' };
const V3_1: Rates = { input_mtok: '0.56', cache_read_mtok: '0.07', output_mtok: '1.68' };
const V3_2: Rates = { input_mtok: '0.28', cache_read_mtok: '0.028', output_mtok: '0.42' };

/** Peak prices began with the change of 16 August 2026, on every day at first, on weekdays a week later. */
const AUGUST_2026 = '2026-08-16T16:00:00Z';
const WEEKENDS_FREE = '2026-08-22T16:00:00Z';
const V4_1_FLASH = '2026-09-10T04:00:00Z';
const V4_LAUNCH = '2026-04-24T00:00:00Z';

const FLASH_SINCE_AUGUST: readonly PricePeriod[] = [
  { from: AUGUST_2026, to: WEEKENDS_FREE, rates: V4_FLASH_AUGUST, windows: peak(V4_FLASH_AUGUST_PEAK) },
  {
    from: WEEKENDS_FREE,
    to: V4_1_FLASH,
    rates: V4_FLASH_AUGUST,
    windows: peak(V4_FLASH_AUGUST_PEAK, WEEKDAYS),
  },
  { from: V4_1_FLASH, rates: FLASH, windows: peak(FLASH_PEAK, WEEKDAYS) },
];

/** Before V4 the two names had prices of their own until V3.1 joined them. */
function legacy(first: Rates): PricePeriod[] {
  return [
    { from: '2025-02-08T16:00:00Z', to: '2025-02-26T16:30:00Z', rates: first },
    { from: '2025-09-05T16:00:00Z', to: '2025-09-29T10:00:00Z', rates: V3_1 },
    { from: '2025-09-29T10:00:00Z', to: V4_LAUNCH, rates: V3_2 },
    { from: V4_LAUNCH, to: AUGUST_2026, rates: V4_FLASH },
    ...FLASH_SINCE_AUGUST,
  ];
}

const DEEPSEEK: readonly OverlayEntry[] = [
  {
    seller: 'deepseek',
    model: 'deepseek-flash',
    periods: [{ from: V4_1_FLASH, rates: FLASH, windows: peak(FLASH_PEAK, WEEKDAYS) }],
    source: `${DEEPSEEK_PAGE}, copy of 2026-11-15; in force since 2026-09-10T04:00Z`,
    reviewed: REVIEWED,
  },
  {
    seller: 'deepseek',
    model: 'deepseek-v4-flash',
    periods: [{ to: AUGUST_2026, rates: V4_FLASH }, ...FLASH_SINCE_AUGUST],
    source: `${DEEPSEEK_PAGE}: served and billed as deepseek-flash; Portkey-AI/models#900 for August`,
    reviewed: REVIEWED,
  },
  {
    seller: 'deepseek',
    model: 'deepseek-v4-pro',
    periods: [
      { to: AUGUST_2026, rates: V4_PRO },
      { from: AUGUST_2026, to: WEEKENDS_FREE, rates: V4_PRO_AUGUST, windows: peak(V4_PRO_AUGUST_PEAK) },
      { from: WEEKENDS_FREE, rates: V4_PRO_AUGUST, windows: peak(V4_PRO_AUGUST_PEAK, WEEKDAYS) },
    ],
    source: `${DEEPSEEK_PAGE}, copy of 2026-11-15`,
    reviewed: REVIEWED,
  },
  {
    seller: 'deepseek',
    model: 'deepseek-chat',
    periods: legacy(V3),
    source: `${DEEPSEEK_PAGE}; LiteLLM map of 2026-02-27; the base stops at the rates of early 2025`,
    reviewed: REVIEWED,
  },
  {
    seller: 'deepseek',
    model: 'deepseek-reasoner',
    periods: legacy(R1),
    source: `${DEEPSEEK_PAGE}; LiteLLM map of 2026-02-27; the base stops at the rates of early 2025`,
    reviewed: REVIEWED,
  },
];

const ANTHROPIC_PAGE = 'platform.claude.com/docs/en/about-claude/pricing';
const SEARCH: Rates = { web_searches_k: '10' };

function claude(model: string, rates: Rates, extra: Partial<PricePeriod> = {}): OverlayEntry {
  return {
    seller: 'anthropic',
    model,
    periods: [{ rates: { ...rates, ...SEARCH }, ...extra }],
    source: `${ANTHROPIC_PAGE}; synaps 0.10.2 price table (docs.rs, checked 2026-10-10)`,
    reviewed: REVIEWED,
  };
}

const HAIKU_5_5_LONG: Rates = {
  input_mtok: '0.50',
  cache_read_mtok: '0.05',
  cache_write_mtok: '0.625',
  cache_write_1h_mtok: '1.00',
  output_mtok: '2.50',
};

const ANTHROPIC: readonly OverlayEntry[] = [
  claude('claude-sonnet-5-5', {
    input_mtok: '2',
    cache_read_mtok: '0.10',
    cache_write_mtok: '2.50',
    cache_write_1h_mtok: '4',
    output_mtok: '10',
  }),
  claude(
    'claude-haiku-5-5',
    {
      input_mtok: '0.10',
      cache_read_mtok: '0.01',
      cache_write_mtok: '0.125',
      cache_write_1h_mtok: '0.20',
      output_mtok: '0.50',
    },
    { tiers: [{ above: 100_000, rates: HAIKU_5_5_LONG }] },
  ),
  claude('claude-mythos-5-1', {
    input_mtok: '10',
    cache_read_mtok: '0.25',
    cache_write_mtok: '12.50',
    cache_write_1h_mtok: '20',
    output_mtok: '50',
  }),
  claude('claude-mythos-5', {
    input_mtok: '10',
    cache_read_mtok: '1',
    cache_write_mtok: '12.50',
    cache_write_1h_mtok: '20',
    output_mtok: '50',
  }),
];

function openai(
  model: string,
  periods: readonly PricePeriod[],
  source: string,
  aliases: string[] = [],
): OverlayEntry {
  return { seller: 'openai', model, aliases, periods, source, reviewed: REVIEWED };
}

const LITELLM = 'LiteLLM map of 2026-08-01';
const AUDIO_TEXT: Rates = { input_mtok: '2.5', output_mtok: '10' };

const OPENAI: readonly OverlayEntry[] = [
  openai(
    'o3',
    [
      {
        to: '2025-06-10T00:00:00Z',
        rates: { input_mtok: '10', cache_read_mtok: '2.5', output_mtok: '40', web_searches_k: '10' },
      },
    ],
    'LiteLLM map of 2025-06-04: cached input was 2.5 before the cut',
  ),
  openai(
    'gpt-4o-audio-preview',
    [
      {
        to: '2024-12-17T00:00:00Z',
        rates: { ...AUDIO_TEXT, input_audio_mtok: '100', output_audio_mtok: '200' },
      },
      {
        from: '2024-12-17T00:00:00Z',
        rates: { ...AUDIO_TEXT, input_audio_mtok: '40', output_audio_mtok: '80' },
      },
    ],
    `${LITELLM}: 40/80; Portkey keeps the launch price 100/200`,
    ['gpt-4o-audio-preview-2024-12-17', 'gpt-4o-audio-preview-2025-06-03'],
  ),
  openai(
    'gpt-4o-audio-preview-2024-10-01',
    [{ rates: { ...AUDIO_TEXT, input_audio_mtok: '100', output_audio_mtok: '200' } }],
    'Portkey-AI/models of 2026-08-21: launch price of the first snapshot',
  ),
  openai('tts-1', [{ rates: { input_mchar: '15' } }], `${LITELLM}; openlit pricing.json`, ['tts-1-1106']),
  openai('tts-1-hd', [{ rates: { input_mchar: '30' } }], LITELLM, ['tts-1-hd-1106']),
  openai('omni-moderation', [{ free: true, rates: {} }], 'OpenAI: the moderation endpoint is free', [
    'omni-moderation-latest',
    'omni-moderation-2024-09-26',
    'text-moderation-latest',
    'text-moderation-stable',
    'text-moderation-007',
  ]),
  openai('ft:gpt-4.1', [{ rates: { input_mtok: '3', cache_read_mtok: '0.75', output_mtok: '12' } }], LITELLM),
  openai(
    'ft:gpt-4.1-mini',
    [{ rates: { input_mtok: '0.8', cache_read_mtok: '0.2', output_mtok: '3.2' } }],
    LITELLM,
  ),
  openai(
    'ft:gpt-4.1-nano',
    [{ rates: { input_mtok: '0.2', cache_read_mtok: '0.05', output_mtok: '0.8' } }],
    LITELLM,
  ),
  openai('ft:o4-mini', [{ rates: { input_mtok: '4', cache_read_mtok: '1', output_mtok: '16' } }], LITELLM),
];

const NOVA: readonly OverlayEntry[] = [
  {
    seller: 'aws.bedrock',
    model: 'amazon.titan-embed-text-v2:0',
    periods: [{ rates: { input_mtok: '0.02' } }],
    source: `${LITELLM}; the base has v1 only, at five times the price`,
    reviewed: REVIEWED,
  },
];

const OTHERS: readonly OverlayEntry[] = [
  {
    seller: 'mistral_ai',
    model: 'mistral-large-latest',
    periods: [
      { to: '2025-12-02T00:00:00Z', rates: { input_mtok: '2', output_mtok: '6' } },
      {
        from: '2025-12-02T00:00:00Z',
        rates: { input_mtok: '0.5', cache_read_mtok: '0.05', output_mtok: '1.5' },
      },
    ],
    source: `the alias moved to Large 3 (2512) with its release; ${LITELLM}, Portkey and models.dev agree`,
    reviewed: REVIEWED,
  },
  {
    seller: 'google',
    model: 'gemini-flash-1.5-8b',
    aliases: ['gemini-1.5-flash-8b', 'gemini-1.5-flash-8b-latest', 'gemini-1.5-flash-8b-exp-0827'],
    periods: [],
    source: 'the base has the model under its OpenRouter name only',
    reviewed: REVIEWED,
  },
  {
    seller: 'google',
    model: 'gemini-2.5-pro',
    aliases: [
      'gemini-2.5-pro-latest',
      'gemini-2.5-pro-preview',
      'gemini-2.5-pro-preview-03-25',
      'gemini-2.5-pro-preview-05-06',
      'gemini-2.5-pro-preview-06-05',
    ],
    periods: [],
    source: 'names that the base covers by a pattern',
    reviewed: REVIEWED,
  },
  {
    seller: 'groq',
    model: 'gpt-oss-safeguard-20b',
    aliases: ['openai/gpt-oss-safeguard-20b'],
    periods: [{ rates: { input_mtok: '0.075', cache_read_mtok: '0.037', output_mtok: '0.3' } }],
    source: `pydantic/genai-prices#701; ${LITELLM}`,
    reviewed: REVIEWED,
  },
];

/** Names that the base covers by a pattern, which we do not take over. */
function alsoCalled(seller: string, model: string, aliases: readonly string[]): OverlayEntry {
  return {
    seller,
    model,
    aliases,
    periods: [],
    source: 'names that the base covers by a pattern',
    reviewed: REVIEWED,
  };
}

const NAMES: readonly OverlayEntry[] = [
  alsoCalled('anthropic', 'claude-3-5-sonnet', ['claude-3-5-sonnet-latest']),
  alsoCalled('openai', 'computer-use', ['computer-use-preview']),
  alsoCalled('openai', 'ft:gpt-3.5-turbo', [
    'ft:gpt-3.5-turbo-0125',
    'ft:gpt-3.5-turbo-1106',
    'ft:gpt-3.5-turbo-0613',
  ]),
  alsoCalled('google', 'gemini-2.5-flash-lite', [
    'gemini-2.5-flash-lite-preview-06-17',
    'gemini-2.5-flash-lite-preview-09-2025',
  ]),
  alsoCalled('google', 'gemini-1.5-flash', ['gemini-1.5-flash-latest']),
  alsoCalled('google', 'gemini-1.5-pro', ['gemini-1.5-pro-latest']),
  alsoCalled('mistral_ai', 'magistral-medium', [
    'magistral-medium-2506',
    'magistral-medium-2507',
    'magistral-medium-2509',
    'magistral-medium-latest',
  ]),
  alsoCalled('mistral_ai', 'magistral-small', [
    'magistral-small-2506',
    'magistral-small-2507',
    'magistral-small-2509',
    'magistral-small-latest',
  ]),
];

/** Models that the base lacks or has wrong, with the periods that go before the base's. */
export const OVERLAY_ENTRIES: readonly OverlayEntry[] = [
  ...DEEPSEEK,
  ...ANTHROPIC,
  ...OPENAI,
  ...NOVA,
  ...OTHERS,
  ...NAMES,
];
