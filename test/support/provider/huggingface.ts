import { OPENAI_FORMAT } from '@spanmeter/collector/dist/demo/providers/openai.js';
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
import { OPENAI_MEDIA_FORMAT } from './openai-media.ts';

function detailsOf({ usage }: Exchange): object {
  return {
    finish_reason: 'eos_token',
    generated_tokens: usage.output,
    input_length: usage.input,
    seed: null,
  };
}

function* tokens(exchange: Exchange): Generator<StreamEvent> {
  const { behaviour } = exchange;
  const count = behaviour.chunks ?? 8;
  for (let index = 1; index <= count; index += 1) {
    const token = { id: index, text: `word${index} `, logprob: -0.1, special: false };
    const isLast = index === count;
    const over = isLast
      ? { generated_text: 'A stand-in answers.', details: detailsOf(exchange) }
      : { generated_text: null, details: null };
    yield { data: { index, token, ...over }, content: true, usage: isLast };
  }
}

const GENERATION: WireFormat = {
  async answer(exchange) {
    const { request, usage } = exchange;
    const told = { ...usage, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, reasoning: 0 };
    if (request.path === '/embed') {
      request.usage = { ...told, input: 0, output: 0 };
      sendJson(exchange, [0.1, 0.2, 0.3]);
      return true;
    }
    if (request.path !== '/generate') return false;
    request.usage = told;
    const error = { data: { error: 'The server had an error', error_type: 'generation' } };
    if (request.stream) await sendStream(exchange, tokens(exchange), error);
    else sendJson(exchange, [{ generated_text: 'A stand-in answers.', details: detailsOf(exchange) }]);
    return true;
  },
  error: (status) => ({ error: `The stand-in was asked to answer ${status}` }),
  knows: (path) => path === '/generate' || path === '/embed',
};

/** Hugging Face's router (as OpenAI's API) and endpoints of its own servers: `/generate` and `/embed`. */
export function startHuggingfaceStandIn(port = 0): Promise<StandIn> {
  return startStandIn(firstThatKnows([OPENAI_FORMAT, OPENAI_MEDIA_FORMAT, GENERATION]), port);
}
