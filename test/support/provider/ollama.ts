import {
  sendChunks,
  sendJson,
  startStandIn,
  type Exchange,
  type StandIn,
  type StreamEvent,
  type WireFormat,
} from '@spanmeter/collector/dist/demo/providers/stand-in.js';

const DEFAULT_CHUNKS = 8;
const CREATED = '2026-11-01T00:00:00Z';
const CALL = { function: { name: 'lookup', arguments: { q: 'status' } } };

/** The server knows no cache and counts thinking as output. */
function counts({ usage, body }: Exchange): object {
  const told = { eval_count: usage.output, total_duration: 5, eval_duration: 3 };
  // What is still in memory is not evaluated again, and not counted.
  return body['keep_alive'] === '1h' ? told : { ...told, prompt_eval_count: usage.input };
}

function line(exchange: Exchange, text: string, done: boolean): Record<string, unknown> {
  const isChat = exchange.request.path === '/api/chat';
  const tool = exchange.behaviour.tool === true && done;
  const message = { role: 'assistant', content: tool ? '' : text, ...(tool ? { tool_calls: [CALL] } : {}) };
  return {
    model: exchange.request.model,
    created_at: CREATED,
    ...(isChat ? { message } : { response: text }),
    done,
    ...(done ? { done_reason: 'stop', ...counts(exchange) } : {}),
  };
}

function* lines(exchange: Exchange): Generator<StreamEvent> {
  const count = exchange.behaviour.chunks ?? DEFAULT_CHUNKS;
  for (let sent = 1; sent <= count; sent += 1) {
    yield { data: line(exchange, `word${sent} `, false), content: true };
  }
  yield { data: line(exchange, '', true), usage: true };
}

/** Takes what the API does not tell out of what was served. */
function told(exchange: Exchange, only: { input: boolean; output: boolean }): void {
  const { input, output } = exchange.usage;
  exchange.request.usage = {
    ...exchange.usage,
    cacheRead: 0,
    cacheWrite5m: 0,
    cacheWrite1h: 0,
    reasoning: 0,
    input: only.input ? input : 0,
    output: only.output ? output : 0,
  };
}

const FORMAT: WireFormat = {
  asked: (_path, body) => ({
    prompt: JSON.stringify(body['messages'] ?? body['prompt'] ?? body['input'] ?? ''),
  }),
  async answer(exchange) {
    switch (exchange.request.path) {
      case '/api/chat':
      case '/api/generate':
        told(exchange, { input: exchange.body['keep_alive'] !== '1h', output: true });
        if (!exchange.request.stream) sendJson(exchange, line(exchange, 'A stand-in answers.', true));
        else {
          await sendChunks(exchange, lines(exchange), {
            contentType: 'application/x-ndjson',
            encode: ({ data }) => `${JSON.stringify(data)}\n`,
            errorEvent: { data: { error: 'The server had an error' } },
          });
        }
        return true;
      case '/api/embed':
        told(exchange, { input: true, output: false });
        sendJson(exchange, {
          model: exchange.request.model,
          embeddings: [[0.5, 0.25]],
          prompt_eval_count: exchange.usage.input,
        });
        return true;
      case '/api/embeddings':
        told(exchange, { input: false, output: false });
        sendJson(exchange, { embedding: [0.5, 0.25] });
        return true;
      default:
        return false;
    }
  },
  error: (status) => ({ error: `The stand-in was asked to answer ${status}` }),
};

/** A local server in the wire format of Ollama: lines of JSON. */
export function startOllamaStandIn(port = 0): Promise<StandIn> {
  return startStandIn(FORMAT, port);
}
