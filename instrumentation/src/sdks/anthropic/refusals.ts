import type { Attributes } from '@opentelemetry/api';
import { asObject, countOf, objectsIn, type Json } from '../../json.ts';
import { ATTR_OUTPUT_TOKENS } from '../../semconv.ts';

/**
 * Refusals before any output that are charged for like any other answer; of all other categories, and of none, they
 * are not (Anthropic, "Refusals and fallback", September 2026).
 */
const CHARGED: ReadonlySet<unknown> = new Set(['bio', 'frontier_llm', 'reasoning_extraction']);

/** Told as output of a refusal that had none; a placeholder. */
const NO_OUTPUT = 1;

/** The attributes that prices go by; other figures of an answer are no tokens. */
const TOKENS = /tokens$/;

/** What a message says of its end; `stop_details` is missing in older versions of the API. */
export interface Ending {
  readonly stop_reason?: unknown;
  readonly stop_details?: unknown;
  /** Its blocks; those that only say that another model went on hold no output. */
  readonly content?: unknown;
}

function isUncharged(
  { stop_reason: reason, stop_details: details, content }: Ending,
  output: unknown,
): boolean {
  const refusal = asObject(details);
  if (reason !== 'refusal' || refusal === undefined || !Array.isArray(content)) return false;
  if (objectsIn(content).some(({ type }) => type !== 'fallback')) return false;
  return (countOf(output) ?? 0) <= NO_OUTPUT && !CHARGED.has(refusal['category']);
}

/**
 * Counts no tokens for a refusal that nobody is charged for, though the API tells what it took: the conventions count
 * what is billed.
 */
export function uncharge(attributes: Attributes, ending: Ending): void {
  if (!isUncharged(ending, attributes[ATTR_OUTPUT_TOKENS])) return;
  for (const name in attributes) {
    if (TOKENS.test(name) && typeof attributes[name] === 'number') attributes[name] = 0;
  }
}

/** Parts of a message that can be an attempt's; compactions and advisors are told by themselves. */
const ATTEMPTS: ReadonlySet<unknown> = new Set(['message', 'fallback_message']);

/** A response has a handful; what claims to have more is not looked at further. */
const MAX_REQUESTS = 1000;

const COUNTS = ['input_tokens', 'output_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens'];
const LIFETIMES = ['ephemeral_5m_input_tokens', 'ephemeral_1h_input_tokens'];

function sums(parts: readonly (Json | undefined)[], names: readonly string[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const name of names) {
    for (const part of parts) {
      const count = countOf(part?.[name]);
      if (count !== undefined) found[name] = (found[name] ?? 0) + count;
    }
  }
  return found;
}

/** What one model used for its attempt, all requests of a loop of server tools together. */
function attemptOf(entries: readonly Json[], model: unknown): Json {
  const lifetimes = sums(
    entries.map((entry) => asObject(entry['cache_creation'])),
    LIFETIMES,
  );
  return { ...sums(entries, COUNTS), cache_creation: lifetimes, model };
}

/** Attempts in the order in which they were made, each with its requests; one alone where no model declined. */
function attemptsIn(iterations: unknown): readonly (readonly Json[])[] {
  const attempts: Json[][] = [];
  for (const entry of objectsIn(iterations).slice(0, MAX_REQUESTS)) {
    if (!ATTEMPTS.has(entry['type'])) continue;
    const [first] = attempts.at(-1) ?? [];
    const isSame = first?.['type'] === entry['type'] && first?.['model'] === entry['model'];
    if (isSame) attempts.at(-1)?.push(entry);
    else attempts.push([entry]);
  }
  const isFallback = attempts.at(-1)?.[0]?.['type'] === 'fallback_message';
  return isFallback ? attempts : [attempts.flat()];
}

/**
 * True where the API tells of its requests and no fallback answered, as when `betaRefusalFallbackMiddleware` gets none
 * of its fallbacks to answer (@anthropic-ai/sdk@1.12 `lib/middleware`).
 */
export function isUnanswered(iterations: unknown): boolean {
  const entries = objectsIn(iterations);
  return entries.length > 0 && entries.every(({ type }) => type !== 'fallback_message');
}

/** For how long what the answering model wrote to the cache is kept; nothing where that is not told. */
export function answeredLifetimes(iterations: unknown): Json {
  return sums(
    (attemptsIn(iterations).at(-1) ?? []).map((entry) => asObject(entry['cache_creation'])),
    LIFETIMES,
  );
}

/**
 * The attempts of models that declined before another one answered, as far as they are charged: at their own model's
 * prices, and beside the totals of the API, which are of the last attempt. `blocks` are the message's, of which those
 * of a fallback stand between two attempts.
 */
export function declinedAttempts(iterations: unknown, blocks: unknown): readonly Json[] {
  const fallbacks = objectsIn(blocks).filter(({ type }) => type === 'fallback');
  const declined = attemptsIn(iterations).slice(0, -1);
  return declined.flatMap((requests, index) => {
    const { from, trigger } = fallbacks[index] ?? {};
    const attempt = attemptOf(requests, requests[0]?.['model'] ?? asObject(from)?.['model']);
    const isCharged = CHARGED.has(asObject(trigger)?.['category']);
    return (countOf(attempt['output_tokens']) ?? 0) > NO_OUTPUT || isCharged ? [attempt] : [];
  });
}
