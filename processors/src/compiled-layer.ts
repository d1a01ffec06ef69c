import { globMatcher } from './glob.ts';
import type { Rational } from './money.ts';
import { parseDecimal } from './money.ts';
import type { PriceEntry, PricePeriod } from './price-entry.ts';
import type { CurrencyRate, Deployment, Discount, PriceLayer } from './price-layer.ts';
import type { Adjustment, CurrencyTable, DatedRate } from './price-pieces.ts';
import { microsOf } from './price-pieces.ts';
import { instantMicros } from './price-period.ts';

/** A factor that a layer puts on the whole amount, for a stretch of time. */
export interface AppliedDiscount {
  readonly factor: Rational;
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** Which calls something agreed is for. */
export interface Scope {
  /** Canonical id, or `*`. */
  readonly provider: string;
  /** By the book's id of a model. */
  readonly matches: (model: string) => boolean;
  /** Whole names of models, which may be other names than the book's ids. */
  readonly names: readonly string[];
}

/** A model that a deployment's name stands for, for a stretch of time. */
export interface DeployedModel {
  readonly model: string;
  /** Canonical id of the provider whose prices apply; the span's own where null. */
  readonly modelProvider: string | null;
  readonly from: number;
  readonly to: number;
}

/** One layer, by provider and name: what is agreed with one provider holds for no other. */
export interface CompiledLayer {
  readonly byProvider: ReadonlyMap<string, ReadonlyMap<string, PriceEntry>>;
  readonly deployments: ReadonlyMap<string, ReadonlyMap<string, readonly DeployedModel[]>>;
  readonly discounts: readonly (AppliedDiscount & Scope)[];
  /** In the order in which they are laid on. */
  readonly adjustments: readonly (Adjustment & Scope)[];
  readonly currencies: CurrencyTable;
}

const startOf = (span: { readonly from?: string }): number =>
  span.from === undefined ? -Infinity : instantMicros(span.from);

/** Those that began last first; the order stays where they began at once. */
function latestFirst<T extends { readonly from?: string }>(spans: readonly T[]): readonly T[] {
  return spans.toSorted((a, b) => (startOf(a) === startOf(b) ? 0 : startOf(b) > startOf(a) ? 1 : -1));
}

function compilePrices(layer: PriceLayer): CompiledLayer['byProvider'] {
  const found = new Map<string, Map<string, { model: string; periods: PricePeriod[] }>>();
  for (const price of layer.prices) {
    const names = found.get(price.provider) ?? new Map<string, { model: string; periods: PricePeriod[] }>();
    found.set(price.provider, names);
    for (const name of new Set(
      [price.model, ...(price.aliases ?? [])].map((each) => each.trim().toLowerCase()),
    )) {
      const known = names.get(name) ?? { model: price.model, periods: [] };
      known.periods.push(...price.periods);
      names.set(name, known);
    }
  }
  for (const names of found.values()) {
    for (const [name, { model, periods }] of names) {
      names.set(name, { model, periods: [...latestFirst(periods)] });
    }
  }
  return found;
}

function compileDeployments(deployments: readonly Deployment[]): CompiledLayer['deployments'] {
  const found = new Map<string, Map<string, DeployedModel[]>>();
  for (const each of latestFirst(deployments)) {
    const names = found.get(each.provider) ?? new Map<string, DeployedModel[]>();
    found.set(each.provider, names);
    const name = each.name.trim().toLowerCase();
    const models = names.get(name) ?? [];
    models.push({ model: each.model, modelProvider: each.modelProvider ?? null, ...microsOf(each) });
    names.set(name, models);
  }
  return found;
}

function compileCurrencies(rates: readonly CurrencyRate[], below: CurrencyTable): CurrencyTable {
  const found = new Map<string, DatedRate[]>();
  for (const rate of latestFirst(rates)) {
    const known = found.get(rate.currency) ?? [];
    known.push({ usd: rate.usd, ...microsOf(rate) });
    found.set(rate.currency, known);
  }
  return new Map([...below, ...found]);
}

function scopeOf(discount: Discount): Scope {
  const models = discount.models?.map((name) => name.trim().toLowerCase());
  const tests = models?.map(globMatcher);
  return {
    provider: discount.provider,
    matches: (model) => tests === undefined || tests.some((test) => test(model.toLowerCase())),
    names: models?.filter((name) => !name.includes('*')) ?? [],
  };
}

function factors(discounts: readonly Discount[]): CompiledLayer['discounts'] {
  return discounts.flatMap((discount) => {
    if (discount.multiply === undefined) return [];
    const factor = parseDecimal(discount.multiply);
    if (factor === null) throw new Error(`"${discount.multiply}" is not a factor`);
    return { ...scopeOf(discount), factor, text: discount.multiply, ...microsOf(discount) };
  });
}

/** Rates that began last are laid on last, so that they stay; then what is taken off. */
function adjustments(
  discounts: readonly Discount[],
  currencies: CurrencyTable,
): CompiledLayer['adjustments'] {
  const ordered = latestFirst(discounts).toReversed();
  return (['rates', 'subtract'] as const).flatMap((kind) =>
    ordered.flatMap((discount) => {
      const amounts = discount[kind];
      if (amounts === undefined) return [];
      const currency = discount.currency ?? null;
      return { ...scopeOf(discount), kind, amounts, currency, currencies, ...microsOf(discount) };
    }),
  );
}

function compileLayer(layer: PriceLayer, below: CurrencyTable): CompiledLayer {
  const currencies = compileCurrencies(layer.currencies ?? [], below);
  return {
    byProvider: compilePrices(layer),
    deployments: compileDeployments(layer.deployments),
    discounts: factors(layer.discounts),
    adjustments: adjustments(layer.discounts, currencies),
    currencies,
  };
}

const NO_CURRENCIES: CurrencyTable = new Map();

/** The operator's layer lies under every tenant's book, so it is compiled once. */
const lowest = new WeakMap<PriceLayer, CompiledLayer>();

/** Compiles layers, the lowest first. Throws where one holds what is no factor, rate or instant. */
export function compileLayers(layers: readonly PriceLayer[]): readonly CompiledLayer[] {
  const compiled: CompiledLayer[] = [];
  for (const layer of layers) {
    const below = compiled.at(-1)?.currencies ?? NO_CURRENCIES;
    const known = compiled.length === 0 ? lowest.get(layer) : undefined;
    const own = known ?? compileLayer(layer, below);
    if (compiled.length === 0) lowest.set(layer, own);
    compiled.push(own);
  }
  return compiled;
}
