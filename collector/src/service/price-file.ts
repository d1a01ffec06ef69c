import { readFile, stat } from 'node:fs/promises';
import { parsePriceOverrides, type PriceLayer } from '@spanmeter/processors';
import { parse } from 'yaml';
import type { Config } from '../config/config.ts';
import type { CostOptions } from '../processors/cost.ts';
import { componentOf, tracesPipeline } from './processing.ts';

/** Far above any real price list; a larger file is a mistake. */
const MAX_FILE_BYTES = 8 * 1024 * 1024;
const MAX_ALIASES = 1000;
const MAX_FAULTS_SHOWN = 20;

/** The operator's own prices, which come before the shipped book. */
export interface PriceFile {
  readonly layers: readonly PriceLayer[];
}

/** Reads a file of price overrides (YAML or JSON). Rejects with every fault it has, by its place in the file. */
export async function readPrices(path: string): Promise<PriceFile> {
  const { size } = await stat(path);
  if (size > MAX_FILE_BYTES) {
    throw new Error(`${path} has ${size} bytes; a price file has at most ${MAX_FILE_BYTES}`);
  }
  const value: unknown = parse(await readFile(path, 'utf8'), { maxAliasCount: MAX_ALIASES });
  const { layer, faults } = parsePriceOverrides(value);
  if (faults.length > 0) {
    const shown = faults.slice(0, MAX_FAULTS_SHOWN).join('\n  ');
    throw new Error(`${path} cannot be used:\n  ${shown}`);
  }
  return { layers: [layer] };
}

/** The file that the `cost` processor names, or null. */
export async function readPriceFile(config: Config): Promise<PriceFile | null> {
  const { processors } = tracesPipeline(config);
  const path = componentOf<CostOptions>(processors, config.processors, 'cost')?.options.prices ?? null;
  return path === null ? null : readPrices(path);
}
