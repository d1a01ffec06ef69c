import type { Attributes } from '@opentelemetry/api';
import { asObject, countOf, objectsIn, putString, type Json } from '../../json.ts';
import { ATTR_RESPONSE_ID, ATTR_RESPONSE_MODEL } from '../../semconv.ts';
import { uncharge } from '../anthropic/refusals.ts';
import { putFinishReason } from '../finish-reasons.ts';
import { isSearch, putModelSearches } from './model-charges.ts';
import { putModelUsage, type ModelResult } from './model-usage.ts';

/**
 * Reads an answer of any of the SDK's models, or the last part of a stream: who answered, why it ended, usage.
 * `searches` are those that a stream has shown before.
 */
export function putAnswer(attributes: Attributes, model: unknown, answer: Json, searches = 0): void {
  const response = asObject(answer['response']);
  putString(attributes, ATTR_RESPONSE_ID, response?.['id']);
  putString(attributes, ATTR_RESPONSE_MODEL, response?.['modelId']);
  putFinishReason(attributes, finishReason(answer['finishReason']));
  const { provider, modelId } = asObject(model) ?? {};
  const body = bodyOf(answer);
  const result: ModelResult = {
    usage: asObject(answer['usage']),
    metadata: asObject(answer['providerMetadata']),
    raw: asObject(body?.['usage']) ?? asObject(body?.['usageMetadata']),
    body,
    model: attributes[ATTR_RESPONSE_MODEL] ?? modelId,
  };
  putModelUsage(attributes, provider, result);
  if (body !== undefined) uncharge(attributes, body);
  const seen = searches + objectsIn(answer['content']).filter(isSearch).length;
  // As OpenAI counts those that it charges, where the body says so.
  const charged = countOf(asObject(asObject(body?.['tool_usage'])?.['web_search'])?.['num_requests']);
  putModelSearches(attributes, result, charged ?? seen);
}

/** One word until version 5; the SDK's and the provider's since. The conventions have no dashes in it. */
function finishReason(value: unknown): string | undefined {
  const reason = asObject(value)?.['unified'] ?? value;
  return typeof reason === 'string' && reason !== '' ? reason.replaceAll('-', '_') : undefined;
}

/** The provider's own words, which the SDK keeps parsed of an answer that is no stream. */
export function bodyOf(answer: Json): Json | undefined {
  return (
    asObject(asObject(answer['response'])?.['body']) ?? asObject(asObject(answer['rawResponse'])?.['body'])
  );
}
