import { globMatcher } from './glob.ts';
import type { PriceBook } from './price-book.ts';
import { shippedLists } from './price-book.ts';
import type { PriceEntry } from './price-entry.ts';
import { BASE_PRICES } from './prices/base/index.ts';
import { OVERLAY } from './prices/overlay.ts';

/** Where a listed price comes from. */
export interface PriceProvenance {
  /** `base` is generated, `overlay` reviewed by hand. */
  readonly layer: 'base' | 'overlay';
  readonly source: string;
  /** Date of the review; null for what is generated. */
  readonly reviewed: string | null;
  /** The seller whose list is resold at the same price; null where the seller lists the model itself. */
  readonly resold: string | null;
  /** Reviewed changes that the price took, in order. */
  readonly changes: readonly { readonly source: string; readonly reviewed: string }[];
}

function matches(models: readonly string[], model: string): boolean {
  return models.some((pattern) => globMatcher(pattern)(model));
}

/**
 * Where the price of one period of a listed model comes from; null where the book's lists are not the ones that
 * ship with this version, whose origin is not stored. Periods of the overlay go before those of the base.
 */
export function priceProvenance(
  book: PriceBook,
  seller: string,
  model: string,
  periodIndex: number,
): PriceProvenance | null {
  if (book.lists !== shippedLists()) return null;
  const resale = listsItself(seller, model)
    ? undefined
    : OVERLAY.resales.find((each) => each.seller === seller && matches(each.models, model));
  const origin = resale?.of ?? seller;
  const entries = OVERLAY.entries.filter((entry) => entry.seller === origin && entry.model === model);
  const reviewed = entries.flatMap((entry) => entry.periods.map(() => entry))[periodIndex];
  const patches = OVERLAY.patches.filter(
    (patch) => patch.sellers.includes(seller) && matches(patch.models, model),
  );
  const changes = [...(resale === undefined ? [] : [resale]), ...patches];
  return {
    layer: reviewed === undefined ? 'base' : 'overlay',
    source: reviewed?.source ?? book.source ?? '',
    reviewed: reviewed?.reviewed ?? null,
    resold: resale?.of ?? null,
    changes: changes.map(({ source, reviewed: on }) => ({ source, reviewed: on })),
  };
}

/** What a seller lists itself is never replaced by a resale. */
function listsItself(seller: string, model: string): boolean {
  const named = (entry: PriceEntry): boolean =>
    entry.model === model || entry.aliases?.includes(model) === true;
  return (
    OVERLAY.entries.some((entry) => entry.seller === seller && named(entry)) ||
    BASE_PRICES.some((list) => list.seller === seller && list.entries.some(named))
  );
}
