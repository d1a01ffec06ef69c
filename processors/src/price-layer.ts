import type { PricePeriod } from './price-entry.ts';

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
}

/** A factor on everything that a provider, or some of its models, cost. All that apply multiply. */
export interface Discount {
  readonly provider: string;
  /** The book's model ids, `*` for any run of characters, or whole names of models; every model where absent. */
  readonly models?: readonly string[];
  readonly multiply: string;
  readonly from?: string;
  readonly to?: string;
}

/** What an operator or a tenant lays over the list prices. */
export interface PriceLayer {
  readonly prices: readonly LayerPrice[];
  readonly deployments: readonly Deployment[];
  readonly discounts: readonly Discount[];
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
