import type { Attributes } from '@opentelemetry/api';
import { countOf, objectsIn, putCount, putPart, putString, type Json } from '../../json.ts';
import {
  ATTR_AUDIO_CACHE_READ_TOKENS,
  ATTR_AUDIO_INPUT_TOKENS,
  ATTR_AUDIO_OUTPUT_TOKENS,
  ATTR_CACHE_READ_TOKENS,
  ATTR_IMAGE_INPUT_TOKENS,
  ATTR_IMAGE_OUTPUT_TOKENS,
  ATTR_INPUT_TOKENS,
  ATTR_OUTPUT_TOKENS,
  ATTR_REASONING_TOKENS,
  ATTR_WEB_SEARCHES,
} from '../../semconv.ts';

const SERVED_TIER = 'gen_ai.response.service_tier';

/** Adds up the tokens of one modality in lists of `{modality, tokenCount}`. */
function tokensOf(modality: string, ...lists: readonly unknown[]): number {
  let sum = 0;
  for (const { modality: name, tokenCount } of lists.flatMap(objectsIn)) {
    if (typeof name === 'string' && name.toUpperCase() === modality) sum += countOf(tokenCount) ?? 0;
  }
  return sum;
}

/** Puts which of the tokens sent were not of text, and gives how many were of sound. */
export function putSentModalities(attributes: Attributes, ...lists: readonly unknown[]): number {
  const heard = tokensOf('AUDIO', ...lists);
  putPart(attributes, ATTR_AUDIO_INPUT_TOKENS, heard);
  putPart(attributes, ATTR_IMAGE_INPUT_TOKENS, tokensOf('IMAGE', ...lists));
  return heard;
}

/**
 * All output tokens. The Developer API counts thoughts beside candidates, Vertex AI has counted them inside: where
 * the total has no room for them, they are inside. Without either count, the total tells of a finished response.
 */
function outputOf(usage: Json, input: number | undefined, complete: boolean): number | undefined {
  const candidates = countOf(usage['candidatesTokenCount']);
  const thoughts = countOf(usage['thoughtsTokenCount']);
  const total = countOf(usage['totalTokenCount']);
  if (candidates === undefined && thoughts === undefined) {
    if (!complete || total === undefined || input === undefined || total < input) return undefined;
    return total - input;
  }
  const apart = (candidates ?? 0) + (thoughts ?? 0);
  const isInside = (candidates ?? 0) >= (thoughts ?? 0) && total === (input ?? 0) + (candidates ?? 0);
  return isInside ? candidates : apart;
}

/**
 * `usageMetadata` of Gemini: the prompt includes what was cached, and not what tools added. `complete` is false
 * for what a stream had told when it was left.
 */
export function putGeminiUsage(attributes: Attributes, usage: Json | undefined, complete: boolean): void {
  if (usage === undefined) return;
  const prompt = countOf(usage['promptTokenCount']);
  const input = prompt === undefined ? undefined : prompt + (countOf(usage['toolUsePromptTokenCount']) ?? 0);
  putCount(attributes, ATTR_INPUT_TOKENS, input);
  putCount(attributes, ATTR_OUTPUT_TOKENS, outputOf(usage, input, complete));
  putCount(attributes, ATTR_CACHE_READ_TOKENS, usage['cachedContentTokenCount']);
  putCount(attributes, ATTR_REASONING_TOKENS, usage['thoughtsTokenCount']);
  const sent = [usage['promptTokensDetails'], usage['toolUsePromptTokensDetails']];
  const heard = putSentModalities(attributes, ...sent);
  putPart(attributes, ATTR_AUDIO_OUTPUT_TOKENS, tokensOf('AUDIO', usage['candidatesTokensDetails']));
  putPart(attributes, ATTR_IMAGE_OUTPUT_TOKENS, tokensOf('IMAGE', usage['candidatesTokensDetails']));
  const cached = objectsIn(usage['cacheTokensDetails']);
  // That none of the sound was cached is as good to know: without it, cached tokens may be either.
  const known = tokensOf('AUDIO', cached);
  if (known > 0 || (heard > 0 && cached.length > 0)) attributes[ATTR_AUDIO_CACHE_READ_TOKENS] = known;
  putString(attributes, 'gcp.vertex_ai.response.traffic_type', usage['trafficType']);
  // A header tells the same, where proxies and browsers let it through.
  if (attributes[SERVED_TIER] === undefined) putString(attributes, SERVED_TIER, usage['serviceTier']);
}

/** The models that are charged by the search; those before are charged by the prompt that searched. */
const CHARGED_BY_PROMPT = /gemini-(1|2)([.-]|$)/;

/** Searches of Google that `model` made, as far as they are charged for. */
export function putSearches(attributes: Attributes, searches: number, model: unknown): void {
  const byPrompt = typeof model === 'string' && CHARGED_BY_PROMPT.test(model);
  putPart(attributes, ATTR_WEB_SEARCHES, byPrompt ? Math.min(searches, 1) : searches);
}
