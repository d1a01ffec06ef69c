// Providers that answer within the process, by a `fetch` that the SDKs are given: nothing but the SDK's own work is
// between a call and its answer.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const messages = [{ role: 'user', content: 'hi' }];
const stream = true;

const COMPLETION = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'gpt-4o-2024-08-06',
  choices: [{ index: 0, message: { role: 'assistant', content: 'hello' }, finish_reason: 'stop' }],
  usage: {
    prompt_tokens: 450,
    completion_tokens: 180,
    total_tokens: 630,
    prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  },
  service_tier: 'default',
};

const CHUNK = {
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'gpt-4o-2024-08-06',
  service_tier: 'default',
  choices: [{ index: 0, delta: { content: 'word ' }, logprobs: null, finish_reason: null }],
};

const MESSAGE = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude-haiku-4-5',
  content: [{ type: 'text', text: 'hello' }],
  stop_reason: 'end_turn',
  usage: {
    input_tokens: 450,
    output_tokens: 180,
    cache_read_input_tokens: 0,
    cache_creation_input_tokens: 0,
  },
};

const event = (data) => `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;

/** Each SDK: its client with a given `fetch`, its two calls, and what a provider answers. */
export const WIRES = {
  openai: {
    connect: (fetch) => new (require('openai').OpenAI)({ apiKey: 'sk-bench', fetch, maxRetries: 0 }),
    call: (client, options) => client.chat.completions.create({ model: 'gpt-4o', messages }, options),
    stream: (client, options) =>
      client.chat.completions.create({ model: 'gpt-4o', messages, stream }, options),
    answer: JSON.stringify(COMPLETION),
    head: '',
    chunk: `data: ${JSON.stringify(CHUNK)}\n\n`,
    tail: `data: [DONE]\n\n`,
    error: `data: ${JSON.stringify({ error: { message: 'The server had an error', type: 'server_error' } })}\n\n`,
  },
  anthropic: {
    connect: (fetch) =>
      new (require('@anthropic-ai/sdk').Anthropic)({ apiKey: 'sk-bench', fetch, maxRetries: 0 }),
    call: (client, options) =>
      client.messages.create({ model: 'claude-haiku-4-5', max_tokens: 99, messages }, options),
    stream: (client, options) =>
      client.messages.create({ model: 'claude-haiku-4-5', max_tokens: 99, messages, stream }, options),
    answer: JSON.stringify(MESSAGE),
    head: event({ type: 'message_start', message: { ...MESSAGE, content: [], stop_reason: null } }),
    chunk: event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'word ' } }),
    tail: event({ type: 'message_stop' }),
    error: event({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }),
  },
};

/** An answer of the provider. */
export function answer(body, type, status = 200) {
  return new Response(body, { status, headers: { 'content-type': type } });
}
