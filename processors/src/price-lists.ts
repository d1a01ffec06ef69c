import { globMatcher } from './glob.ts';
import { formatRational, parseDecimal } from './money.ts';
import type { Overlay, OverlayPatch } from './overlay-entry.ts';
import type { PriceEntry, PriceList, PricePeriod, Rates } from './price-entry.ts';

/** The merged price list of one seller, by every exact name. */
export interface SellerPrices {
  readonly seller: string;
  readonly entries: ReadonlyMap<string, PriceEntry>;
  readonly byName: ReadonlyMap<string, PriceEntry>;
}

function matcherOf(models: readonly string[]): (model: string) => boolean {
  const tests = models.map(globMatcher);
  return (model) => tests.some((test) => test(model));
}

function derived(rates: Rates, patch: OverlayPatch): Rates {
  const rule = patch.derive;
  const from = rule === undefined ? undefined : rates[rule.of];
  if (rule === undefined || from === undefined || rates[rule.rate] !== undefined) return rates;
  const left = parseDecimal(from);
  const right = parseDecimal(rule.times);
  if (left === null || right === null) throw new Error(`${patch.source}: not a decimal`);
  const product = {
    numerator: left.numerator * right.numerator,
    denominator: left.denominator * right.denominator,
  };
  return { ...rates, [rule.rate]: formatRational(product) };
}

function patchPeriod(period: PricePeriod, patch: OverlayPatch): PricePeriod {
  const bound = patch.tierBound;
  const tiers = (period.tiers ?? patch.tiers)?.map((tier) => ({
    ...tier,
    above: bound !== undefined && tier.above === bound.above ? bound.to : tier.above,
    rates: derived(tier.rates, patch),
  }));
  return {
    ...period,
    ...(patch.leastSeconds === undefined ? {} : { leastSeconds: patch.leastSeconds }),
    rates: derived({ ...patch.rates, ...period.rates }, patch),
    ...(tiers === undefined ? {} : { tiers }),
    ...(patch.modifiers === undefined
      ? {}
      : { modifiers: [...(period.modifiers ?? []), ...patch.modifiers] }),
  };
}

/** A list under construction: entries by id, and which entry each name belongs to. */
class ListBuilder {
  readonly entries = new Map<string, PriceEntry>();
  readonly owners = new Map<string, string>();

  /** Adds an entry; names that an earlier entry has stay with that one. */
  add(entry: PriceEntry): void {
    const known = this.entries.get(entry.model);
    this.entries.set(entry.model, {
      ...entry,
      aliases: [...new Set([...(known?.aliases ?? []), ...(entry.aliases ?? [])])],
      periods: [...(known?.periods ?? []), ...entry.periods],
    });
    // An id is its own entry's name before it is anybody's alias.
    for (const name of [entry.model, ...(entry.aliases ?? [])]) {
      if (!this.owners.has(name)) this.owners.set(name, entry.model);
    }
  }

  build(seller: string): SellerPrices {
    const byName = new Map<string, PriceEntry>();
    for (const [name, id] of this.owners) {
      const entry = this.entries.get(id);
      if (entry !== undefined) byName.set(name, entry);
    }
    return { seller, entries: this.entries, byName };
  }
}

/**
 * Merges base and overlay: overlay entries go first and keep their names, then the base; resales copy list
 * prices without the conditions of the list they come from; removals; then patches in order.
 */
export function mergeLists(base: readonly PriceList[], overlay: Overlay): ReadonlyMap<string, SellerPrices> {
  const builders = new Map<string, ListBuilder>();
  const builderOf = (seller: string): ListBuilder => {
    const builder = builders.get(seller) ?? new ListBuilder();
    builders.set(seller, builder);
    return builder;
  };
  for (const { seller, model, aliases, periods } of overlay.entries) {
    builderOf(seller).add({ model, ...(aliases === undefined ? {} : { aliases }), periods });
  }
  for (const list of base) {
    const builder = builderOf(list.seller);
    for (const entry of list.entries)
      if (!builder.owners.has(entry.model)) builder.owners.set(entry.model, entry.model);
    for (const entry of list.entries) builder.add(entry);
  }
  for (const removal of overlay.removals) {
    const matches = matcherOf(removal.models);
    const builder = builderOf(removal.seller);
    for (const model of builder.entries.keys()) if (matches(model)) builder.entries.delete(model);
  }
  for (const resale of overlay.resales) {
    const matches = matcherOf(resale.models);
    const target = builderOf(resale.seller);
    const own = new Set(target.owners.keys());
    for (const entry of builderOf(resale.of).entries.values()) {
      if (matches(entry.model) && !own.has(entry.model)) target.add(entry);
    }
  }
  for (const patch of overlay.patches) {
    const matches = matcherOf(patch.models);
    for (const seller of patch.sellers) {
      const { entries } = builderOf(seller);
      for (const [model, entry] of entries) {
        if (!matches(model)) continue;
        entries.set(model, { ...entry, periods: entry.periods.map((period) => patchPeriod(period, patch)) });
      }
    }
  }
  return new Map([...builders].map(([seller, builder]) => [seller, builder.build(seller)]));
}
