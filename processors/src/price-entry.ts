/** What a price counts, and per how many: `input_mtok` is USD per million input tokens. */
export type RateName =
  | 'input_mtok'
  | 'output_mtok'
  | 'cache_read_mtok'
  | 'cache_write_mtok'
  | 'cache_write_1h_mtok'
  | 'reasoning_mtok'
  | 'input_audio_mtok'
  | 'output_audio_mtok'
  | 'cache_read_audio_mtok'
  | 'input_image_mtok'
  | 'output_image_mtok'
  | 'audio_hour'
  | 'per_second'
  | 'input_mchar'
  | 'per_image'
  | 'requests_k'
  | 'web_searches_k';

/** Prices in USD as decimal text, by what they count. */
export type Rates = Readonly<Partial<Record<RateName, string>>>;

/** Prices of the whole request once its total input, cache included, passes a bound. */
export interface ContextTier {
  /** Tokens; the tier applies above this many, or from this many on where `inclusive`. */
  readonly above: number;
  readonly inclusive?: true;
  readonly rates: Rates;
}

/** Prices at certain hours (UTC) of certain days. */
export interface TimeWindow {
  /** 1 Monday to 7 Sunday; every day where absent. */
  readonly days?: readonly number[];
  /** UTC dates (`2026-10-01`) on which the window does not apply: holidays. */
  readonly except?: readonly string[];
  /** `HH:MM`, from inclusive, to exclusive. */
  readonly from: string;
  readonly to: string;
  readonly rates: Rates;
}

/** A dimension that a price can depend on besides usage, time and context size. */
export type ConditionName = 'tier' | 'speed' | 'geo' | 'region' | 'profile' | 'search_context';

/** How one value of a condition changes the price: all token rates times a factor, or rates of its own. */
export interface Modifier {
  readonly condition: ConditionName;
  /** The value in lower case; `*` for every value that has no modifier of its own. */
  readonly value: string;
  /** Decimal factor on the token rates (not on fees per request or search). */
  readonly multiply?: string;
  /** Factors of single rates, which are then not subject to `multiply`; in tiers and windows too. */
  readonly factors?: Rates;
  /** Rates that replace those of the same name. */
  readonly rates?: Rates;
  /** Context tiers under this condition, where it has token rates of its own. */
  readonly tiers?: readonly ContextTier[];
  /** True where this value is what the vendor serves if the span does not say. */
  readonly standard?: true;
  /** Provider ids it is limited to, where a price list serves several. */
  readonly providers?: readonly string[];
  readonly from?: string;
  readonly to?: string;
}

/** Prices of one model over one stretch of time. */
export interface PricePeriod {
  /** ISO instants: valid from (inclusive) and to (exclusive); open where absent. */
  readonly from?: string;
  readonly to?: string;
  /** Everything costs nothing. */
  readonly free?: true;
  /** Seconds of audio that a call is billed for at least. */
  readonly leastSeconds?: number;
  readonly rates: Rates;
  readonly tiers?: readonly ContextTier[];
  readonly windows?: readonly TimeWindow[];
  readonly modifiers?: readonly Modifier[];
}

/** One model on one price list. The first period that contains the instant applies. */
export interface PriceEntry {
  readonly model: string;
  /** Other exact names of it. */
  readonly aliases?: readonly string[];
  readonly periods: readonly PricePeriod[];
}

/** The generated price list of one seller. */
export interface PriceList {
  readonly seller: string;
  readonly entries: readonly PriceEntry[];
}
