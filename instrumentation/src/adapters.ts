import type { SdkAdapter } from './adapter.ts';
import { ai } from './sdks/ai.ts';
import { anthropic } from './sdks/anthropic.ts';
import { groq } from './sdks/groq.ts';
import { huggingface } from './sdks/huggingface.ts';
import { langchain } from './sdks/langchain.ts';
import { llamaindex } from './sdks/llamaindex.ts';
import { mcp } from './sdks/mcp.ts';
import { openaiAgents } from './sdks/openai-agents.ts';
import { openai } from './sdks/openai.ts';
import { together } from './sdks/together.ts';

/** Every SDK that is instrumented, one line each. */
export const ADAPTERS: readonly SdkAdapter[] = [
  ai,
  anthropic,
  groq,
  huggingface,
  langchain,
  llamaindex,
  mcp,
  openaiAgents,
  openai,
  together,
];
