import type { SdkAdapter } from '../adapter.ts';
import { speechKind, transcriptionKind, translationKind } from './openai-audio.ts';
import { chatKind } from './openai-chat.ts';
import { clientParts, methodsOn } from './openai-client.ts';
import { completionKind } from './openai-completions.ts';
import { embeddingsKind, rerankKind } from './openai-embeddings.ts';
import { imageKind } from './openai-images.ts';

const VENDOR = 'together';

const method = methodsOn('Together');

/** The `together-ai` package. Its server tells the usage of every stream in the last chunk, without being asked. */
export const together: SdkAdapter = {
  module: 'together-ai',
  versions: ['>=0.9.0 <1'],
  methods: [
    // stream() goes through create().
    method(['Chat', 'Completions'], 'create', chatKind(VENDOR)),
    method(['Completions'], 'create', completionKind(VENDOR)),
    method(['Embeddings'], 'create', embeddingsKind(VENDOR)),
    method(['Rerank'], 'create', rerankKind(VENDOR)),
    method([], 'rerank', rerankKind(VENDOR)),
    method(['Images'], 'create', imageKind(VENDOR)),
    method(['Images'], 'generate', imageKind(VENDOR)),
    method(['Audio'], 'create', speechKind(VENDOR)),
    method(['Audio', 'Speech'], 'create', speechKind(VENDOR)),
    method(['Audio', 'Transcriptions'], 'create', transcriptionKind(VENDOR)),
    method(['Audio', 'Translations'], 'create', translationKind(VENDOR)),
  ],
  rivals: ['@traceloop/instrumentation-together'],
  ...clientParts('Together'),
};
