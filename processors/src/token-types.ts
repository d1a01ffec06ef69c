import type { Call, UsageBucket } from './call.ts';

const TYPE_OF_BUCKET: Readonly<Partial<Record<UsageBucket, string>>> = {
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
};

/** Tokens of a call by the `token_type` of `genai_tokens_total`: disjoint, their sum is all tokens. */
export function tokensByType(call: Call): Readonly<Record<string, number>> {
  const tokens: Record<string, number> = {};
  for (const [bucket, count] of Object.entries(call.usage)) {
    const type = TYPE_OF_BUCKET[bucket as UsageBucket];
    if (type !== undefined) tokens[type] = (tokens[type] ?? 0) + Number(count);
  }
  return tokens;
}
