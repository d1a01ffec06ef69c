import { SdkInstrumentation, createInstrumentations } from '@spanmeter/instrumentation';
import { NodeTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-node';
import type OpenAI from 'openai';

const CALLS = 300;
const STREAM_CHUNKS = 2000;
const STREAMS = 2;
const ROUNDS = 21;

const MESSAGES = [{ role: 'user' as const, content: 'hi' }];

const COMPLETION = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-4o-2024-08-06',
  choices: [{ index: 0, message: { role: 'assistant', content: 'hello' }, finish_reason: 'stop' }],
  usage: {
    prompt_tokens: 450,
    completion_tokens: 180,
    total_tokens: 630,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  },
  service_tier: 'default',
});

const CHUNK = `data: ${JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'gpt-4o-2024-08-06',
  service_tier: 'default',
  choices: [{ index: 0, delta: { content: 'word ' }, logprobs: null, finish_reason: null }],
})}\n\n`;

/** Spans are made and ended, but go nowhere: what is measured is the instrumentation and the SDK's span. */
const NOWHERE: SpanProcessor = {
  onStart() {},
  onEnd() {},
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};

function client(sdk: typeof OpenAI, body: () => string, type: string): OpenAI {
  return new sdk({
    apiKey: 'sk-bench',
    fetch: () => Promise.resolve(new Response(body(), { headers: { 'content-type': type } })),
  });
}

async function microsPerCall(sdk: typeof OpenAI): Promise<number> {
  const openai = client(sdk, () => COMPLETION, 'application/json');
  const started = performance.now();
  for (let call = 0; call < CALLS; call += 1) {
    await openai.chat.completions.create({ model: 'gpt-4o', messages: MESSAGES });
  }
  return ((performance.now() - started) * 1000) / CALLS;
}

async function microsPerChunk(sdk: typeof OpenAI): Promise<number> {
  const text = CHUNK.repeat(STREAM_CHUNKS);
  const openai = client(sdk, () => text, 'text/event-stream');
  const started = performance.now();
  for (let run = 0; run < STREAMS; run += 1) {
    const stream = await openai.chat.completions.create({
      model: 'gpt-4o',
      messages: MESSAGES,
      stream: true,
    });
    for await (const _ of stream);
  }
  return ((performance.now() - started) * 1000) / (STREAMS * STREAM_CHUNKS);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

interface Comparison {
  readonly bare: number;
  readonly observed: number;
  /** Median of the differences of neighbouring runs. */
  readonly overhead: number;
}

/** Alternates short runs, so that what else the machine does falls on both alike. */
async function compare(
  instrumentation: SdkInstrumentation,
  measure: () => Promise<number>,
): Promise<Comparison> {
  const bare: number[] = [];
  const observed: number[] = [];
  const differences: number[] = [];
  for (let round = -2; round < ROUNDS; round += 1) {
    instrumentation.disable();
    const without = await measure();
    instrumentation.enable();
    const within = await measure();
    // Rounds below zero warm up.
    if (round < 0) continue;
    bare.push(without);
    observed.push(within);
    differences.push(within - without);
  }
  return {
    bare: rounded(median(bare)),
    observed: rounded(median(observed)),
    overhead: rounded(median(differences)),
  };
}

/** Overhead of the instrumentation over the bare `openai` SDK, per call and per stream chunk, in microseconds. */
export async function benchInstrumentation(): Promise<Record<string, unknown>> {
  const provider = new NodeTracerProvider({ spanProcessors: [NOWHERE] });
  provider.register();
  const [instrumentation] = createInstrumentations({ enabled: false });
  if (!(instrumentation instanceof SdkInstrumentation)) throw new Error('no instrumentation of openai');
  instrumentation.setTracerProvider(provider);
  const sdk = await import('openai');
  instrumentation.manuallyInstrument(sdk);
  const perCall = await compare(instrumentation, () => microsPerCall(sdk.OpenAI));
  const perChunk = await compare(instrumentation, () => microsPerChunk(sdk.OpenAI));
  instrumentation.disable();
  return {
    what: 'openai chat completions with a fake fetch; spans made, not exported',
    unit: 'microseconds',
    rounds: ROUNDS,
    perCall: { ...perCall, target: 30 },
    perChunk: { ...perChunk, target: 1 },
  };
}
