import type { CallKind } from '../adapter.ts';
import { asObject, putCount, putNumber } from '../json.ts';
import { ATTR_INPUT_TOKENS } from '../semconv.ts';
import { sizeOfParts } from '../text-size.ts';
import { openaiRequest } from './openai-client.ts';
import { putExtras, putIdentity, putTokenUsage } from './openai-usage.ts';

/** Embeddings of an SDK in OpenAI's format: all of their usage is input. */
export function embeddingsKind(vendor: string): CallKind {
  return {
    operation: 'embeddings',
    request: (resource, params) => {
      const body = asObject(params) ?? {};
      const attributes = openaiRequest(resource, body, 'embeddings', vendor);
      putNumber(attributes, 'gen_ai.embeddings.dimension.count', body['dimensions']);
      const format = body['encoding_format'];
      if (typeof format === 'string') attributes['gen_ai.request.encoding_formats'] = [format];
      return attributes;
    },
    response: (parsed) => {
      const body = asObject(parsed);
      const attributes = {};
      if (body === undefined) return attributes;
      const usage = asObject(body['usage']);
      putIdentity(attributes, body);
      putCount(attributes, ATTR_INPUT_TOKENS, usage?.['prompt_tokens'], usage?.['total_tokens']);
      if (usage !== undefined) putExtras(attributes, usage, body['model']);
      return attributes;
    },
    requestSize: (body) => sizeOfParts(body, ['input']),
  };
}

/** Moderations: free at OpenAI, so that there is nothing to count. */
export function moderationKind(vendor: string): CallKind {
  return {
    operation: 'moderation',
    request: (resource, params) => openaiRequest(resource, asObject(params) ?? {}, 'moderation', vendor),
    response: (parsed) => {
      const attributes = {};
      putIdentity(attributes, asObject(parsed) ?? {});
      return attributes;
    },
  };
}

/** Reranking: usage where the server tells it. */
export function rerankKind(vendor: string): CallKind {
  return {
    operation: 'rerank',
    request: (resource, params) => openaiRequest(resource, asObject(params) ?? {}, 'rerank', vendor),
    response: (parsed) => {
      const body = asObject(parsed);
      const attributes = {};
      if (body === undefined) return attributes;
      putIdentity(attributes, body);
      putTokenUsage(attributes, asObject(body['usage']), body['model']);
      return attributes;
    },
    requestSize: (body) => sizeOfParts(body, ['query', 'documents']),
  };
}
