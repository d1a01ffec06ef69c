import type { AppliedDiscount, CompiledLayer, DeployedModel, Scope } from './compiled-layer.ts';
import { compileLayers } from './compiled-layer.ts';
import { globMatcher } from './glob.ts';
import type { ModelNames, NameCandidate } from './match.ts';
import { MAX_MODEL_NAME, modelNames } from './match.ts';
import { sha256Hex } from './digest.ts';
import type { Overlay } from './overlay-entry.ts';
import type { PriceEntry, PriceList } from './price-entry.ts';
import type { SellerPrices } from './price-lists.ts';
import { mergeLists } from './price-lists.ts';
import type { CompiledPeriod } from './price-period.ts';
import { compileEntry } from './price-period.ts';
import type { Adjustment, CurrencyTable } from './price-pieces.ts';
import { piecesOf } from './price-pieces.ts';
import type { PriceLayer } from './price-layer.ts';
import { BASE_PRICES, BASE_SOURCE } from './prices/base/index.ts';
import { OVERLAY } from './prices/overlay.ts';
import { sellerOf, VENDORS } from './providers.ts';

export type { AppliedDiscount } from './compiled-layer.ts';

/** Prices that one layer, or the list under them, has for a model. */
export interface MatchPart {
  /** Index into the book's layers; null for the list. */
  readonly layer: number | null;
  readonly entry: PriceEntry;
  /** The name that it was found by. */
  readonly name: string;
  /** How many of the match's periods come from it: agreed amounts and currencies cut its periods in pieces. */
  readonly count: number;
}

/** The prices that a model on a span was matched to. */
export interface ModelMatch {
  /** The book's id of the model. */
  readonly model: string;
  /** Where `periods` come from, in the same order. */
  readonly parts: readonly MatchPart[];
  /** The name that was looked up: the span's, or what a deployment of that name stands for. */
  readonly lookedUp: string;
  /** Whose prices they are: the span's provider, or the one that a deployment names instead. */
  readonly listedBy: string;
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
  /**
   * The prices of a model by its name on a span, or null. Remembers what it found, up to a bound. A deployment's
   * name means what it stood for at `atMicros` (since the epoch), by default what it stands for last.
   */
  match(provider: string, model: string, atMicros?: number): ModelMatch | null;
  /** The one vendor that sells exactly this id itself; null where none or several do. */
  vendorOf(model: string): string | null;
  /** The merged price lists under the layers, by seller. */
  readonly lists: ReadonlyMap<string, SellerPrices>;
  /** Layers of the operator and the tenant; the later goes before the earlier. */
  readonly layers: readonly PriceLayer[];
  /** What the base of the lists was generated from; null where the lists were given. */
  readonly source: string | null;
}

/** What a book is made of. */
export interface PriceBookSources {
  readonly base?: readonly PriceList[];
  readonly overlay?: Overlay;
  /** Layers of the operator and the tenant; the later goes before the earlier. */
  readonly layers?: readonly PriceLayer[];
  /** The book that this one adds its last layer to: its content then holds that layer and the other's version. */
  readonly extends?: PriceBook;
  /** Lists that are merged already, instead of `base` and `overlay`: those of a stored book. */
  readonly lists?: ReadonlyMap<string, SellerPrices>;
  /** What the base of `lists` was generated from. */
  readonly source?: string | null;
}

/** Bound on remembered matches; made-up model names cost time beyond it, not memory. */
const MAX_REMEMBERED = 20_000;

interface Found {
  readonly entry: PriceEntry;
  readonly candidate: NameCandidate;
}

/** A price that was found, and in which layer: 0 is the highest. */
interface Laid extends Found {
  readonly depth: number;
}

const NO_CURRENCIES: CurrencyTable = new Map();

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
    this.#layers = compileLayers(layers).toReversed();
  }

  match(provider: string, model: string, atMicros: number): ModelMatch | null {
    const target = this.#deployed(provider, model, atMicros);
    if (target === null) return this.#remember(provider, provider, model);
    return this.#remember(provider, target.modelProvider ?? provider, target.model);
  }

  #remember(provider: string, listedBy: string, model: string): ModelMatch | null {
    const key = provider === listedBy ? provider : `${provider}\n${listedBy}`;
    let models = this.#remembered.get(key);
    const known = models?.get(model);
    if (known !== undefined) return known;
    if (model.length > MAX_MODEL_NAME || provider.length > MAX_MODEL_NAME) return null;
    if (this.#size >= MAX_REMEMBERED) {
      this.#remembered.clear();
      this.#size = 0;
      models = undefined;
    }
    if (models === undefined) this.#remembered.set(key, (models = new Map()));
    const found = this.#find(provider, listedBy, model);
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

  #deployed(provider: string, model: string, atMicros: number): DeployedModel | null {
    for (const layer of this.#layers) {
      const names = layer.deployments.get(provider);
      if (names === undefined) continue;
      const target = names
        .get(model.trim().toLowerCase())
        ?.find((each) => atMicros >= each.from && atMicros < each.to);
      if (target !== undefined) return target;
    }
    return null;
  }

  #find(provider: string, listedBy: string, spanModel: string): ModelMatch | null {
    const seller = sellerOf(listedBy);
    const names = modelNames(seller, spanModel);
    const listed = this.#listed(seller, names);
    // A layer's price for a listed model holds for all the names that the list knows it by.
    const candidates: readonly NameCandidate[] =
      listed === null
        ? [...names.exact, ...names.undated]
        : [...names.exact, { name: listed.entry.model, profile: listed.candidate.profile }];
    const laid = this.#layers.flatMap((layer, depth) => {
      const found = firstNamed(layer.byProvider.get(listedBy), candidates);
      return found === null ? [] : { ...found, depth };
    });
    const first = laid[0] ?? listed;
    if (first === null) return null;
    const model = listed?.entry.model ?? first.entry.model;
    const found = listed === null ? [] : [{ ...listed, depth: this.#layers.length }];
    const isMeant = (each: Scope): boolean =>
      (each.provider === provider || each.provider === '*') && this.#isMeant(each, seller, model);
    const adjustments = this.#layers.map((layer) => layer.adjustments.filter(isMeant));
    const all = [...laid, ...found];
    const compiled = all.map((each) => this.#periods(each, adjustments));
    const last = this.#layers.length - 1;
    return {
      model,
      listedBy,
      parts: all.map(({ entry, candidate, depth }, i) => ({
        layer: depth > last ? null : last - depth,
        entry,
        name: candidate.name,
        count: compiled[i]?.length ?? 0,
      })),
      lookedUp: spanModel,
      periods: compiled.flat(),
      ownPeriods: compiled.slice(0, laid.length).flat().length,
      discounts: this.#layers.flatMap((layer) => layer.discounts.filter(isMeant)),
      profile: listed?.candidate.profile ?? first.candidate.profile,
      location: names.location,
    };
  }

  #listed(seller: string, names: ModelNames): Found | null {
    const list = this.#lists.get(seller)?.byName;
    return firstNamed(list, names.exact) ?? firstNamed(list, names.undated);
  }

  #isMeant(discount: Scope, seller: string, model: string): boolean {
    if (discount.matches(model)) return true;
    return discount.names.some(
      (name) => this.#listed(seller, modelNames(seller, name))?.entry.model === model,
    );
  }

  /** A layer's amounts change its own prices and those below it, never what a higher layer says. */
  #periods(found: Laid, adjustments: readonly (readonly Adjustment[])[]): readonly CompiledPeriod[] {
    const { entry, candidate, depth } = found;
    const ofProfile = candidate.profile === '';
    const laidOn = adjustments
      .slice(0, depth + 1)
      .toReversed()
      .flat();
    if (laidOn.length > 0 || entry.periods.some((period) => period.currency !== undefined)) {
      const currencies = this.#layers[depth]?.currencies ?? NO_CURRENCIES;
      return entry.periods.flatMap((period) => piecesOf(period, currencies, laidOn, ofProfile));
    }
    const periods = this.#compile(entry);
    return ofProfile ? periods.map((period) => ({ ...period, ofProfile: true as const })) : periods;
  }

  #compile(entry: PriceEntry): readonly CompiledPeriod[] {
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

/** Lists are many, large and shared: every tenant with prices of its own has a book over the same ones. */
const listTexts = new WeakMap<ReadonlyMap<string, SellerPrices>, string>();

function listsText(lists: ReadonlyMap<string, SellerPrices>): string {
  const known = listTexts.get(lists);
  if (known !== undefined) return known;
  const text = canonicalJson(listsContent(lists));
  listTexts.set(lists, text);
  return text;
}

let shared: ReadonlyMap<string, SellerPrices> | null = null;

/** The lists that ship with Spanmeter, merged once. */
export function shippedLists(): ReadonlyMap<string, SellerPrices> {
  shared ??= mergeLists(BASE_PRICES, OVERLAY);
  return shared;
}

/**
 * Makes a price book of the shipped lists (or of those given) under layers. Throws where a layer holds what is
 * no price, factor or instant; parse layers from people with `parsePriceOverrides`, which reports instead.
 */
export function createPriceBook(sources: PriceBookSources = {}): PriceBook {
  const shipped = sources.base === undefined && sources.overlay === undefined && sources.lists === undefined;
  const base = sources.base ?? BASE_PRICES;
  const overlay = sources.overlay ?? OVERLAY;
  const layers = sources.layers ?? [];
  const lists = sources.lists ?? (shipped ? shippedLists() : mergeLists(base, overlay));
  const source = shipped ? BASE_SOURCE : (sources.source ?? null);
  const matcher = new Matcher(lists, layers, overlay);
  let text: string | null = null;
  const content = (): string => {
    text ??=
      sources.extends === undefined
        ? // Canonical as well: the keys are in order.
          `{"format":1,"layers":${canonicalJson(layers)},"lists":${listsText(lists)},"source":${canonicalJson(source)}}`
        : canonicalJson({ format: 1, extends: sources.extends.version, layers: layers.slice(-1) });
    return text;
  };
  let version: string | null = null;
  return {
    get version() {
      version ??= sha256Hex(content());
      return version;
    },
    content,
    match: (provider, model, atMicros = Number.MAX_SAFE_INTEGER) => matcher.match(provider, model, atMicros),
    vendorOf: (model) => matcher.vendorOf(model),
    lists,
    layers,
    source,
  };
}
