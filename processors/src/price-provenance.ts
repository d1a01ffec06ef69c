import { globMatcher } from './glob.ts';
import type { PriceBook } from './price-book.ts';
import { shippedLists } from './price-book.ts';
import type { OverlayPatch } from './overlay-entry.ts';
import type { Modifier, PriceEntry, PricePeriod, RateName } from './price-entry.ts';
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
  readonly changes: readonly ReviewedChange[];
}

/** A reviewed change to a listed price. */
export interface ReviewedChange {
  readonly source: string;
  readonly reviewed: string;
  /** The conditions that it added; null where it changed rates or bounds, which every call meets. */
  readonly modifiers: readonly Modifier[] | null;
}

/** Whether a patch left anything in a period: most are written for many models at once. */
function isFelt(patch: OverlayPatch, period: PricePeriod): boolean {
  const { modifiers, tierBound, rates, derive } = patch;
  if (modifiers !== undefined) return true;
  if (tierBound !== undefined) return period.tiers?.some((tier) => tier.above === tierBound.to) === true;
  if (derive !== undefined) return period.rates[derive.rate] !== undefined;
  return Object.entries(rates ?? {}).some(([name, usd]) => period.rates[name as RateName] === usd);
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
  const period = book.lists.get(seller)?.entries.get(model)?.periods[periodIndex];
  const patches = OVERLAY.patches.filter(
    (patch) =>
      patch.sellers.includes(seller) &&
      matches(patch.models, model) &&
      period !== undefined &&
      isFelt(patch, period),
  );
  const resold: ReviewedChange[] =
    resale === undefined ? [] : [{ source: resale.source, reviewed: resale.reviewed, modifiers: null }];
  return {
    layer: reviewed === undefined ? 'base' : 'overlay',
    source: reviewed?.source ?? book.source ?? '',
    reviewed: reviewed?.reviewed ?? null,
    resold: resale?.of ?? null,
    changes: [
      ...resold,
      ...patches.map(({ source, reviewed: on, modifiers }) => ({
        source,
        reviewed: on,
        modifiers: modifiers ?? null,
      })),
    ],
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
