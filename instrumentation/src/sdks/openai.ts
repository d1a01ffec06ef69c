import type { CallKind, Method, SdkAdapter } from '../adapter.ts';
import { prototypeAt } from '../json.ts';
import { speechKind, transcriptionKind, translationKind } from './openai-audio.ts';
import { askingKind, chatKind } from './openai-chat.ts';
import { clientClass } from './openai-client.ts';
import { completionKind } from './openai-completions.ts';
import { embeddingsKind, moderationKind } from './openai-embeddings.ts';
import { imageKind } from './openai-images.ts';
import { DECISIONS, FETCH_RESPONSE, RESPONSES } from './openai-responses.ts';

const VENDOR = 'openai';

function method(path: readonly string[], name: string, kind: Method['kind']): Method {
  return { owner: (moduleExports) => prototypeAt(moduleExports, ['OpenAI', ...path]), name, kind };
}

const IMAGES: CallKind = imageKind(VENDOR);

/** Responses of the beta API are called alike. */
const RESPONSE_METHODS: readonly Method[] = [['Responses'], ['Beta', 'Responses']].flatMap((path) => [
  method(path, 'create', RESPONSES),
  method(path, 'compact', RESPONSES),
  method(path, 'retrieve', FETCH_RESPONSE),
  method(path, 'cancel', FETCH_RESPONSE),
]);

const METHODS: readonly Method[] = [
  // parse(), stream() and runTools() all go through create().
  method(['Chat', 'Completions'], 'create', askingKind(chatKind(VENDOR), VENDOR)),
  method(['Completions'], 'create', askingKind(completionKind(VENDOR), VENDOR)),
  ...RESPONSE_METHODS,
  method(['Embeddings'], 'create', embeddingsKind(VENDOR)),
  method(['Moderations'], 'create', moderationKind(VENDOR)),
  method(['Decisions'], 'create', DECISIONS),
  method(['Images'], 'generate', IMAGES),
  method(['Images'], 'edit', IMAGES),
  method(['Images'], 'createVariation', IMAGES),
  method(['Audio', 'Speech'], 'create', speechKind(VENDOR)),
  method(['Audio', 'Transcriptions'], 'create', transcriptionKind(VENDOR)),
  method(['Audio', 'Translations'], 'create', translationKind(VENDOR)),
];

/**
 * The `openai` package, with its Azure and Bedrock clients, and whichever compatible server it talks to. Not
 * observed, since nothing tells their usage per request or they are no requests: realtime and other sockets, runs of
 * assistants, videos, batches.
 */
export const openai: SdkAdapter = {
  module: 'openai',
  versions: ['>=4.19.0 <8'],
  methods: METHODS,
  retries: { owner: (moduleExports) => prototypeAt(moduleExports, ['OpenAI']), name: 'retryRequest' },
  rivals: [
    '@opentelemetry/instrumentation-openai',
    '@traceloop/instrumentation-openai',
    '@arizeai/openinference-instrumentation-openai',
  ],
  exportsOf: (client) => {
    const found = clientClass(client, 'OpenAI');
    return found === undefined ? undefined : { OpenAI: found };
  },
};
