import type { Attributes } from '@opentelemetry/api';
import type { CallKind } from '../../adapter.ts';
import { asObject, listIn, putString } from '../../json.ts';
import { ATTR_OUTPUT_TOKENS, ATTR_REQUESTS, ATTR_RESPONSE_ID } from '../../semconv.ts';
import { sizeOfParts, TextSize } from '../../text-size.ts';
import { cohereRequest } from './cohere-request.ts';
import { putCohereUsage } from './cohere-usage.ts';
import { watchResponsePromise } from './response-promise.ts';

function response(parsed: unknown): Attributes {
  const body = asObject(parsed);
  const attributes: Attributes = {};
  if (body === undefined) return attributes;
  putString(attributes, ATTR_RESPONSE_ID, body['id']);
  putCohereUsage(attributes, asObject(body['meta']));
  delete attributes[ATTR_OUTPUT_TOKENS];
  return attributes;
}

/** Embeddings of texts and images, in both versions of the API. */
export const EMBED: CallKind = {
  operation: 'embeddings',
  request: (resource, params) => cohereRequest(resource, params, 'embeddings', false),
  response,
  requestSize: (params) => {
    const body = asObject(params);
    const size = sizeOfParts(body, ['texts']);
    if (body?.['images'] !== undefined || body?.['inputs'] !== undefined) size.addAll({ type: 'image' });
    return size;
  },
  watch: watchResponsePromise,
};

/** Documents that one search may rank. */
const DOCUMENTS_PER_SEARCH = 100;

/** Reranking, sold by the search: a query with up to a hundred documents. AWS does not tell how many there were. */
export const RERANK: CallKind = {
  operation: 'rerank',
  request: (resource, params) => cohereRequest(resource, params, 'rerank', false),
  response: (parsed, params) => {
    const attributes = response(parsed);
    const documents = listIn(asObject(params)?.['documents']).length;
    if (documents > 0) attributes[ATTR_REQUESTS] ??= Math.ceil(documents / DOCUMENTS_PER_SEARCH);
    return attributes;
  },
  requestSize: () => {
    const size = new TextSize();
    size.addAll({ type: 'document' });
    return size;
  },
  watch: watchResponsePromise,
};

/** Documents made readable, sold by the page. */
export const PARSE: CallKind = {
  operation: 'ocr',
  request: (resource, params) => cohereRequest(resource, params, 'ocr', false),
  response,
  watch: watchResponsePromise,
};
