import { join } from 'node:path';
import { z } from 'zod';
import { openJournal, type Journal, type JournalOptions } from '../journal/journal.ts';
import type { ComponentType } from '../pipeline/component.ts';
import { byteSizeOption, durationOption } from '../pipeline/option-types.ts';

/** Options of `journal` in the configuration; sizes in bytes, durations in milliseconds. */
export interface JournalExtensionOptions {
  readonly directory?: string | undefined;
  readonly max_bytes: number;
  readonly segment_bytes: number;
  readonly retain: number;
  readonly retain_bytes?: number | undefined;
}

const options: z.ZodType<JournalExtensionOptions> = z
  .strictObject({
    directory: z
      .string()
      .min(1)
      .optional()
      .describe('Where the journal is; `journal` in the data directory (`SPANMETER_DATA`) if not given.'),
    max_bytes: byteSizeOption
      .prefault('4GiB')
      .describe('Bound on all files of the journal; beyond it senders are told to come back later.'),
    segment_bytes: byteSizeOption
      .prefault('128MiB')
      .describe(
        'A file takes no further request beyond this size; at most a quarter of `max_bytes` has effect.',
      ),
    retain: durationOption
      .prefault('1h')
      .describe(
        'How long requests that every exporter has done are kept, for a database that lost its last commits.',
      ),
    retain_bytes: byteSizeOption
      .optional()
      .describe('How many bytes of them at most; a quarter of `max_bytes`, which is also the most.'),
  })
  .refine((given) => given.max_bytes >= MIN_BYTES, {
    path: ['max_bytes'],
    error: 'a journal needs at least 1MiB',
  });

const MIN_BYTES = 1024 * 1024;

/** The `journal` extension: where accepted requests wait, durable, until they are stored. */
export const journal: ComponentType<JournalExtensionOptions> = {
  kind: 'extension',
  type: 'journal',
  summary: 'Where accepted requests wait on disk until every exporter has them.',
  options,
};

/** Opens the journal that a configuration describes, below `dataDir` unless it names a directory. */
export function openConfiguredJournal(
  configured: JournalExtensionOptions,
  around: Pick<JournalOptions, 'disk' | 'clock' | 'log' | 'metrics'> & { readonly dataDir: string },
): Promise<Journal> {
  const { dataDir, ...rest } = around;
  return openJournal({
    ...rest,
    dir: configured.directory ?? join(dataDir, 'journal'),
    maxBytes: configured.max_bytes,
    segmentBytes: configured.segment_bytes,
    retainMs: configured.retain,
    ...(configured.retain_bytes === undefined ? {} : { retainBytes: configured.retain_bytes }),
  });
}
