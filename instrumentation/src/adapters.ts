import type { SdkAdapter } from './adapter.ts';
import { anthropic } from './sdks/anthropic.ts';
import { groq } from './sdks/groq.ts';
import { huggingface } from './sdks/huggingface.ts';
import { langchain } from './sdks/langchain.ts';
import { llamaindex } from './sdks/llamaindex.ts';
import { openai } from './sdks/openai.ts';
import { together } from './sdks/together.ts';

/** Every SDK that is instrumented, one line each. */
export const ADAPTERS: readonly SdkAdapter[] = [
  anthropic,
  groq,
  huggingface,
  langchain,
  llamaindex,
  openai,
  together,
];
