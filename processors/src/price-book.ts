import type { Rational } from './money.ts';
import { parseDecimal } from './money.ts';
import { globMatcher } from './glob.ts';
import type { ModelNames, NameCandidate } from './match.ts';
import { MAX_MODEL_NAME, modelNames } from './match.ts';
import { sha256Hex } from './digest.ts';
import type { Overlay } from './overlay-entry.ts';
import type { PriceEntry, PriceList, PricePeriod } from './price-entry.ts';
import type { SellerPrices } from './price-lists.ts';
import { mergeLists } from './price-lists.ts';
import type { CompiledPeriod } from './price-period.ts';
import { compileEntry, instantMicros } from './price-period.ts';
import type { PriceLayer } from './price-layer.ts';
import { BASE_PRICES, BASE_SOURCE } from './prices/base/index.ts';
import { OVERLAY } from './prices/overlay.ts';
import { sellerOf, VENDORS } from './providers.ts';

/** A factor that a layer puts on the whole amount, for a stretch of time. */
export interface AppliedDiscount {
  readonly factor: Rational;
  readonly text: string;
  readonly from: number;
  readonly to: number;
}

/** The prices that a model on a span was matched to. */
export interface ModelMatch {
  /** The book's id of the model. */
  readonly model: string;
  /** Highest layer first; the first period that contains the instant applies. */
  readonly periods: readonly CompiledPeriod[];
  /** How many of the first periods come from a layer of somebody's own, not from the list. */
  readonly ownPeriods: number;
  readonly discounts: readonly AppliedDiscount[];
  /** The Bedrock inference profile that the name states; empty where the price is that profile's own. */
  readonly profile: string | null;
  /** The Google Cloud location that the name states. */
  readonly location: string | null;
}

/** Prices of one tenant, or of all who have none of their own. */
export interface PriceBook {
  /** SHA-256 of the content. */
  readonly version: string;
  /** Canonical JSON text: what the amounts of this version can be computed from again. */
  content(): string;
  /** The prices of a model by its name on a span, or null. Remembers what it found, up to a bound. */
  match(provider: string, model: string): ModelMatch | null;
  /** The one vendor that sells exactly this id itself; null where none or several do. */
  vendorOf(model: string): string | null;
}

/** What a book is made of. */
export interface PriceBookSources {
  readonly base?: readonly PriceList[];
  readonly overlay?: Overlay;
  /** Layers of the operator and the tenant; the later goes before the earlier. */
  readonly layers?: readonly PriceLayer[];
  /** The book that this one adds its last layer to: its content then holds that layer and the other's version. */
  readonly extends?: PriceBook;
}

/** Bound on remembered matches; made-up model names cost time beyond it, not memory. */
const MAX_REMEMBERED = 20_000;

interface Found {
  readonly entry: PriceEntry;
  readonly candidate: NameCandidate;
}

function firstNamed(
  byName: ReadonlyMap<string, PriceEntry> | undefined,
  candidates: readonly NameCandidate[],
): Found | null {
  for (const candidate of candidates) {
    const entry = byName?.get(candidate.name);
    if (entry !== undefined) return { entry, candidate };
  }
  return null;
}

/** One layer, by provider and name: what is agreed with one provider holds for no other. */
interface CompiledLayer {
  readonly byProvider: ReadonlyMap<string, ReadonlyMap<string, PriceEntry>>;
  readonly deployments: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly discounts: readonly CompiledDiscount[];
}

interface CompiledDiscount extends AppliedDiscount {
  readonly provider: string;
  /** By the book's id of a model. */
  readonly matches: (model: string) => boolean;
  /** Whole names of models, which may be other names than the book's ids. */
  readonly names: readonly string[];
}

/** Of one layer's prices for one model the one that began last applies: a new price ends the one before it. */
function latestFirst(periods: readonly PricePeriod[]): readonly PricePeriod[] {
  const start = (period: PricePeriod): number =>
    period.from === undefined ? -Infinity : instantMicros(period.from);
  return periods.toSorted((a, b) => (start(a) === start(b) ? 0 : start(b) > start(a) ? 1 : -1));
}

function compileLayer(layer: PriceLayer): CompiledLayer {
  const byProvider = new Map<string, Map<string, PriceEntry>>();
  for (const price of layer.prices) {
    const names = byProvider.get(price.provider) ?? new Map<string, PriceEntry>();
    byProvider.set(price.provider, names);
    for (const name of [price.model, ...(price.aliases ?? [])]) {
      const key = name.trim().toLowerCase();
      const known = names.get(key);
      names.set(key, {
        model: price.model,
        periods: latestFirst([...(known?.periods ?? []), ...price.periods]),
      });
    }
  }
  const deployments = new Map<string, Map<string, string>>();
  for (const { provider, name, model } of layer.deployments) {
    const names = deployments.get(provider) ?? new Map<string, string>();
    deployments.set(provider, names.set(name.trim().toLowerCase(), model));
  }
  const discounts = layer.discounts.map((discount) => {
    const factor = parseDecimal(discount.multiply);
    if (factor === null) throw new Error(`"${discount.multiply}" is not a factor`);
    const models = discount.models?.map((name) => name.trim().toLowerCase());
    const tests = models?.map(globMatcher);
    return {
      provider: discount.provider,
      matches: (model: string): boolean =>
        tests === undefined || tests.some((test) => test(model.toLowerCase())),
      names: models?.filter((name) => !name.includes('*')) ?? [],
      factor,
      text: discount.multiply,
      from: discount.from === undefined ? -Infinity : instantMicros(discount.from),
      to: discount.to === undefined ? Infinity : instantMicros(discount.to),
    };
  });
  return { byProvider, deployments, discounts };
}

/** Looks models up in layers over lists, and remembers what it found. */
class Matcher {
  readonly #lists: ReadonlyMap<string, SellerPrices>;
  readonly #layers: readonly CompiledLayer[];
  readonly #compiled = new Map<PriceEntry, readonly CompiledPeriod[]>();
  readonly #remembered = new Map<string, Map<string, ModelMatch | null>>();
  #size = 0;
  readonly #resold: ReadonlyMap<string, readonly ((model: string) => boolean)[]>;

  constructor(lists: ReadonlyMap<string, SellerPrices>, layers: readonly PriceLayer[], overlay: Overlay) {
    this.#lists = lists;
    const resold = new Map<string, ((model: string) => boolean)[]>();
    for (const { seller, models } of overlay.resales) {
      resold.set(seller, [...(resold.get(seller) ?? []), ...models.map(globMatcher)]);
    }
    this.#resold = resold;
    this.#layers = layers.map(compileLayer).toReversed();
  }

  match(provider: string, model: string): ModelMatch | null {
    let models = this.#remembered.get(provider);
    const known = models?.get(model);
    if (known !== undefined) return known;
    if (model.length > MAX_MODEL_NAME || provider.length > MAX_MODEL_NAME) return null;
    if (this.#size >= MAX_REMEMBERED) {
      this.#remembered.clear();
      this.#size = 0;
      models = undefined;
    }
    if (models === undefined) this.#remembered.set(provider, (models = new Map()));
    const found = this.#find(provider, model);
    models.set(model, found);
    this.#size++;
    return found;
  }

  vendorOf(model: string): string | null {
    const name = model.trim().toLowerCase();
    const sellers = VENDORS.filter((vendor) => this.#sellsItself(sellerOf(vendor), name));
    const distinct = new Set(sellers.map(sellerOf));
    return distinct.size === 1 ? (sellers[0] ?? null) : null;
  }

  #sellsItself(seller: string, name: string): boolean {
    const entry = this.#lists.get(seller)?.byName.get(name);
    return entry !== undefined && this.#resold.get(seller)?.some((test) => test(entry.model)) !== true;
  }

  #deployed(provider: string, model: string): string {
    const name = model.trim().toLowerCase();
    for (const layer of this.#layers) {
      const target = layer.deployments.get(provider)?.get(name);
      if (target !== undefined) return target;
    }
    return model;
  }

  #find(provider: string, spanModel: string): ModelMatch | null {
    const seller = sellerOf(provider);
    const names = modelNames(seller, this.#deployed(provider, spanModel));
    const listed = this.#listed(seller, names);
    // A layer's price for a listed model holds for all the names that the list knows it by.
    const own: readonly NameCandidate[] =
      listed === null
        ? [...names.exact, ...names.undated]
        : [...names.exact, { name: listed.entry.model, profile: listed.candidate.profile }];
    const laid = this.#layers.flatMap((layer) => firstNamed(layer.byProvider.get(provider), own) ?? []);
    const first = laid[0] ?? listed;
    if (first === null) return null;
    const model = listed?.entry.model ?? first.entry.model;
    const found = listed === null ? laid : [...laid, listed];
    const periods = (from: readonly Found[]): readonly CompiledPeriod[] =>
      from.flatMap(({ entry, candidate }) =>
        candidate.profile === ''
          ? this.#periods(entry).map((period) => ({ ...period, ofProfile: true as const }))
          : this.#periods(entry),
      );
    return {
      model,
      periods: periods(found),
      ownPeriods: periods(laid).length,
      discounts: this.#layers.flatMap((layer) =>
        layer.discounts.filter((each) => each.provider === provider && this.#isMeant(each, seller, model)),
      ),
      profile: listed?.candidate.profile ?? first.candidate.profile,
      location: names.location,
    };
  }

  #listed(seller: string, names: ModelNames): Found | null {
    const list = this.#lists.get(seller)?.byName;
    return firstNamed(list, names.exact) ?? firstNamed(list, names.undated);
  }

  #isMeant(discount: CompiledDiscount, seller: string, model: string): boolean {
    if (discount.matches(model)) return true;
    return discount.names.some(
      (name) => this.#listed(seller, modelNames(seller, name))?.entry.model === model,
    );
  }

  #periods(entry: PriceEntry): readonly CompiledPeriod[] {
    const known = this.#compiled.get(entry);
    if (known !== undefined) return known;
    const periods = compileEntry(entry);
    this.#compiled.set(entry, periods);
    return periods;
  }
}

/** JSON with sorted keys, so that equal content is equal text. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    each !== null && typeof each === 'object' && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}

function listsContent(lists: ReadonlyMap<string, SellerPrices>): unknown {
  return [...lists.values()].map(({ seller, byName, entries }) => ({
    seller,
    entries: [...entries.values()].map((entry) => ({
      ...entry,
      aliases: (entry.aliases ?? []).filter((name) => byName.get(name) === entry),
    })),
  }));
}

let shared: ReadonlyMap<string, SellerPrices> | null = null;

/** The lists that ship with Spanmeter, merged once. */
function shippedLists(): ReadonlyMap<string, SellerPrices> {
  shared ??= mergeLists(BASE_PRICES, OVERLAY);
  return shared;
}

/**
 * Makes a price book of the shipped lists (or of those given) under layers. Throws where a layer holds what is
 * no price, factor or instant; parse layers from people with `parsePriceOverrides`, which reports instead.
 */
export function createPriceBook(sources: PriceBookSources = {}): PriceBook {
  const shipped = sources.base === undefined && sources.overlay === undefined;
  const base = sources.base ?? BASE_PRICES;
  const overlay = sources.overlay ?? OVERLAY;
  const layers = sources.layers ?? [];
  const lists = shipped ? shippedLists() : mergeLists(base, overlay);
  const matcher = new Matcher(lists, layers, overlay);
  let text: string | null = null;
  const content = (): string => {
    text ??= canonicalJson(
      sources.extends === undefined
        ? { format: 1, source: shipped ? BASE_SOURCE : null, layers, lists: listsContent(lists) }
        : { format: 1, extends: sources.extends.version, layers: layers.slice(-1) },
    );
    return text;
  };
  let version: string | null = null;
  return {
    get version() {
      version ??= sha256Hex(content());
      return version;
    },
    content,
    match: (provider, model) => matcher.match(provider, model),
    vendorOf: (model) => matcher.vendorOf(model),
  };
}
