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

const DEFAULT_CHUNKS = 8;

const ERROR_TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

/** The usage object of messages: cached tokens are beside `input_tokens`. */
export function anthropicUsage(usage: StandInUsage, tier: string): Record<string, unknown> {
  return {
    input_tokens: usage.input,
    cache_creation_input_tokens: usage.cacheWrite5m + usage.cacheWrite1h,
    cache_read_input_tokens: usage.cacheRead,
    cache_creation: {
      ephemeral_5m_input_tokens: usage.cacheWrite5m,
      ephemeral_1h_input_tokens: usage.cacheWrite1h,
    },
    output_tokens: usage.output,
    output_tokens_details: { thinking_tokens: usage.reasoning },
    server_tool_use: null,
    service_tier: tier,
    speed: 'standard',
    inference_geo: null,
  };
}

function tierOf(exchange: Exchange): string {
  return exchange.behaviour.serviceTier ?? 'standard';
}

function message(exchange: Exchange, content: unknown[], reason: string | null): Record<string, unknown> {
  return {
    id: `msg_${exchange.number}`,
    type: 'message',
    role: 'assistant',
    model: exchange.request.model,
    content,
    stop_reason: reason,
    stop_sequence: null,
    stop_details: null,
    container: null,
    usage: { ...anthropicUsage(exchange.usage, tierOf(exchange)), ...exchange.behaviour.usageFields },
  };
}

const TOOL_USE = { type: 'tool_use', id: 'toolu_1', name: 'lookup', input: { q: 'status' } };

/** A whole message, or a call of a tool where the request asked for one. */
export function anthropicMessage(exchange: Exchange): Record<string, unknown> {
  return exchange.behaviour.tool === true
    ? message(exchange, [TOOL_USE], 'tool_use')
    : message(exchange, [{ type: 'text', text: 'A stand-in answers.' }], 'end_turn');
}

function named(data: { type: string } & Record<string, unknown>, extra: object = {}): StreamEvent {
  return { event: data.type, data, ...extra };
}

/** The same as a stream. */
export function* anthropicEvents(exchange: Exchange): Generator<StreamEvent> {
  const { behaviour, usage } = exchange;
  const start = message(exchange, [], null);
  // The real API tells the input at once and a placeholder for the output.
  start['usage'] = anthropicUsage({ ...usage, output: 1, reasoning: 0 }, tierOf(exchange));
  yield named({ type: 'message_start', message: start });
  const tool = behaviour.tool === true;
  yield named({
    type: 'content_block_start',
    index: 0,
    content_block: tool ? { ...TOOL_USE, input: {} } : { type: 'text', text: '' },
  });
  yield named({ type: 'ping' });
  const count = behaviour.chunks ?? DEFAULT_CHUNKS;
  for (let sent = 1; sent <= count; sent += 1) {
    const delta = tool
      ? { type: 'input_json_delta', partial_json: sent === 1 ? '{"q":"status"}' : '' }
      : { type: 'text_delta', text: `word${sent} ` };
    yield named({ type: 'content_block_delta', index: 0, delta }, { content: true });
  }
  yield named({ type: 'content_block_stop', index: 0 });
  yield named(
    {
      type: 'message_delta',
      delta: { stop_reason: tool ? 'tool_use' : 'end_turn', stop_sequence: null },
      usage: {
        input_tokens: usage.input,
        cache_creation_input_tokens: usage.cacheWrite5m + usage.cacheWrite1h,
        cache_read_input_tokens: usage.cacheRead,
        output_tokens: usage.output,
        output_tokens_details: { thinking_tokens: usage.reasoning },
        ...behaviour.usageFields,
      },
    },
    { usage: true },
  );
  yield named({ type: 'message_stop' });
}

/** What the stand-in speaks; for one that speaks several. */
export const ANTHROPIC_FORMAT: WireFormat = {
  async answer(exchange) {
    if (exchange.request.path !== '/v1/messages') return false;
    if (!exchange.request.stream) sendJson(exchange, anthropicMessage(exchange));
    else {
      const error = { type: 'overloaded_error', message: 'Overloaded' };
      await sendStream(exchange, anthropicEvents(exchange), named({ type: 'error', error }));
    }
    return true;
  },
  error: (status) => ({
    type: 'error',
    error: {
      type: ERROR_TYPES[status] ?? 'api_error',
      message: `The stand-in was asked to answer ${status}`,
    },
    request_id: null,
  }),
};

/** A local server in the wire format of the Anthropic API: `/v1/messages`. */
export function startAnthropicStandIn(port = 0): Promise<StandIn> {
  return startStandIn(ANTHROPIC_FORMAT, port);
}
