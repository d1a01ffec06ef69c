import type { AdapterHost, CallKind, Method, SdkAdapter } from '../adapter.ts';
import { prototypeAt, type Json } from '../json.ts';
import { speechKind, transcriptionKind, translationKind } from './openai-audio.ts';
import { askingKind, chatKind } from './openai-chat.ts';
import { clientParts, methodsOn } from './openai-client.ts';
import { completionKind } from './openai-completions.ts';
import { embeddingsKind, moderationKind } from './openai-embeddings.ts';
import { besideOf, makesImages, tellDrawing, tellImages } from './openai-image-tool.ts';
import { imageKind } from './openai-images.ts';
import { DECISIONS, fetchKind, responsesKind } from './openai-responses.ts';

const VENDOR = 'openai';

const method = methodsOn('OpenAI');

const RESPONSES: CallKind = responsesKind();

/**
 * Responses, those of the beta API too. Images that a response makes by its tool are told apart, so that calls which
 * may make some get a kind of their own.
 */
function patch(moduleExports: unknown, host: AdapterHost): unknown {
  const told = (resource: unknown) => (response: Json) => tellImages(host, besideOf(resource), response);
  const created: Method['kind'] = (resource, [body]) =>
    makesImages(body) ? responsesKind(told(resource)) : RESPONSES;
  const fetched: Method['kind'] = (resource) => fetchKind(told(resource));
  for (const path of [['Responses'], ['Beta', 'Responses']]) {
    const owner = prototypeAt(moduleExports, ['OpenAI', ...path]);
    if (owner === undefined) continue;
    host.wrapMethod(owner, 'create', created);
    host.wrapMethod(owner, 'compact', RESPONSES);
    host.wrapMethod(owner, 'retrieve', fetched);
    host.wrapMethod(owner, 'cancel', fetched);
  }
  patchImages(moduleExports, host);
  return moduleExports;
}

function patchImages(moduleExports: unknown, host: AdapterHost): void {
  const owner = prototypeAt(moduleExports, ['OpenAI', 'Images']);
  if (owner === undefined) return;
  const kind: Method['kind'] = (resource) =>
    imageKind(VENDOR, (images) => tellDrawing(host, besideOf(resource), images));
  for (const name of ['generate', 'edit', 'createVariation']) host.wrapMethod(owner, name, kind);
}

const METHODS: readonly Method[] = [
  // parse(), stream() and runTools() all go through create().
  method(['Chat', 'Completions'], 'create', askingKind(chatKind(VENDOR), VENDOR)),
  method(['Completions'], 'create', askingKind(completionKind(VENDOR), VENDOR)),
  method(['Embeddings'], 'create', embeddingsKind(VENDOR)),
  method(['Moderations'], 'create', moderationKind(VENDOR)),
  method(['Decisions'], 'create', DECISIONS),
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
  patch,
  rivals: [
    '@opentelemetry/instrumentation-openai',
    '@traceloop/instrumentation-openai',
    '@arizeai/openinference-instrumentation-openai',
  ],
  ...clientParts('OpenAI'),
};
