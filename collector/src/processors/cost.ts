import type { EstimateMode } from '@spanmeter/processors';
import { z } from 'zod';
import type { ComponentType } from '../pipeline/component.ts';

export interface CostOptions {
  readonly prices: string | null;
  readonly reported_authoritative: readonly string[];
  /** What is estimated where a call reports no usage. */
  readonly estimate_missing_usage: EstimateMode;
}

/** Prices each call exactly, or says why it can't. */
export const cost: ComponentType<CostOptions> = {
  kind: 'processor',
  type: 'cost',
  summary: 'Prices each call exactly from the dated price book, or says why it cannot.',
  options: z.strictObject({
    prices: z
      .string()
      .nullable()
      .default(null)
      .describe("Path of the operator's own prices (YAML), which come before the shipped book."),
    reported_authoritative: z
      .array(z.string().min(1))
      .max(100)
      .default(['openrouter'])
      .describe('Providers whose own reported cost is taken instead of ours.'),
    estimate_missing_usage: z
      .enum(['off', 'characters', 'content'])
      .default('off')
      .describe(
        'Estimate the tokens of calls that report none: from the character counts that our instrumentation sends, or from recorded content where a span has it. Such calls are marked as estimated.',
      ),
  }),
};
