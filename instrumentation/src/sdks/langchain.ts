import type { Attributes } from '@opentelemetry/api';
import type { AdapterHost, CallKind, ModuleHook, SdkAdapter, StreamReader } from '../adapter.ts';
import type { Message } from '../content.ts';
import { RETRIEVAL, toolKind } from '../framework-kinds.ts';
import { asObject, prototypeAt, putNumber, putString, type Json } from '../json.ts';
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
  ATTR_REQUEST_MODEL,
  ATTR_REQUEST_STREAM,
  ATTR_RESPONSE_ID,
  ATTR_RESPONSE_MODEL,
} from '../semconv.ts';
import { TextSize } from '../text-size.ts';
import { messageOf, messagesOf } from './langchain-messages.ts';

/** LangChain's `ls_provider` where the conventions have another name for it. */
const PROVIDERS: Readonly<Record<string, string>> = {
  amazon_bedrock: 'aws.bedrock',
  azure: 'azure.ai.openai',
  google: 'gcp.gemini',
  google_genai: 'gcp.gemini',
  google_vertexai: 'gcp.vertex_ai',
  mistral: 'mistral_ai',
  mistralai: 'mistral_ai',
  vertexai: 'gcp.vertex_ai',
  xai: 'x_ai',
};

/** What the model tells of itself for LangSmith: provider, model, parameters. */
function described(model: unknown, options: unknown): Json {
  const target = asObject(model);
  const describe = target?.['getLsParams'];
  const told = typeof describe === 'function' ? asObject(describe.call(model, options ?? {})) : undefined;
  return { ls_model_name: target?.['model'] ?? target?.['modelName'], ...told };
}

function requestOf(operation: CallKind['operation'], stream: boolean) {
  return (model: unknown, args: unknown): Attributes => {
    const options = (args as readonly unknown[])[1];
    const told = described(model, options);
    const provider = told['ls_provider'];
    const attributes: Attributes = { [ATTR_OPERATION]: operation };
    if (typeof provider === 'string') attributes[ATTR_PROVIDER] = PROVIDERS[provider] ?? provider;
    putString(attributes, ATTR_REQUEST_MODEL, told['ls_model_name']);
    putNumber(attributes, 'gen_ai.request.temperature', told['ls_temperature']);
    putNumber(attributes, 'gen_ai.request.max_tokens', told['ls_max_tokens']);
    if (stream) attributes[ATTR_REQUEST_STREAM] = true;
    return attributes;
  };
}

/** Counts by attribute; LangChain's input includes cached tokens and its output reasoning, for every provider. */
class UsageSum {
  readonly #counts = new Map<string, number>();

  add(metadata: unknown): void {
    const usage = asObject(metadata);
    if (usage === undefined) return;
    const input = asObject(usage['input_token_details']);
    const output = asObject(usage['output_token_details']);
    this.#count(ATTR_INPUT_TOKENS, usage['input_tokens']);
    this.#count(ATTR_OUTPUT_TOKENS, usage['output_tokens']);
    this.#count(ATTR_CACHE_READ_TOKENS, input?.['cache_read']);
    this.#count(ATTR_CACHE_WRITE_TOKENS, input?.['cache_creation']);
    this.#count(ATTR_AUDIO_INPUT_TOKENS, input?.['audio']);
    this.#count(ATTR_REASONING_TOKENS, output?.['reasoning']);
    this.#count(ATTR_AUDIO_OUTPUT_TOKENS, output?.['audio']);
  }

  #count(key: string, value: unknown): void {
    if (typeof value === 'number' && Number.isFinite(value)) {
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + value);
    }
  }

  put(attributes: Attributes): void {
    for (const [key, count] of this.#counts) attributes[key] = count;
  }
}

function putAnswer(attributes: Attributes, message: Json | undefined, info: Json | undefined): void {
  const metadata = asObject(message?.['response_metadata']);
  putString(attributes, ATTR_RESPONSE_ID, metadata?.['id'] ?? message?.['id']);
  putString(attributes, ATTR_RESPONSE_MODEL, metadata?.['model_name'] ?? metadata?.['model']);
  const reason = metadata?.['finish_reason'] ?? metadata?.['stop_reason'] ?? info?.['finish_reason'];
  if (typeof reason === 'string') attributes[ATTR_FINISH_REASONS] = [reason];
}

/** The first answer to each prompt of a result. */
function firstAnswers(result: unknown): Json[] {
  const prompts = asObject(result)?.['generations'];
  if (!Array.isArray(prompts)) return [];
  const firsts = prompts.map((answers) => asObject(Array.isArray(answers) ? answers[0] : undefined));
  return firsts.filter((first) => first !== undefined);
}

/** Completions of plain text tell their counts beside the answers. */
function outputUsage(result: unknown): Json | undefined {
  const told = asObject(asObject(asObject(result)?.['llmOutput'])?.['tokenUsage']);
  if (told === undefined) return undefined;
  return { input_tokens: told['promptTokens'], output_tokens: told['completionTokens'] };
}

function responseOf(result: unknown): Attributes {
  const attributes: Attributes = {};
  const usage = new UsageSum();
  const answers = firstAnswers(result);
  let told = false;
  for (const answer of answers) {
    const message = asObject(answer['message']);
    told ||= message?.['usage_metadata'] !== undefined;
    usage.add(message?.['usage_metadata']);
  }
  if (!told) usage.add(outputUsage(result));
  const [only] = answers;
  if (answers.length === 1)
    putAnswer(attributes, asObject(only?.['message']), asObject(only?.['generationInfo']));
  usage.put(attributes);
  return attributes;
}

/** Chunks are messages (or plain text); LangChain adds up what they tell of usage, and so does this. */
class ChunkReader implements StreamReader {
  readonly #usage = new UsageSum();
  readonly #known: Attributes = {};
  readonly #received = new TextSize();
  readonly #parts: string[] | undefined;

  constructor(capture: boolean) {
    this.#parts = capture ? [] : undefined;
  }

  read(chunk: unknown): boolean {
    const message = asObject(chunk);
    const content = typeof chunk === 'string' ? chunk : message?.['content'];
    this.#usage.add(message?.['usage_metadata']);
    if (message !== undefined) putAnswer(this.#known, message, undefined);
    const calls = message?.['tool_call_chunks'];
    const hasText = typeof content === 'string' || Array.isArray(content) ? content.length > 0 : false;
    this.#received.addAll(content);
    if (Array.isArray(calls)) for (const call of calls) this.#received.addAll(asObject(call)?.['args']);
    if (typeof content === 'string') this.#parts?.push(content);
    return hasText || (Array.isArray(calls) && calls.length > 0);
  }

  attributes(): Attributes {
    const attributes = { ...this.#known };
    this.#usage.put(attributes);
    return attributes;
  }

  received(): TextSize {
    return this.#received;
  }

  messages(): readonly Message[] {
    const text = this.#parts?.join('') ?? '';
    return text === '' ? [] : [{ role: 'assistant', parts: [{ type: 'text', content: text }] }];
  }
}

function modelKind(operation: CallKind['operation'], isStream: boolean): CallKind {
  return {
    operation,
    layer: true,
    body: (args) => args,
    request: requestOf(operation, isStream),
    response: responseOf,
    ...(isStream ? { stream: (capture: boolean) => new ChunkReader(capture) } : {}),
    content: {
      input: (args) => messagesOf((args as readonly unknown[])[0]),
      output: (result) =>
        firstAnswers(result).map((answer) => messageOf(answer['message'] ?? answer['text'], 'assistant')),
    },
  };
}

const TOOL = toolKind((tool, args) => {
  const [input, config] = args as readonly unknown[];
  const call = asObject(asObject(config)?.['toolCall']) ?? asObject(input);
  return { name: asObject(tool)?.['name'], id: call?.['type'] === 'tool_call' ? call['id'] : undefined };
});

function wrapModels(className: string, operation: CallKind['operation']) {
  const generate = modelKind(operation, false);
  const stream = modelKind(operation, true);
  return (moduleExports: unknown, host: AdapterHost): void => {
    const owner = prototypeAt(moduleExports, [className]);
    if (owner === undefined) return;
    // Below the cache, so that what costs nothing is not told.
    host.wrapMethod(owner, '_generateUncached', generate);
    host.wrapMethod(owner, '_streamIterator', stream);
  };
}

function wrapOne(className: string, method: string, kind: CallKind) {
  return (moduleExports: unknown, host: AdapterHost): void => {
    const owner = prototypeAt(moduleExports, [className]);
    if (owner !== undefined) host.wrapMethod(owner, method, kind);
  };
}

const VERSIONS = ['>=0.3.0 <2'];

const ENTRY_POINTS: readonly (readonly [path: string, patch: ModuleHook['patch']])[] = [
  ['language_models/chat_models', wrapModels('BaseChatModel', 'chat')],
  ['language_models/llms', wrapModels('BaseLLM', 'text_completion')],
  ['tools', wrapOne('StructuredTool', 'call', TOOL)],
  ['retrievers', wrapOne('BaseRetriever', 'invoke', RETRIEVAL)],
];

/**
 * LangChain JS, by `@langchain/core`: chat models and completions, streamed and not, tools and retrievers. A model
 * that calls its provider through an SDK that is instrumented is told of by that SDK alone, with everything that a
 * price depends on; any other model by what LangChain knows of it.
 */
export const langchain: SdkAdapter = {
  module: '@langchain/core',
  versions: VERSIONS,
  methods: [],
  hooks: ENTRY_POINTS.map(([path, patch]) => ({
    module: `@langchain/core/${path}`,
    requireFiles: [`dist/${path}.cjs`, `dist/${path}/index.cjs`],
    versions: VERSIONS,
    patch,
  })),
  rivals: ['@traceloop/instrumentation-langchain', '@arizeai/openinference-instrumentation-langchain'],
};
