import { calcPrice } from '@pydantic/genai-prices';
import {
  createAttribution,
  createCost,
  createCountOnce,
  createNormalizer,
  createPriceBook,
  priceUsage,
} from '@spanmeter/processors';
import type { CallProcessor, GenAiSpan, PriceRequest, SpanGroup } from '@spanmeter/processors';

const MODELS: readonly (readonly [string, string])[] = [
  ['openai', 'gpt-4o'],
  ['openai', 'gpt-4o-mini-2024-07-18'],
  ['openai', 'gpt-5'],
  ['openai', 'o3'],
  ['openai', 'text-embedding-3-large'],
  ['anthropic', 'claude-sonnet-4-5-20250929'],
  ['anthropic', 'claude-haiku-4-5'],
  ['gcp.gemini', 'gemini-2.5-flash'],
  ['aws.bedrock', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'],
  ['groq', 'llama-3.3-70b-versatile'],
];
const RECEIVED_MS = Date.UTC(2026, 10, 20, 12);
const SPANS_PER_REQUEST = 512;
const ROUNDS = 7;

/** CPU milliseconds of this process: on a shared machine its wall clock says more about the others. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Calls per CPU-second of `work`, which does `calls` of them: median and spread after a warm-up. */
function rateOf(calls: number, work: () => void): { median: number; min: number; max: number } {
  work();
  work();
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = cpuMs();
    work();
    rates.push(Math.round((calls / Math.max(cpuMs() - before, 0.001)) * 1000));
  }
  rates.sort((a, b) => a - b);
  return { median: rates[ROUNDS >> 1] ?? 0, min: rates[0] ?? 0, max: rates[ROUNDS - 1] ?? 0 };
}

function modelAt(index: number): readonly [string, string] {
  return MODELS[index % MODELS.length] ?? ['openai', 'gpt-4o'];
}

function requests(count: number): PriceRequest[] {
  return Array.from({ length: count }, (_, i) => {
    const [provider, model] = modelAt(i);
    const tokens = { input: String(1000 + (i % 977)), output: String(100 + (i % 77)) };
    return {
      provider,
      responseModel: model,
      requestModel: model,
      usage: model.startsWith('text-embedding') ? { input: tokens.input } : { ...tokens, cache_read: '64' },
      conditions: {},
      atMicros: BigInt(RECEIVED_MS + i) * 1000n,
    };
  });
}

function spanAt(index: number, resource: ReadonlyMap<string, string>): GenAiSpan {
  const [provider, model] = modelAt(index);
  const start = BigInt(RECEIVED_MS) * 1_000_000n + BigInt(index);
  return {
    traceId: (index * 7919).toString(16).padStart(32, '0'),
    spanId: (index + 1).toString(16).padStart(16, '0'),
    parentSpanId: null,
    name: `chat ${model}`,
    kind: 3,
    startUnixNano: start,
    endUnixNano: start + 750_000_000n,
    statusCode: 0,
    traceState: '',
    attributes: new Map<string, string | number | readonly string[]>([
      ['gen_ai.operation.name', model.startsWith('text-embedding') ? 'embeddings' : 'chat'],
      ['gen_ai.provider.name', provider],
      ['gen_ai.request.model', model],
      ['gen_ai.response.model', model],
      ['gen_ai.response.id', `resp_${index}`],
      ['gen_ai.usage.input_tokens', 1000 + (index % 977)],
      ['gen_ai.usage.output_tokens', model.startsWith('text-embedding') ? 0 : 100 + (index % 77)],
      ['gen_ai.response.finish_reasons', ['stop']],
      ['user.id', `u${index % 1000}`],
      ['session.id', `s${index % 5000}`],
    ]),
    resource,
    scope: { name: '@opentelemetry/instrumentation-openai', version: '0.22.0' },
    oversizedAttributes: 0,
  };
}

function groups(count: number): SpanGroup[] {
  return Array.from({ length: count }, (_, g) => {
    const resource = new Map([
      ['service.name', `service-${g % 40}`],
      ['deployment.environment.name', 'production'],
      ['tenant.id', `tenant-${g % 100}`],
    ]);
    const spans = Array.from({ length: SPANS_PER_REQUEST }, (_span, i) =>
      spanAt(g * SPANS_PER_REQUEST + i, resource),
    );
    const context = {
      receivedUnixMs: RECEIVED_MS,
      role: 'open',
      tenant: null,
      declaredTenant: null,
      keyId: null,
      team: null,
    } as const;
    return { context, spans, calls: [], rejections: [] };
  });
}

function chain(): readonly CallProcessor[] {
  return [
    createNormalizer(),
    createAttribution({ teams: [{ service: 'service-1*', team: 'first' }] }),
    createCountOnce({ window: { windowMs: 120_000, maxCalls: 50_000 } }),
    createCost(),
  ];
}

/** Measures the price engine beside `calcPrice` of genai-prices, and all processing of spans after decoding. */
export async function benchPrice(): Promise<Record<string, unknown>> {
  const book = createPriceBook();
  const asked = requests(20_000);
  const engine = rateOf(asked.length * 10, () => {
    for (let i = 0; i < 10; i++) for (const request of asked) priceUsage(book, request);
  });

  const usage = { input_tokens: 1064, cache_read_tokens: 64, output_tokens: 100 };
  const rivalCalls = 2000;
  const rival = rateOf(rivalCalls, () => {
    for (let i = 0; i < rivalCalls; i++) {
      const [provider, model] = modelAt(i);
      calcPrice(usage, model, {
        providerId: provider === 'gcp.gemini' ? 'google' : provider.replace('aws.bedrock', 'aws'),
      });
    }
  });

  const steps = chain();
  // More spans than the window of twins holds, so that none meets itself again.
  const batches = groups(160);
  let sequence = 0;
  const processing = rateOf(batches.length * SPANS_PER_REQUEST, () => {
    for (const group of batches) {
      const record = [{ ...group, sequence: ++sequence, calls: [], rejections: [] }];
      for (const step of steps) step(record);
    }
  });

  return {
    unit: 'per CPU-second of one thread',
    price_engine_calls: engine,
    genai_prices_calc_price_calls: rival,
    normalise_attribute_count_price_spans: processing,
  };
}
