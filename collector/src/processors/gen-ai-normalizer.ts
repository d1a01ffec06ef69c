import { z } from 'zod';
import type { ComponentType } from '../pipeline/component.ts';

export interface GenAiNormalizerOptions {
  /** Longest attribute value that is read, in bytes of UTF-8; longer ones are left out and counted. */
  readonly max_value_bytes: number;
}

/** Reads whichever vocabulary a GenAI span speaks into our own record of a call. */
export const genAiNormalizer: ComponentType<GenAiNormalizerOptions> = {
  kind: 'processor',
  type: 'gen_ai_normalizer',
  summary: 'Reads whichever vocabulary a GenAI span speaks into one record of a call.',
  options: z.strictObject({
    max_value_bytes: z
      .int()
      .min(256)
      .max(1_048_576)
      .default(4096)
      .describe('Longest attribute value that is read, in bytes; longer ones are left out and counted.'),
  }),
};
