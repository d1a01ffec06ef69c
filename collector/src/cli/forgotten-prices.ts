import { everyBook, type PriceBook, type TenantBooks } from '@spanmeter/processors';
import type { Client } from 'pg';
import type { BookOptions } from './books.ts';
import { CliError } from './output.ts';
import { listStoredVersions, loadStoredBook, SHORT_DIGEST } from './stored-books.ts';

/** Books that calls were priced by lately. */
const LOOKED_AT = 20;

/** What a book's own entries are about; their amounts and times may change, and still they are known of. */
function subjectsOf({ layers }: PriceBook): readonly string[] {
  return layers.flatMap(({ prices, deployments, discounts }) => [
    ...prices.map(({ provider, model }) => JSON.stringify(['price', provider, model])),
    ...deployments.map(({ provider, name }) => JSON.stringify(['deployment', provider, name])),
    ...discounts.map(({ provider, models }) => JSON.stringify(['discount', provider, models ?? []])),
  ]);
}

/**
 * Refuses to correct calls that the collector prices by own prices which this command does not know and nobody
 * named a configuration for: other prices would silently take the place of what was agreed. Rejects with CliError.
 */
export async function refuseForgottenPrices(
  client: Client,
  books: TenantBooks,
  options: BookOptions,
): Promise<void> {
  if (options.prices !== undefined || options.config !== undefined || options.set !== undefined) return;
  const stored = await listStoredVersions(client, LOOKED_AT, null);
  const shared = stored.find((each) => each.extends === null);
  const own = stored.filter(
    (each) => each.overrides > 0 && (each === shared || each.extends === shared?.version),
  );
  if (own.length === 0) return;
  const known = new Set(everyBook(books).flatMap(subjectsOf));
  for (const { version } of own) {
    const book = await loadStoredBook(client, version);
    if (subjectsOf(book).every((subject) => known.has(subject))) continue;
    throw new CliError(
      `Calls were priced by own prices (book ${version.slice(0, SHORT_DIGEST)}) that the configuration which was read ` +
        "does not have. Name the collector's with --config, its prices with --prices, or otel-config.yaml itself " +
        'where they no longer hold.',
      2,
    );
  }
}
