import type { SdkAdapter } from './adapter.ts';
import { ai } from './sdks/ai.ts';
import { anthropic } from './sdks/anthropic.ts';
import { bedrockRuntime } from './sdks/bedrock-runtime.ts';
import { cohere } from './sdks/cohere.ts';
import { googleGenai } from './sdks/google-genai.ts';
import { groq } from './sdks/groq.ts';
import { huggingface } from './sdks/huggingface.ts';
import { langchain } from './sdks/langchain.ts';
import { llamaindex } from './sdks/llamaindex.ts';
import { mcp } from './sdks/mcp.ts';
import { mistral } from './sdks/mistral.ts';
import { ollama } from './sdks/ollama.ts';
import { openaiAgents } from './sdks/openai-agents.ts';
import { openai } from './sdks/openai.ts';
import { together } from './sdks/together.ts';

/** Every SDK that is instrumented, one line each. */
export const ADAPTERS: readonly SdkAdapter[] = [
  ai,
  anthropic,
  bedrockRuntime,
  cohere,
  googleGenai,
  groq,
  huggingface,
  langchain,
  llamaindex,
  mcp,
  mistral,
  ollama,
  openaiAgents,
  openai,
  together,
];
