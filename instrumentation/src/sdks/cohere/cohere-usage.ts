import type { Attributes } from '@opentelemetry/api';
import { asObject, countOf, putCount, putPart, type Json } from '../../json.ts';
import {
  ATTR_CACHE_READ_TOKENS,
  ATTR_IMAGE_INPUT_TOKENS,
  ATTR_IMAGES,
  ATTR_INPUT_TOKENS,
  ATTR_OUTPUT_TOKENS,
  ATTR_REQUESTS,
} from '../../semconv.ts';

/**
 * Cached tokens that are surely among the billed ones. What the cache held is told of all tokens, and those that
 * Cohere does not bill (its own preamble) are the first to be in it.
 */
function cachedOf(usage: Json, billed: number | undefined, tokens: number | undefined): number | undefined {
  const cached = countOf(usage['cachedTokens']);
  if (cached === undefined || billed === undefined) return cached;
  const unbilled = tokens === undefined ? 0 : Math.max(0, tokens - billed);
  return Math.min(billed, Math.max(0, cached - unbilled));
}

/**
 * What Cohere bills, where it says so, else what the model read and wrote: `usage` of chats in version 2 of the API,
 * `meta` of everything else.
 */
export function putCohereUsage(attributes: Attributes, usage: Json | undefined): void {
  if (usage === undefined) return;
  const billed = asObject(usage['billedUnits']);
  const tokens = asObject(usage['tokens']);
  const billedInput = countOf(billed?.['inputTokens']);
  const images = countOf(billed?.['imageTokens']);
  const input = billedInput ?? (images === undefined ? countOf(tokens?.['inputTokens']) : 0);
  if (input !== undefined) attributes[ATTR_INPUT_TOKENS] = input + (images ?? 0);
  putPart(attributes, ATTR_IMAGE_INPUT_TOKENS, images);
  putCount(attributes, ATTR_OUTPUT_TOKENS, billed?.['outputTokens'], tokens?.['outputTokens']);
  putCount(attributes, ATTR_CACHE_READ_TOKENS, cachedOf(usage, input, countOf(tokens?.['inputTokens'])));
  putCount(attributes, ATTR_REQUESTS, billed?.['searchUnits'], billed?.['pages']);
  // Images of models that are billed by the image; the others tell their tokens.
  if (images === undefined) putPart(attributes, ATTR_IMAGES, billed?.['images']);
}
