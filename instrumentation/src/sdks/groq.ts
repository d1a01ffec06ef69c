import type { SdkAdapter } from '../adapter.ts';
import { speechKind, transcriptionKind, translationKind } from './openai-audio.ts';
import { chatKind } from './openai-chat.ts';
import { clientParts, methodsOn } from './openai-client.ts';
import { embeddingsKind } from './openai-embeddings.ts';

const VENDOR = 'groq';

const method = methodsOn('Groq');

/** The `groq-sdk` package. Its server tells the usage of every stream in the last chunk, without being asked. */
export const groq: SdkAdapter = {
  module: 'groq-sdk',
  versions: ['>=0.5.0 <2'],
  methods: [
    method(['Chat', 'Completions'], 'create', chatKind(VENDOR)),
    method(['Embeddings'], 'create', embeddingsKind(VENDOR)),
    method(['Audio', 'Speech'], 'create', speechKind(VENDOR)),
    method(['Audio', 'Transcriptions'], 'create', transcriptionKind(VENDOR)),
    method(['Audio', 'Translations'], 'create', translationKind(VENDOR)),
  ],
  rivals: [],
  ...clientParts('Groq'),
};
