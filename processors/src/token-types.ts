import type { Usage, UsageBucket } from './call.ts';
import { TOKEN_TYPES } from './catalogue.ts';

/** Cached audio counts as cached, so that `cache_read` equals the column `cache_read_tokens`. */
const TYPE_BY_BUCKET: Readonly<Record<UsageBucket, string | null>> = {
  input: 'input',
  cache_read: 'cache_read',
  cache_read_audio: 'cache_read',
  cache_write_5m: 'cache_write',
  cache_write_1h: 'cache_write',
  output: 'output',
  reasoning: 'reasoning',
  input_audio: 'audio_input',
  output_audio: 'audio_output',
  input_image: 'image',
  output_image: 'image',
  audio_seconds: null,
  duration_seconds: null,
  input_characters: null,
  images: null,
  requests: null,
  web_search_requests: null,
};

const INDEX_BY_BUCKET: ReadonlyMap<string, number> = new Map(
  Object.entries(TYPE_BY_BUCKET).flatMap(([bucket, type]) =>
    type === null ? [] : [[bucket, TOKEN_TYPES.indexOf(type)] as const],
  ),
);

/**
 * Calls `add` with the index into TOKEN_TYPES and the tokens of each bucket; what is no count is left out.
 * The types are disjoint, and their sum is all tokens.
 */
export function eachTokenCount(usage: Usage, add: (typeIndex: number, tokens: number) => void): void {
  for (const bucket in usage) {
    const index = INDEX_BY_BUCKET.get(bucket);
    if (index === undefined) continue;
    const tokens = Number(usage[bucket as UsageBucket]);
    if (Number.isSafeInteger(tokens) && tokens > 0) add(index, tokens);
  }
}
