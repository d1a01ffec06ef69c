import type { PricePeriod, Rates } from './price-entry.ts';

/** A price of somebody's own: a negotiated rate, a self-hosted model, a custom one. */
export interface LayerPrice {
  /** Canonical provider id. */
  readonly provider: string;
  readonly model: string;
  readonly aliases?: readonly string[];
  /** Of all that a layer has for one name and that contain the instant, the one that began last applies. */
  readonly periods: readonly PricePeriod[];
}

/** A name on spans that stands for a model: an Azure deployment, an application inference profile. */
export interface Deployment {
  /** Canonical id of the provider that the spans name. */
  readonly provider: string;
  readonly name: string;
  readonly model: string;
  /** Canonical id of the provider whose prices the model has; the spans' own where absent. */
  readonly modelProvider?: string;
  /** ISO instants: from inclusive, to exclusive. Of several that contain the instant the one that began last applies. */
  readonly from?: string;
  readonly to?: string;
}

/** What is agreed for a provider, or some of its models: exactly one of `multiply`, `rates` and `subtract`. */
export interface Discount {
  /** Canonical id, or `*` for every provider. */
  readonly provider: string;
  /** The book's model ids, `*` for any run of characters, or whole names of models; every model where absent. */
  readonly models?: readonly string[];
  /** Factor on everything; all that apply multiply. */
  readonly multiply?: string;
  /** Rates that stand for those of the same name, in tiers, windows and conditions too. */
  readonly rates?: Rates;
  /** Amounts off the rates of the same name; a rate never falls below 0. All that apply add up. */
  readonly subtract?: Rates;
  /** ISO 4217 code of what `rates` or `subtract` are in; USD where absent. */
  readonly currency?: string;
  readonly from?: string;
  readonly to?: string;
}

/** USD that one unit of a currency is worth, from an instant until the next rate of that currency. */
export interface CurrencyRate {
  /** ISO 4217 code. */
  readonly currency: string;
  readonly usd: string;
  readonly from?: string;
  readonly to?: string;
}

/** What an operator or a tenant lays over the list prices. */
export interface PriceLayer {
  readonly prices: readonly LayerPrice[];
  readonly deployments: readonly Deployment[];
  readonly discounts: readonly Discount[];
  /** A layer that has no rate of a currency takes those of the layer below it. */
  readonly currencies?: readonly CurrencyRate[];
}

/** An operator's layer, and one for each tenant that has its own. */
export interface PriceOverrides {
  readonly operator: PriceLayer;
  readonly tenants: ReadonlyMap<string, PriceLayer>;
}

/** A layer with nothing in it. */
export const EMPTY_LAYER: PriceLayer = { prices: [], deployments: [], discounts: [] };

/** No layers of anybody's own. */
export const NO_OVERRIDES: PriceOverrides = { operator: EMPTY_LAYER, tenants: new Map() };
