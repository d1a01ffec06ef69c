import type { Attributes } from '@opentelemetry/api';
import { asObject, countOf, putCount, putPart, putString, type Json } from '../../json.ts';
import {
  ATTR_AUDIO_SECONDS,
  ATTR_CACHE_READ_TOKENS,
  ATTR_IMAGES,
  ATTR_INPUT_TOKENS,
  ATTR_OUTPUT_TOKENS,
  ATTR_REASONING_TOKENS,
  ATTR_WEB_SEARCHES,
} from '../../semconv.ts';

/** Fields that the SDK's schema does not know keep the wire's names: beside the others, or in a record of their own. */
function extra(usage: Json, name: string): unknown {
  return usage[name] ?? asObject(usage['additionalProperties'])?.[name];
}

/**
 * Input tokens. What connectors read (`connectorTokens`) is input as well, and is no part of the prompt where the
 * total has room for both.
 */
function inputOf(usage: Json): number | undefined {
  const prompt = countOf(usage['promptTokens']);
  const connectors = countOf(usage['connectorTokens']);
  if (prompt === undefined || connectors === undefined) return prompt;
  const apart = prompt + connectors + (countOf(usage['completionTokens']) ?? 0);
  return usage['totalTokens'] === apart ? prompt + connectors : prompt;
}

/** The SDK makes zeros of counts that the API did not tell; no answer has none at all. */
function isUntold(usage: Json): boolean {
  return ['promptTokens', 'completionTokens', 'totalTokens'].every((name) => (usage[name] ?? 0) === 0);
}

/** Searches of either kind; undefined where none is told. */
function searchesOf(connectors: Json | undefined): number | undefined {
  const [plain, premium] = ['web_search', 'web_search_premium'].map((name) => countOf(connectors?.[name]));
  return plain === undefined && premium === undefined ? undefined : (plain ?? 0) + (premium ?? 0);
}

/** Usage of completions, conversations and transcriptions. */
export function putMistralUsage(attributes: Attributes, usage: Json | undefined): void {
  if (usage === undefined) return;
  putPart(attributes, ATTR_AUDIO_SECONDS, usage['promptAudioSeconds']);
  const tier = usage['serviceTier'] ?? extra(usage, 'service_tier');
  putString(attributes, 'gen_ai.response.service_tier', tier);
  const connectors = asObject(usage['connectors']);
  putPart(attributes, ATTR_WEB_SEARCHES, searchesOf(connectors));
  putPart(attributes, ATTR_IMAGES, connectors?.['image_generation']);
  if (isUntold(usage)) return;
  putCount(attributes, ATTR_INPUT_TOKENS, inputOf(usage));
  putCount(attributes, ATTR_OUTPUT_TOKENS, usage['completionTokens']);
  const input = asObject(extra(usage, 'prompt_tokens_details') ?? extra(usage, 'prompt_token_details'));
  putCount(attributes, ATTR_CACHE_READ_TOKENS, input?.['cached_tokens'], extra(usage, 'num_cached_tokens'));
  const output = asObject(extra(usage, 'completion_tokens_details'));
  putCount(attributes, ATTR_REASONING_TOKENS, output?.['reasoning_tokens']);
}
