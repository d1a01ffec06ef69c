import type { Attributes } from '@opentelemetry/api';
import { asObject, putNumber, putString, type Json } from '../../json.ts';
import {
  ATTR_CACHE_READ_TOKENS,
  ATTR_CACHE_WRITE_TOKENS,
  ATTR_INPUT_TOKENS,
  ATTR_OUTPUT_TOKENS,
} from '../../semconv.ts';

/** Cache writes by lifetime, under the names that the collector knows from the vendor whose models have them. */
const LIFETIMES: Readonly<Record<string, string>> = {
  '5m': 'anthropic.usage.cache_creation.ephemeral_5m_input_tokens',
  '1h': 'anthropic.usage.cache_creation.ephemeral_1h_input_tokens',
};

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/**
 * Puts a usage of Converse, or of Amazon's own models, whose names for cached tokens differ: cached tokens are
 * counted beside the input there, and inside it by the conventions.
 */
export function putConverseUsage(attributes: Attributes, usage: Json | undefined): void {
  if (usage === undefined) return;
  const input = numberOf(usage['inputTokens']);
  const read = numberOf(usage['cacheReadInputTokens'] ?? usage['cacheReadInputTokenCount']);
  const written = numberOf(usage['cacheWriteInputTokens'] ?? usage['cacheWriteInputTokenCount']);
  if (input !== undefined) attributes[ATTR_INPUT_TOKENS] = input + (read ?? 0) + (written ?? 0);
  putNumber(attributes, ATTR_OUTPUT_TOKENS, usage['outputTokens']);
  putNumber(attributes, ATTR_CACHE_READ_TOKENS, read);
  putNumber(attributes, ATTR_CACHE_WRITE_TOKENS, written);
  putLifetimes(attributes, usage);
}

/** Puts for how long what was written to the cache is kept. */
export function putLifetimes(attributes: Attributes, usage: Json): void {
  const details = usage['cacheDetails'];
  if (!Array.isArray(details)) return;
  for (const each of details) {
    const detail = asObject(each);
    const key = LIFETIMES[String(detail?.['ttl'])];
    const tokens = numberOf(detail?.['inputTokens']);
    if (key !== undefined && tokens !== undefined) attributes[key] = Number(attributes[key] ?? 0) + tokens;
  }
}

/** Puts the tier and the latency that served a request; a body names them as text, Converse in an object. */
export function putServing(attributes: Attributes, output: Json): void {
  const tier = output['serviceTier'];
  putString(attributes, 'aws.bedrock.response.service_tier', asObject(tier)?.['type'] ?? tier);
  const latency = asObject(output['performanceConfig'])?.['latency'] ?? output['performanceConfigLatency'];
  putString(attributes, 'aws.bedrock.response.performance_latency', latency);
}
