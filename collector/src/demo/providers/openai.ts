import type { StandInUsage } from './behaviour.ts';
import {
  sendJson,
  sendStream,
  startStandIn,
  type Exchange,
  type StandIn,
  type StreamEvent,
  type WireFormat,
} from './stand-in.ts';

const CREATED_UNIX = 1_767_225_600;
const DEFAULT_CHUNKS = 8;
const MAX_DIMENSIONS = 4096;

/** Aliases answer with a dated model, as the real API does. */
const DATED: Readonly<Record<string, string>> = {
  'gpt-4o': 'gpt-4o-2024-08-06',
  'gpt-4o-mini': 'gpt-4o-mini-2024-07-18',
};

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  404: 'not_found_error',
  429: 'rate_limit_error',
};

/** The usage object of chat completions: cached tokens are inside `prompt_tokens`. */
export function openaiUsage(usage: StandInUsage): Record<string, unknown> {
  const cacheWrite = usage.cacheWrite5m + usage.cacheWrite1h;
  const prompt = usage.input + usage.cacheRead + cacheWrite;
  return {
    prompt_tokens: prompt,
    completion_tokens: usage.output,
    total_tokens: prompt + usage.output,
    prompt_tokens_details: {
      cached_tokens: usage.cacheRead,
      audio_tokens: usage.audioInput,
      ...(cacheWrite > 0 ? { cache_write_tokens: cacheWrite } : {}),
    },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoning,
      audio_tokens: usage.audioOutput,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function servedModel(exchange: Exchange): string {
  return DATED[exchange.request.model] ?? exchange.request.model;
}

const TOOL_CALL = {
  index: 0,
  id: 'call_1',
  type: 'function',
  function: { name: 'lookup', arguments: '{"q":"status"}' },
};

function completion(exchange: Exchange): unknown {
  const { behaviour, number } = exchange;
  const { index: _, ...toolCall } = TOOL_CALL;
  const message =
    behaviour.tool === true
      ? { role: 'assistant', content: null, refusal: null, tool_calls: [toolCall] }
      : { role: 'assistant', content: 'A stand-in answers.', refusal: null };
  return {
    id: `chatcmpl-${number}`,
    object: 'chat.completion',
    created: CREATED_UNIX,
    model: servedModel(exchange),
    choices: [
      { index: 0, message, logprobs: null, finish_reason: behaviour.tool === true ? 'tool_calls' : 'stop' },
    ],
    usage: openaiUsage(exchange.usage),
    service_tier: behaviour.serviceTier ?? 'default',
    system_fingerprint: 'fp_stand_in',
  };
}

function* completionChunks(exchange: Exchange): Generator<StreamEvent> {
  const { behaviour, body, number, usage } = exchange;
  const options = body['stream_options'] as { include_usage?: boolean } | undefined;
  const wantsUsage = options?.include_usage === true;
  const chunk = (choices: unknown[], extra: object = {}): unknown => ({
    id: `chatcmpl-${number}`,
    object: 'chat.completion.chunk',
    created: CREATED_UNIX,
    model: servedModel(exchange),
    service_tier: behaviour.serviceTier ?? 'default',
    system_fingerprint: 'fp_stand_in',
    choices,
    ...(wantsUsage ? { usage: null } : {}),
    ...extra,
  });
  const delta = (part: object, reason: string | null = null): unknown[] => [
    { index: 0, delta: part, logprobs: null, finish_reason: reason },
  ];
  yield { data: chunk(delta({ role: 'assistant', content: '', refusal: null })) };
  const count = behaviour.chunks ?? DEFAULT_CHUNKS;
  for (let sent = 1; sent <= count; sent += 1) {
    const part =
      behaviour.tool === true && sent === 1 ? { tool_calls: [TOOL_CALL] } : { content: `word${sent} ` };
    const growing = { ...usage, output: Math.ceil((usage.output * sent) / count) };
    const extra = behaviour.cumulativeUsage === true ? { usage: openaiUsage(growing) } : {};
    yield { data: chunk(delta(part), extra), content: true, usage: behaviour.cumulativeUsage === true };
  }
  yield { data: chunk(delta({}, behaviour.tool === true ? 'tool_calls' : 'stop')) };
  if (wantsUsage) yield { data: chunk([], { usage: openaiUsage(usage) }), usage: true };
  yield { data: '[DONE]' };
}

function embeddings(exchange: Exchange): unknown {
  const { body, usage } = exchange;
  exchange.request.usage = { ...usage, output: 0, reasoning: 0 };
  const inputs = Array.isArray(body['input']) ? body['input'] : [body['input']];
  const wanted = typeof body['dimensions'] === 'number' ? body['dimensions'] : 8;
  const vector = Float32Array.from({ length: Math.min(wanted, MAX_DIMENSIONS) }, (_, i) => 1 / (i + 1));
  const embedding =
    body['encoding_format'] === 'base64' ? Buffer.from(vector.buffer).toString('base64') : [...vector];
  return {
    object: 'list',
    data: inputs.map((_, index) => ({ object: 'embedding', index, embedding })),
    model: exchange.request.model,
    usage: { prompt_tokens: usage.input, total_tokens: usage.input },
  };
}

/** What the stand-in speaks; for one that speaks several. */
export const OPENAI_FORMAT: WireFormat = {
  async answer(exchange) {
    switch (exchange.request.path) {
      case '/v1/chat/completions': {
        if (!exchange.request.stream) sendJson(exchange, completion(exchange));
        else {
          const error = { data: { error: { message: 'The server had an error', type: 'server_error' } } };
          await sendStream(exchange, completionChunks(exchange), error);
        }
        return true;
      }
      case '/v1/embeddings':
        sendJson(exchange, embeddings(exchange));
        return true;
      default:
        return false;
    }
  },
  error: (status) => ({
    error: {
      message: `The stand-in was asked to answer ${status}`,
      type: ERROR_TYPES[status] ?? 'server_error',
      param: null,
      code: status === 429 ? 'rate_limit_exceeded' : null,
    },
  }),
};

/** A local server in the wire format of the OpenAI API: chat completions and embeddings under `/v1`. */
export function startOpenaiStandIn(port = 0): Promise<StandIn> {
  return startStandIn(OPENAI_FORMAT, port);
}
