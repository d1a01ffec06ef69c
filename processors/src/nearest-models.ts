import type { PriceBook } from './price-book.ts';
import { PROVIDERS, sellerOf } from './providers.ts';

/** A model that somebody may have meant. */
export interface NearModel {
  readonly provider: string;
  readonly model: string;
}

/** Names are far shorter; what is longer is no typing error. */
const MAX_LENGTH = 128;
const DEFAULT_LIMIT = 3;

/** Letters to add, leave out, change or swap to make one text of the other; `bound + 1` where more. */
function distance(a: string, b: string, bound: number): number {
  if (Math.abs(a.length - b.length) > bound) return bound + 1;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
      row.push(cost);
      least = Math.min(least, cost);
    }
    if (least > bound) return bound + 1;
    [before, last] = [last, row];
  }
  return last[b.length] ?? bound + 1;
}

/** Names that one provider's models have in a book, by the id that each stands for. */
function namesOf(book: PriceBook, provider: string): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const [name, entry] of book.lists.get(sellerOf(provider))?.byName ?? []) names.set(name, entry.model);
  for (const layer of book.layers) {
    for (const price of layer.prices) {
      if (price.provider !== provider) continue;
      for (const name of [price.model, ...(price.aliases ?? [])]) names.set(name.toLowerCase(), price.model);
    }
    for (const { provider: whose, name } of layer.deployments)
      if (whose === provider) names.set(name.toLowerCase(), name);
  }
  return names;
}

/** Providers that models can be bought from by a book: those that are known, and those of its layers. */
export function bookProviders(book: PriceBook): readonly string[] {
  const sellers = new Set<string>();
  const listed = PROVIDERS.filter((provider) => {
    const isNew = book.lists.has(provider.seller) && !sellers.has(provider.seller);
    sellers.add(provider.seller);
    return isNew;
  }).map((provider) => provider.id);
  const unnamed = [...book.lists.keys()].filter((seller) => !sellers.has(seller));
  const own = book.layers.flatMap((layer) => layer.prices.map((price) => price.provider));
  return [...new Set([...listed, ...unnamed, ...own])];
}

/**
 * The models whose names are nearest to one that has no price: of that provider, or of all where it is null.
 * The same name at other providers comes first. For messages only: nothing is ever priced by a near miss.
 */
export function nearestModels(
  book: PriceBook,
  provider: string | null,
  model: string,
  limit: number = DEFAULT_LIMIT,
): readonly NearModel[] {
  const wanted = model.trim().toLowerCase().slice(0, MAX_LENGTH);
  if (wanted === '') return [];
  const bound = Math.max(2, Math.floor(wanted.length * 0.4));
  const found: (NearModel & { readonly far: number })[] = [];
  const seek = (whose: string, most: number): void => {
    const best = new Map<string, number>();
    for (const [name, id] of namesOf(book, whose)) {
      const isPart = wanted.length >= 5 && (name.startsWith(wanted) || wanted.startsWith(name));
      // What is left out at the end is half a mistake: families of models share their beginning.
      const left = Math.ceil(Math.abs(name.length - wanted.length) / 2);
      const letters = distance(wanted, name.slice(0, MAX_LENGTH), most);
      const far = isPart ? Math.min(left, letters) : letters;
      if (far <= most && far < (best.get(id) ?? Infinity)) best.set(id, far);
    }
    for (const [id, far] of best) found.push({ provider: whose, model: id, far });
  };
  if (provider !== null) seek(provider, bound);
  for (const each of bookProviders(book)) if (each !== provider) seek(each, provider === null ? bound : 0);
  return found
    .toSorted((a, b) => a.far - b.far || a.model.length - b.model.length || (a.model < b.model ? -1 : 1))
    .slice(0, limit)
    .map(({ provider: whose, model: id }) => ({ provider: whose, model: id }));
}
