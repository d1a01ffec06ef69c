import { readFile, stat } from 'node:fs/promises';
import { parsePriceOverrides, type PriceOverrides } from '@spanmeter/processors';
import { parse } from 'yaml';
import type { Config } from '../config/config.ts';
import { cost } from '../processors/cost.ts';
import { componentOf, tracesPipeline } from './processing.ts';

/** Far above any real price list; a larger file is a mistake. */
const MAX_FILE_BYTES = 8 * 1024 * 1024;
const MAX_ALIASES = 1000;
const MAX_FAULTS_SHOWN = 20;

/** Reads a file of one's own prices (YAML or JSON). Rejects with every fault it has, by its place in the file. */
export async function readPrices(path: string): Promise<PriceOverrides> {
  const { size } = await stat(path);
  if (size > MAX_FILE_BYTES) {
    throw new Error(`${path} has ${size} bytes; a price file has at most ${MAX_FILE_BYTES}`);
  }
  const value: unknown = parse(await readFile(path, 'utf8'), { maxAliasCount: MAX_ALIASES });
  const { overrides, faults } = parsePriceOverrides(value);
  if (faults.length === 0) return overrides;
  const shown = faults.slice(0, MAX_FAULTS_SHOWN).map((fault) => `\n  ${fault.path}: ${fault.message}`);
  const more = faults.length > shown.length ? `\n  and ${faults.length - shown.length} more` : '';
  throw new Error(`${path} cannot be used:${shown.join('')}${more}`);
}

/** The operator's own prices that the `cost` processor names; null where it names none. */
export async function readConfiguredPrices(config: Config): Promise<PriceOverrides | null> {
  const { processors } = tracesPipeline(config);
  const path = componentOf(processors, config.processors, cost)?.options.prices ?? null;
  return path === null ? null : readPrices(path);
}
