import { z } from 'zod';
import type { ComponentType } from '../../pipeline/component.ts';
import { byteSizeOption } from '../../pipeline/option-types.ts';
import { type Secret, secretOption } from '../../pipeline/secret.ts';

const DURATION = /^([1-9][0-9]{0,4})d$/;

function days(text: string): number {
  return Number(DURATION.exec(text)?.[1]);
}

function retention(initial: string, what: string): z.ZodType<number> {
  return z
    .string()
    .regex(DURATION, 'expected a number of days, such as 90d')
    .default(initial)
    .transform(days)
    .describe(what);
}

/** Options of exporter `postgres`. */
export interface PostgresOptions {
  /** An operator's server; undefined or empty means `DATABASE_URL`, and without that the embedded one. */
  readonly url?: Secret | undefined;
  /** Days that calls are kept. */
  readonly retention: number;
  /** Days that dead letters are kept. */
  readonly dead_letter_retention: number;
  /** Connections that queries may use besides the one that writes. */
  readonly max_connections: number;
  /** Bytes that the database may take; undefined: known of the embedded server only. */
  readonly capacity?: number | undefined;
  readonly embedded: {
    /** Folder of the embedded server; undefined means `postgres` in the collector's data directory. */
    readonly data_dir?: string | undefined;
    /** Undefined: chosen once and kept. */
    readonly port?: number | undefined;
  };
}

const EMBEDDED = z
  .strictObject({
    data_dir: z
      .string()
      .min(1)
      .optional()
      .describe('Folder of the embedded server; by default `postgres` under SPANMETER_DATA.'),
    port: z
      .int()
      .min(1)
      .max(65_535)
      .optional()
      .describe('Loopback port of the embedded server; by default one is chosen once and kept.'),
  })
  .default({})
  .describe('The PostgreSQL that comes along, used where no url is set.');

/** The exporter that stores every call exactly once, with rollups and cursor, in PostgreSQL 15 or newer. */
export const postgres: ComponentType<PostgresOptions> = {
  kind: 'exporter',
  type: 'postgres',
  summary:
    'Stores every call once in PostgreSQL, with its rollups and the journal cursor in one transaction.',
  options: z.strictObject({
    url: secretOption
      .refine((url) => /^(postgres(ql)?:\/\/|$)/.test(url.reveal()), 'expected a postgres:// URL')
      .optional()
      .describe('postgres://user:password@host:port/database?sslmode=…; empty: DATABASE_URL, else embedded.'),
    retention: retention('90d', 'How long calls are kept, in days; rollups are kept forever.'),
    dead_letter_retention: retention('30d', 'How long dead letters are kept, in days.'),
    max_connections: z
      .int()
      .min(1)
      .max(100)
      .default(8)
      .describe('Connections for queries, besides the one that writes.'),
    capacity: byteSizeOption
      .optional()
      .describe(
        'Room that the database has, as text such as 100GiB: genai_database_capacity_bytes. By default that of the ' +
          "embedded server's file system, and unknown for a server of yours.",
      ),
    embedded: EMBEDDED,
  }),
};
