import type { PriceEntry, PriceList, PricePeriod } from './price-entry.ts';
import { instantMicros } from './price-period.ts';

/** A stretch of time with one price, or none. Instants are microseconds since the epoch. */
interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly period: PricePeriod | null;
}

function startOf(period: PricePeriod): number {
  return period.from === undefined ? -Infinity : instantMicros(period.from);
}

function endOf(period: PricePeriod): number {
  return period.to === undefined ? Infinity : instantMicros(period.to);
}

/** What a period says besides when. */
function priceOf(period: PricePeriod | null): string {
  return period === null ? '' : JSON.stringify({ ...period, from: undefined, to: undefined });
}

function periodAt(periods: readonly PricePeriod[], at: number): PricePeriod | null {
  return periods.find((period) => at >= startOf(period) && at < endOf(period)) ?? null;
}

/** An instant inside the stretch that ends there: what held just before. */
function justBefore(at: number): number {
  return at - 1;
}

/**
 * Where the source's price goes before the base's: at the update, or at an earlier day that the source itself
 * names as the day of a change, where until then it agrees with what the base had as lasting.
 */
function takeoverOf(base: readonly PricePeriod[], source: readonly PricePeriod[], at: number): number {
  const named = source
    .map(startOf)
    .filter((start) => Number.isFinite(start) && start < at)
    .toSorted((a, b) => a - b);
  for (const start of named) {
    const lasting = periodAt(base, start);
    if (lasting === null || lasting.to !== undefined || startOf(lasting) >= start) continue;
    const before = periodAt(source, justBefore(start));
    const after = periodAt(source, start);
    if (priceOf(before) === priceOf(lasting) && priceOf(after) !== priceOf(lasting)) return start;
  }
  return at;
}

function textOf(at: number): string {
  return new Date(at / 1000).toISOString().replace('.000Z', 'Z');
}

/** The base's periods until an instant, the source's from then on; neighbours that say the same are one. */
function splice(
  base: readonly PricePeriod[],
  source: readonly PricePeriod[],
  at: number,
): readonly PricePeriod[] {
  const bounds = [...base, ...source]
    .flatMap((period) => [startOf(period), endOf(period)])
    .filter((bound) => Number.isFinite(bound));
  const cuts = [...new Set([-Infinity, ...bounds, at])].toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const stretches: Stretch[] = [];
  cuts.forEach((from, i) => {
    const to = cuts[i + 1] ?? Infinity;
    const period = periodAt(from < at ? base : source, Number.isFinite(from) ? from : justBefore(to));
    const last = stretches.at(-1);
    if (last !== undefined && priceOf(last.period) === priceOf(period)) {
      stretches[stretches.length - 1] = { ...last, to };
    } else stretches.push({ from, to, period });
  });
  return stretches.flatMap(({ from, to, period }) => {
    if (period === null) return [];
    const { from: _from, to: _to, ...price } = period;
    return [
      {
        ...(Number.isFinite(from) ? { from: textOf(from) } : {}),
        ...(Number.isFinite(to) ? { to: textOf(to) } : {}),
        ...price,
      },
    ];
  });
}

function mergePeriods(
  base: readonly PricePeriod[],
  source: readonly PricePeriod[],
  at: number,
): readonly PricePeriod[] {
  const from = takeoverOf(base, source, at);
  const merged = splice(base, source, from);
  // Where the source says nothing new, the base keeps the very words it had.
  return JSON.stringify(merged) === JSON.stringify(splice(base, base, from)) ? base : merged;
}

function ownersOf(list: PriceList | undefined): ReadonlyMap<string, PriceEntry> {
  const owners = new Map<string, PriceEntry>();
  for (const entry of list?.entries ?? []) owners.set(entry.model, entry);
  for (const entry of list?.entries ?? []) {
    for (const alias of entry.aliases ?? []) if (!owners.has(alias)) owners.set(alias, entry);
  }
  return owners;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function withAliases(entry: PriceEntry, aliases: readonly string[]): PriceEntry {
  const { model, periods } = entry;
  return aliases.length === 0
    ? { model, periods }
    : { model, aliases: aliases.toSorted(byText), periods: periods };
}

function mergeList(base: PriceList, source: PriceList, at: number): PriceList {
  const known = ownersOf(base);
  const now = ownersOf(source);
  const merged = new Map<string, PriceEntry>();
  const heirs = new Map<PriceEntry, string>();
  for (const entry of base.entries) {
    const own = now.get(entry.model);
    const kept: string[] = [];
    for (const alias of entry.aliases ?? []) {
      const theirs = now.get(alias);
      if (theirs === undefined || theirs === own || known.get(alias) !== entry) {
        kept.push(alias);
        continue;
      }
      // The name has moved to another model: until now it meant this one, from now on that one.
      merged.set(alias, { model: alias, periods: splice(entry.periods, theirs.periods, at) });
      if (theirs.model === alias) heirs.set(theirs, alias);
    }
    const periods = own === undefined ? entry.periods : mergePeriods(entry.periods, own.periods, at);
    if (own !== undefined && !heirs.has(own)) heirs.set(own, entry.model);
    merged.set(entry.model, withAliases({ model: entry.model, periods }, kept));
  }
  for (const entry of source.entries) {
    const heir = heirs.get(entry);
    const news = [entry.model, ...(entry.aliases ?? [])].filter((name) => !known.has(name));
    const target = heir === undefined ? undefined : merged.get(heir);
    if (target !== undefined) {
      merged.set(target.model, withAliases(target, [...(target.aliases ?? []), ...news]));
    } else if (!known.has(entry.model)) {
      merged.set(
        entry.model,
        withAliases(
          entry,
          news.filter((name) => name !== entry.model),
        ),
      );
    }
  }
  const entries = [...merged.values()].toSorted((a, b) => byText(a.model, b.model));
  return { seller: base.seller, entries };
}

/**
 * Adds a newer source to the base prices without losing any: where a price differs the old one ends at `at`
 * (an ISO instant; or on the day that the source names for the change) and the new one begins; models that the
 * source has no more stay as they were; a name that now stands for another model keeps what it cost before.
 * The same source again changes nothing. Throws where `at` or a period holds no instant.
 */
export function accumulatePrices(
  base: readonly PriceList[],
  source: readonly PriceList[],
  at: string,
): readonly PriceList[] {
  const instant = instantMicros(at);
  const newer = new Map(source.map((list) => [list.seller, list]));
  const older = new Set(base.map((list) => list.seller));
  const kept = base.map((list) => {
    const update = newer.get(list.seller);
    return update === undefined ? list : mergeList(list, update, instant);
  });
  return [...kept, ...source.filter((list) => !older.has(list.seller))];
}
