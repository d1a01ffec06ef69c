import type { Attributes } from '@opentelemetry/api';
import type { CallKind, Method, SdkAdapter, StreamReader } from '../adapter.ts';
import { asObject, prototypeAt, putNumber, putString, type Json } from '../json.ts';
import { providerOf, serverOf } from '../provider.ts';
import {
  ATTR_AUDIO_INPUT_TOKENS,
  ATTR_AUDIO_OUTPUT_TOKENS,
  ATTR_CACHE_READ_TOKENS,
  ATTR_CACHE_WRITE_TOKENS,
  ATTR_FINISH_REASONS,
  ATTR_INPUT_TOKENS,
  ATTR_OPERATION,
  ATTR_OUTPUT_TOKENS,
  ATTR_PROVIDER,
  ATTR_REASONING_TOKENS,
  ATTR_REPORTED_COST,
  ATTR_REQUEST_MODEL,
  ATTR_REQUEST_STREAM,
  ATTR_RESPONSE_ID,
  ATTR_RESPONSE_MODEL,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
} from '../semconv.ts';
import { sizeOfParts, TextSize } from '../text-size.ts';

const RESPONSE_SERVICE_TIER = 'openai.response.service_tier';
const RESPONSE_FINGERPRINT = 'openai.response.system_fingerprint';

/** Subclasses of the client whose base URL does not tell the provider. */
const CLIENTS: Readonly<Record<string, string>> = {
  AzureOpenAI: 'azure.ai.openai',
  BedrockOpenAI: 'aws.bedrock',
};

function whereAndWhat(resource: unknown, body: Json, operation: string): Attributes {
  const client = asObject(asObject(resource)?.['_client']);
  const server = serverOf(client?.['baseURL']);
  const kind = CLIENTS[client?.constructor.name ?? ''];
  const attributes: Attributes = {
    [ATTR_OPERATION]: operation,
    [ATTR_PROVIDER]: kind ?? providerOf(server.address, 'openai'),
  };
  putString(attributes, ATTR_REQUEST_MODEL, body['model']);
  putString(attributes, ATTR_SERVER_ADDRESS, server.address);
  putNumber(attributes, ATTR_SERVER_PORT, server.port);
  return attributes;
}

function chatRequest(resource: unknown, params: unknown): Attributes {
  const body = asObject(params) ?? {};
  const attributes = whereAndWhat(resource, body, 'chat');
  attributes['openai.api.type'] = 'chat_completions';
  if (body['stream'] === true) attributes[ATTR_REQUEST_STREAM] = true;
  putNumber(attributes, 'gen_ai.request.max_tokens', body['max_completion_tokens'] ?? body['max_tokens']);
  putNumber(attributes, 'gen_ai.request.temperature', body['temperature']);
  putNumber(attributes, 'gen_ai.request.top_p', body['top_p']);
  putNumber(attributes, 'gen_ai.request.frequency_penalty', body['frequency_penalty']);
  putNumber(attributes, 'gen_ai.request.presence_penalty', body['presence_penalty']);
  putNumber(attributes, 'gen_ai.request.seed', body['seed']);
  if (body['n'] !== 1) putNumber(attributes, 'gen_ai.request.choice.count', body['n']);
  const tier = body['service_tier'];
  if (tier !== 'auto') putString(attributes, 'openai.request.service_tier', tier);
  return attributes;
}

function embeddingsRequest(resource: unknown, params: unknown): Attributes {
  const body = asObject(params) ?? {};
  const attributes = whereAndWhat(resource, body, 'embeddings');
  putNumber(attributes, 'gen_ai.embeddings.dimension.count', body['dimensions']);
  const format = body['encoding_format'];
  if (typeof format === 'string') attributes['gen_ai.request.encoding_formats'] = [format];
  return attributes;
}

/**
 * Usage as OpenAI and the servers compatible with it report it: `prompt_tokens` include cached ones and
 * `completion_tokens` include reasoning. DeepSeek names its cache hits beside them.
 */
function putUsage(attributes: Attributes, usage: Json | undefined): void {
  if (usage === undefined) return;
  putNumber(attributes, ATTR_INPUT_TOKENS, usage['prompt_tokens']);
  putNumber(attributes, ATTR_OUTPUT_TOKENS, usage['completion_tokens']);
  putNumber(attributes, ATTR_REPORTED_COST, usage['cost']);
  putNumber(attributes, ATTR_CACHE_READ_TOKENS, usage['prompt_cache_hit_tokens']);
  const input = asObject(usage['prompt_tokens_details']);
  if (input !== undefined) {
    putNumber(attributes, ATTR_CACHE_READ_TOKENS, input['cached_tokens']);
    putNumber(attributes, ATTR_CACHE_WRITE_TOKENS, input['cache_write_tokens']);
    putNumber(attributes, ATTR_AUDIO_INPUT_TOKENS, input['audio_tokens']);
  }
  const output = asObject(usage['completion_tokens_details']);
  if (output !== undefined) {
    putNumber(attributes, ATTR_REASONING_TOKENS, output['reasoning_tokens']);
    putNumber(attributes, ATTR_AUDIO_OUTPUT_TOKENS, output['audio_tokens']);
  }
}

function putIdentity(attributes: Attributes, body: Json): void {
  putString(attributes, ATTR_RESPONSE_ID, body['id']);
  putString(attributes, ATTR_RESPONSE_MODEL, body['model']);
  putString(attributes, RESPONSE_SERVICE_TIER, body['service_tier']);
  putString(attributes, RESPONSE_FINGERPRINT, body['system_fingerprint']);
}

function chatResponse(response: unknown): Attributes {
  const body = asObject(response);
  const attributes: Attributes = {};
  if (body === undefined) return attributes;
  putIdentity(attributes, body);
  putUsage(attributes, asObject(body['usage']));
  const choices = body['choices'];
  if (Array.isArray(choices)) {
    const reasons = choices.map((choice) => asObject(choice)?.['finish_reason']);
    const told = reasons.filter((reason): reason is string => typeof reason === 'string');
    if (told.length > 0) attributes[ATTR_FINISH_REASONS] = told;
  }
  return attributes;
}

function embeddingsResponse(response: unknown): Attributes {
  const body = asObject(response);
  const attributes: Attributes = {};
  if (body === undefined) return attributes;
  putString(attributes, ATTR_RESPONSE_MODEL, body['model']);
  putNumber(attributes, ATTR_INPUT_TOKENS, asObject(body['usage'])?.['prompt_tokens']);
  return attributes;
}

/** Keeps the last chunk with usage: some compatible servers repeat a growing total in every chunk. */
class ChatStreamReader implements StreamReader {
  #first: Json | undefined;
  #usage: Json | undefined;
  #tier: unknown;
  #reasons: string[] = [];
  readonly #received = new TextSize();

  read(chunk: unknown): boolean {
    const body = asObject(chunk);
    if (body === undefined) return false;
    this.#first ??= body;
    const usage = body['usage'] ?? asObject(body['x_groq'])?.['usage'];
    if (usage !== undefined && usage !== null) this.#usage = asObject(usage);
    if (typeof body['service_tier'] === 'string') this.#tier = body['service_tier'];
    const choices = body['choices'];
    if (!Array.isArray(choices)) return false;
    let output = false;
    for (const each of choices) {
      const choice = asObject(each);
      if (choice === undefined) continue;
      const reason = choice['finish_reason'];
      if (typeof reason === 'string') this.#reasons[indexOf(choice)] = reason;
      if (this.#delta(asObject(choice['delta']))) output = true;
    }
    return output;
  }

  received(): TextSize {
    return this.#received;
  }

  /** The first chunk usually names only the role; what counts is the first one with anything beside it. */
  #delta(delta: Json | undefined): boolean {
    let output = false;
    for (const key in delta) {
      const value = delta[key];
      if (key === 'role' || value === null || value === undefined || value === '') continue;
      output = true;
      if (typeof value === 'string') this.#received.add(value);
      else this.#received.addAll(value);
    }
    return output;
  }

  attributes(): Attributes {
    const attributes: Attributes = {};
    if (this.#first === undefined) return attributes;
    putIdentity(attributes, this.#first);
    putString(attributes, RESPONSE_SERVICE_TIER, this.#tier);
    putUsage(attributes, this.#usage);
    const told = this.#reasons.filter((reason) => reason !== undefined);
    if (told.length > 0) attributes[ATTR_FINISH_REASONS] = told;
    return attributes;
  }
}

/** More choices than this are not worth an array slot each. */
const MAX_CHOICES = 128;

function indexOf(choice: Json): number {
  const index = choice['index'];
  return typeof index === 'number' && index >= 0 && index < MAX_CHOICES ? index : 0;
}

function messagesSize(response: unknown): TextSize {
  const size = new TextSize();
  const choices = asObject(response)?.['choices'];
  if (Array.isArray(choices)) for (const choice of choices) size.addAll(asObject(choice)?.['message']);
  return size;
}

function exported(moduleExports: unknown, ...path: string[]): object | undefined {
  return prototypeAt(moduleExports, ['OpenAI', ...path]);
}

/** The request with its usage asked for, where it is a stream whose app did not say. */
function askUsage(args: readonly unknown[]): unknown[] | undefined {
  const [params, ...rest] = args;
  const body = asObject(params);
  if (body?.['stream'] !== true) return undefined;
  const options = asObject(body['stream_options']);
  if (options?.['include_usage'] !== undefined) return undefined;
  return [{ ...body, stream_options: { ...options, include_usage: true } }, ...rest];
}

const CHAT: CallKind = {
  operation: 'chat',
  request: chatRequest,
  response: chatResponse,
  stream: () => new ChatStreamReader(),
  requestSize: (body) => sizeOfParts(body, ['messages', 'tools', 'functions', 'response_format']),
  responseSize: messagesSize,
  ask: askUsage,
};

const EMBEDDINGS: CallKind = {
  operation: 'embeddings',
  request: embeddingsRequest,
  response: embeddingsResponse,
  requestSize: (body) => sizeOfParts(body, ['input']),
};

const METHODS: readonly Method[] = [
  // parse(), stream() and runTools() all go through create().
  { owner: (moduleExports) => exported(moduleExports, 'Chat', 'Completions'), name: 'create', kind: CHAT },
  { owner: (moduleExports) => exported(moduleExports, 'Embeddings'), name: 'create', kind: EMBEDDINGS },
];

/** The `openai` package: chat completions, streamed and not, and embeddings; Azure and Bedrock clients too. */
export const openai: SdkAdapter = {
  module: 'openai',
  versions: ['>=4.19.0 <8'],
  methods: METHODS,
  retries: { owner: (moduleExports) => exported(moduleExports), name: 'retryRequest' },
  rivals: [
    '@opentelemetry/instrumentation-openai',
    '@traceloop/instrumentation-openai',
    '@arizeai/openinference-instrumentation-openai',
  ],
  exportsOf: (client) => {
    // `OpenAI.OpenAI` is `OpenAI`, also where a bundler renamed the class.
    const found: unknown = typeof client === 'function' ? client : asObject(client)?.constructor;
    const named = (found as { OpenAI?: unknown } | undefined)?.OpenAI;
    return typeof named === 'function' ? { OpenAI: named } : undefined;
  },
};
