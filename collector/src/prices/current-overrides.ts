import { mergeOverrides, NO_OVERRIDES, type PriceOverrides } from '@spanmeter/processors';
import type { Logger } from '../pipeline/component.ts';
import {
  DEFAULT_MAX_OVERRIDES,
  OverrideRows,
  readOverrideRows,
  type Queryable,
  type SkippedRow,
} from './override-rows.ts';
import { DEFAULT_MAX_FILE_BYTES, readPriceFiles } from './price-files.ts';

/** Where the overrides of now are read from. */
export interface CurrentOverridesOptions {
  /** The operator's file; null where there is none. */
  readonly pricesFile: string | null;
  /** The folder of tenants' files; null where there is none. */
  readonly tenantDir?: string | null;
  readonly maxFileBytes?: number;
  /** A client or pool of the tables' owner; null leaves the database out. */
  readonly database: Queryable | null;
  readonly maxOverrides?: number;
  /** Told of rows that cannot be used. */
  readonly log?: Logger;
  /** Called with every row that cannot be used. */
  readonly onSkipped?: (row: SkippedRow) => void;
}

/**
 * Reads files and database once and makes of them the overrides that a collector with the same options prices
 * by. Rejects with PriceFilesError, TooManyOverrides, or what the database says.
 */
export async function readCurrentOverrides(options: CurrentOverridesOptions): Promise<PriceOverrides> {
  const { pricesFile, tenantDir = null, database, log, onSkipped } = options;
  const files =
    pricesFile === null && tenantDir === null
      ? NO_OVERRIDES
      : (
          await readPriceFiles({
            prices: pricesFile,
            tenantPrices: tenantDir,
            maxFileBytes: options.maxFileBytes ?? DEFAULT_MAX_FILE_BYTES,
          })
        ).overrides;
  if (database === null) return files;
  const rows = await readOverrideRows(database, options.maxOverrides ?? DEFAULT_MAX_OVERRIDES);
  const { overrides, skipped } = await new OverrideRows().read(rows);
  for (const row of skipped) {
    onSkipped?.(row);
    log?.warn({ ...row }, 'A price override of the database cannot be used and is left out.');
  }
  return mergeOverrides(files, overrides);
}
