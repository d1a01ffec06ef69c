import type { Discount, PriceLayer, PriceOverrides } from '../price-layer.ts';
import { EMPTY_LAYER } from '../price-layer.ts';
import { microsOf } from '../price-pieces.ts';

/** An entry of a file in whose place one of the database applies, since both begin at the same time. */
export interface ReplacedEntry {
  /** Null for the operator's. */
  readonly tenant: string | null;
  readonly kind: 'price' | 'deployment' | 'discount' | 'currency';
  /** What it is for: provider and model, deployment or currency. */
  readonly what: string;
}

type Keyed<T> = (entry: T) => string;

interface Dated {
  readonly from?: string;
  readonly to?: string;
}

const start = (dated: Dated | undefined): string => String(microsOf(dated ?? {}).from);

function discountKey(discount: Discount): string {
  const { provider, models, multiply, rates, subtract } = discount;
  const form = multiply === undefined ? Object.keys(rates ?? subtract ?? {}).toSorted() : [];
  const kind = multiply === undefined ? (rates === undefined ? 'subtract' : 'rates') : 'multiply';
  const named = models?.map((name) => name.toLowerCase()).toSorted() ?? null;
  return JSON.stringify([provider, named, kind, form, start(discount)]);
}

/** The database's entries, then those of the file that begin at another time: what comes first wins a tie. */
function join<T>(
  file: readonly T[],
  database: readonly T[],
  keyOf: Keyed<T>,
  replaced: (entry: T) => void,
): readonly T[] {
  if (database.length === 0 || file.length === 0) return database.length === 0 ? file : database;
  const keys = new Set(database.map(keyOf));
  const kept = file.filter((entry) => {
    const isReplaced = keys.has(keyOf(entry));
    if (isReplaced) replaced(entry);
    return !isReplaced;
  });
  return [...database, ...kept];
}

function mergeLayers(
  tenant: string | null,
  file: PriceLayer,
  database: PriceLayer,
  note: (entry: ReplacedEntry) => void,
): PriceLayer {
  if (database === EMPTY_LAYER) return file;
  const said =
    <T>(kind: ReplacedEntry['kind'], what: (entry: T) => string): ((entry: T) => void) =>
    (entry) =>
      note({ tenant, kind, what: what(entry) });
  const currencies = join(
    file.currencies ?? [],
    database.currencies ?? [],
    (rate) => JSON.stringify([rate.currency, start(rate)]),
    said('currency', ({ currency }) => currency),
  );
  return {
    prices: join(
      file.prices,
      database.prices,
      ({ provider, model, periods }) => JSON.stringify([provider, model, start(periods[0])]),
      said('price', ({ provider, model }) => `${provider} ${model}`),
    ),
    deployments: join(
      file.deployments,
      database.deployments,
      (each) => JSON.stringify([each.provider, each.name.toLowerCase(), start(each)]),
      said('deployment', ({ provider, name }) => `${provider} ${name}`),
    ),
    discounts: join(
      file.discounts,
      database.discounts,
      discountKey,
      said('discount', ({ provider, models }) => [provider, ...(models ?? [])].join(' ')),
    ),
    ...(currencies.length === 0 ? {} : { currencies }),
  };
}

/**
 * Makes one layer each of what files and the database say for the operator and for each tenant. Of two entries
 * for one thing the one that began last applies, and of two that begin at once the database's; `replaced` is
 * told of each entry of a file that never applies for that reason.
 */
export function mergeOverrides(
  file: PriceOverrides,
  database: PriceOverrides,
  replaced: (entry: ReplacedEntry) => void = () => undefined,
): PriceOverrides {
  const tenants = new Map(file.tenants);
  for (const [tenant, layer] of database.tenants) {
    tenants.set(tenant, mergeLayers(tenant, file.tenants.get(tenant) ?? EMPTY_LAYER, layer, replaced));
  }
  return { operator: mergeLayers(null, file.operator, database.operator, replaced), tenants };
}
