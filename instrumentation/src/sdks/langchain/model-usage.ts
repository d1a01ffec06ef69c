import type { Attributes } from '@opentelemetry/api';
import { asObject } from '../../json.ts';
import {
  ATTR_AUDIO_INPUT_TOKENS,
  ATTR_AUDIO_OUTPUT_TOKENS,
  ATTR_CACHE_READ_TOKENS,
  ATTR_CACHE_WRITE_TOKENS,
  ATTR_IMAGE_INPUT_TOKENS,
  ATTR_IMAGE_OUTPUT_TOKENS,
  ATTR_INPUT_TOKENS,
  ATTR_OUTPUT_TOKENS,
  ATTR_REASONING_TOKENS,
} from '../../semconv.ts';

const TOTAL = 'total_tokens';

/** Where in `usage_metadata` each count is. */
const COUNTS: readonly (readonly [key: string, group: string | undefined, name: string])[] = [
  [ATTR_INPUT_TOKENS, undefined, 'input_tokens'],
  [ATTR_OUTPUT_TOKENS, undefined, 'output_tokens'],
  [ATTR_CACHE_READ_TOKENS, 'input_token_details', 'cache_read'],
  [ATTR_CACHE_WRITE_TOKENS, 'input_token_details', 'cache_creation'],
  [ATTR_AUDIO_INPUT_TOKENS, 'input_token_details', 'audio'],
  [ATTR_IMAGE_INPUT_TOKENS, 'input_token_details', 'image'],
  [ATTR_REASONING_TOKENS, 'output_token_details', 'reasoning'],
  [ATTR_AUDIO_OUTPUT_TOKENS, 'output_token_details', 'audio'],
  [ATTR_IMAGE_OUTPUT_TOKENS, 'output_token_details', 'image'],
  [TOTAL, undefined, TOTAL],
];

/**
 * Counts that providers' packages repeat in every chunk instead of telling what is new: `@langchain/google-genai@2.3
 * utils/common` those from the cache, `@langchain/anthropic@1.5 utils/message_outputs` the output so far.
 */
const REPEATED: Readonly<Record<string, string>> = {
  'gcp.gemini': ATTR_CACHE_READ_TOKENS,
  'gcp.vertex_ai': ATTR_CACHE_READ_TOKENS,
  anthropic: ATTR_OUTPUT_TOKENS,
};

/** Whether a provider's package repeats counts, so that they cannot be told once they are added up. */
export function repeatsCounts(provider: unknown): boolean {
  return typeof provider === 'string' && Object.hasOwn(REPEATED, provider);
}

/** Counts by attribute; LangChain's input includes cached tokens and its output reasoning, but for Gemini's thoughts. */
export class UsageSum {
  readonly #counts = new Map<string, number>();
  readonly #provider: unknown;

  constructor(provider: unknown) {
    this.#provider = provider;
  }

  /** Adds the usage of one more answer. */
  add(metadata: unknown): void {
    this.#each(metadata, (before, value) => before + value);
  }

  /** Adds what a chunk tells. */
  addChunk(metadata: unknown): void {
    const repeated = REPEATED[String(this.#provider)];
    this.#each(metadata, (before, value, key) =>
      key === repeated ? Math.max(before, value) : before + value,
    );
  }

  /** Puts what is told of the whole answer in place of what was told before. */
  update(metadata: unknown): void {
    this.#each(metadata, (_before, value) => value);
  }

  #each(metadata: unknown, join: (before: number, value: number, key: string) => number): void {
    const usage = asObject(metadata);
    if (usage === undefined) return;
    for (const [key, group, name] of COUNTS) {
      const value = (group === undefined ? usage : asObject(usage[group]))?.[name];
      if (typeof value !== 'number' || !Number.isFinite(value)) continue;
      this.#counts.set(key, join(this.#counts.get(key) ?? 0, value, key));
    }
  }

  put(attributes: Attributes): void {
    for (const [key] of COUNTS) {
      const count = this.#counts.get(key);
      if (count !== undefined && key !== TOTAL) attributes[key] = count;
    }
    const [input, output, total] = [ATTR_INPUT_TOKENS, ATTR_OUTPUT_TOKENS, TOTAL].map((key) =>
      this.#counts.get(key),
    );
    if (input === undefined || output === undefined || total === undefined) return;
    const beside = total - input - output;
    if (this.#provider === 'gcp.vertex_ai') this.#putVertex(attributes, input, output, beside);
    // `@langchain/google-genai@2.3` leaves thoughts out of the output, and in the total.
    else if (this.#provider === 'gcp.gemini' && beside > 0) attributes[ATTR_OUTPUT_TOKENS] = total - input;
  }

  /**
   * `@langchain/google-common@2.3` adds thoughts to the output, also where Vertex AI has them in it already, and
   * leaves out of the input what tools put into the prompt: the total tells.
   */
  #putVertex(attributes: Attributes, input: number, output: number, beside: number): void {
    const reasoning = this.#counts.get(ATTR_REASONING_TOKENS) ?? 0;
    if (beside > 0) attributes[ATTR_INPUT_TOKENS] = input + beside;
    else if (beside < 0 && beside === -reasoning) attributes[ATTR_OUTPUT_TOKENS] = output - reasoning;
  }
}
