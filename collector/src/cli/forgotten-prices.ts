import type { TenantBooks } from '@spanmeter/processors';
import type { Client } from 'pg';
import type { BookOptions } from './books.ts';
import { CliError } from './output.ts';
import { listStoredVersions, SHORT_DIGEST } from './stored-books.ts';

/** Books that calls were priced by lately. */
const LOOKED_AT = 20;

/** Whether any prices of the operator's or a tenant's own are among those that apply. */
function hasOwn({ shared, tenants }: TenantBooks): boolean {
  if (tenants.length > 0) return true;
  return shared.layers.some(
    ({ prices, deployments, discounts }) => prices.length + deployments.length + discounts.length > 0,
  );
}

/**
 * Refuses to correct calls that the collector prices by own prices where this command knows of none and was told
 * of no configuration: the list prices would silently take the place of what was agreed. Rejects with CliError.
 */
export async function refuseForgottenPrices(
  client: Client,
  books: TenantBooks,
  options: BookOptions,
): Promise<void> {
  if (options.prices !== undefined || options.config !== undefined || options.set !== undefined) return;
  if (hasOwn(books)) return;
  const stored = await listStoredVersions(client, LOOKED_AT, null);
  const shared = stored.find((each) => each.extends === null);
  const own = stored.find(
    (each) => each.overrides > 0 && (each === shared || each.extends === shared?.version),
  );
  if (own === undefined) return;
  throw new CliError(
    `The collector prices by own prices (book ${own.version.slice(0, SHORT_DIGEST)}), and the configuration that was ` +
      "read names none. Name the collector's with --config, its prices with --prices, or otel-config.yaml itself " +
      'where list prices are meant.',
    2,
  );
}
