import { z } from 'zod';
import type { ComponentType, Host } from '../pipeline/component.ts';
import { durationOption } from '../pipeline/option-types.ts';

/** Options of the Collector's `batch` processor, read so that existing files work; none has an effect. */
export interface BatchOptions {
  readonly timeout: number;
  readonly send_batch_size: number;
  readonly send_batch_max_size: number;
  readonly metadata_keys: readonly string[];
  readonly metadata_cardinality_limit: number;
}

const options: z.ZodType<BatchOptions> = z.strictObject({
  timeout: durationOption.prefault('200ms').describe('Read and ignored.'),
  send_batch_size: z.number().int().nonnegative().default(8192).describe('Read and ignored.'),
  send_batch_max_size: z.number().int().nonnegative().default(0).describe('Read and ignored.'),
  metadata_keys: z.array(z.string()).default([]).describe('Read and ignored.'),
  metadata_cardinality_limit: z.number().int().nonnegative().default(1000).describe('Read and ignored.'),
});

/** The `batch` processor of the Collector, accepted for compatibility. */
export const batch: ComponentType<BatchOptions> = {
  kind: 'processor',
  type: 'batch',
  summary: 'Accepted and does nothing: each exporter batches what it reads from the journal.',
  options,
};

/** Says at start that the processor has no effect. */
export function announceBatch(host: Host): void {
  host.log.info({ processor: host.id }, 'the batch processor has no effect: exporters batch by themselves');
}
