import {
  sendJson,
  sendStream,
  type Exchange,
  type StreamEvent,
  type WireFormat,
} from '@spanmeter/collector/dist/demo/providers/stand-in.js';

const DEFAULT_CHUNKS = 8;

function usageOf({ usage }: Exchange): Record<string, unknown> {
  const input = usage.input + usage.cacheRead;
  return {
    total_input_tokens: input,
    total_cached_tokens: usage.cacheRead,
    total_output_tokens: usage.output - usage.reasoning,
    total_thought_tokens: usage.reasoning,
    total_tool_use_tokens: 0,
    total_tokens: input + usage.output,
    input_tokens_by_modality: [
      { modality: 'text', tokens: input - usage.audioInput },
      { modality: 'audio', tokens: usage.audioInput },
    ],
    grounding_tool_count: [{ type: 'google_search', count: 2 }],
  };
}

/** The first part of what was asked for `in two parts` ends with a token that the second one is asked with. */
function statusOf({ body }: Exchange): Record<string, unknown> {
  const isHalf = JSON.stringify(body).includes('in two parts') && body['continuation_token'] === undefined;
  return isHalf ? { status: 'requires_continuation', continuation_token: 'half' } : { status: 'completed' };
}

function interaction(exchange: Exchange): Record<string, unknown> {
  return {
    id: `interaction-${exchange.number}`,
    object: 'interaction',
    model: exchange.request.model,
    service_tier: exchange.behaviour.serviceTier ?? 'standard',
    created: '2026-11-01T00:00:00Z',
    updated: '2026-11-01T00:00:00Z',
  };
}

function* events(exchange: Exchange): Generator<StreamEvent> {
  const of = (event_type: string, rest: object): unknown => ({
    event_type,
    event_id: `e${event_type}`,
    ...rest,
  });
  yield {
    data: of('interaction.created', { interaction: { ...interaction(exchange), status: 'in_progress' } }),
  };
  yield { data: of('step.start', { index: 0, step: { type: 'model_output' } }) };
  const count = exchange.behaviour.chunks ?? DEFAULT_CHUNKS;
  for (let sent = 1; sent <= count; sent += 1) {
    yield {
      data: of('step.delta', { index: 0, delta: { type: 'text', text: `word${sent} ` } }),
      content: true,
    };
  }
  yield { data: of('step.stop', { index: 0 }) };
  const ended = { ...interaction(exchange), ...statusOf(exchange), usage: usageOf(exchange) };
  yield { data: of('interaction.completed', { interaction: ended }), usage: true };
  yield { data: '[DONE]' };
}

/** The Interactions API of Gemini: `/v1beta/interactions`. */
export const INTERACTIONS: WireFormat = {
  knows: (path) => path.endsWith('/interactions'),
  asked: (_path, body) => ({ prompt: JSON.stringify(body['input'] ?? '') }),
  async answer(exchange) {
    if (!exchange.request.path.endsWith('/interactions')) return false;
    if (exchange.request.stream) {
      const error = { event_type: 'error', error: { code: 'internal', message: 'The server had an error' } };
      await sendStream(exchange, events(exchange), { data: error });
    } else {
      const text = { type: 'text', text: 'A stand-in answers.' };
      sendJson(exchange, {
        ...interaction(exchange),
        ...statusOf(exchange),
        steps: [{ type: 'model_output', content: [text] }],
        usage: usageOf(exchange),
      });
    }
    return true;
  },
  error: (status) => ({ error: { code: status, message: `The stand-in was asked to answer ${status}` } }),
};
