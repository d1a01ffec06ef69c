import { openaiUsage, OPENAI_FORMAT } from '@spanmeter/collector/dist/demo/providers/openai.js';
import {
  sendJson,
  sendStream,
  type Exchange,
  type StreamEvent,
  type WireFormat,
} from '@spanmeter/collector/dist/demo/providers/stand-in.js';

const CREATED_UNIX = 1_767_225_600;
const ERROR: StreamEvent = { data: { error: { message: 'The server had an error', type: 'server_error' } } };
const NOTHING = {
  input: 0,
  cacheRead: 0,
  cacheWrite5m: 0,
  cacheWrite1h: 0,
  output: 0,
  reasoning: 0,
  audioInput: 0,
  audioOutput: 0,
};

/** Usage of image models: a third of the input is images, all of the output is. */
function imageUsage({ usage }: Exchange): object {
  const images = Math.floor(usage.input / 3);
  return {
    input_tokens: usage.input,
    input_tokens_details: { image_tokens: images, text_tokens: usage.input - images },
    output_tokens: usage.output,
    total_tokens: usage.input + usage.output,
  };
}

async function sendImages(exchange: Exchange): Promise<void> {
  const { request, usage, body } = exchange;
  request.usage = { ...NOTHING, input: usage.input, output: usage.output };
  request.charged = {
    'gen_ai.usage.image.input_tokens': Math.floor(usage.input / 3),
    'gen_ai.usage.image.output_tokens': usage.output,
  };
  const told = { created: CREATED_UNIX, size: '1024x1024', quality: 'low' };
  const b64_json = Buffer.from('pixels').toString('base64');
  if (request.stream) {
    const kind = request.path.endsWith('edits') ? 'image_edit' : 'image_generation';
    const events: StreamEvent[] = [0, 1].map((index) => {
      const type = `${kind}.partial_image`;
      return { event: type, data: { type, b64_json, partial_image_index: index }, content: true };
    });
    const type = `${kind}.completed`;
    events.push({ event: type, data: { type, b64_json, ...told, usage: imageUsage(exchange) }, usage: true });
    await sendStream(exchange, events, ERROR);
    return;
  }
  const count = Number(body['n'] ?? 1);
  const data = Array.from({ length: count }, () => ({ b64_json }));
  if (request.model.startsWith('gpt-image')) {
    sendJson(exchange, { ...told, data, usage: imageUsage(exchange) });
  } else {
    request.usage = NOTHING;
    request.charged = { 'spanmeter.usage.images': count };
    sendJson(exchange, { created: CREATED_UNIX, data });
  }
}

function tokensHeard({ usage }: Exchange): object {
  const audio = Math.floor(usage.input / 2);
  return {
    type: 'tokens',
    input_tokens: usage.input,
    input_token_details: { audio_tokens: audio, text_tokens: usage.input - audio },
    output_tokens: usage.output,
    total_tokens: usage.input + usage.output,
  };
}

async function sendTranscript(exchange: Exchange): Promise<void> {
  const { request, usage, body } = exchange;
  request.usage = {
    ...NOTHING,
    input: usage.input,
    output: usage.output,
    audioInput: Math.floor(usage.input / 2),
  };
  const text = 'A stand-in answers.';
  if (request.stream) {
    const delta = { event: 'transcript.text.delta', content: true };
    const events: StreamEvent[] = text
      .split(' ')
      .map((word) => ({ ...delta, data: { type: delta.event, delta: `${word} ` } }));
    const done = { type: 'transcript.text.done', text, usage: tokensHeard(exchange) };
    events.push({ event: done.type, data: done, usage: true });
    await sendStream(exchange, events, ERROR);
    return;
  }
  if (body['response_format'] === 'text') {
    request.usage = NOTHING;
    exchange.response.writeHead(200, { 'content-type': 'text/plain' }).end(text);
    return;
  }
  if (!request.model.startsWith('whisper')) {
    sendJson(exchange, { text, usage: tokensHeard(exchange) });
    return;
  }
  request.usage = NOTHING;
  const verbose = { task: 'transcribe', language: 'english', duration: 8.47, segments: [] };
  const isVerbose = body['response_format'] === 'verbose_json';
  request.charged = { 'spanmeter.usage.audio_seconds': isVerbose ? 8.47 : 9 };
  if (isVerbose) sendJson(exchange, { ...verbose, text });
  else sendJson(exchange, { text, usage: { type: 'duration', seconds: 9 } });
}

/** Sound for every request, in two pieces. */
function sendSpeech({ request, response, body }: Exchange): void {
  request.usage = NOTHING;
  request.charged = { 'spanmeter.usage.input_characters': Array.from(String(body['input'])).length };
  response.writeHead(200, { 'content-type': 'audio/mpeg', 'x-request-id': request.id });
  response.write(Buffer.alloc(1000, 1));
  response.end(Buffer.alloc(234, 2));
}

function* completionChunks(exchange: Exchange): Generator<StreamEvent> {
  const { body, behaviour, number, usage, request } = exchange;
  const wanted = (body['stream_options'] as { include_usage?: boolean } | undefined)?.include_usage === true;
  const head = {
    id: `cmpl-${number}`,
    object: 'text_completion',
    created: CREATED_UNIX,
    model: request.model,
    ...(wanted ? { usage: null } : {}),
  };
  const chunks = behaviour.chunks ?? 8;
  for (let sent = 1; sent <= chunks; sent += 1) {
    const reason = sent === chunks ? 'stop' : null;
    const choice = { text: `word${sent} `, index: 0, logprobs: null, finish_reason: reason };
    yield { data: { ...head, choices: [choice] }, content: true };
  }
  if (wanted) yield { data: { ...head, choices: [], usage: openaiUsage(usage) }, usage: true };
  yield { data: '[DONE]' };
}

async function sendCompletion(exchange: Exchange): Promise<void> {
  if (exchange.request.stream) return sendStream(exchange, completionChunks(exchange), ERROR);
  const choice = { text: 'A stand-in answers.', index: 0, logprobs: null, finish_reason: 'length' };
  sendJson(exchange, {
    id: `cmpl-${exchange.number}`,
    object: 'text_completion',
    created: CREATED_UNIX,
    model: exchange.request.model,
    choices: [choice],
    usage: openaiUsage(exchange.usage),
  });
  return undefined;
}

function sendModeration(exchange: Exchange): void {
  exchange.request.usage = NOTHING;
  const results = [{ flagged: false, categories: {}, category_scores: {} }];
  sendJson(exchange, { id: `modr-${exchange.number}`, model: 'omni-moderation-2024-09-26', results });
}

/** Legacy completions, images, sound and moderations under `/v1`. */
export const OPENAI_MEDIA_FORMAT: WireFormat = {
  async answer(exchange) {
    const { path } = exchange.request;
    if (path === '/v1/completions') await sendCompletion(exchange);
    else if (path.startsWith('/v1/images/')) await sendImages(exchange);
    else if (path === '/v1/audio/speech') sendSpeech(exchange);
    else if (path.startsWith('/v1/audio/')) await sendTranscript(exchange);
    else if (path === '/v1/moderations') sendModeration(exchange);
    else return false;
    return true;
  },
  error: (status, path) => OPENAI_FORMAT.error(status, path),
  knows: (path) => /^\/v1\/(completions|images\/|audio\/|moderations)/.test(path),
};
