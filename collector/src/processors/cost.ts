import type { EstimateMode } from '@spanmeter/processors';
import { z } from 'zod';
import type { ComponentType } from '../pipeline/component.ts';
import { byteSizeOption, durationOption } from '../pipeline/option-types.ts';

export interface CostOptions {
  readonly prices: string | null;
  readonly tenant_prices: string | null;
  readonly reload_interval: number;
  readonly max_file_bytes: number;
  readonly max_overrides: number;
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
    tenant_prices: z
      .string()
      .nullable()
      .default(null)
      .describe("Folder of tenants' own prices, one file for each: `<tenant>.yaml`."),
    reload_interval: durationOption
      .prefault('5s')
      .describe(
        'How often the price files are looked at; a changed one applies without a restart. 0: never.',
      ),
    max_file_bytes: byteSizeOption
      .prefault('8MiB')
      .describe('Largest price file; a larger one is refused before it is read.'),
    max_overrides: z
      .number()
      .int()
      .positive()
      .max(1_000_000)
      .default(100_000)
      .describe('Most price overrides that the database may hold; with more of them nothing new is applied.'),
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
