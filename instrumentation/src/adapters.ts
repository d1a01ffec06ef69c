import type { SdkAdapter } from './adapter.ts';
import { anthropic } from './sdks/anthropic.ts';
import { bedrockRuntime } from './sdks/bedrock-runtime.ts';
import { langchain } from './sdks/langchain.ts';
import { llamaindex } from './sdks/llamaindex.ts';
import { openai } from './sdks/openai.ts';

/** Every SDK that is instrumented, one line each. */
export const ADAPTERS: readonly SdkAdapter[] = [anthropic, bedrockRuntime, langchain, llamaindex, openai];
