import { stat } from 'node:fs/promises';
import { NO_OVERRIDES } from '@spanmeter/processors';
import type { CostOptions } from '../processors/cost.ts';
import {
  DEFAULT_MAX_FILE_BYTES,
  listPriceFiles,
  PriceFilesError,
  readPriceFiles,
  type PriceFileOptions,
  type PriceFiles,
} from './price-files.ts';
import { readPriceFilesApart } from './read-apart.ts';

/** The files that the options of `cost` name; null where they name none. */
export function configuredFiles(options: Partial<CostOptions>): PriceFileOptions | null {
  const {
    prices = null,
    tenant_prices: tenantPrices = null,
    max_file_bytes: maxFileBytes = DEFAULT_MAX_FILE_BYTES,
  } = options;
  return prices === null && tenantPrices === null ? null : { prices, tenantPrices, maxFileBytes };
}

/** Below this, reading takes less than it takes to start a thread; far above it, the memory of one is bounded. */
const MAX_BYTES_HERE = 256 * 1024;

async function totalBytes(files: PriceFileOptions): Promise<number> {
  const sizes = await Promise.all(
    (await listPriceFiles(files)).map(async ({ path }) => (await stat(path).catch(() => null))?.size ?? 0),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

async function readFiles(files: PriceFileOptions): Promise<PriceFiles> {
  if ((await totalBytes(files)) <= MAX_BYTES_HERE) return readPriceFiles(files);
  return readPriceFilesApart(files, new AbortController().signal);
}

/** Reads the files that the options of `cost` name. Rejects with PriceFilesError. */
export async function readConfiguredFiles(options: CostOptions): Promise<PriceFiles> {
  const files = configuredFiles(options);
  return files === null ? { overrides: NO_OVERRIDES, digest: '', tenantFiles: 0 } : readFiles(files);
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
