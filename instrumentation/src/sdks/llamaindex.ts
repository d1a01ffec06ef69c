import type { Attributes } from '@opentelemetry/api';
import type { AdapterHost, AnyFunction, CallKind, ModuleHook, SdkAdapter } from '../adapter.ts';
import type { Message } from '../content.ts';
import { RETRIEVAL } from '../framework-kinds.ts';
import { asObject, classNameOf, prototypeAt, putNumber, putString, textOr, type Json } from '../json.ts';
import {
  ATTR_CACHE_READ_TOKENS,
  ATTR_CACHE_WRITE_TOKENS,
  ATTR_INPUT_TOKENS,
  ATTR_OPERATION,
  ATTR_OUTPUT_TOKENS,
  ATTR_PROVIDER,
  ATTR_REASONING_TOKENS,
  ATTR_REQUEST_MODEL,
  ATTR_REQUEST_STREAM,
  ATTR_RESPONSE_ID,
  ATTR_RESPONSE_MODEL,
} from '../semconv.ts';
import { MessageReader } from './message-reader.ts';

/** Classes of models by the provider that they call, where one class means one provider. */
const PROVIDERS: Readonly<Record<string, string>> = {
  Anthropic: 'anthropic',
  AzureOpenAI: 'azure.ai.openai',
  Bedrock: 'aws.bedrock',
  DeepSeekLLM: 'deepseek',
  Gemini: 'gcp.gemini',
  Groq: 'groq',
  MistralAI: 'mistral_ai',
  Ollama: 'ollama',
  OpenAI: 'openai',
  TogetherLLM: 'together',
  FireworksLLM: 'fireworks',
};

function request(model: unknown, params: unknown): Attributes {
  const llm = asObject(model);
  const attributes: Attributes = { [ATTR_OPERATION]: 'chat' };
  putString(attributes, ATTR_PROVIDER, PROVIDERS[classNameOf(model)]);
  putString(attributes, ATTR_REQUEST_MODEL, llm?.['model']);
  putNumber(attributes, 'gen_ai.request.temperature', llm?.['temperature']);
  putNumber(attributes, 'gen_ai.request.max_tokens', llm?.['maxTokens']);
  if (asObject(params)?.['stream'] === true) attributes[ATTR_REQUEST_STREAM] = true;
  return attributes;
}

/**
 * What the provider answered, as far as its shape is one that says by itself what its counts include: OpenAI's and
 * Gemini's include cached input. Anthropic's do not, and its SDK is instrumented itself.
 */
function putRaw(attributes: Attributes, value: unknown): void {
  const raw = asObject(value);
  if (raw === undefined) return;
  putString(attributes, ATTR_RESPONSE_ID, raw['id'] ?? raw['responseId']);
  putString(attributes, ATTR_RESPONSE_MODEL, raw['model'] ?? raw['modelVersion']);
  const usage = asObject(raw['usage']);
  putNumber(attributes, ATTR_INPUT_TOKENS, usage?.['prompt_tokens']);
  putNumber(attributes, ATTR_OUTPUT_TOKENS, usage?.['completion_tokens']);
  const input = asObject(usage?.['prompt_tokens_details']);
  putNumber(attributes, ATTR_CACHE_READ_TOKENS, input?.['cached_tokens']);
  putNumber(attributes, ATTR_CACHE_WRITE_TOKENS, input?.['cache_write_tokens']);
  const output = asObject(usage?.['completion_tokens_details']);
  putNumber(attributes, ATTR_REASONING_TOKENS, output?.['reasoning_tokens']);
  const gemini = asObject(raw['usageMetadata']);
  if (typeof gemini?.['promptTokenCount'] !== 'number') return;
  putNumber(attributes, ATTR_INPUT_TOKENS, gemini['promptTokenCount']);
  putNumber(attributes, ATTR_CACHE_READ_TOKENS, gemini['cachedContentTokenCount']);
  putNumber(attributes, ATTR_OUTPUT_TOKENS, sum(gemini, ['candidatesTokenCount', 'thoughtsTokenCount']));
}

function sum(counts: Json, names: readonly string[]): number | undefined {
  const told = names.map((name) => counts[name]).filter((count) => typeof count === 'number');
  return told.length === 0 ? undefined : told.reduce((total, count) => total + count, 0);
}

function response(answer: unknown): Attributes {
  const attributes: Attributes = {};
  putRaw(attributes, asObject(answer)?.['raw']);
  return attributes;
}

/** Every chunk has a piece of text and the provider's own chunk. */
class ChunkReader extends MessageReader {
  readonly #known: Attributes = {};

  read(chunk: unknown): boolean {
    const part = asObject(chunk);
    putRaw(this.#known, part?.['raw']);
    const delta = part?.['delta'];
    if (typeof delta !== 'string' || delta === '') return false;
    this.size.add(delta);
    this.said?.text(delta);
    return true;
  }

  attributes(): Attributes {
    return { ...this.#known };
  }
}

function message(value: unknown): Message {
  const said = asObject(value);
  const content = said?.['content'];
  const items: unknown[] = Array.isArray(content) ? content : [{ type: 'text', text: content }];
  return {
    role: textOr(said?.['role'], 'user'),
    parts: items.map((item) => {
      const part = asObject(item);
      const text = part?.['text'];
      return typeof text === 'string'
        ? { type: 'text', content: text }
        : { ...part, type: textOr(part?.['type'], 'unknown') };
    }),
  };
}

const CHAT: CallKind = {
  operation: 'chat',
  layer: true,
  request,
  response,
  stream: (capture) => new ChunkReader(capture),
  content: {
    input: (params) => {
      const messages = asObject(params)?.['messages'];
      return Array.isArray(messages) ? messages.map(message) : [];
    },
    output: (answer) => [message(asObject(answer)?.['message'])],
  },
};

/** Every class of models marks its `chat` with this decorator, which is where it can be reached. */
function wrapDecorator(moduleExports: unknown, host: AdapterHost): void {
  const exported = asObject(moduleExports);
  if (exported === undefined) return;
  host.wrap(
    exported,
    'wrapLLMEvent',
    (decorate) =>
      function (this: unknown, method: unknown, ...rest: unknown[]): unknown {
        return decorate.call(this, observed(method, host), ...rest);
      },
  );
}

function observed(method: unknown, host: AdapterHost): unknown {
  if (typeof method !== 'function') return method;
  const original = method as AnyFunction;
  return function (this: unknown, ...args: unknown[]): unknown {
    return host.run(CHAT, this, args, (given) => original.apply(this, given as unknown[]));
  };
}

function wrapRetriever(moduleExports: unknown, host: AdapterHost): void {
  const owner = prototypeAt(moduleExports, ['BaseRetriever']);
  if (owner !== undefined) host.wrapMethod(owner, 'retrieve', RETRIEVAL);
}

const VERSIONS = ['>=0.5.0 <1'];

const ENTRY_POINTS: readonly (readonly [path: string, patch: ModuleHook['patch']])[] = [
  ['decorator', wrapDecorator],
  ['retriever', wrapRetriever],
];

/**
 * LlamaIndex TS, by `@llamaindex/core`: models and retrievers. A model that calls its provider through an SDK that is
 * instrumented is told of by that SDK alone; any other model by what its answer holds.
 */
export const llamaindex: SdkAdapter = {
  module: '@llamaindex/core',
  versions: VERSIONS,
  methods: [],
  hooks: ENTRY_POINTS.map(([path, patch]) => ({
    module: `@llamaindex/core/${path}`,
    requireFiles: [`${path}/dist/index.cjs`],
    versions: VERSIONS,
    patch,
  })),
  rivals: ['@traceloop/instrumentation-llamaindex'],
};
