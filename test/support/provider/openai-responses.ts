import type { StandInUsage } from '@spanmeter/collector/dist/demo/providers/behaviour.js';
import {
  sendJson,
  sendStream,
  type Exchange,
  type StreamEvent,
  type WireFormat,
} from '@spanmeter/collector/dist/demo/providers/stand-in.js';
import { OPENAI_FORMAT } from '@spanmeter/collector/dist/demo/providers/openai.js';

const CREATED_UNIX = 1_767_225_600;
const DEFAULT_CHUNKS = 8;
const BY_ID = /^\/v1\/responses\/(resp_\d+)(\/cancel)?$/;

/** The usage object of responses: cached tokens are inside `input_tokens`, reasoning inside `output_tokens`. */
export function responsesUsage(usage: StandInUsage): Record<string, unknown> {
  const written = usage.cacheWrite5m + usage.cacheWrite1h;
  const input = usage.input + usage.cacheRead + written;
  return {
    input_tokens: input,
    input_tokens_details: {
      cached_tokens: usage.cacheRead,
      cache_write_tokens: written,
      cache_write_tokens_details: { ttl_30m_tokens: usage.cacheWrite5m, ttl_12h_tokens: usage.cacheWrite1h },
    },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: usage.reasoning },
    total_tokens: input + usage.output,
  };
}

function searchesOf(exchange: Exchange): object[] {
  const tools = exchange.body['tools'];
  if (!Array.isArray(tools) || !tools.some((tool: { type: string }) => tool.type === 'web_search')) return [];
  const call = { type: 'web_search_call', status: 'completed' };
  return [
    { ...call, id: 'ws_1', action: { type: 'search', query: 'herons' } },
    { ...call, id: 'ws_2', action: { type: 'open_page', url: 'http://127.0.0.1/' } },
    { ...call, id: 'ws_3', action: { type: 'search', query: 'more herons' } },
  ];
}

function outputOf(exchange: Exchange, text: string): object[] {
  if (exchange.behaviour.tool === true) {
    const call = { type: 'function_call', id: 'fc_1', call_id: 'call_1', status: 'completed' };
    return [{ ...call, name: 'lookup', arguments: '{"q":"status"}' }];
  }
  const content = [{ type: 'output_text', text, annotations: [], logprobs: [] }];
  const message = { type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content };
  return [...searchesOf(exchange), message];
}

interface Made {
  readonly id: string;
  readonly exchange: Exchange;
  status: string;
}

function responseOf({ id, exchange, status }: Made, text = 'A stand-in answers.'): Record<string, unknown> {
  const isOver = status !== 'queued' && status !== 'in_progress';
  const { body, behaviour } = exchange;
  return {
    id,
    object: 'response',
    created_at: CREATED_UNIX,
    status,
    background: body['background'] === true,
    error: status === 'failed' ? { code: 'server_error', message: 'The server had an error' } : null,
    incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    instructions: body['instructions'] ?? null,
    model: exchange.request.model === 'gpt-4o' ? 'gpt-4o-2024-08-06' : exchange.request.model,
    output: isOver ? outputOf(exchange, text) : [],
    parallel_tool_calls: true,
    service_tier: behaviour.serviceTier ?? 'default',
    temperature: 1,
    text: { format: { type: 'text' } },
    tools: [],
    usage: isOver ? responsesUsage(exchange.usage) : null,
  };
}

function* events(made: Made): Generator<StreamEvent> {
  const { behaviour } = made.exchange;
  let sequence = 0;
  const event = (type: string, fields: object, flags: object = {}): StreamEvent => ({
    event: type,
    data: { type, sequence_number: (sequence += 1), ...fields },
    ...flags,
  });
  const unfinished = responseOf({ ...made, status: 'in_progress' });
  yield event('response.created', { response: unfinished });
  yield event('response.in_progress', { response: unfinished });
  const finished = outputOf(made.exchange, '');
  let text = '';
  for (const [index, item] of finished.entries()) {
    const { type } = item as { type: string };
    yield event('response.output_item.added', { output_index: index, item: begun(item) });
    if (type === 'message') {
      const part = { type: 'output_text', text: '', annotations: [] };
      const where = { item_id: 'msg_1', output_index: index, content_index: 0 };
      yield event('response.content_part.added', { ...where, part });
      for (let sent = 1; sent <= (behaviour.chunks ?? DEFAULT_CHUNKS); sent += 1) {
        text += `word${sent} `;
        const delta = { ...where, delta: `word${sent} `, logprobs: [] };
        yield event('response.output_text.delta', delta, { content: true });
      }
      yield event('response.output_text.done', { ...where, text, logprobs: [] });
    } else if (type === 'function_call') {
      const where = { item_id: 'fc_1', output_index: index };
      yield event('response.function_call_arguments.delta', { ...where, delta: '{"q":"status"}' });
      const args = { ...where, name: 'lookup', arguments: '{"q":"status"}' };
      yield event('response.function_call_arguments.done', args);
    }
    const done = outputOf(made.exchange, text)[index];
    yield event('response.output_item.done', { output_index: index, item: done });
  }
  const type = `response.${made.status}`;
  yield event(type, { response: responseOf(made, text) }, { usage: true });
}

/** An item as it is announced: without what it will say. */
function begun(item: object): object {
  const { type } = item as { type: string };
  if (type === 'message') return { ...item, status: 'in_progress', content: [] };
  return { ...item, status: 'in_progress', ...(type === 'function_call' ? { arguments: '' } : {}) };
}

/** What a model asks for how a response should end. */
function statusOf(exchange: Exchange): string {
  const { model } = exchange.request;
  return model === 'fails' ? 'failed' : model === 'stops-short' ? 'incomplete' : 'completed';
}

const ERROR: StreamEvent = {
  event: 'error',
  data: {
    type: 'error',
    code: 'server_error',
    message: 'The server had an error',
    param: null,
    sequence_number: 99,
  },
};

/**
 * Responses under `/v1`. One in the background is queued, under way when first looked at, and then over; what of its
 * usage was told once is not noted as told again.
 */
export function responsesFormat(): WireFormat {
  const background = new Map<string, Made>();
  const told = new Set<string>();

  const create = async (exchange: Exchange): Promise<void> => {
    const made: Made = { id: `resp_${exchange.number}`, exchange, status: statusOf(exchange) };
    if (searchesOf(exchange).length > 0)
      exchange.request.charged = { 'spanmeter.usage.web_search_requests': 2 };
    if (exchange.request.stream) {
      background.set(made.id, made);
      await sendStream(exchange, events(made), ERROR);
      if (exchange.request.usageSent) told.add(made.id);
      return;
    }
    if (exchange.body['background'] === true) {
      made.status = 'queued';
      background.set(made.id, made);
    }
    sendJson(exchange, responseOf(made));
    exchange.request.usageSent = made.status !== 'queued';
  };

  const look = async (exchange: Exchange, id: string, cancel: boolean): Promise<boolean> => {
    const made = background.get(id);
    if (made === undefined) return false;
    if (cancel) made.status = 'cancelled';
    else if (made.status === 'queued') made.status = 'in_progress';
    else if (made.status === 'in_progress') made.status = 'completed';
    exchange.request.usage = made.exchange.usage;
    if (exchange.request.headers['x-replay'] === undefined) sendJson(exchange, responseOf(made));
    else await sendStream(exchange, events({ ...made, status: 'completed' }), ERROR);
    exchange.request.usageSent &&= made.status !== 'in_progress' && !told.has(id);
    if (exchange.request.usageSent) told.add(id);
    return true;
  };

  return {
    async answer(exchange) {
      const { path } = exchange.request;
      const [, id, cancel] = BY_ID.exec(path) ?? [];
      if (id !== undefined) return look(exchange, id, cancel !== undefined);
      if (path === '/v1/responses') await create(exchange);
      else if (path === '/v1/responses/compact') {
        const usage = responsesUsage(exchange.usage);
        const output = [{ id: 'cmp_1', type: 'compaction', encrypted_content: 'gAAAA' }];
        const id = `resp_${exchange.number}`;
        sendJson(exchange, { id, object: 'response.compaction', created_at: CREATED_UNIX, output, usage });
      } else return false;
      return true;
    },
    error: (status, path) => OPENAI_FORMAT.error(status, path),
    knows: (path) => path.startsWith('/v1/responses'),
  };
}
