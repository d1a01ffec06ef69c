import type { Attributes } from '@opentelemetry/api';
import { asObject, objectsIn, putPart, putString, type Json } from '../../json.ts';
import {
  ATTR_IMAGE_INPUT_TOKENS,
  ATTR_IMAGE_OUTPUT_TOKENS,
  ATTR_IMAGES,
  ATTR_OUTPUT_TOKENS,
  ATTR_WEB_SEARCHES,
} from '../../semconv.ts';
import { putCohereUsage } from '../cohere/cohere-usage.ts';
import { putGeminiUsage, putSearches as putGeminiSearches } from '../google/gemini-usage.ts';
import { putInteractionUsage } from '../google/interactions.ts';
import { putSearches as putSearchModel } from '../openai-chat.ts';
import type { ModelResult } from './model-usage.ts';

/** Where Google's models put what they tell besides; those on Vertex AI have names of their own. */
const GOOGLE = ['google', 'googleVertex', 'vertex'];

function googleOf(metadata: Json | undefined): Json | undefined {
  return GOOGLE.map((name) => asObject(metadata?.[name])).find((told) => told !== undefined);
}

/** The body's usage, of which version 5 leaves out fields, unless the SDK has added up those of several requests. */
function usageOf(own: readonly unknown[], body: Json | undefined, name: string): Json | undefined {
  const told = own.map(asObject).find((each) => typeof each?.[name] === 'number');
  if (typeof body?.[name] !== 'number') return told;
  return told === undefined || told[name] === body[name] ? body : told;
}

/**
 * Puts Google's own usage where the SDK passes it on: its totals leave out what tools put into the prompt, and its
 * details what was sound or image. Where a call made several requests it is of all of them, the body's of the last.
 */
export function putGoogleUsage(
  attributes: Attributes,
  { usage, metadata, raw, model }: ModelResult,
): boolean {
  const told = googleOf(metadata);
  putString(attributes, 'gen_ai.response.service_tier', told?.['serviceTier']);
  const own = [usage?.['raw'], told?.['usageMetadata']];
  const content = usageOf(own, raw, 'promptTokenCount');
  if (content !== undefined) putGeminiUsage(attributes, content, true);
  if (content !== undefined) return true;
  const interaction = usageOf(own, raw, 'total_input_tokens');
  if (interaction !== undefined) putInteractionUsage(attributes, [interaction], true, model);
  return interaction !== undefined;
}

/** Puts what Cohere bills, where it says so: the SDK's totals are all that the model read and wrote. */
export function putBilledUnits(attributes: Attributes, raw: Json): void {
  const billed = asObject(raw['billed_units']);
  if (billed === undefined) return;
  putCohereUsage(attributes, {
    billedUnits: { inputTokens: billed['input_tokens'], outputTokens: billed['output_tokens'] },
    tokens: { inputTokens: asObject(raw['tokens'])?.['input_tokens'] },
    cachedTokens: raw['cached_tokens'],
  });
}

/** Whether a part tells of a search that a provider made for its model; opening what was found is not charged. */
export function isSearch(part: Json): boolean {
  const action = asObject(asObject(part['result'])?.['action']);
  return part['type'] === 'tool-result' && action?.['type'] === 'search';
}

/** Puts the searches that are charged: Google tells its queries, of others `seen` were among the parts. */
export function putModelSearches(
  attributes: Attributes,
  { usage, metadata, model }: ModelResult,
  seen: number,
): void {
  // Without usage nothing was answered.
  if (usage !== undefined) putSearchModel(attributes, model);
  putPart(attributes, ATTR_WEB_SEARCHES, seen);
  const google = googleOf(metadata);
  const grounding = [google?.['groundingMetadata'], google?.['groundingMetadataPerRequest']].flat();
  const queries = grounding.flatMap((each) => asObject(each)?.['webSearchQueries'] ?? []);
  // Entries of no text are there too, and are not charged.
  putGeminiSearches(attributes, new Set(queries.filter((query) => query !== '')).size, model);
}

/** Images of models that are paid by tokens are among the tokens; of all others they are counted. */
export function putImages(attributes: Attributes, result: Json): void {
  const made = attributes[ATTR_OUTPUT_TOKENS];
  if (typeof made !== 'number' || made === 0) {
    if (Array.isArray(result['images'])) attributes[ATTR_IMAGES] = result['images'].length;
    return;
  }
  attributes[ATTR_IMAGE_OUTPUT_TOKENS] ??= made;
  const told = Object.values(asObject(result['providerMetadata']) ?? {}).map(asObject);
  let given = 0;
  for (const { imageTokens } of told.flatMap((vendor) => objectsIn(vendor?.['images']))) {
    if (typeof imageTokens === 'number' && imageTokens > 0) given += imageTokens;
  }
  putPart(attributes, ATTR_IMAGE_INPUT_TOKENS, given);
}
