import { NO_OVERRIDES } from '@spanmeter/processors';
import type { CostOptions } from '../processors/cost.ts';
import {
  DEFAULT_MAX_FILE_BYTES,
  PriceFilesError,
  readPriceFiles,
  type PriceFileOptions,
  type PriceFiles,
} from './price-files.ts';

/** The files that the options of `cost` name; null where they name none. */
export function configuredFiles(options: Partial<CostOptions>): PriceFileOptions | null {
  const {
    prices = null,
    tenant_prices: tenantPrices = null,
    max_file_bytes: maxFileBytes = DEFAULT_MAX_FILE_BYTES,
  } = options;
  return prices === null && tenantPrices === null ? null : { prices, tenantPrices, maxFileBytes };
}

/** Reads the files that the options of `cost` name. Rejects with PriceFilesError. */
export async function readConfiguredFiles(options: CostOptions): Promise<PriceFiles> {
  const files = configuredFiles(options);
  return files === null ? { overrides: NO_OVERRIDES, digest: '', tenantFiles: 0 } : readPriceFiles(files);
}

/** Every fault of the files that the options of `cost` name, as lines of one text; null where they can be used. */
export async function priceFilesFault(options: CostOptions): Promise<string | null> {
  try {
    await readConfiguredFiles(options);
    return null;
  } catch (error) {
    if (error instanceof PriceFilesError) return error.message;
    throw error;
  }
}
