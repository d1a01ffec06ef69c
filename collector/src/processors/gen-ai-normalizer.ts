import { z } from 'zod';
import type { ComponentType } from '../pipeline/component.ts';
import { durationOption } from '../pipeline/option-types.ts';

export interface GenAiNormalizerOptions {
  /** Longest attribute value that is read, in bytes of UTF-8; longer ones are left out and counted. */
  readonly max_value_bytes: number;
  /** Milliseconds in which spans of different requests are recognised as one call; 0 is off. */
  readonly twin_window: number;
  /** Calls that are remembered for that, at most. */
  readonly twin_window_calls: number;
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
    twin_window: durationOption
      .refine((ms) => ms <= 3_600_000, 'at most 1h')
      .prefault('2m')
      .describe('How far apart two spans of one call may arrive and still be billed once; 0 is off.'),
    twin_window_calls: z
      .int()
      .min(100)
      .max(1_000_000)
      .default(50_000)
      .describe('Most calls that are remembered for that; beyond it the older half is forgotten.'),
  }),
};
