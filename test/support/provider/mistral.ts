import {
  sendJson,
  sendStream,
  startStandIn,
  type Exchange,
  type StandIn,
  type StreamEvent,
  type WireFormat,
} from '@spanmeter/collector/dist/demo/providers/stand-in.js';

const CREATED_UNIX = 1_767_225_600;
const DEFAULT_CHUNKS = 8;
/** Tokens that connectors read for a conversation: input beside the prompt. */
const CONNECTOR_TOKENS = 40;

function usageOf({ usage, behaviour }: Exchange): Record<string, unknown> {
  const prompt = usage.input + usage.cacheRead;
  return {
    prompt_tokens: prompt,
    completion_tokens: usage.output,
    total_tokens: prompt + usage.output,
    ...(usage.cacheRead > 0 ? { prompt_tokens_details: { cached_tokens: usage.cacheRead } } : {}),
    ...(behaviour.serviceTier === undefined ? {} : { service_tier: behaviour.serviceTier }),
  };
}

function served(exchange: Exchange, change: Partial<Exchange['usage']> = {}): void {
  const { usage } = exchange;
  exchange.request.usage = { ...usage, cacheWrite5m: 0, cacheWrite1h: 0, reasoning: 0, ...change };
}

const CALL = {
  id: 'call_1',
  type: 'function',
  function: { name: 'lookup', arguments: '{"q":"status"}' },
  index: 0,
};

function modelOf({ request }: Exchange): string {
  return request.model === '' ? 'mistral-medium-2508' : request.model;
}

function completion(exchange: Exchange): unknown {
  const tool = exchange.behaviour.tool === true;
  // Text that is JSON as well, so that an app may have it parsed.
  const message = { role: 'assistant', content: '{"answer":"A stand-in answers."}', tool_calls: null };
  const called = { role: 'assistant', content: '', tool_calls: [CALL] };
  return {
    id: `cmpl-${exchange.number}`,
    object: 'chat.completion',
    created: CREATED_UNIX,
    model: modelOf(exchange),
    choices: [{ index: 0, message: tool ? called : message, finish_reason: tool ? 'tool_calls' : 'stop' }],
    usage: usageOf(exchange),
  };
}

function* completionChunks(exchange: Exchange): Generator<StreamEvent> {
  const chunk = (delta: object, finish_reason: string | null, rest: object = {}): unknown => ({
    id: `cmpl-${exchange.number}`,
    object: 'chat.completion.chunk',
    created: CREATED_UNIX,
    model: modelOf(exchange),
    choices: [{ index: 0, delta, finish_reason }],
    ...rest,
  });
  yield { data: chunk({ role: 'assistant', content: '' }, null) };
  const count = exchange.behaviour.chunks ?? DEFAULT_CHUNKS;
  for (let sent = 1; sent <= count; sent += 1) {
    yield { data: chunk({ content: `word${sent} ` }, null), content: true };
  }
  yield { data: chunk({ content: '' }, 'stop', { usage: usageOf(exchange) }), usage: true };
  yield { data: '[DONE]' };
}

function conversationUsage(exchange: Exchange): Record<string, unknown> {
  const usage = usageOf(exchange);
  const total = Number(usage['total_tokens']) + CONNECTOR_TOKENS;
  // Of a conversation it does not say what was cached.
  delete usage['prompt_tokens_details'];
  return { ...usage, total_tokens: total, connector_tokens: CONNECTOR_TOKENS, connectors: { web_search: 2 } };
}

const ENTRY = { created_at: '2026-11-01T00:00:00Z', completed_at: '2026-11-01T00:00:01Z' };

function conversation(exchange: Exchange): unknown {
  return {
    object: 'conversation.response',
    conversation_id: 'conv_1',
    outputs: [
      {
        type: 'message.output',
        role: 'assistant',
        ...ENTRY,
        model: modelOf(exchange),
        content: 'A stand-in answers.',
      },
    ],
    usage: conversationUsage(exchange),
  };
}

function* conversationEvents(exchange: Exchange): Generator<StreamEvent> {
  const of = (type: string, rest: object): StreamEvent => ({ event: type, data: { type, ...rest } });
  yield of('conversation.response.started', { conversation_id: 'conv_1' });
  const count = exchange.behaviour.chunks ?? DEFAULT_CHUNKS;
  for (let sent = 1; sent <= count; sent += 1) {
    const said = {
      id: 'msg_1',
      output_index: 0,
      content_index: 0,
      role: 'assistant',
      content: `word${sent} `,
    };
    yield { ...of('message.output.delta', { ...said, model: modelOf(exchange) }), content: true };
  }
  yield { ...of('conversation.response.done', { usage: conversationUsage(exchange) }), usage: true };
}

function transcript(exchange: Exchange): Record<string, unknown> {
  const usage = { ...usageOf(exchange), prompt_audio_seconds: 83 };
  return { model: exchange.request.model, text: 'A stand-in answers.', segments: [], language: 'en', usage };
}

function* transcriptEvents(exchange: Exchange): Generator<StreamEvent> {
  const of = (type: string, rest: object): StreamEvent => ({ event: type, data: { type, ...rest } });
  const count = exchange.behaviour.chunks ?? DEFAULT_CHUNKS;
  for (let sent = 1; sent <= count; sent += 1) {
    yield { ...of('transcription.text.delta', { text: `word${sent} ` }), content: true };
  }
  yield { ...of('transcription.done', transcript(exchange)), usage: true };
}

/** Answers what never streams; undefined for another path. */
function other(exchange: Exchange): unknown {
  const { request, number } = exchange;
  switch (request.path) {
    case '/v1/embeddings': {
      served(exchange, { output: 0, cacheRead: 0 });
      const data = [{ object: 'embedding', index: 0, embedding: [0.5, 0.25] }];
      const { input } = exchange.usage;
      const usage = { prompt_tokens: input, completion_tokens: 0, total_tokens: input };
      return { id: `emb-${number}`, object: 'list', model: request.model, data, usage };
    }
    case '/v1/moderations':
      served(exchange, { input: 0, output: 0, cacheRead: 0 });
      return { id: `mod-${number}`, model: request.model, results: [] };
    case '/v1/ocr': {
      served(exchange, { input: 0, output: 0, cacheRead: 0 });
      const usage_info = { pages_processed: 7, doc_size_bytes: 1000 };
      return { pages: [], model: request.model, document_annotation: null, usage_info };
    }
    case '/v1/audio/speech':
      served(exchange, { input: 0, output: 0, cacheRead: 0 });
      exchange.request.charged = { 'spanmeter.usage.input_characters': 30 };
      return { audio_data: 'aGk=' };
    default:
      return undefined;
  }
}

interface Streamed {
  readonly whole: (exchange: Exchange) => unknown;
  readonly events: (exchange: Exchange) => Iterable<StreamEvent>;
  /** What is told, of what there was. */
  readonly told: (usage: Exchange['usage']) => Partial<Exchange['usage']>;
}

function toldOfConversation({ input, cacheRead }: Exchange['usage']): Partial<Exchange['usage']> {
  return { input: input + cacheRead + CONNECTOR_TOKENS, cacheRead: 0 };
}

function streamedOf(path: string): Streamed | undefined {
  if (path.endsWith('/completions')) return { whole: completion, events: completionChunks, told: () => ({}) };
  if (path === '/v1/audio/transcriptions') {
    return { whole: transcript, events: transcriptEvents, told: () => ({}) };
  }
  return path.startsWith('/v1/conversations')
    ? { whole: conversation, events: conversationEvents, told: toldOfConversation }
    : undefined;
}

const FORMAT: WireFormat = {
  asked: (_path, body) => ({
    prompt: JSON.stringify(body['messages'] ?? body['prompt'] ?? body['inputs'] ?? body['input'] ?? ''),
  }),
  async answer(exchange) {
    const streamed = streamedOf(exchange.request.path);
    if (streamed === undefined) {
      const answer = other(exchange);
      if (answer === undefined) return false;
      sendJson(exchange, answer);
      return true;
    }
    served(exchange, streamed.told(exchange.usage));
    if (!exchange.request.stream) sendJson(exchange, streamed.whole(exchange));
    else {
      const error = { object: 'error', message: 'The server had an error', code: 3000 };
      await sendStream(exchange, streamed.events(exchange), { data: error });
    }
    return true;
  },
  error: (status) => ({
    object: 'error',
    message: `The stand-in was asked to answer ${status}`,
    code: status,
  }),
};

/** A local server in the wire format of Mistral. */
export function startMistralStandIn(port = 0): Promise<StandIn> {
  return startStandIn(FORMAT, port);
}
