import type { Attributes } from '@opentelemetry/api';
import { asObject, putString, type Json } from '../../json.ts';
import { putMessageUsage } from '../anthropic/message-usage.ts';
import { putLifetimes } from '../bedrock/converse-usage.ts';
import { putExtras, putTokenUsage } from '../openai-usage.ts';
import { putBilledUnits, putGoogleUsage } from './model-charges.ts';
import {
  ATTR_AUDIO_INPUT_TOKENS,
  ATTR_AUDIO_OUTPUT_TOKENS,
  ATTR_CACHE_READ_TOKENS,
  ATTR_CACHE_WRITE_TOKENS,
  ATTR_INPUT_TOKENS,
  ATTR_OUTPUT_TOKENS,
  ATTR_REASONING_TOKENS,
  ATTR_REPORTED_COST,
} from '../../semconv.ts';

type Count = number | undefined;

interface Counts {
  input: Count;
  output: Count;
  cacheRead: Count;
  cacheWrite: Count;
  reasoning: Count;
}

/** What a model answered, whole or as the last part of a stream, as far as usage goes. */
export interface ModelResult {
  readonly usage: Json | undefined;
  readonly metadata: Json | undefined;
  /** The provider's own usage, where the SDK passes it on. */
  readonly raw: Json | undefined;
  /** The provider's whole answer, where the SDK passes it on: not of streams. */
  readonly body: Json | undefined;
  /** The model that answered. */
  readonly model: unknown;
}

/** A count as providers tell it; some models of others give NaN for what they do not know. */
function count(value: unknown): Count {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}

function put(attributes: Attributes, key: string, value: Count): void {
  if (value !== undefined) attributes[key] = value;
}

/** Reads what an answer of `provider` (as the SDK names it: `anthropic.messages`) tells of its usage. */
export function putModelUsage(attributes: Attributes, provider: unknown, result: ModelResult): void {
  const raw = result.raw ?? rawOf(result.usage, result.metadata);
  if (!putGoogleUsage(attributes, result)) putCounts(attributes, countsOf(provider, result, raw));
  if (raw !== undefined) putRaw(attributes, provider, result, raw);
  putMetadata(attributes, result);
}

function putCounts(attributes: Attributes, counts: Partial<Counts>): void {
  put(attributes, ATTR_INPUT_TOKENS, counts.input);
  put(attributes, ATTR_OUTPUT_TOKENS, counts.output);
  put(attributes, ATTR_CACHE_READ_TOKENS, counts.cacheRead);
  put(attributes, ATTR_CACHE_WRITE_TOKENS, counts.cacheWrite);
  put(attributes, ATTR_REASONING_TOKENS, counts.reasoning);
}

/** What the provider's own words say that the SDK's totals do not. */
function putRaw(
  attributes: Attributes,
  provider: unknown,
  { metadata, model }: ModelResult,
  raw: Json,
): void {
  putDetails(attributes, raw);
  // Of Anthropic's requests within one, the packages add up what is not to be added, and not all that is.
  if (Array.isArray(raw['iterations'])) putMessageUsage(attributes, raw, true);
  putBilledUnits(attributes, raw);
  const bedrock = asObject(asObject(metadata?.['bedrock'])?.['usage']);
  putLifetimes(attributes, raw['cacheDetails'] === undefined ? (bedrock ?? {}) : raw);
  // What its research reads is in none of the SDK's totals, and before version 6 neither is what it thinks.
  if (typeof provider === 'string' && provider.startsWith('perplexity'))
    putTokenUsage(attributes, raw, model);
  else if (isCompatible(raw)) putCompatible(attributes, raw, model);
  else putExtras(attributes, raw, model);
}

/** Usage in one of OpenAI's formats, as many servers have it. */
function isCompatible(raw: Json): boolean {
  return ['prompt_tokens', 'total_tokens'].some((name) => typeof raw[name] === 'number');
}

/**
 * The packages read but OpenAI's own fields, and what others say they lose: the cached tokens of Moonshot, reasoning
 * that xAI and Gemini count beside the output, all tokens of a transcript. What a package knows better is more.
 */
function putCompatible(attributes: Attributes, raw: Json, model: unknown): void {
  const told: Attributes = {};
  putTokenUsage(told, raw, model);
  for (const [key, value] of Object.entries(told)) {
    const known = attributes[key];
    if (typeof known === 'number' && typeof value === 'number' && known > value) continue;
    attributes[key] = value;
  }
}

/** From version 6 on `usage.raw`; Anthropic's models of version 5 have it among their metadata. */
export function rawOf(usage: unknown, metadata: unknown): Json | undefined {
  return (
    asObject(asObject(usage)?.['raw']) ?? asObject(asObject(asObject(metadata)?.['anthropic'])?.['usage'])
  );
}

/**
 * Model specification v3 and v4 (ai 6 and 7) tell totals, cached and reasoning ones inside. v1 and v2 pass on what
 * the provider counts: Anthropic's and Bedrock's input leaves cached tokens out, Google's output the thoughts
 * (@ai-sdk/anthropic 1 and 2, @ai-sdk/amazon-bedrock 2 and 3, @ai-sdk/google 2).
 */
function countsOf(
  provider: unknown,
  { usage, metadata }: ModelResult,
  raw: Json | undefined,
): Partial<Counts> {
  const input = asObject(usage?.['inputTokens']);
  const output = asObject(usage?.['outputTokens']);
  if (input !== undefined || output !== undefined) {
    // Some providers' packages make zeros of what they were not told (`@ai-sdk/xai@3`).
    if (input?.['total'] === 0 && output?.['total'] === 0) return {};
    return {
      input: count(input?.['total']),
      output: count(output?.['total']),
      cacheRead: count(input?.['cacheRead']),
      cacheWrite: count(input?.['cacheWrite']) ?? writesOf(raw),
      reasoning: count(output?.['reasoning']),
    };
  }
  const counts = flatCounts(usage, metadata, raw);
  const name = typeof provider === 'string' ? provider : '';
  if (counts.input !== undefined && (/anthropic|bedrock/.test(name) || 'anthropic' in (metadata ?? {}))) {
    counts.input += (counts.cacheRead ?? 0) + (counts.cacheWrite ?? 0);
  }
  if (counts.output !== undefined && (/google|vertex\.chat/.test(name) || thinksApart(usage, counts)))
    counts.output += counts.reasoning ?? 0;
  return counts;
}

/** Whether the total proves that reasoning is counted beside the output, as by xAI's API. */
function thinksApart(usage: Json | undefined, { output, reasoning }: Counts): boolean {
  const [input, total] = [count(usage?.['inputTokens']), count(usage?.['totalTokens'])];
  if (input === undefined || output === undefined || total === undefined) return false;
  return reasoning !== undefined && reasoning > 0 && total - input - output === reasoning;
}

function writesOf(raw: Json | undefined): Count {
  const details = asObject(raw?.['prompt_tokens_details']) ?? asObject(raw?.['input_tokens_details']);
  return count(details?.['cache_write_tokens']);
}

function flatCounts(usage: Json | undefined, metadata: Json | undefined, raw: Json | undefined): Counts {
  const counts: Counts = {
    input: count(usage?.['inputTokens'] ?? usage?.['promptTokens'] ?? usage?.['tokens']),
    output: count(usage?.['outputTokens'] ?? usage?.['completionTokens']),
    cacheRead: count(usage?.['cachedInputTokens']),
    cacheWrite: writesOf(raw),
    reasoning: count(usage?.['reasoningTokens']),
  };
  for (const key in metadata) {
    const vendor = asObject(metadata[key]);
    const told = asObject(vendor?.['usage']);
    counts.cacheRead ??=
      count(vendor?.['cacheReadInputTokens']) ??
      count(vendor?.['cachedPromptTokens']) ??
      count(vendor?.['promptCacheHitTokens']) ??
      count(told?.['cacheReadInputTokens']);
    counts.cacheWrite ??=
      count(vendor?.['cacheCreationInputTokens']) ??
      count(told?.['cacheWriteInputTokens']) ??
      count(told?.['cacheWriteTokens']);
    counts.reasoning ??= count(vendor?.['reasoningTokens']);
  }
  const details = asObject(raw?.['completion_tokens_details']) ?? asObject(raw?.['output_tokens_details']);
  counts.reasoning ??=
    count(details?.['reasoning_tokens']) ??
    count(details?.['thinking_tokens']) ??
    count(raw?.['thoughtsTokenCount']);
  const prompt = asObject(raw?.['prompt_tokens_details']) ?? asObject(raw?.['input_tokens_details']);
  counts.cacheRead ??= count(prompt?.['cached_tokens']) ?? count(raw?.['cache_read_input_tokens']);
  return counts;
}

/** What prices depend on besides the totals, in the provider's own words. */
function putDetails(attributes: Attributes, raw: Json): void {
  const prompt = asObject(raw['prompt_tokens_details']) ?? asObject(raw['input_tokens_details']);
  const output = asObject(raw['completion_tokens_details']) ?? asObject(raw['output_tokens_details']);
  put(attributes, ATTR_AUDIO_INPUT_TOKENS, count(prompt?.['audio_tokens']));
  put(attributes, ATTR_AUDIO_OUTPUT_TOKENS, count(output?.['audio_tokens']));
  put(attributes, 'gen_ai.usage.image.input_tokens', count(prompt?.['image_tokens']));
  put(attributes, 'gen_ai.usage.image.output_tokens', count(output?.['image_tokens']));
  const writes = asObject(raw['cache_creation']);
  for (const ttl of ['ephemeral_5m_input_tokens', 'ephemeral_1h_input_tokens']) {
    put(attributes, `anthropic.usage.cache_creation.${ttl}`, count(writes?.[ttl]));
  }
  const tools = asObject(raw['server_tool_use']);
  for (const tool of ['web_search_requests', 'web_fetch_requests']) {
    put(attributes, `anthropic.usage.server_tool_use.${tool}`, count(tools?.[tool]));
  }
  putString(attributes, 'anthropic.response.service_tier', raw['service_tier']);
  putString(attributes, 'anthropic.usage.speed', raw['speed']);
  putString(attributes, 'anthropic.usage.inference_geo', raw['inference_geo']);
}

/** Service tiers, and costs where a gateway tells what it charges. */
function putMetadata(attributes: Attributes, { metadata, body }: ModelResult): void {
  const told =
    asObject(metadata?.['openai'])?.['serviceTier'] ?? asObject(metadata?.['azure'])?.['serviceTier'];
  // Of chat completions the packages pass none on.
  const tier = told ?? body?.['service_tier'];
  putString(attributes, 'openai.response.service_tier', tier);
  const bedrock = asObject(metadata?.['bedrock'])?.['serviceTier'];
  putString(attributes, 'aws.bedrock.response.service_tier', asObject(bedrock)?.['type'] ?? bedrock);
  putString(attributes, 'gen_ai.response.service_tier', asObject(metadata?.['xai'])?.['serviceTier']);
  // The gateway tells it as text: `"0.00123"`.
  const gateway = asObject(metadata?.['gateway'])?.['cost'];
  const cost = typeof gateway === 'string' && gateway !== '' ? Number(gateway) : gateway;
  const router = asObject(asObject(metadata?.['openrouter'])?.['usage'])?.['cost'];
  put(attributes, ATTR_REPORTED_COST, count(cost) ?? count(router));
}
