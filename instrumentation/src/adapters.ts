import type { SdkAdapter } from './adapter.ts';
import { anthropic } from './sdks/anthropic.ts';
import { cohere } from './sdks/cohere.ts';
import { googleGenai } from './sdks/google-genai.ts';
import { langchain } from './sdks/langchain.ts';
import { llamaindex } from './sdks/llamaindex.ts';
import { mistral } from './sdks/mistral.ts';
import { ollama } from './sdks/ollama.ts';
import { openai } from './sdks/openai.ts';

/** Every SDK that is instrumented, one line each. */
export const ADAPTERS: readonly SdkAdapter[] = [
  anthropic,
  cohere,
  googleGenai,
  langchain,
  llamaindex,
  mistral,
  ollama,
  openai,
];
