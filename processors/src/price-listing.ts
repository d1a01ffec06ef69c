import { instantText } from './iso-instant.ts';
import type { AppliedDiscount, ModelMatch, PriceBook } from './price-book.ts';
import type { Modifier, PricePeriod, RateName, Rates } from './price-entry.ts';
import type { CompiledPeriod } from './price-period.ts';
import { instantMicros } from './price-period.ts';
import type { PriceProvenance } from './price-provenance.ts';
import { priceProvenance } from './price-provenance.ts';
import { sellerOf } from './providers.ts';
import type { RateTable } from './rate-table.ts';
import { BUCKET_INDEX, RATE_MEANINGS, RATE_NAMES } from './rate-table.ts';

/** Whose price it is. `list`: a stored book's list, which does not keep whether base or overlay said it. */
export type PriceLayerName = 'tenant' | 'operator' | 'overlay' | 'base' | 'list';

/** One model's price at one instant, as its book has it. */
export interface ListedPrice {
  readonly provider: string;
  readonly seller: string;
  /** The book's id. */
  readonly model: string;
  readonly aliases: readonly string[];
  readonly layer: PriceLayerName;
  /** Instants between which this price is the one that applies; null where open. */
  readonly from: string | null;
  readonly to: string | null;
  /** Rates, tiers and windows as they were written. */
  readonly price: PricePeriod;
  /** Conditions that change the price of this provider at that instant. */
  readonly modifiers: readonly Modifier[];
  readonly discounts: readonly AppliedDiscount[];
  readonly provenance: PriceProvenance | null;
}

/** A period in force, where it stands in the match, and what it was compiled from. */
export interface PeriodInForce {
  readonly index: number;
  readonly compiled: CompiledPeriod;
  readonly price: PricePeriod;
  /** Index into the book's layers; null for the list. */
  readonly layer: number | null;
  /** Index among the periods of its own entry. */
  readonly indexInEntry: number;
  readonly model: string;
}

/** The period of a match that contains an instant: the first, as when a call is priced. */
export function periodInForce(match: ModelMatch, atMicros: number): PeriodInForce | null {
  const index = match.periods.findIndex((period) => atMicros >= period.from && atMicros < period.to);
  const compiled = match.periods[index];
  if (compiled === undefined) return null;
  let before = index;
  for (const { entry, layer, count } of match.parts) {
    if (before >= count) {
      before -= count;
      continue;
    }
    // The pieces of a period lie within it, and of its entry's periods the first that contains the instant applies.
    const indexInEntry = entry.periods.findIndex((period) => holdsAt(period, atMicros));
    const price = entry.periods[indexInEntry];
    if (price === undefined) return null;
    return {
      index,
      compiled,
      price: effectivePrice(price, compiled),
      layer,
      indexInEntry,
      model: entry.model,
    };
  }
  return null;
}

function holdsAt({ from, to }: { readonly from?: string; readonly to?: string }, at: number): boolean {
  return (from === undefined || at >= instantMicros(from)) && (to === undefined || at < instantMicros(to));
}

/** The rates of a table by name, in USD; those that only stand in for others left out. */
function ratesOf(table: RateTable): Rates {
  return Object.fromEntries(
    RATE_NAMES.flatMap((name) => {
      const rate = table.byBucket[BUCKET_INDEX.get(RATE_MEANINGS[name].bucket) ?? -1];
      return rate == null || rate.insteadOf !== null ? [] : [[name, rate.usd]];
    }),
  );
}

function isSame(a: Rates, b: Rates): boolean {
  const names = Object.keys(a) as RateName[];
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

/** A period with the rates that calls are priced by: in USD, and as amounts that were agreed leave them. */
function effectivePrice(price: PricePeriod, compiled: CompiledPeriod): PricePeriod {
  const rates = ratesOf(compiled.table);
  if (price.free === true || (price.currency === undefined && isSame(rates, price.rates))) return price;
  const { currency: _currency, ...rest } = price;
  return {
    ...rest,
    rates,
    ...(price.tiers === undefined
      ? {}
      : {
          tiers: price.tiers.map((tier) => {
            const from = tier.inclusive === true ? tier.above : tier.above + 1;
            const table = compiled.tiers.find((each) => each.from === from)?.table ?? null;
            return table === null ? tier : { ...tier, rates: ratesOf(table) };
          }),
        }),
    ...(price.windows === undefined
      ? {}
      : {
          windows: price.windows.map((window, i) => {
            const table = compiled.windows[i]?.table ?? null;
            return table === null ? window : { ...window, rates: ratesOf(table) };
          }),
        }),
  };
}

/** From when to when a period is the first that applies: one before it in the order cuts it short. */
function inForceBetween(match: ModelMatch, found: PeriodInForce, at: number): { from: number; to: number } {
  let { from, to } = found.compiled;
  for (const earlier of match.periods.slice(0, found.index)) {
    if (earlier.from > at) to = Math.min(to, earlier.from);
    else if (earlier.to <= at) from = Math.max(from, earlier.to);
  }
  return { from, to };
}

const TOKENS = 'tokens of';

/** What each rate is for, in words: USD per so many of this. */
export const RATE_UNITS: Readonly<Record<RateName, { readonly per: number; readonly of: string }>> =
  Object.fromEntries(
    Object.entries(RATE_MEANINGS).map(([name, { per, bucket, token }]) => {
      const words = bucket.replaceAll('_', ' ');
      return [name, { per, of: token ? `${TOKENS} ${words}` : words }];
    }),
  ) as Record<RateName, { readonly per: number; readonly of: string }>;

/** The name of a layer: the operator's is the first of a book, a tenant's comes after it. */
export function layerName(layer: number | null, provenance: PriceProvenance | null): PriceLayerName {
  if (layer !== null) return layer === 0 ? 'operator' : 'tenant';
  return provenance === null ? 'list' : provenance.layer;
}

function holds(modifier: Modifier, provider: string, at: number): boolean {
  if (modifier.providers !== undefined && !modifier.providers.includes(provider)) return false;
  if (modifier.from !== undefined && at < instantMicros(modifier.from)) return false;
  return modifier.to === undefined || at < instantMicros(modifier.to);
}

/** Of several modifiers for one value the first applies. */
function effective(modifiers: readonly Modifier[]): Modifier[] {
  const seen = new Set<string>();
  return modifiers.filter(({ condition, value }) => {
    const key = `${condition} ${value}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** The price of a match at an instant, for people and programs to read; null where none is in force. */
export function listedPrice(
  book: PriceBook,
  provider: string,
  match: ModelMatch,
  atMicros: number,
): ListedPrice | null {
  const found = periodInForce(match, atMicros);
  if (found === null) return null;
  const seller = sellerOf(provider);
  const provenance =
    found.layer === null ? priceProvenance(book, seller, found.model, found.indexInEntry) : null;
  const listed = match.parts.find((part) => part.layer === null)?.entry ?? match.parts[0]?.entry;
  const { from, to } = inForceBetween(match, found, atMicros);
  return {
    provider,
    seller,
    model: match.model,
    aliases: (listed?.aliases ?? []).filter((name) => name !== match.model),
    layer: layerName(found.layer, provenance),
    from: instantText(from),
    to: instantText(to),
    price: found.price,
    modifiers: effective((found.price.modifiers ?? []).filter((each) => holds(each, provider, atMicros))),
    discounts: match.discounts.filter((each) => atMicros >= each.from && atMicros < each.to),
    provenance,
  };
}

/** Ids of the models that a provider's calls can be priced as, in order: its list's and its layers' own. */
export function modelsOf(book: PriceBook, provider: string): readonly string[] {
  const ids = new Set<string>(book.lists.get(sellerOf(provider))?.entries.keys());
  for (const layer of book.layers)
    for (const price of layer.prices) if (price.provider === provider) ids.add(price.model);
  return [...ids].filter((id) => book.match(provider, id)?.model === id).toSorted();
}
