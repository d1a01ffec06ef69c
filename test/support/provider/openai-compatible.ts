import { openaiUsage, OPENAI_FORMAT } from '@spanmeter/collector/dist/demo/providers/openai.js';
import {
  firstThatKnows,
  sendJson,
  sendStream,
  startStandIn,
  type Exchange,
  type StandIn,
  type StreamEvent,
  type WireFormat,
} from '@spanmeter/collector/dist/demo/providers/stand-in.js';
import type { ServedRequest } from '@spanmeter/collector/dist/demo/providers/served.js';
import { OPENAI_MEDIA_FORMAT } from './openai-media.ts';
import { responsesFormat } from './openai-responses.ts';

/** `format` under another path: the ledger has the path as it was asked for. */
function under(format: WireFormat, pathOf: (path: string) => string | undefined): WireFormat {
  return {
    async answer(exchange) {
      const path = pathOf(exchange.request.path);
      if (path === undefined) return false;
      const get = (target: ServedRequest, key: string | symbol): unknown =>
        key === 'path' ? path : Reflect.get(target, key);
      return format.answer({ ...exchange, request: new Proxy(exchange.request, { get }) });
    },
    error: (status, path) => format.error(status, path),
    knows: (path) => pathOf(path) !== undefined,
  };
}

/** Chat whose streams tell their usage in the last chunk, without being asked: `told` says where. */
function tellingFormat(path: string, told: (usage: object, reason: unknown[]) => object): WireFormat {
  const chunks = function* ({ behaviour, number, request, usage }: Exchange): Generator<StreamEvent> {
    const head = { id: `chat-${number}`, object: 'chat.completion.chunk', created: 1, model: request.model };
    const choices = (delta: object, reason: string | null): unknown[] => [
      { index: 0, delta, logprobs: null, finish_reason: reason },
    ];
    yield { data: { ...head, choices: choices({ role: 'assistant', content: '' }, null) } };
    for (let sent = 1; sent <= (behaviour.chunks ?? 8); sent += 1) {
      yield { data: { ...head, choices: choices({ content: `word${sent} ` }, null) }, content: true };
    }
    yield { data: { ...head, ...told(openaiUsage(usage), choices({}, 'stop')) }, usage: true };
    yield { data: '[DONE]' };
  };
  return {
    async answer(exchange) {
      if (exchange.request.path !== path || !exchange.request.stream) return false;
      const error = { message: 'The server had an error', type: 'server_error' };
      await sendStream(exchange, chunks(exchange), { data: { error } });
      return true;
    },
    error: (status, path) => OPENAI_FORMAT.error(status, path),
  };
}

const RERANK: WireFormat = {
  answer(exchange) {
    if (exchange.request.path !== '/v1/rerank') return Promise.resolve(false);
    const { usage, request, number } = exchange;
    request.usage = { ...usage, output: 0, reasoning: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 };
    const told = { prompt_tokens: usage.input, completion_tokens: 0, total_tokens: usage.input };
    const results = [{ index: 0, relevance_score: 0.9 }];
    sendJson(exchange, { object: 'rerank', id: `rr-${number}`, model: request.model, results, usage: told });
    return Promise.resolve(true);
  },
  error: (status, path) => OPENAI_FORMAT.error(status, path),
};

const ALL: WireFormat = firstThatKnows([OPENAI_FORMAT, OPENAI_MEDIA_FORMAT]);

/** OpenAI's API as far as it is observed; deployments of Azure are answered alike. */
export function startOpenaiApiStandIn(port = 0): Promise<StandIn> {
  const all = firstThatKnows([OPENAI_FORMAT, OPENAI_MEDIA_FORMAT, responsesFormat()]);
  const azure = under(ALL, (path) => {
    const found = /^\/openai\/deployments\/[^/]+(\/.*)$/.exec(path);
    return found === null ? undefined : `/v1${found[1]}`;
  });
  return startStandIn(firstThatKnows([all, azure]), port);
}

/** Groq's API: usage of a stream is in `x_groq`. */
export function startGroqStandIn(port = 0): Promise<StandIn> {
  const path = '/openai/v1/chat/completions';
  const telling = tellingFormat(path, (usage, choices) => ({ choices, x_groq: { id: 'req_1', usage } }));
  const rest = under(ALL, (asked) =>
    asked.startsWith('/openai/v1/') ? asked.slice('/openai'.length) : undefined,
  );
  return startStandIn(firstThatKnows([telling, rest]), port);
}

/** Together's API: usage of a stream is in the chunk that ends it. */
export function startTogetherStandIn(port = 0): Promise<StandIn> {
  const telling = tellingFormat('/v1/chat/completions', (usage, choices) => ({ choices, usage }));
  return startStandIn(firstThatKnows([telling, RERANK, ALL]), port);
}
