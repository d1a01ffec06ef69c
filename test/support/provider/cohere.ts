import {
  sendChunks,
  sendJson,
  sendStream,
  startStandIn,
  type Exchange,
  type StandIn,
  type StreamEvent,
  type WireFormat,
} from '@spanmeter/collector/dist/demo/providers/stand-in.js';

const DEFAULT_CHUNKS = 8;
/** Tokens that Cohere adds to every prompt and does not bill. */
const PREAMBLE = 66;

/** What is billed, and beside it what was read: more, unless a cache had it. */
function usageOf({ usage }: Exchange): Record<string, unknown> {
  const billed = usage.input + usage.cacheRead;
  return {
    billed_units: { input_tokens: billed, output_tokens: usage.output },
    tokens: {
      input_tokens: usage.cacheRead > 0 ? billed : billed + PREAMBLE,
      output_tokens: usage.output + (usage.cacheRead > 0 ? 0 : 3),
    },
    ...(usage.cacheRead > 0 ? { cached_tokens: usage.cacheRead } : {}),
  };
}

/** Takes what the API does not tell out of what was served. */
function told(exchange: Exchange, only: { input: boolean; output: boolean }): void {
  const { usage } = exchange;
  exchange.request.usage = {
    ...usage,
    cacheWrite5m: 0,
    cacheWrite1h: 0,
    reasoning: 0,
    input: only.input ? usage.input : 0,
    cacheRead: only.input && only.output ? usage.cacheRead : 0,
    output: only.output ? usage.output : 0,
  };
}

const CALL = { id: 'call_1', type: 'function', function: { name: 'lookup', arguments: '{"q":"status"}' } };

function chatV2(exchange: Exchange): unknown {
  const tool = exchange.behaviour.tool === true;
  const said = { role: 'assistant', content: [{ type: 'text', text: 'A stand-in answers.' }] };
  const called = { role: 'assistant', tool_plan: 'Look it up.', tool_calls: [CALL] };
  return {
    id: `chat-${exchange.number}`,
    finish_reason: tool ? 'TOOL_CALL' : 'COMPLETE',
    message: tool ? called : said,
    usage: usageOf(exchange),
  };
}

function* eventsV2(exchange: Exchange): Generator<StreamEvent> {
  const start = { type: 'message-start', id: `chat-${exchange.number}` };
  yield { event: 'message-start', data: { ...start, delta: { message: { role: 'assistant' } } } };
  const count = exchange.behaviour.chunks ?? DEFAULT_CHUNKS;
  const content = (type: string, part: object): unknown => ({
    type,
    index: 0,
    delta: { message: { content: part } },
  });
  yield { event: 'content-start', data: content('content-start', { type: 'text', text: '' }) };
  for (let sent = 1; sent <= count; sent += 1) {
    yield {
      event: 'content-delta',
      data: content('content-delta', { text: `word${sent} ` }),
      content: true,
    };
  }
  yield { event: 'content-end', data: { type: 'content-end', index: 0 } };
  const delta = { finish_reason: 'COMPLETE', usage: usageOf(exchange) };
  yield { event: 'message-end', data: { type: 'message-end', delta }, usage: true };
  yield { data: '[DONE]' };
}

function chatV1(exchange: Exchange): Record<string, unknown> {
  return {
    response_id: `response-${exchange.number}`,
    generation_id: `generation-${exchange.number}`,
    text: 'A stand-in answers.',
    finish_reason: 'COMPLETE',
    meta: { api_version: { version: '1' }, ...usageOf(exchange) },
  };
}

function* linesV1(exchange: Exchange): Generator<StreamEvent> {
  const generation_id = `generation-${exchange.number}`;
  yield { data: { event_type: 'stream-start', is_finished: false, generation_id } };
  const count = exchange.behaviour.chunks ?? DEFAULT_CHUNKS;
  for (let sent = 1; sent <= count; sent += 1) {
    const text = { event_type: 'text-generation', is_finished: false, text: `word${sent} ` };
    yield { data: text, content: true };
  }
  const end = { event_type: 'stream-end', is_finished: true, finish_reason: 'COMPLETE' };
  yield { data: { ...end, response: chatV1(exchange) }, usage: true };
}

function sendLines(exchange: Exchange): Promise<void> {
  return sendChunks(exchange, linesV1(exchange), {
    contentType: 'application/stream+json',
    encode: ({ data }) => `${JSON.stringify(data)}\n`,
    errorEvent: { data: { event_type: 'stream-error', is_finished: true, err: 'The server had an error' } },
  });
}

/** Answers what is no chat; undefined for another path. */
function other(exchange: Exchange): unknown {
  const { usage, number } = exchange;
  const meta = (billed_units: object): object => ({ meta: { api_version: { version: '2' }, billed_units } });
  switch (exchange.request.path) {
    case '/v1/generate': {
      told(exchange, { input: true, output: true });
      const generations = [{ id: 'g', text: 'A stand-in answers.', finish_reason: 'COMPLETE' }];
      return { id: `g-${number}`, generations, meta: usageOf(exchange) };
    }
    case '/v1/embed':
    case '/v2/embed': {
      told(exchange, { input: true, output: false });
      const embeddings = exchange.request.path === '/v1/embed' ? [[0.5]] : { float: [[0.5]] };
      const response_type =
        exchange.request.path === '/v1/embed' ? 'embeddings_floats' : 'embeddings_by_type';
      return {
        id: `e-${number}`,
        response_type,
        texts: [],
        embeddings,
        ...meta({ input_tokens: usage.input }),
      };
    }
    case '/v1/rerank':
    case '/v2/rerank':
      told(exchange, { input: false, output: false });
      exchange.request.charged = { 'spanmeter.usage.requests': 2 };
      return {
        id: `r-${number}`,
        results: [{ index: 0, relevance_score: 0.9 }],
        ...meta({ search_units: 2 }),
      };
    default:
      return undefined;
  }
}

const FORMAT: WireFormat = {
  asked: (_path, body) => ({
    prompt: JSON.stringify(
      body['messages'] ?? body['message'] ?? body['prompt'] ?? body['texts'] ?? body['query'] ?? '',
    ),
  }),
  async answer(exchange) {
    const { path, stream } = exchange.request;
    if (path === '/v2/chat' || path === '/v1/chat') {
      told(exchange, { input: true, output: true });
      if (!stream) sendJson(exchange, path === '/v2/chat' ? chatV2(exchange) : chatV1(exchange));
      else if (path === '/v1/chat') await sendLines(exchange);
      else {
        const delta = { finish_reason: 'ERROR', error: 'The server had an error' };
        await sendStream(exchange, eventsV2(exchange), {
          event: 'message-end',
          data: { type: 'message-end', delta },
        });
      }
      return true;
    }
    const answer = other(exchange);
    if (answer === undefined) return false;
    sendJson(exchange, answer);
    return true;
  },
  error: (status) => ({ message: `The stand-in was asked to answer ${status}` }),
};

/** A local server in the wire format of Cohere, of both versions of its API. */
export function startCohereStandIn(port = 0): Promise<StandIn> {
  return startStandIn(FORMAT, port);
}
