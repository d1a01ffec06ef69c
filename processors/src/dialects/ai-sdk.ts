import type { Dialect } from './dialect.ts';

/**
 * What versions 4 to 6 of Vercel's AI SDK tell of a request beside the `gen_ai.*` names, in spans that the app has them
 * make (`experimental_telemetry`). Of embeddings they tell nothing else. Spans around the requests repeat the totals
 * under `ai.usage.*` alone, and are none of GenAI.
 */
export const AI_SDK: Dialect = {
  name: 'ai-sdk',
  keyPrefixes: ['ai.usage.tokens'],
  fields: {
    provider: ['ai.model.provider'],
    requestModel: ['ai.model.id'],
    responseModel: ['ai.response.model'],
    responseId: ['ai.response.id'],
    operation: ['ai.operationId'],
    inputTokens: ['ai.usage.tokens'],
    cacheReadTokens: ['ai.usage.inputTokenDetails.cacheReadTokens', 'ai.usage.cachedInputTokens'],
    cacheWriteTokens: ['ai.usage.inputTokenDetails.cacheWriteTokens'],
    reasoningTokens: ['ai.usage.outputTokenDetails.reasoningTokens', 'ai.usage.reasoningTokens'],
  },
  // Version 6 includes cached tokens for every provider; `provider-metadata.ts` says where versions 4 and 5 do not.
  inclusion: [],
};
