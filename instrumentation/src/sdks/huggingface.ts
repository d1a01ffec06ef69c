import type { AdapterHost, CallKind, Method, Operation, SdkAdapter } from '../adapter.ts';
import { asObject, putNumber, type Json } from '../json.ts';
import { serverOf } from '../provider.ts';
import { ATTR_REQUEST_STREAM } from '../semconv.ts';
import { sizeOfParts } from '../text-size.ts';
import { GENERATION_CONTENT, generationResponse, GenerationStreamReader } from './huggingface-generation.ts';
import { chatKind, putSampling } from './openai-chat.ts';
import { embeddingsKind } from './openai-embeddings.ts';
import { requestAttributes } from './request-attributes.ts';

const MODULE = '@huggingface/inference';
const ROUTER = 'https://router.huggingface.co';

/**
 * Who answers: the app's own endpoint or the router (`hf-inference`, `auto`), or a provider that was named or found:
 * billed by Hugging Face at that provider's prices where the token is Hugging Face's, else by the provider itself.
 */
function providerOf(provider: unknown, token: unknown): string {
  if (typeof provider !== 'string' || provider === 'auto' || provider === 'hf-inference')
    return 'huggingface';
  const isOwn = typeof token === 'string' && token !== '' && !token.startsWith('hf_');
  return isOwn ? provider : `huggingface_${provider}`;
}

function requestOf(operation: Operation, streamed: boolean): CallKind['request'] {
  return (_, params) => {
    const body = asObject(params) ?? {};
    const provider = providerOf(body['provider'], body['accessToken']);
    const routed = provider.startsWith('huggingface') ? ROUTER : undefined;
    const server = serverOf(body['endpointUrl'] ?? routed);
    const attributes = requestAttributes(operation, provider, body['model'], server);
    const parameters = asObject(body['parameters']);
    putSampling(attributes, { ...parameters, ...body, stream: streamed });
    putNumber(attributes, 'gen_ai.request.max_tokens', parameters?.['max_new_tokens']);
    if (streamed) attributes[ATTR_REQUEST_STREAM] = true;
    return attributes;
  };
}

/** The task's arguments, with the provider that was found for it. */
function bodyOf([params, helper]: readonly unknown[]): Json {
  return { ...asObject(params), provider: asObject(helper)?.['provider'] };
}

/** What the provider answered, before the SDK makes of it what the app gets. */
function dataOf(result: unknown): unknown {
  return asObject(result)?.['data'];
}

/** A kind for the functions that send requests, from one that reads what they answer. */
function sent(kind: CallKind, operation: Operation): CallKind {
  const { content, responseSize } = kind;
  return {
    operation,
    body: bodyOf,
    request: requestOf(operation, false),
    response: (result, ...given) => kind.response(dataOf(result), ...given),
    ...(kind.requestSize === undefined ? {} : { requestSize: kind.requestSize }),
    ...(responseSize === undefined ? {} : { responseSize: (result) => responseSize(dataOf(result)) }),
    ...(content === undefined
      ? {}
      : { content: { ...content, output: (result) => content.output(dataOf(result)) } }),
  };
}

/** As `sent`, for the function that gives a stream. */
function streamed(kind: CallKind, operation: Operation): CallKind {
  return { ...kind, operation, body: bodyOf, request: requestOf(operation, true) };
}

const CHAT = chatKind('huggingface');

const GENERATION: CallKind = {
  operation: 'text_completion',
  request: () => ({}),
  response: generationResponse,
  stream: (capture) => new GenerationStreamReader(capture),
  requestSize: (body) => sizeOfParts(body, ['inputs']),
  responseSize: (response) => sizeOfParts({ response }, ['response']),
  content: GENERATION_CONTENT,
};

const EMBEDDINGS: CallKind = {
  ...embeddingsKind('huggingface'),
  requestSize: (body) => sizeOfParts(body, ['inputs']),
};

/** Servers of this API tell a stream's usage where they are asked for it. */
function askUsage(args: readonly unknown[]): unknown[] | undefined {
  const [params, ...rest] = args;
  const body = asObject(params);
  const options = asObject(body?.['stream_options']);
  if (body === undefined || options?.['include_usage'] !== undefined) return undefined;
  return [{ ...body, stream_options: { ...options, include_usage: true } }, ...rest];
}

const SENT: Readonly<Record<string, CallKind>> = {
  conversational: sent(CHAT, 'chat'),
  'text-generation': sent(GENERATION, 'text_completion'),
  'feature-extraction': sent(EMBEDDINGS, 'embeddings'),
};

const STREAMED: Readonly<Record<string, CallKind>> = {
  conversational: { ...streamed(CHAT, 'chat'), ask: askUsage },
  'text-generation': streamed(GENERATION, 'text_completion'),
};

function byTask(kinds: Readonly<Record<string, CallKind>>): Method['kind'] {
  return (_, args) => {
    const task = asObject(args[2])?.['task'];
    return typeof task === 'string' && Object.hasOwn(kinds, task) ? kinds[task] : undefined;
  };
}

function patch(moduleExports: unknown, host: AdapterHost): unknown {
  const owner = asObject(moduleExports);
  if (owner === undefined) return moduleExports;
  host.wrapMethod(owner, 'innerRequest', byTask(SENT));
  host.wrapMethod(owner, 'innerStreamingRequest', byTask(STREAMED));
  return moduleExports;
}

const VERSIONS = ['>=3.14.0 <5'];

/**
 * The `@huggingface/inference` package: chat, text generation and embeddings, streamed and not. Clients bind their
 * tasks where nobody can replace them (InferenceClient.js), and some tasks drop the usage from what they give; so it is
 * the two functions that send every task's request that are observed, and the app keeps what the SDK made. Versions
 * before 3.14 are one bundled file. Other tasks are not observed.
 */
export const huggingface: SdkAdapter = {
  module: MODULE,
  versions: VERSIONS,
  methods: [],
  hooks: [
    {
      module: MODULE,
      versions: VERSIONS,
      files: ['dist/esm/utils/request.js', 'dist/commonjs/utils/request.js'],
      patch,
    },
  ],
  rivals: [],
};
