import type { AdapterHost, CallKind, Method, SdkAdapter } from '../adapter.ts';
import { countRetries } from '../count-retries.ts';
import { keepBaggage } from '../keep-baggage.ts';
import { asObject, holderOf, prototypeAt, type Json } from '../json.ts';
import { sizeOfParts } from '../text-size.ts';
import { wrapBatchResults } from './anthropic/batch-results.ts';
import { tellInnerRequests } from './anthropic/inner-requests.ts';
import { MESSAGE_CONTENT } from './anthropic/message-content.ts';
import { messageResponse } from './anthropic/message-response.ts';
import { MessageStreamReader } from './anthropic/message-stream.ts';
import { nativeTracer, runNative } from './anthropic/native-span.ts';
import { besideOf, generationRequest, whereAndWhat } from './anthropic/request.ts';
import { TEXT_COMPLETION } from './anthropic/text-completion.ts';

const VERSIONS = ['>=0.30.0 <2'];

/** Parts of a request that the model reads. */
const READ_PARTS = ['system', 'messages', 'tools'];

/** A call of the Messages API by one client, whose requests within are told by `host`. */
function messageKind(host: AdapterHost, resource: unknown): CallKind {
  return {
    operation: 'chat',
    request: (self, params) => generationRequest(self, params, 'chat'),
    response: (parsed) => {
      const message = asObject(parsed);
      const usage = asObject(message?.['usage']);
      if (message !== undefined && usage !== undefined)
        tellInnerRequests(host, besideOf(resource), message, usage);
      return messageResponse(parsed);
    },
    stream: (capture) =>
      new MessageStreamReader(capture, {
        onComplete: (message, usage) => tellInnerRequests(host, besideOf(resource), message, usage),
      }),
    requestSize: (body) => sizeOfParts(body, READ_PARTS),
    responseSize: (body) => sizeOfParts(body, ['content']),
    content: MESSAGE_CONTENT,
  };
}

/** One kind for each client's resource, since it is the client who tells where the provider is. */
function messageKinds(host: AdapterHost): (resource: unknown) => CallKind {
  const kinds = new WeakMap<object, CallKind>();
  return (resource) => {
    const key = asObject(resource) ?? host;
    const known = kinds.get(key);
    if (known !== undefined) return known;
    const kind = messageKind(host, resource);
    kinds.set(key, kind);
    return kind;
  };
}

/** Counting tokens is free, and its answer is no usage of anything. */
const COUNT_TOKENS: CallKind = {
  operation: 'count_tokens',
  request: (resource, params) => whereAndWhat(resource, asObject(params) ?? {}, 'count_tokens'),
  response: () => ({}),
  measured: false,
};

/** Messages and beta messages: `stream()`, `parse()`, `toolRunner()` and threads all go through `create()`. */
const MESSAGES = [['Messages'], ['Beta', 'Messages']];

const METHODS: readonly Method[] = [
  { owner: (from) => exported(from, 'Completions'), name: 'create', kind: TEXT_COMPLETION },
  ...MESSAGES.map((path) => ({
    owner: (from: unknown) => exported(from, ...path),
    name: 'countTokens',
    kind: COUNT_TOKENS,
  })),
];

/** Clients of other platforms replace the class that the package exports, but none of its resources. */
function exported(moduleExports: unknown, ...path: string[]): object | undefined {
  return prototypeAt(moduleExports, ['Anthropic', ...path]);
}

function retrying(moduleExports: unknown): object | undefined {
  return holderOf(exported(moduleExports), 'retryRequest');
}

function patch(moduleExports: unknown, host: AdapterHost): undefined {
  const kinds = messageKinds(host);
  for (const path of MESSAGES) {
    const messages = exported(moduleExports, ...path);
    if (messages !== undefined) host.wrapMethod(messages, 'create', kinds);
    const batches = exported(moduleExports, ...path, 'Batches');
    if (batches !== undefined) wrapBatchResults(batches, host);
  }
}

/** The same for a file that the main module loads, and that packages for other platforms load without it. */
function patchClient(moduleExports: unknown, host: AdapterHost): undefined {
  patch(moduleExports, host);
  for (const { owner, name, kind } of METHODS) {
    const holder = owner(moduleExports);
    if (holder !== undefined) host.wrapMethod(holder, name, kind);
  }
  const client = retrying(moduleExports);
  if (client === undefined) return;
  host.wrap(client, 'retryRequest', countRetries);
  host.wrap(client, 'makeRequest', keepBaggage);
}

function constructorOf(value: unknown): unknown {
  return asObject(value)?.constructor;
}

/** As a module exports a resource: the class, with what hangs on it. */
function withStatics(resource: Json | undefined, statics: Json = {}): Json | undefined {
  return resource === undefined ? undefined : { prototype: Object.getPrototypeOf(resource), ...statics };
}

/** A client's class of the vendor's own API, which has the resources' classes on it. */
function isClientClass(value: unknown): boolean {
  return (
    typeof value === 'function' &&
    holderOf(prototypeAt(value, []), 'retryRequest') !== undefined &&
    holderOf(prototypeAt(value, ['Messages']), 'stream') !== undefined &&
    prototypeAt(value, ['Beta', 'Messages']) !== undefined
  );
}

/** Exports as far as they are needed, from a client or class whose module a bundler hid. */
function exportsOf(client: unknown): unknown {
  if (isClientClass(client)) return { Anthropic: client };
  const fields = asObject(client);
  const messages = asObject(fields?.['messages']);
  const beta = asObject(asObject(fields?.['beta'])?.['messages']);
  if (typeof messages?.['create'] !== 'function' || typeof messages['stream'] !== 'function')
    return undefined;
  if (typeof fields?.['retryRequest'] !== 'function' || typeof beta?.['create'] !== 'function')
    return undefined;
  return {
    Anthropic: {
      prototype: Object.getPrototypeOf(fields),
      Messages: withStatics(messages, { Batches: constructorOf(messages['batches']) }),
      Completions: withStatics(asObject(fields['completions'])),
      Beta: { Messages: withStatics(beta, { Batches: constructorOf(beta['batches']) }) },
    },
  };
}

/**
 * The `@anthropic-ai/sdk` package, also beneath the clients for Bedrock, Vertex AI and other platforms: messages
 * and beta messages, streamed or not, results of batches, token counts, and the text completions of before.
 * Versions that trace themselves keep their own span, which gets attribution and the figures that a price depends
 * on.
 */
export const anthropic: SdkAdapter = {
  module: '@anthropic-ai/sdk',
  versions: VERSIONS,
  methods: METHODS,
  patch,
  // What `@anthropic-ai/bedrock-sdk` and its like load, and not the main module.
  hooks: [{ module: '@anthropic-ai/sdk/client', versions: VERSIONS, patch: patchClient }],
  retries: { owner: retrying, name: 'retryRequest' },
  requests: { owner: retrying, name: 'makeRequest' },
  rivals: ['@traceloop/instrumentation-anthropic', '@arizeai/openinference-instrumentation-anthropic'],
  exportsOf,
  native: {
    isOn: (resource) => nativeTracer(resource) !== undefined,
    run: runNative,
  },
};
