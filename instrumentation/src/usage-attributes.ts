import type { Attributes } from '@opentelemetry/api';
import { putCount, putNumber, putString } from './json.ts';
import {
  ATTR_AUDIO_INPUT_TOKENS,
  ATTR_AUDIO_OUTPUT_TOKENS,
  ATTR_CACHE_READ_TOKENS,
  ATTR_CACHE_WRITE_TOKENS,
  ATTR_FINISH_REASONS,
  ATTR_INPUT_TOKENS,
  ATTR_OUTPUT_TOKENS,
  ATTR_REASONING_TOKENS,
  ATTR_REPORTED_COST,
  ATTR_RESPONSE_ID,
  ATTR_RESPONSE_MODEL,
  CHARACTER_COUNTS,
} from './semconv.ts';

/**
 * What a provider told of one call. Input includes cached, audio and image tokens, output includes reasoning; what is
 * not known stays absent, never 0.
 */
export interface CallUsage {
  readonly responseModel?: string | undefined;
  readonly responseId?: string | undefined;
  readonly finishReasons?: readonly string[] | undefined;
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  /** Read from a cache; of the input. */
  readonly cacheReadTokens?: number | undefined;
  /** Written to a cache; of the input. */
  readonly cacheWriteTokens?: number | undefined;
  /** Of those written, by how long they are kept. */
  readonly cacheWrite5mTokens?: number | undefined;
  readonly cacheWrite1hTokens?: number | undefined;
  /** Of the output. */
  readonly reasoningTokens?: number | undefined;
  readonly inputAudioTokens?: number | undefined;
  readonly outputAudioTokens?: number | undefined;
  readonly cacheReadAudioTokens?: number | undefined;
  readonly inputImageTokens?: number | undefined;
  readonly outputImageTokens?: number | undefined;
  /** Of speech that was read or made, where that is what is paid for. */
  readonly audioSeconds?: number | undefined;
  readonly images?: number | undefined;
  /** Paid for by the request. */
  readonly requests?: number | undefined;
  /** Characters paid for, as with speech; not those of `inputCharacters`. */
  readonly billedCharacters?: number | undefined;
  readonly webSearchRequests?: number | undefined;
  /** Characters of all text sent, where `inputTokens` is not known: the collector may estimate from it. */
  readonly inputCharacters?: number | undefined;
  /** Characters of all text received, where `outputTokens` is not known. */
  readonly outputCharacters?: number | undefined;
  /** As the provider says it: `batch`, `flex`, `priority`. */
  readonly serviceTier?: string | undefined;
  /** What the provider says that it charges, in USD. */
  readonly costUsd?: number | undefined;
}

/** The attribute of every figure. */
const NUMBERS: Readonly<Partial<Record<keyof CallUsage, string>>> = {
  inputTokens: ATTR_INPUT_TOKENS,
  outputTokens: ATTR_OUTPUT_TOKENS,
  cacheReadTokens: ATTR_CACHE_READ_TOKENS,
  cacheWriteTokens: ATTR_CACHE_WRITE_TOKENS,
  cacheWrite5mTokens: 'anthropic.usage.cache_creation.ephemeral_5m_input_tokens',
  cacheWrite1hTokens: 'anthropic.usage.cache_creation.ephemeral_1h_input_tokens',
  reasoningTokens: ATTR_REASONING_TOKENS,
  inputAudioTokens: ATTR_AUDIO_INPUT_TOKENS,
  outputAudioTokens: ATTR_AUDIO_OUTPUT_TOKENS,
  cacheReadAudioTokens: 'gen_ai.usage.audio.cache_read.input_tokens',
  inputImageTokens: 'gen_ai.usage.image.input_tokens',
  outputImageTokens: 'gen_ai.usage.image.output_tokens',
  audioSeconds: 'spanmeter.usage.audio_seconds',
  images: 'spanmeter.usage.images',
  requests: 'spanmeter.usage.requests',
  billedCharacters: 'spanmeter.usage.input_characters',
  webSearchRequests: 'spanmeter.usage.web_search_requests',
  costUsd: ATTR_REPORTED_COST,
};

const TEXTS: Readonly<Partial<Record<keyof CallUsage, string>>> = {
  responseModel: ATTR_RESPONSE_MODEL,
  responseId: ATTR_RESPONSE_ID,
  serviceTier: 'gen_ai.response.service_tier',
};

/** Sets what `usage` tells; a figure that is no number, or below 0, is not told. */
export function putCallUsage(attributes: Attributes, usage: CallUsage): void {
  for (const [field, key] of Object.entries(NUMBERS)) {
    putCount(attributes, key, usage[field as keyof CallUsage]);
  }
  for (const [field, key] of Object.entries(TEXTS)) {
    putString(attributes, key, usage[field as keyof CallUsage]);
  }
  const { finishReasons, inputCharacters, outputCharacters } = usage;
  if (Array.isArray(finishReasons) && finishReasons.length > 0) {
    attributes[ATTR_FINISH_REASONS] = finishReasons.filter((reason) => typeof reason === 'string');
  }
  if (attributes[ATTR_INPUT_TOKENS] === undefined) {
    putNumber(attributes, CHARACTER_COUNTS.input.characters, inputCharacters);
  }
  if (attributes[ATTR_OUTPUT_TOKENS] === undefined) {
    putNumber(attributes, CHARACTER_COUNTS.output.characters, outputCharacters);
  }
}
