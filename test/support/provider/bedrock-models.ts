import type { StandInUsage } from '@spanmeter/collector/dist/demo/providers/behaviour.js';
import type { Exchange, StreamEvent } from '@spanmeter/collector/dist/demo/providers/stand-in.js';

const TEXT = 'A stand-in answers.';

/** Converse counts cached tokens beside the input. */
export function converseUsage(usage: StandInUsage): Record<string, unknown> {
  const written = usage.cacheWrite5m + usage.cacheWrite1h;
  return {
    inputTokens: usage.input,
    outputTokens: usage.output,
    totalTokens: usage.input + usage.cacheRead + written + usage.output,
    cacheReadInputTokens: usage.cacheRead,
    cacheWriteInputTokens: written,
    ...(written === 0
      ? {}
      : {
          cacheDetails: [
            { ttl: '5m', inputTokens: usage.cacheWrite5m },
            { ttl: '1h', inputTokens: usage.cacheWrite1h },
          ],
        }),
  };
}

function novaUsage(usage: StandInUsage): Record<string, unknown> {
  return {
    inputTokens: usage.input,
    outputTokens: usage.output,
    totalTokens: usage.input + usage.output,
    cacheReadInputTokenCount: usage.cacheRead,
    cacheWriteInputTokenCount: usage.cacheWrite5m + usage.cacheWrite1h,
  };
}

function openaiUsage(usage: StandInUsage): Record<string, unknown> {
  return { prompt_tokens: usage.input, completion_tokens: usage.output };
}

/** What the models of one vendor answer, and how they stream it. */
interface Family {
  readonly body: (exchange: Exchange) => unknown;
  readonly chunk?: (text: string, sent: number, exchange: Exchange) => unknown;
  /** Further chunks at the end, where the usage is. */
  readonly last?: (exchange: Exchange) => unknown[];
}

const NOVA: Family = {
  body: ({ usage }) => ({
    output: { message: { role: 'assistant', content: [{ text: TEXT }] } },
    stopReason: 'end_turn',
    usage: novaUsage(usage),
  }),
  chunk: (text) => ({ contentBlockDelta: { delta: { text }, contentBlockIndex: 0 } }),
  last: ({ usage }) => [
    { messageStop: { stopReason: 'end_turn' } },
    { metadata: { usage: novaUsage(usage), metrics: {} } },
  ],
};

const LLAMA: Family = {
  body: ({ usage }) => ({
    generation: TEXT,
    prompt_token_count: usage.input,
    generation_token_count: usage.output,
    stop_reason: 'stop',
  }),
  // The first chunk tells the input; each a growing output.
  chunk: (text, sent, { usage }) => ({
    generation: text,
    prompt_token_count: sent === 1 ? usage.input : null,
    generation_token_count: sent,
    stop_reason: null,
  }),
  last: ({ usage }) => [
    {
      generation: '',
      prompt_token_count: null,
      generation_token_count: usage.output,
      stop_reason: 'length',
    },
  ],
};

const TITAN: Family = {
  body: ({ usage }) => ({
    inputTextTokenCount: usage.input,
    results: [{ tokenCount: usage.output, outputText: TEXT, completionReason: 'FINISH' }],
  }),
  chunk: (text) => ({ outputText: text, index: 0, totalOutputTextTokenCount: null, completionReason: null }),
  last: ({ usage }) => [
    {
      outputText: '',
      inputTextTokenCount: usage.input,
      totalOutputTextTokenCount: usage.output,
      completionReason: 'FINISH',
    },
  ],
};

const TITAN_EMBED: Family = {
  body: ({ usage }) => ({ embedding: [0.1, 0.2], inputTextTokenCount: usage.input }),
};

/** Its bodies tell no usage. */
const COHERE: Family = {
  body: () => ({ response_id: 'r', generation_id: 'g', text: TEXT, finish_reason: 'COMPLETE' }),
  chunk: (text) => ({ event_type: 'text-generation', text, is_finished: false }),
  last: () => [{ event_type: 'stream-end', is_finished: true, finish_reason: 'COMPLETE' }],
};

const COHERE_EMBED: Family = {
  body: () => ({ id: 'e', response_type: 'embeddings_floats', embeddings: [[0.1, 0.2]], texts: ['hi'] }),
};

const RERANK: Family = { body: () => ({ results: [{ index: 0, relevance_score: 0.9 }] }) };

/** The older models of the vendor; its newer ones speak OpenAI's format. */
const MISTRAL: Family = {
  body: () => ({ outputs: [{ text: TEXT, stop_reason: 'stop' }] }),
  chunk: (text) => ({ outputs: [{ text, stop_reason: null }] }),
  last: () => [{ outputs: [{ text: '', stop_reason: 'stop' }] }],
};

const OPENAI: Family = {
  body: ({ usage, number, request }) => ({
    id: `chatcmpl-${number}`,
    model: request.model,
    choices: [{ index: 0, message: { role: 'assistant', content: TEXT }, finish_reason: 'stop' }],
    usage: openaiUsage(usage),
  }),
  chunk: (text) => ({
    id: 'chatcmpl-1',
    choices: [{ index: 0, delta: { content: text }, finish_reason: null }],
  }),
  last: ({ usage }) => [
    {
      id: 'chatcmpl-1',
      choices: [{ index: 0, delta: {}, finish_reason: 'stop' }],
      usage: openaiUsage(usage),
    },
  ],
};

/** By a part of the model's name, the longer first. */
const FAMILIES: readonly (readonly [string, Family])[] = [
  ['nova', NOVA],
  ['llama', LLAMA],
  ['titan-embed', TITAN_EMBED],
  ['titan', TITAN],
  ['cohere.embed', COHERE_EMBED],
  ['rerank', RERANK],
  ['cohere', COHERE],
  ['mistral', MISTRAL],
  ['openai', OPENAI],
];

function familyOf(model: string): Family {
  const found = FAMILIES.find(([part]) => model.includes(part))?.[1];
  if (found === undefined) throw new Error(`the stand-in knows no model ${model}`);
  return found;
}

/** The answer of a model in its vendor's format. */
export function bedrockBody(exchange: Exchange): unknown {
  return familyOf(exchange.request.model).body(exchange);
}

/** The same as a stream; Bedrock adds its own counts to the last chunk. */
export function* bedrockChunks(exchange: Exchange): Generator<StreamEvent> {
  const { usage, behaviour } = exchange;
  const { chunk, last } = familyOf(exchange.request.model);
  for (let sent = 1; sent <= (behaviour.chunks ?? 8); sent += 1) {
    yield { data: chunk?.(`word${sent} `, sent, exchange), content: true };
  }
  const rest = last?.(exchange) ?? [];
  const metrics = {
    'amazon-bedrock-invocationMetrics': {
      inputTokenCount: usage.input,
      outputTokenCount: usage.output,
      invocationLatency: 5,
      firstByteLatency: 1,
    },
  };
  for (const [index, data] of rest.entries()) {
    const isLast = index === rest.length - 1;
    yield { data: isLast ? { ...(data as object), ...metrics } : data, usage: isLast };
  }
}
