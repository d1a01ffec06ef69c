import type { Attributes } from '@opentelemetry/api';
import { asObject, countOf, putCount, putPart, putString, type Json } from '../json.ts';
import {
  ATTR_AUDIO_CACHE_READ_TOKENS,
  ATTR_AUDIO_INPUT_TOKENS,
  ATTR_AUDIO_OUTPUT_TOKENS,
  ATTR_AUDIO_SECONDS,
  ATTR_CACHE_READ_TOKENS,
  ATTR_CACHE_WRITE_TOKENS,
  ATTR_IMAGE_INPUT_TOKENS,
  ATTR_IMAGE_OUTPUT_TOKENS,
  ATTR_INPUT_TOKENS,
  ATTR_OUTPUT_TOKENS,
  ATTR_REASONING_TOKENS,
  ATTR_REPORTED_COST,
  ATTR_RESPONSE_ID,
  ATTR_RESPONSE_MODEL,
  ATTR_WEB_SEARCHES,
} from '../semconv.ts';

/** Id, model, tier and fingerprint of a response or a chunk. */
export function putIdentity(attributes: Attributes, body: Json): void {
  putString(attributes, ATTR_RESPONSE_ID, body['id']);
  putString(attributes, ATTR_RESPONSE_MODEL, body['model']);
  putString(attributes, 'openai.response.service_tier', body['service_tier']);
  putString(attributes, 'openai.response.system_fingerprint', body['system_fingerprint']);
}

/**
 * Output of which reasoning is no part, as xAI and Gemini's compatible API count it: the total proves it. What
 * Gemini's total has beside both is its thinking, which it does not name.
 */
function reasoningApart(usage: Json, output: Json | undefined, model: unknown): number {
  const input = countOf(usage['prompt_tokens'] ?? usage['input_tokens']);
  const completion = countOf(usage['completion_tokens'] ?? usage['output_tokens']);
  const total = countOf(usage['total_tokens']);
  if (input === undefined || completion === undefined || total === undefined) return 0;
  const beside = total - input - completion;
  if (beside <= 0) return 0;
  const reasoning = countOf(output?.['reasoning_tokens']);
  const unnamed = reasoning === undefined && typeof model === 'string' && /(^|\/)gemini-/.test(model);
  return beside === reasoning || unnamed ? beside : 0;
}

/**
 * Usage as OpenAI and the servers compatible with it report it, of chat completions (`prompt_tokens`) and of all
 * later APIs (`input_tokens`): input includes cached tokens, output reasoning. `model` is the one that answered.
 */
export function putTokenUsage(attributes: Attributes, usage: Json | undefined, model: unknown): void {
  if (usage === undefined) return;
  const input = asObject(
    usage['prompt_tokens_details'] ?? usage['input_tokens_details'] ?? usage['input_token_details'],
  );
  const output = asObject(usage['completion_tokens_details'] ?? usage['output_tokens_details']);
  const apart = reasoningApart(usage, output, model);
  putCount(attributes, ATTR_INPUT_TOKENS, usage['prompt_tokens'], usage['input_tokens']);
  putCount(attributes, ATTR_OUTPUT_TOKENS, usage['completion_tokens'], usage['output_tokens']);
  putCount(attributes, ATTR_REASONING_TOKENS, output?.['reasoning_tokens']);
  if (apart > 0) {
    attributes[ATTR_OUTPUT_TOKENS] = apart + Number(attributes[ATTR_OUTPUT_TOKENS]);
    attributes[ATTR_REASONING_TOKENS] = apart;
  }
  // DeepSeek and Moonshot name cached tokens beside the details, LiteLLM what it wrote to Anthropic's cache, and
  // Alibaba among them what it wrote to its own.
  const cached = [input?.['cached_tokens'], usage['prompt_cache_hit_tokens'], usage['cached_tokens']];
  const write = 'cache_creation_input_tokens';
  const written = [input?.['cache_write_tokens'], usage[write], input?.[write]];
  putCount(attributes, ATTR_CACHE_READ_TOKENS, ...cached);
  putCount(attributes, ATTR_CACHE_WRITE_TOKENS, ...written);
  putPart(attributes, ATTR_AUDIO_INPUT_TOKENS, input?.['audio_tokens']);
  putPart(attributes, ATTR_IMAGE_INPUT_TOKENS, input?.['image_tokens']);
  putPart(attributes, ATTR_AUDIO_OUTPUT_TOKENS, output?.['audio_tokens']);
  putPart(attributes, ATTR_IMAGE_OUTPUT_TOKENS, output?.['image_tokens']);
  const cachedParts = asObject(input?.['cached_tokens_details']);
  putPart(attributes, ATTR_AUDIO_CACHE_READ_TOKENS, cachedParts?.['audio_tokens']);
  // LiteLLM's, of Anthropic's cache.
  const kept = asObject(input?.['cache_creation_token_details']);
  for (const lifetime of ['ephemeral_5m_input_tokens', 'ephemeral_1h_input_tokens']) {
    putPart(attributes, `anthropic.usage.cache_creation.${lifetime}`, kept?.[lifetime]);
  }
  const lifetimes = asObject(input?.['cache_write_tokens_details']);
  for (const lifetime of ['ttl_30m_tokens', 'ttl_12h_tokens']) {
    putPart(attributes, `openai.usage.cache_write.${lifetime}`, lifetimes?.[lifetime]);
  }
  if (typeof model === 'string' && SONAR.test(model)) addResearch(attributes, usage, model);
  putExtras(attributes, usage, model);
}

const SONAR = /(^|\/)sonar/;

/**
 * What Perplexity's models thought is counted beside the completion, and what its research read beside the prompt,
 * at the price of input (Perplexity, "Pricing"; `@ai-sdk/perplexity@3` convertPerplexityUsage).
 */
function addResearch(attributes: Attributes, usage: Json, model: string): void {
  const [input, output] = [attributes[ATTR_INPUT_TOKENS], attributes[ATTR_OUTPUT_TOKENS]];
  const thought = countOf(usage['reasoning_tokens']) ?? 0;
  const read = model.includes('deep-research') ? (countOf(usage['citation_tokens']) ?? 0) : 0;
  if (typeof input === 'number') attributes[ATTR_INPUT_TOKENS] = input + read;
  if (typeof output !== 'number' || thought === 0) return;
  attributes[ATTR_OUTPUT_TOKENS] = output + thought;
  attributes[ATTR_REASONING_TOKENS] = thought;
}

/** What compatible servers say beside tokens: what they charge, and what else they charge for. */
export function putExtras(attributes: Attributes, usage: Json, model: unknown): void {
  // OpenRouter tells a number; Perplexity an object of its parts.
  putCount(attributes, ATTR_REPORTED_COST, usage['cost'], asObject(usage['cost'])?.['total_cost']);
  putCount(attributes, 'x_ai.usage.cost_in_usd_ticks', usage['cost_in_usd_ticks']);
  const upstream = asObject(usage['cost_details'])?.['upstream_inference_cost'];
  putCount(attributes, 'openrouter.cost_details.upstream_inference_cost', upstream);
  if (typeof usage['is_byok'] === 'boolean') attributes['openrouter.is_byok'] = usage['is_byok'];
  const isResearch = typeof model === 'string' && model.includes('deep-research');
  // Research is charged by its searches, other models by how far they look.
  if (isResearch) putPart(attributes, ATTR_WEB_SEARCHES, usage['num_search_queries']);
  else putString(attributes, 'perplexity.response.search_context_size', usage['search_context_size']);
  // Mistral's models that listen.
  putPart(attributes, ATTR_AUDIO_SECONDS, usage['prompt_audio_seconds']);
}
