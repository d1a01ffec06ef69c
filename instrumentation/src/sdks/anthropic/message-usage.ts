import type { Attributes } from '@opentelemetry/api';
import { asObject, putNumber, putString, type Json } from '../../json.ts';
import {
  ATTR_CACHE_READ_TOKENS,
  ATTR_CACHE_WRITE_TOKENS,
  ATTR_INPUT_TOKENS,
  ATTR_OUTPUT_TOKENS,
  ATTR_REASONING_TOKENS,
} from '../../semconv.ts';

/** The API's counts that add up to the conventions' input tokens. */
const INPUT_COUNTS = ['input_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens'];

const LIFETIME_5M = 'ephemeral_5m_input_tokens';
const LIFETIME_1H = 'ephemeral_1h_input_tokens';
const LIFETIMES = 'anthropic.usage.cache_creation.';

/** A response has a handful; what claims to have more is not looked at further. */
const MAX_ITERATIONS = 1000;

/** The iterations of one type in a usage: each is a request of its own that the provider made. */
export function iterationsOf(usage: Json | undefined, type: string): Json[] {
  const iterations = usage?.['iterations'];
  if (!Array.isArray(iterations)) return [];
  const found: Json[] = [];
  for (const each of iterations.slice(0, MAX_ITERATIONS)) {
    const iteration = asObject(each);
    if (iteration?.['type'] === type) found.push(iteration);
  }
  return found;
}

/** The sum of one count, or undefined where nobody told it. */
function sumOf(parts: readonly (Json | undefined)[], name: string): number | undefined {
  let sum: number | undefined;
  for (const part of parts) {
    const count = part?.[name];
    if (typeof count === 'number') sum = (sum ?? 0) + count;
  }
  return sum;
}

/**
 * Cache writes by their lifetime. The split comes with `message_start` alone, and a loop of server tools may
 * write more after it: what is beyond the split has the lifetime that is the default.
 */
function putLifetimes(attributes: Attributes, parts: readonly Json[], written: number | undefined): void {
  const splits = parts.map((part) => asObject(part['cache_creation']));
  const told5m = sumOf(splits, LIFETIME_5M);
  const told1h = sumOf(splits, LIFETIME_1H);
  if (told5m === undefined && told1h === undefined) return;
  const hours = told1h ?? 0;
  const minutes = written === undefined ? (told5m ?? 0) : Math.max(written - hours, 0);
  putNumber(attributes, LIFETIMES + LIFETIME_5M, minutes);
  putNumber(attributes, LIFETIMES + LIFETIME_1H, hours);
}

/**
 * Puts a usage of the Messages API: the API counts cached input beside `input_tokens`, the conventions count it
 * inside. What compactions used is billed but left out of the API's totals (@anthropic-ai/sdk@1.12
 * BetaIterationsUsage), so it is added here. `output` is false while a stream has only told placeholders for it.
 */
export function putMessageUsage(attributes: Attributes, usage: Json | undefined, output: boolean): void {
  if (usage === undefined) return;
  const parts = output ? [usage, ...iterationsOf(usage, 'compaction')] : [usage];
  if (typeof usage['input_tokens'] === 'number') {
    let input = 0;
    for (const name of INPUT_COUNTS) input += sumOf(parts, name) ?? 0;
    putNumber(attributes, ATTR_INPUT_TOKENS, input);
  }
  const written = sumOf(parts, 'cache_creation_input_tokens');
  putNumber(attributes, ATTR_CACHE_READ_TOKENS, sumOf(parts, 'cache_read_input_tokens'));
  putNumber(attributes, ATTR_CACHE_WRITE_TOKENS, written);
  putLifetimes(attributes, parts, written);
  putString(attributes, 'anthropic.response.service_tier', usage['service_tier']);
  putString(attributes, 'anthropic.usage.speed', usage['speed']);
  putString(attributes, 'anthropic.usage.inference_geo', usage['inference_geo']);
  const tools = asObject(usage['server_tool_use']);
  for (const tool of ['web_search_requests', 'web_fetch_requests']) {
    putNumber(attributes, `anthropic.usage.server_tool_use.${tool}`, tools?.[tool]);
  }
  if (!output) return;
  putNumber(attributes, ATTR_OUTPUT_TOKENS, sumOf(parts, 'output_tokens'));
  const details = asObject(usage['output_tokens_details']);
  putNumber(attributes, ATTR_REASONING_TOKENS, details?.['thinking_tokens']);
}
