import type { CallKind, Method, ModuleHook, SdkAdapter } from '../adapter.ts';
import { asObject, holderOf, prototypeAt } from '../json.ts';
import { type Getter } from '../resource-getter.ts';
import { attemptsHook } from './attempts-hook.ts';
import { CHAT_STREAM_V1, CHAT_V1, GENERATE_STREAM_V1, GENERATE_V1 } from './cohere/chat-v1.ts';
import { CHAT_STREAM_V2, CHAT_V2 } from './cohere/chat-v2.ts';
import { EMBED, PARSE, RERANK } from './cohere/cohere-other.ts';

const V1: Readonly<Record<string, CallKind>> = {
  chat: CHAT_V1,
  chatStream: CHAT_STREAM_V1,
  generate: GENERATE_V1,
  generateStream: GENERATE_STREAM_V1,
  summarize: GENERATE_V1,
  embed: EMBED,
  rerank: RERANK,
};

const V2: Readonly<Record<string, CallKind>> = {
  chat: CHAT_V2,
  chatStream: CHAT_STREAM_V2,
  embed: EMBED,
  parse: PARSE,
  rerank: RERANK,
};

/**
 * The class of version 2, which is not exported. `CohereClientV2` binds its methods when it is made, so that they
 * have to be wrapped before the first: a client of version 1 leads to it by a getter, which asks for nothing but
 * the client's options.
 */
function classOfV2(moduleExports: unknown): object | undefined {
  const given = asObject(asObject(moduleExports)?.['v2']);
  if (given !== undefined) return given;
  const holder = holderOf(prototypeAt(moduleExports, ['CohereClient']), 'v2');
  if (holder === undefined) return undefined;
  const found: Getter | undefined = Object.getOwnPropertyDescriptor(holder, 'v2');
  try {
    const client = Object.assign(Object.create(holder) as object, { _options: { token: '' } });
    return asObject(found?.get?.call(client));
  } catch {
    return undefined;
  }
}

const METHODS: readonly Method[] = [
  ...Object.entries(V1).map(([name, kind]) => ({
    // The exported class extends the one that has the methods.
    owner: (moduleExports: unknown) => holderOf(prototypeAt(moduleExports, ['CohereClient']), name),
    name,
    kind,
  })),
  ...Object.entries(V2).map(([name, kind]) => ({
    owner: (moduleExports: unknown) => holderOf(classOfV2(moduleExports), name),
    name,
    kind,
  })),
];

const VERSIONS = ['>=7.0.0 <9'];

/** The clients for AWS, which later versions have in an entry point of their own; they extend the others. */
const AWS: ModuleHook = {
  module: 'cohere-ai/aws',
  versions: VERSIONS,
  requireFiles: ['aws.js'],
  patch: (moduleExports, host) => {
    const client = { CohereClient: asObject(moduleExports)?.['BedrockClient'] };
    for (const { owner, name, kind } of METHODS) {
      const holder = owner(client);
      if (holder !== undefined) host.wrapMethod(holder, name, kind);
    }
    return moduleExports;
  },
};

/** It repeats a request twice unless told otherwise. */
const RETRY_FILE = 'core/fetcher/requestWithRetries.js';
const ATTEMPTS = attemptsHook('cohere-ai', VERSIONS, [RETRY_FILE], 'requestWithRetries');

/** A client of version 2 has its methods bound already: they are wrapped where the app calls them. */
function exportsOf(client: unknown): unknown {
  const object = asObject(typeof client === 'function' ? client.prototype : client);
  if (typeof object?.['chatStream'] !== 'function') return undefined;
  if (asObject(object['clientV2']) !== undefined) return { v2: object };
  if (!('v2' in object) || !('embedJobs' in object)) return undefined;
  const prototype: unknown = typeof client === 'function' ? object : Object.getPrototypeOf(object);
  return { CohereClient: { prototype } };
}

/**
 * The `cohere-ai` package: chats, generations, embeddings, reranks and documents, in both versions of the API. Not
 * observed: transcriptions, whose usage nothing tells, classifications and batches.
 */
export const cohere: SdkAdapter = {
  module: 'cohere-ai',
  versions: VERSIONS,
  methods: METHODS,
  hooks: [AWS, ATTEMPTS],
  exportsOf,
  rivals: ['@traceloop/instrumentation-cohere', '@arizeai/openinference-instrumentation-cohere'],
};
