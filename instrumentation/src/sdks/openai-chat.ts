import type { Attributes } from '@opentelemetry/api';
import type { CallKind } from '../adapter.ts';
import { asObject, objectsIn, putNumber, putString, type Json } from '../json.ts';
import { ATTR_REQUEST_STREAM, ATTR_WEB_SEARCHES } from '../semconv.ts';
import { sizeOfParts, TextSize } from '../text-size.ts';
import { putFinishReasons } from './finish-reasons.ts';
import { CHAT_CONTENT } from './openai-chat-content.ts';
import { ChatStreamReader } from './openai-chat-stream.ts';
import { openaiProvider, openaiRequest } from './openai-client.ts';
import { putIdentity, putTokenUsage } from './openai-usage.ts';

/** Search models look something up for every request that they answer, and charge for it. */
const SEARCHES_ALWAYS = /^gpt-[a-z0-9.-]+-search-(preview|api)/;

/** How a model is asked to answer, in the words that chat and legacy completions share. */
export function putSampling(attributes: Attributes, body: Json): void {
  if (body['stream'] === true) attributes[ATTR_REQUEST_STREAM] = true;
  putNumber(attributes, 'gen_ai.request.max_tokens', body['max_completion_tokens'] ?? body['max_tokens']);
  putNumber(attributes, 'gen_ai.request.temperature', body['temperature']);
  putNumber(attributes, 'gen_ai.request.top_p', body['top_p']);
  putNumber(attributes, 'gen_ai.request.frequency_penalty', body['frequency_penalty']);
  putNumber(attributes, 'gen_ai.request.presence_penalty', body['presence_penalty']);
  putNumber(attributes, 'gen_ai.request.seed', body['seed']);
  if (body['n'] !== 1) putNumber(attributes, 'gen_ai.request.choice.count', body['n']);
  const stop = body['stop'];
  if (typeof stop === 'string') attributes['gen_ai.request.stop_sequences'] = [stop];
  putTier(attributes, body);
}

/** The tier that was asked for; `auto` asks for none. */
export function putTier(attributes: Attributes, body: Json): void {
  const tier = body['service_tier'];
  if (tier !== 'auto') putString(attributes, 'openai.request.service_tier', tier);
}

function requestOf(vendor: string): CallKind['request'] {
  return (resource, params) => {
    const body = asObject(params) ?? {};
    const attributes = openaiRequest(resource, body, 'chat', vendor);
    attributes['openai.api.type'] = 'chat_completions';
    putSampling(attributes, body);
    putString(attributes, 'gen_ai.request.reasoning.level', body['reasoning_effort']);
    const search = asObject(body['web_search_options'])?.['search_context_size'];
    putString(attributes, 'perplexity.request.search_context_size', search);
    return attributes;
  };
}

/** The reasons for which choices ended, those that are told. */
export function putChoiceReasons(attributes: Attributes, choices: unknown): void {
  const reasons = objectsIn(choices).map((choice) => choice['finish_reason']);
  putFinishReasons(attributes, reasons);
}

/** What a search model charges beside tokens. */
export function putSearches(attributes: Attributes, model: unknown): void {
  if (typeof model === 'string' && SEARCHES_ALWAYS.test(model)) attributes[ATTR_WEB_SEARCHES] = 1;
}

function response(parsed: unknown, params: unknown): Attributes {
  const body = asObject(parsed);
  const attributes: Attributes = {};
  if (body === undefined) return attributes;
  putIdentity(attributes, body);
  putTokenUsage(attributes, asObject(body['usage']), body['model']);
  putSearches(attributes, body['model'] ?? asObject(params)?.['model']);
  putChoiceReasons(attributes, body['choices']);
  return attributes;
}

function messagesSize(parsed: unknown): TextSize {
  const size = new TextSize();
  const choices = asObject(parsed)?.['choices'];
  if (Array.isArray(choices)) for (const choice of choices) size.addAll(asObject(choice)?.['message']);
  return size;
}

/** The request with its usage asked for, where it is a stream whose app did not say. */
export function askUsage(args: readonly unknown[]): unknown[] | undefined {
  const [params, ...rest] = args;
  const body = asObject(params);
  if (body?.['stream'] !== true) return undefined;
  const options = asObject(body['stream_options']);
  if (options?.['include_usage'] !== undefined) return undefined;
  return [{ ...body, stream_options: { ...options, include_usage: true } }, ...rest];
}

/** Chat completions of an SDK in OpenAI's format, whose servers tell a stream's usage without being asked. */
export function chatKind(vendor: string): CallKind {
  return {
    operation: 'chat',
    request: requestOf(vendor),
    response,
    stream: (capture, asked) => new ChatStreamReader({ capture, asked, putSearches }),
    requestSize: (body) => sizeOfParts(body, ['messages', 'tools', 'functions', 'response_format']),
    responseSize: messagesSize,
    content: CHAT_CONTENT,
  };
}

/** Servers that tell a stream's usage anyway; some refuse requests with `stream_options`. */
const TELL_ANYWAY: ReadonlySet<string> = new Set([
  'cerebras',
  'deepseek',
  'fireworks',
  'groq',
  'mistral_ai',
  'moonshot_ai',
  'openrouter',
  'perplexity',
  'together',
  'x_ai',
]);

/** Chooses between a kind and the same one with usage asked for, by the server of each call. */
export function askingKind(kind: CallKind, vendor: string): (resource: unknown) => CallKind {
  const asking: CallKind = { ...kind, ask: askUsage };
  return (resource) => (TELL_ANYWAY.has(openaiProvider(resource, vendor)) ? kind : asking);
}
