import type { AdapterHost, CallKind, SdkAdapter } from '../adapter.ts';
import { asObject, holderOf, prototypeAt } from '../json.ts';
import { onResource } from '../resource-getter.ts';
import { attemptsHook } from './attempts-hook.ts';
import { CHAT, CHAT_STREAM, FIM, FIM_STREAM } from './mistral/completions.ts';
import { CONVERSATION, CONVERSATION_STREAM } from './mistral/conversations.ts';
import {
  EMBEDDINGS,
  MODERATION,
  OCR,
  SPEECH,
  TRANSCRIPTION,
  TRANSCRIPTION_STREAM,
} from './mistral/mistral-other.ts';
import { besideOwnTracing, watchOwnTracing } from './mistral/mistral-tracing.ts';

const MODULE = '@mistralai/mistralai';
const VERSIONS = ['>=1.0.0 <3'];

type Kinds = Readonly<Record<string, CallKind>>;

/** The client's parts that ask models, by the getters that lead to them. */
const RESOURCES: Readonly<Record<string, Kinds>> = {
  chat: { complete: CHAT, parse: CHAT, stream: CHAT_STREAM, parseStream: CHAT_STREAM },
  fim: { complete: FIM, stream: FIM_STREAM },
  agents: { complete: CHAT, stream: CHAT_STREAM },
  embeddings: { create: EMBEDDINGS },
  classifiers: { moderate: MODERATION, moderateChat: MODERATION },
  ocr: { process: OCR },
  'audio.transcriptions': { complete: TRANSCRIPTION, stream: TRANSCRIPTION_STREAM },
  'audio.speech': { complete: SPEECH },
  'beta.conversations': {
    start: CONVERSATION,
    append: CONVERSATION,
    restart: CONVERSATION,
    startStream: CONVERSATION_STREAM,
    appendStream: CONVERSATION_STREAM,
    restartStream: CONVERSATION_STREAM,
  },
};

/**
 * What the SDK's own tracing tells of with usage and as requests to a model. Agents and conversations it takes for
 * agents, which nobody is charged for; of the rest it tells no more than that it was asked.
 */
const TOLD_BY_OWN: ReadonlySet<string> = new Set(['chat', 'fim', 'embeddings']);

/** Follows the getters of `path` from `prototype`, as far as a version has them, and wraps what they lead to. */
function follow(
  host: AdapterHost,
  prototype: object,
  path: string,
  kinds: Kinds,
  [name, ...rest]: readonly string[],
): void {
  const holder = name === undefined ? undefined : holderOf(prototype, name);
  if (name === undefined || holder === undefined) return;
  const use = (resource: object): void => {
    if (rest.length > 0) return follow(host, resource, path, kinds, rest);
    watchOwnTracing(host, resource);
    for (const [method, kind] of Object.entries(kinds)) {
      const owner = holderOf(resource, method);
      if (owner === undefined) continue;
      host.wrapMethod(owner, method, TOLD_BY_OWN.has(path) ? besideOwnTracing(kind) : kind);
    }
  };
  onResource(host, holder, name, use, path);
}

/** None of the parts' classes is exported. */
function patch(moduleExports: unknown, host: AdapterHost): unknown {
  const client = prototypeAt(moduleExports, ['Mistral']);
  if (client !== undefined) {
    for (const [path, kinds] of Object.entries(RESOURCES)) follow(host, client, path, kinds, path.split('.'));
  }
  return moduleExports;
}

function exportsOf(client: unknown): unknown {
  const prototype =
    typeof client === 'function' ? asObject(client.prototype) : asObject(Object.getPrototypeOf(client ?? {}));
  const isOurs = prototype !== undefined && ['chat', 'fim', 'ocr'].every((name) => name in prototype);
  return isOurs ? { Mistral: { prototype } } : undefined;
}

/**
 * The `@mistralai/mistralai` package: chat and agents, fill-in-the-middle, conversations, embeddings, moderation,
 * OCR, transcription and speech. Where a client of version 2 traces itself, its spans are kept and get attribution.
 */
export const mistral: SdkAdapter = {
  module: MODULE,
  versions: VERSIONS,
  methods: [],
  patch,
  hooks: [attemptsHook(MODULE, VERSIONS, ['esm/lib/retries.js', 'lib/retries.js'], 'retry')],
  exportsOf,
  rivals: ['@arizeai/openinference-instrumentation-mistralai', '@traceloop/instrumentation-mistralai'],
};
