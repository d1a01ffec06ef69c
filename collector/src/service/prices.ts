import type { Config } from '../config/config.ts';
import type { Database } from '../database/connect.ts';
import type { Logger, SelfMetrics } from '../pipeline/component.ts';
import { configuredFiles, priceFilesFault, readConfiguredFiles } from '../prices/configured-prices.ts';
import { createLivePrices, type LivePrices } from '../prices/live-prices.ts';
import { cost, type CostOptions } from '../processors/cost.ts';
import { connectWhenReady } from './listening-client.ts';
import { componentOf, tracesPipeline, type Processing } from './processing.ts';

/** What own prices need of the collector around them. */
export interface PricesParts {
  readonly config: Config;
  readonly processing: Pick<Processing, 'replacePrices'>;
  /** Null where the pipeline has no store. */
  readonly database: Pick<Database, 'ownerUrl' | 'ready'> | null;
  readonly log: Logger;
  readonly metrics: SelfMetrics;
}

function costOptions(config: Config): CostOptions {
  const { processors } = tracesPipeline(config);
  return componentOf(processors, config.processors, cost)?.options ?? cost.options.parse({});
}

/** Every fault of the price files that a configuration names, as text; null where they can be used. */
export function pricesFault(config: Config): Promise<string | null> {
  return priceFilesFault(costOptions(config));
}

/** Reads the price files and makes what follows them and the database. Rejects with PriceFilesError. */
export async function openPrices(parts: PricesParts): Promise<LivePrices> {
  const options = costOptions(parts.config);
  const { database, processing, log, metrics } = parts;
  return createLivePrices({
    files: configuredFiles(options),
    first: await readConfiguredFiles(options),
    reloadIntervalMs: options.reload_interval,
    database:
      database === null
        ? null
        : {
            connect: () => connectWhenReady(database, 'spanmeter-prices'),
            maxOverrides: options.max_overrides,
          },
    apply: (overrides) => processing.replacePrices(overrides),
    log,
    metrics,
  });
}
