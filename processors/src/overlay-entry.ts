import type { ContextTier, Modifier, PricePeriod, RateName, Rates } from './price-entry.ts';

/** Where a correction comes from, and when somebody looked. */
export interface Reviewed {
  readonly source: string;
  /** Date of the review, `YYYY-MM-DD`. */
  readonly reviewed: string;
}

/** A model that the base lacks, or periods that go before the base's own. Its names are taken from other entries. */
export interface OverlayEntry extends Reviewed {
  readonly seller: string;
  readonly model: string;
  readonly aliases?: readonly string[];
  readonly periods: readonly PricePeriod[];
}

/** A change to every period of some models. */
export interface OverlayPatch extends Reviewed {
  readonly sellers: readonly string[];
  /** Model ids; `*` stands for any run of characters. */
  readonly models: readonly string[];
  /** Moves the bound of a context tier. */
  readonly tierBound?: { readonly above: number; readonly to: number };
  /** Rates that are added where a period lacks them. */
  readonly rates?: Rates;
  /** Context tiers of a price that has none. */
  readonly tiers?: readonly ContextTier[];
  /** A rate that is added where it is missing, as a multiple of another, in tiers too. */
  readonly derive?: { readonly rate: RateName; readonly of: RateName; readonly times: string };
  readonly modifiers?: readonly Modifier[];
  /** Seconds of audio that a call is billed for at least. */
  readonly leastSeconds?: number;
}

/** Models of one list that are sold at the same price on another; conditions are the other list's own. */
export interface Resale extends Reviewed {
  readonly seller: string;
  readonly of: string;
  readonly models: readonly string[];
}

/** Entries of the base that are no price of that seller. */
export interface Removal extends Reviewed {
  readonly seller: string;
  readonly models: readonly string[];
}

/** The reviewed corrections and additions to the base prices. */
export interface Overlay {
  readonly entries: readonly OverlayEntry[];
  readonly patches: readonly OverlayPatch[];
  readonly resales: readonly Resale[];
  readonly removals: readonly Removal[];
}
