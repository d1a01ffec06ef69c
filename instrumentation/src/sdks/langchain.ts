import { context } from '@opentelemetry/api';
import type { AdapterHost, AnyFunction, CallKind, ModuleHook, SdkAdapter } from '../adapter.ts';
import { RETRIEVAL, toolKind } from '../framework-kinds.ts';
import { fromApp } from '../from-app.ts';
import { canHide } from '../hidden.ts';
import { asObject, holderOf, prototypeAt } from '../json.ts';
import { ATTR_PROVIDER, ATTR_REQUEST_STREAM } from '../semconv.ts';
import { messageOf, messagesOf } from './langchain/messages.ts';
import { firstAnswers, responseOf } from './langchain/model-answer.ts';
import { patchCallbacks } from './langchain/model-callbacks.ts';
import { identityOf } from './langchain/model-identity.ts';
import { ChunkReader, EventReader } from './langchain/model-streams.ts';
import { repeatsCounts } from './langchain/model-usage.ts';

type Operation = 'chat' | 'text_completion';

/** What a method of a model gives: its result, its chunks, or events. */
type Gives = 'result' | 'chunks' | 'events';

/** One call of one model: how its counts are to be read follows from the provider. */
function modelKind(operation: Operation, gives: Gives, model: unknown, options: unknown): CallKind {
  const identity = identityOf(model, options);
  const provider = identity[ATTR_PROVIDER];
  const kind: CallKind = {
    operation,
    layer: true,
    body: (args) => args,
    request: () => (gives === 'result' ? identity : { ...identity, [ATTR_REQUEST_STREAM]: true }),
    response: (result) => responseOf(result, provider),
    content: {
      input: (args) => messagesOf((args as readonly unknown[])[0]),
      output: (result) =>
        firstAnswers(result).map((answer) => messageOf(answer['message'] ?? answer['text'], 'assistant')),
    },
  };
  if (gives === 'result') return kind;
  const Reader = gives === 'chunks' ? ChunkReader : EventReader;
  return { ...kind, stream: (capture) => new Reader(provider, capture) };
}

const TOOL = toolKind((tool, args) => {
  const [input, config] = args as readonly unknown[];
  const call = asObject(asObject(config)?.['toolCall']) ?? asObject(input);
  return { name: asObject(tool)?.['name'], id: call?.['type'] === 'tool_call' ? call['id'] : undefined };
});

const STREAM_CHUNKS = '_streamResponseChunks';
const STREAM_EVENTS = '_streamChatModelEvents';

/** Methods of a model's queue, and which argument makes the request. */
const QUEUED: readonly (readonly [name: string, position: number])[] = [
  ['call', 0],
  ['callWithOptions', 1],
];

function wrapModels(className: string, operation: Operation) {
  return (moduleExports: unknown, host: AdapterHost): void => {
    const owner = prototypeAt(moduleExports, [className]);
    if (owner === undefined) return;
    const ownChunks: unknown = Reflect.get(owner, STREAM_CHUNKS);
    /** A model that cannot stream, or is not to, asks itself for a whole answer, perhaps from the cache. */
    const passesOn = (model: unknown): boolean =>
      asObject(model)?.[STREAM_CHUNKS] === ownChunks ||
      (operation === 'chat' && asObject(model)?.['disableStreaming'] === true);
    // Below the cache, so that what costs nothing is not told.
    host.wrapMethod(owner, '_generateUncached', (model, args) => {
      seeQueue(model, host);
      if (!passesOn(model)) seeChunks(model, args[1], host);
      return modelKind(operation, 'result', model, args[1]);
    });
    host.wrapMethod(owner, '_streamIterator', (model, args) => {
      seeQueue(model, host);
      return passesOn(model) ? undefined : modelKind(operation, 'chunks', model, args[1]);
    });
    host.wrap(owner, 'streamEvents', (original) => seeingEvents(original, host));
  };
}

/** Models have events of their own, or take those of the class that they are of. */
function seeingEvents(original: AnyFunction, host: AdapterHost): AnyFunction {
  return function (this: unknown, ...args: unknown[]): unknown {
    fromApp(() => {
      seeQueue(this, host);
      const owner = holderOf(this, STREAM_EVENTS);
      if (owner === undefined || !canHide(owner, STREAM_EVENTS)) return;
      host.wrapMethod(owner, STREAM_EVENTS, (model, given) => modelKind('chat', 'events', model, given[1]));
    });
    return original.apply(this, args);
  };
}

/**
 * A whole answer may be put together from a stream, for a callback that wants its tokens, and then adds up counts that
 * were repeated: the stream itself tells the call.
 */
function seeChunks(model: unknown, options: unknown, host: AdapterHost): void {
  if (!repeatsCounts(identityOf(model, options)[ATTR_PROVIDER])) return;
  const owner = fromApp(() => holderOf(model, STREAM_CHUNKS));
  if (owner === undefined || !canHide(owner, STREAM_CHUNKS)) return;
  host.wrapMethod(owner, STREAM_CHUNKS, (asked, given) => modelKind('chat', 'chunks', asked, given[1]));
}

/**
 * A model's queue (`maxConcurrency`) starts a request from within the end of the one before it (`p-queue@6`), in that
 * one's context: each is to run in the context of its own call.
 */
function seeQueue(model: unknown, host: AdapterHost): void {
  for (const [name, position] of QUEUED) {
    const owner = fromApp(() => holderOf(asObject(model)?.['caller'], name));
    if (owner === undefined || !canHide(owner, name)) continue;
    host.wrap(
      owner,
      name,
      (original) =>
        function (this: unknown, ...args: unknown[]): unknown {
          const request = args[position];
          if (typeof request !== 'function') return original.apply(this, args);
          return original.apply(this, args.with(position, context.bind(context.active(), request)));
        },
    );
  }
}

function wrapOne(className: string, method: string, kind: CallKind) {
  return (moduleExports: unknown, host: AdapterHost): void => {
    const owner = prototypeAt(moduleExports, [className]);
    if (owner !== undefined) host.wrapMethod(owner, method, kind);
  };
}

const MODULE = '@langchain/core';
const VERSIONS = ['>=0.3.0 <2'];
const CALLBACKS = ['dist/callbacks/manager.js', 'dist/callbacks/manager.cjs'];

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
  module: MODULE,
  versions: VERSIONS,
  methods: [],
  hooks: [
    ...ENTRY_POINTS.map(([path, patch]) => ({
      module: `@langchain/core/${path}`,
      requireFiles: [`dist/${path}.cjs`, `dist/${path}/index.cjs`],
      versions: VERSIONS,
      patch,
    })),
    { module: MODULE, versions: VERSIONS, files: CALLBACKS, patch: patchCallbacks },
  ],
  rivals: ['@traceloop/instrumentation-langchain', '@arizeai/openinference-instrumentation-langchain'],
};
