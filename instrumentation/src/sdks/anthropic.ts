import type { Attributes, Span, Tracer } from '@opentelemetry/api';
import type { CallKind, Method, NativeResult, SdkAdapter, StreamReader } from '../adapter.ts';
import { asObject, prototypeAt, putNumber, putString, type Json } from '../json.ts';
import { providerOf, serverOf } from '../provider.ts';
import {
  ATTR_CACHE_READ_TOKENS,
  ATTR_CACHE_WRITE_TOKENS,
  ATTR_FINISH_REASONS,
  ATTR_INPUT_TOKENS,
  ATTR_OPERATION,
  ATTR_OUTPUT_TOKENS,
  ATTR_PROVIDER,
  ATTR_REASONING_TOKENS,
  ATTR_REQUEST_MODEL,
  ATTR_REQUEST_STREAM,
  ATTR_RESPONSE_ID,
  ATTR_RESPONSE_MODEL,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
} from '../semconv.ts';
import { sizeOfParts, TextSize } from '../text-size.ts';

function request(resource: unknown, params: unknown): Attributes {
  const body = asObject(params) ?? {};
  const client = asObject(asObject(resource)?.['_client']);
  const server = serverOf(client?.['baseURL']);
  const platform = client?.['_genAIProviderName'];
  const attributes: Attributes = {
    [ATTR_OPERATION]: 'chat',
    [ATTR_PROVIDER]:
      typeof platform === 'string' && platform !== 'anthropic'
        ? platform
        : providerOf(server.address, 'anthropic'),
  };
  putString(attributes, ATTR_REQUEST_MODEL, body['model']);
  putString(attributes, ATTR_SERVER_ADDRESS, server.address);
  putNumber(attributes, ATTR_SERVER_PORT, server.port);
  if (body['stream'] === true) attributes[ATTR_REQUEST_STREAM] = true;
  putNumber(attributes, 'gen_ai.request.max_tokens', body['max_tokens']);
  putNumber(attributes, 'gen_ai.request.temperature', body['temperature']);
  putNumber(attributes, 'gen_ai.request.top_p', body['top_p']);
  putNumber(attributes, 'gen_ai.request.top_k', body['top_k']);
  putString(attributes, 'anthropic.request.service_tier', body['service_tier']);
  return attributes;
}

/** The API's counts that add up to the conventions' input tokens. */
const INPUT_COUNTS = ['input_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens'];

/**
 * Usage: the API counts cached input beside `input_tokens`, the conventions count it inside. `output` is
 * false while a stream has only told placeholders for it.
 */
function putUsage(attributes: Attributes, usage: Json | undefined, output: boolean): void {
  if (usage === undefined) return;
  if (typeof usage['input_tokens'] === 'number') {
    let sum = 0;
    for (const name of INPUT_COUNTS) {
      const count = usage[name];
      if (typeof count === 'number') sum += count;
    }
    putNumber(attributes, ATTR_INPUT_TOKENS, sum);
  }
  putNumber(attributes, ATTR_CACHE_READ_TOKENS, usage['cache_read_input_tokens']);
  putNumber(attributes, ATTR_CACHE_WRITE_TOKENS, usage['cache_creation_input_tokens']);
  const writes = asObject(usage['cache_creation']);
  for (const ttl of ['ephemeral_5m_input_tokens', 'ephemeral_1h_input_tokens']) {
    putNumber(attributes, `anthropic.usage.cache_creation.${ttl}`, writes?.[ttl]);
  }
  putString(attributes, 'anthropic.response.service_tier', usage['service_tier']);
  putString(attributes, 'anthropic.usage.speed', usage['speed']);
  putString(attributes, 'anthropic.usage.inference_geo', usage['inference_geo']);
  const tools = asObject(usage['server_tool_use']);
  for (const tool of ['web_search_requests', 'web_fetch_requests']) {
    putNumber(attributes, `anthropic.usage.server_tool_use.${tool}`, tools?.[tool]);
  }
  if (!output) return;
  putNumber(attributes, ATTR_OUTPUT_TOKENS, usage['output_tokens']);
  const details = asObject(usage['output_tokens_details']);
  putNumber(attributes, ATTR_REASONING_TOKENS, details?.['thinking_tokens']);
}

function putIdentity(attributes: Attributes, message: Json): void {
  putString(attributes, ATTR_RESPONSE_ID, message['id']);
  putString(attributes, ATTR_RESPONSE_MODEL, message['model']);
}

function response(parsed: unknown): Attributes {
  const message = asObject(parsed);
  const attributes: Attributes = {};
  if (message === undefined) return attributes;
  putIdentity(attributes, message);
  putUsage(attributes, asObject(message['usage']), true);
  const reason = message['stop_reason'];
  if (typeof reason === 'string') attributes[ATTR_FINISH_REASONS] = [reason];
  return attributes;
}

/** Where the text of a delta is: answer, arguments of a tool, thinking. */
const DELTA_TEXTS = ['text', 'partial_json', 'thinking'];

/**
 * `message_start` tells the input and placeholders for the output; each `message_delta` has totals that
 * replace what was told before.
 */
class MessageStreamReader implements StreamReader {
  #message: Json | undefined;
  #usage: Record<string, unknown> | undefined;
  #final = false;
  #reason: unknown;
  readonly #received = new TextSize();

  read(chunk: unknown): boolean {
    const event = asObject(chunk);
    switch (event?.['type']) {
      case 'content_block_start':
        this.#received.addAll(asObject(event['content_block'])?.['name']);
        return false;
      case 'content_block_delta':
        this.#delta(asObject(event['delta']));
        return true;
      case 'message_start':
        this.#message = asObject(event['message']);
        this.#usage = { ...asObject(this.#message?.['usage']) };
        return false;
      case 'message_delta':
        this.#final = true;
        this.#reason = asObject(event['delta'])?.['stop_reason'] ?? this.#reason;
        this.#replace(asObject(event['usage']));
        return false;
      default:
        return false;
    }
  }

  #delta(delta: Json | undefined): void {
    for (const name of DELTA_TEXTS) {
      const text = delta?.[name];
      if (typeof text === 'string') this.#received.add(text);
    }
  }

  received(): TextSize {
    return this.#received;
  }

  #replace(totals: Json | undefined): void {
    const usage = (this.#usage ??= {});
    for (const name in totals) {
      if (totals[name] !== null && totals[name] !== undefined) usage[name] = totals[name];
    }
  }

  attributes(): Attributes {
    const attributes: Attributes = {};
    if (this.#message !== undefined) putIdentity(attributes, this.#message);
    putUsage(attributes, this.#usage, this.#final);
    if (typeof this.#reason === 'string') attributes[ATTR_FINISH_REASONS] = [this.#reason];
    return attributes;
  }
}

function messages(moduleExports: unknown, ...path: string[]): object | undefined {
  return prototypeAt(moduleExports, ['Anthropic', ...path]);
}

const MESSAGES: CallKind = {
  operation: 'chat',
  request,
  response,
  stream: () => new MessageStreamReader(),
  requestSize: (body) => sizeOfParts(body, ['system', 'messages', 'tools']),
  responseSize: (body) => sizeOfParts(body, ['content']),
};

const METHODS: readonly Method[] = [['Messages'], ['Beta', 'Messages']].map((path) => ({
  // stream(), parse() and toolRunner() all go through create().
  owner: (moduleExports) => messages(moduleExports, ...path),
  name: 'create',
  kind: MESSAGES,
}));

function clientOf(resource: unknown): { _tracer?: Tracer | undefined } | undefined {
  return asObject(asObject(resource)?.['_client']);
}

function isSpan(value: unknown): value is Span {
  return typeof asObject(value)?.['setAttributes'] === 'function';
}

/**
 * The SDK starts its span inside create(), synchronously, from the client's `_tracer`; its stream helper
 * starts it before and passes it as `__span` in the options. Both give the very span, so that it can get
 * what it lacks, and no second one is made.
 */
function runNative(resource: unknown, options: unknown, call: () => unknown): NativeResult {
  const given = asObject(asObject(options)?.['__span'])?.['span'];
  if (isSpan(given)) return { result: call(), span: given };
  const client = clientOf(resource);
  const tracer = client?._tracer;
  if (client === undefined || tracer === undefined) return { result: call(), span: undefined };
  let span: Span | undefined;
  const spy = Object.create(tracer) as Tracer;
  spy.startSpan = (...args) => {
    const started = tracer.startSpan(...args);
    span ??= started;
    return started;
  };
  client._tracer = spy;
  try {
    return { result: call(), span };
  } finally {
    client._tracer = tracer;
  }
}

/**
 * The `@anthropic-ai/sdk` package: messages and beta messages, streamed and not. Versions that trace
 * themselves keep their own span, which gets attribution and the figures that a price depends on.
 */
export const anthropic: SdkAdapter = {
  module: '@anthropic-ai/sdk',
  versions: ['>=0.30.0 <2'],
  methods: METHODS,
  retries: { owner: (moduleExports) => messages(moduleExports), name: 'retryRequest' },
  rivals: ['@traceloop/instrumentation-anthropic', '@arizeai/openinference-instrumentation-anthropic'],
  native: {
    isOn: (resource) => clientOf(resource)?._tracer !== undefined,
    run: runNative,
  },
};
