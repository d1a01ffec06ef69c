import type { CurrencyRate, Discount, PriceLayer, PriceOverrides } from '../price-layer.ts';
import { EMPTY_LAYER } from '../price-layer.ts';
import { microsOf } from '../price-pieces.ts';
import type { Claim } from './contradictions.ts';
import { reportContradictions, reportSameStart } from './contradictions.ts';
import { readCurrencyRate, readDeployment, readDiscount, readPrice } from './entry-fields.ts';
import type { Plain, PriceFault } from './field-reader.ts';
import { FieldReader } from './field-reader.ts';
import type { Place } from './place.ts';
import { TOP, within } from './place.ts';

/** What a prices file says, and everything that is wrong with it; a faulty part is left out. */
export interface ParsedOverrides {
  readonly overrides: PriceOverrides;
  /** At most 1,000. */
  readonly faults: readonly PriceFault[];
  /** All of them, those that `faults` has no room for included. */
  readonly faultCount: number;
}

/** What is known besides the file. */
export interface ParseOptions {
  /** Currencies that have rates elsewhere, such as in the operator's file; `any` where that is looked at later. */
  readonly currencies?: Iterable<string> | 'any';
  /** False for a file of one tenant, which has no `tenants`. */
  readonly tenants?: boolean;
}

/** Bounds on what one layer has. Every discount is looked at for each model, so those are fewer. */
const MAX_ENTRIES = 200_000;
const MAX_DISCOUNTS = 1000;
const MAX_CURRENCY_RATES = 20_000;
const MAX_TENANT_CHARACTERS = 512;

const LAYER_KEYS: readonly string[] = ['prices', 'deployments', 'discounts', 'currencies'];
const TENANT_KEYS: ReadonlySet<string> = new Set(LAYER_KEYS);
const FILE_KEYS: ReadonlySet<string> = new Set([...LAYER_KEYS, 'tenants']);

/** Stands for not looking at currencies. */
const EVERY_CURRENCY: ReadonlySet<string> = new Set();

/** An entry with where it is written. */
interface Placed<T> {
  readonly entry: T;
  readonly place: Place;
}

type Read<T> = (reader: FieldReader, value: unknown, place: Place) => T | null;

/** Reads a list and notes where each entry is. */
function placed<T>(
  reader: FieldReader,
  value: unknown,
  place: Place,
  max: number,
  read: Read<T>,
): readonly Placed<T>[] {
  return reader.list(value, place, max, (each, at) => {
    const entry = read(reader, each, at);
    if (entry === null) return null;
    return { entry, place: at };
  });
}

function claimsOf<T extends { readonly from?: string; readonly to?: string }>(
  all: readonly Placed<T>[],
  about: (entry: T) => readonly (readonly string[])[],
): readonly Claim[] {
  return all.flatMap(({ entry, place }) => {
    const span = safeMicros(entry);
    if (span === null) return [];
    return about(entry).map((names) => ({
      key: JSON.stringify(names),
      what: names.filter((name) => name !== '').join(' '),
      ...span,
      place,
    }));
  });
}

/** A stretch whose end is not after its start was reported, and is compared with nothing. */
function safeMicros(span: {
  readonly from?: string;
  readonly to?: string;
}): { readonly from: number; readonly to: number } | null {
  const micros = microsOf(span);
  return micros.from < micros.to ? micros : null;
}

function aboutDiscount(discount: Discount): readonly (readonly string[])[] {
  const models = (discount.models ?? ['all models']).map((name) => name.toLowerCase()).toSorted();
  const target = [discount.provider === '*' ? 'all providers' : discount.provider, models.join(', ')];
  if (discount.multiply !== undefined) return [[...target, 'factor']];
  const [kind, rates] =
    discount.rates === undefined ? ['amount off', discount.subtract ?? {}] : ['rate', discount.rates];
  return Object.keys(rates).map((name) => [...target, kind, name]);
}

function readCurrencies(reader: FieldReader, value: unknown, place: Place): readonly Placed<CurrencyRate>[] {
  return reader.entries(value, place).flatMap(([code, rates]) => {
    const at = within(place, code);
    if (code === 'USD' || !/^[A-Z]{3}$/.test(code)) {
      const why = code === 'USD' ? 'is what all amounts are in' : 'must be an ISO 4217 code such as EUR';
      reader.fault(at, why);
      return [];
    }
    const found = placed(reader, rates, at, MAX_CURRENCY_RATES, (own, each, where) =>
      readCurrencyRate(own, code, each, where),
    );
    if (found.length === 0 && !Array.isArray(rates)) reader.fault(at, 'has no rate');
    return found;
  });
}

interface Layer {
  readonly layer: PriceLayer;
  /** Where currencies are used, by code. */
  readonly uses: readonly { readonly currency: string; readonly place: Place }[];
}

function readLayer(reader: FieldReader, source: Plain, top: Place): Layer {
  const at = (name: string): Place => within(top, name);
  const prices = placed(reader, source['prices'], at('prices'), MAX_ENTRIES, readPrice);
  const deployments = placed(reader, source['deployments'], at('deployments'), MAX_ENTRIES, readDeployment);
  const discounts = placed(reader, source['discounts'], at('discounts'), MAX_DISCOUNTS, readDiscount);
  const currencies = readCurrencies(reader, source['currencies'], at('currencies'));
  const dated = prices.map(({ entry, place }) => ({
    entry: { ...entry, ...spanOf(entry.periods[0]) },
    place,
  }));
  reportContradictions(
    reader,
    claimsOf(dated, ({ provider, model, aliases }) =>
      [...new Set([model, ...(aliases ?? []).map((name) => name.toLowerCase())])].map((name) => [
        provider,
        name,
      ]),
    ),
  );
  reportContradictions(
    reader,
    claimsOf(deployments, ({ provider, name }) => [[provider, name.toLowerCase()]]),
  );
  reportContradictions(
    reader,
    claimsOf(currencies, ({ currency }) => [[currency]]),
  );
  reportSameStart(reader, claimsOf(discounts, aboutDiscount));
  const uses = [
    ...prices.map(({ entry, place }) => ({ currency: entry.periods[0]?.currency, place })),
    ...discounts.map(({ entry, place }) => ({ currency: entry.currency, place })),
  ].flatMap(({ currency, place }) => (currency === undefined ? [] : { currency, place }));
  const rates = currencies.map(({ entry }) => entry);
  return {
    layer: {
      prices: prices.map(({ entry }) => entry),
      deployments: deployments.map(({ entry }) => entry),
      discounts: discounts.map(({ entry }) => entry),
      ...(rates.length === 0 ? {} : { currencies: rates }),
    },
    uses,
  };
}

function spanOf(period: { readonly from?: string; readonly to?: string } | undefined): {
  from?: string;
  to?: string;
} {
  return {
    ...(period?.from === undefined ? {} : { from: period.from }),
    ...(period?.to === undefined ? {} : { to: period.to }),
  };
}

/** A currency that is used needs a rate: the layer's own, or one of what lies below it. */
function reportCurrencies(reader: FieldReader, { layer, uses }: Layer, below: ReadonlySet<string>): void {
  if (below === EVERY_CURRENCY) return;
  const known = new Set([...below, ...(layer.currencies ?? []).map(({ currency }) => currency)]);
  for (const { currency, place } of uses) {
    if (known.has(currency)) continue;
    reader.fault(within(place, 'currency'), `no rate of ${currency} is given under "currencies"`);
  }
}

function readTenants(
  reader: FieldReader,
  value: unknown,
  below: ReadonlySet<string>,
): Map<string, PriceLayer> {
  const tenants = new Map<string, PriceLayer>();
  const top = within(TOP, 'tenants');
  for (const [tenant, content] of reader.entries(value, top)) {
    const place = within(top, tenant);
    if (tenant.trim() === '' || tenant.length > MAX_TENANT_CHARACTERS || /\p{Cc}/u.test(tenant)) {
      reader.fault(place, 'is no name of a tenant');
      continue;
    }
    const own = reader.object(content, place, TENANT_KEYS);
    if (own === null) continue;
    const read = readLayer(reader, own, place);
    reportCurrencies(reader, read, below);
    tenants.set(tenant, read.layer);
  }
  return tenants;
}

/**
 * Reads a prices file, already parsed from YAML or JSON: `prices`, `deployments`, `discounts` and `currencies`
 * for everybody, and the same under `tenants.<tenant>` for one. Never throws; every fault is reported with its
 * place, and what contradicts something else with both.
 */
export function parsePriceOverrides(value: unknown, options: ParseOptions = {}): ParsedOverrides {
  const reader = new FieldReader();
  const none = { operator: EMPTY_LAYER, tenants: new Map<string, PriceLayer>() };
  if (value === undefined || value === null) return { overrides: none, faults: [], faultCount: 0 };
  const source = reader.object(value, TOP, options.tenants === false ? TENANT_KEYS : FILE_KEYS);
  if (source === null) return { overrides: none, faults: reader.faults, faultCount: reader.faultCount };
  const operator = readLayer(reader, source, TOP);
  const elsewhere = options.currencies === 'any' ? EVERY_CURRENCY : new Set(options.currencies ?? []);
  reportCurrencies(reader, operator, elsewhere);
  const own = (operator.layer.currencies ?? []).map(({ currency }) => currency);
  const below = elsewhere === EVERY_CURRENCY ? elsewhere : new Set([...elsewhere, ...own]);
  const named = options.tenants === false ? undefined : source['tenants'];
  const tenants = readTenants(reader, named, below);
  return {
    overrides: { operator: operator.layer, tenants },
    faults: reader.faults,
    faultCount: reader.faultCount,
  };
}
