import { createTenantBooks, type TenantBooks } from '@spanmeter/processors';
import type { Command } from 'commander';
import { COMPONENTS } from '../components.ts';
import { loadConfig } from '../config/load.ts';
import { cost } from '../processors/cost.ts';
import { readCurrentOverrides } from '../prices/current-overrides.ts';
import { TooManyOverrides, type Queryable } from '../prices/override-rows.ts';
import { PriceFilesError } from '../prices/price-files.ts';
import { componentOf, tracesPipeline } from '../service/processing.ts';
import { CliError, type CliContext } from './output.ts';
import { addStartOptions, startOptions, type StartOptions } from './start-options.ts';
import { describeFaults } from './validate.ts';

/** The books that the collector of this configuration prices by now, and what else decides an amount. */
export interface CurrentPricing {
  readonly books: TenantBooks;
  /** Canonical providers whose reported cost is taken instead of ours. */
  readonly reportedAuthoritative: readonly string[];
}

/** What commands that price by the collector's own configuration are told. */
export interface BookOptions extends Partial<StartOptions> {
  readonly prices?: string;
}

/** Adds `--config`, `--set` and `--prices`. */
export function addBookOptions(command: Command): Command {
  return addStartOptions(command).option(
    '--prices <file>',
    "a file of one's own prices instead of the one that the configuration names",
  );
}

/**
 * Today's prices as the collector has them, with the entries of its database. Rejects with CliError, exit code 2,
 * where a file is at fault.
 */
export async function currentPricing(
  options: BookOptions,
  context: CliContext,
  database: Queryable | null,
): Promise<CurrentPricing> {
  const { config: sources, set } = startOptions(options, process.cwd());
  const { config, faults } = loadConfig(sources, set, context.env, COMPONENTS);
  if (config === undefined) throw new CliError(describeFaults(faults), 2);
  const { processors } = tracesPipeline(config);
  const configured = componentOf(processors, config.processors, cost)?.options ?? null;
  const path = options.prices ?? configured?.prices ?? null;
  try {
    return {
      books: createTenantBooks(
        await readCurrentOverrides({
          pricesFile: path,
          tenantDir: configured?.tenant_prices ?? null,
          ...(configured === null ? {} : { maxFileBytes: configured.max_file_bytes }),
          ...(configured === null ? {} : { maxOverrides: configured.max_overrides }),
          database,
          onSkipped: ({ id, reason }) =>
            context.warn(`warning: price override ${id} cannot be used and is left out: ${reason}\n`),
        }),
      ),
      reportedAuthoritative: configured?.reported_authoritative ?? [],
    };
  } catch (error) {
    if (!(error instanceof PriceFilesError) && !(error instanceof TooManyOverrides)) throw error;
    throw new CliError(error.message, 2, { cause: error });
  }
}
