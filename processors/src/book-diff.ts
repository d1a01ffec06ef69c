import { globMatcher } from './glob.ts';
import { formatRational, parseDecimal } from './money.ts';
import type { PriceBook } from './price-book.ts';
import type { Modifier, PricePeriod, Rates } from './price-entry.ts';
import type { Discount, PriceLayer } from './price-layer.ts';
import { instantText } from './iso-instant.ts';
import { instantMicros } from './price-period.ts';
import { canonicalProvider, sellerOf } from './providers.ts';

/** One thing that a price says, in two books; null where one does not say it. */
export interface PriceChange {
  /** Start of the period; null where it always was, or where the change is of no period. */
  readonly from: string | null;
  /** A rate, alone or with its tier, window or condition (`input_mtok above 200000`); `valid to`; a name. */
  readonly what: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** What differs between two books for one model, or for the deployments or discounts of one provider. */
export interface ModelDiff {
  readonly layer: 'list' | 'operator' | 'tenant';
  /** Seller of the list, or provider of the layer. */
  readonly provider: string;
  readonly model: string;
  readonly kind: 'added' | 'removed' | 'changed';
  readonly changes: readonly PriceChange[];
}

/** Narrows a comparison. */
export interface DiffFilter {
  /** Any spelling of a provider. */
  readonly provider?: string | undefined;
  /** Id, with `*` for any run of characters. */
  readonly model?: string | undefined;
}

/** Statements of one model by period and what they are about. */
type Statements = Map<string, { readonly from: string | null; readonly what: string; readonly says: string }>;

interface Stated {
  readonly layer: ModelDiff['layer'];
  readonly provider: string;
  readonly model: string;
  readonly statements: Statements;
}

function decimalText(text: string): string {
  const value = parseDecimal(text);
  return value === null ? text : formatRational(value);
}

function instant(text: string | undefined): string | null {
  return text === undefined ? null : instantText(instantMicros(text));
}

function conditionName({ condition, value, providers, from, to }: Modifier): string {
  const whose = providers === undefined ? '' : ` of ${providers.join(', ')}`;
  const since = from === undefined ? '' : ` from ${instant(from) ?? ''}`;
  const until = to === undefined ? '' : ` to ${instant(to) ?? ''}`;
  return `${condition} ${value}${whose}${since}${until}`;
}

/** Everything that a period says, as one text for each thing. */
function statePeriod(period: PricePeriod, into: Statements): void {
  const from = instant(period.from);
  const state = (what: string, says: string): void => {
    // A period without anything else still is one: its end tells of it.
    into.set(`${from ?? ''}\n${what}`, { from, what, says });
  };
  const stateRates = (rates: Rates, suffix: string): void => {
    for (const [name, usd] of Object.entries(rates)) state(`${name}${suffix}`, decimalText(usd));
  };
  state('valid to', instant(period.to) ?? 'open');
  if (period.free === true) state('free', 'yes');
  if (period.currency !== undefined) state('currency', period.currency);
  if (period.leastSeconds !== undefined) state('least seconds', String(period.leastSeconds));
  stateRates(period.rates, '');
  for (const { above, inclusive, rates } of period.tiers ?? [])
    stateRates(rates, ` ${inclusive === true ? 'from' : 'above'} ${above}`);
  for (const window of period.windows ?? []) {
    const days = window.days === undefined ? '' : ` on days ${window.days.join(',')}`;
    const except = window.except === undefined ? '' : ` except ${window.except.join(',')}`;
    stateRates(window.rates, ` ${window.from}-${window.to}${days}${except}`);
  }
  for (const modifier of period.modifiers ?? []) {
    const name = conditionName(modifier);
    if (modifier.multiply !== undefined) state(name, `x ${decimalText(modifier.multiply)}`);
    if (modifier.standard === true) state(`${name} by default`, 'yes');
    stateRates(modifier.rates ?? {}, ` with ${name}`);
    for (const [rate, factor] of Object.entries(modifier.factors ?? {}))
      state(`${rate} with ${name}`, `x ${decimalText(factor)}`);
    for (const { above, inclusive, rates } of modifier.tiers ?? [])
      stateRates(rates, ` ${inclusive === true ? 'from' : 'above'} ${above} with ${name}`);
  }
}

class Collector {
  readonly found = new Map<string, Stated>();
  readonly #filter: DiffFilter;

  constructor(filter: DiffFilter) {
    this.#filter = filter;
  }

  #of(layer: ModelDiff['layer'], provider: string, model: string): Statements | null {
    const { provider: wanted, model: pattern } = this.#filter;
    if (wanted !== undefined) {
      const id = canonicalProvider(wanted) ?? wanted;
      if (provider !== (layer === 'list' ? sellerOf(id) : id)) return null;
    }
    if (pattern !== undefined && !globMatcher(pattern.toLowerCase())(model.toLowerCase())) return null;
    const key = JSON.stringify([layer, provider, model]);
    const known = this.found.get(key);
    if (known !== undefined) return known.statements;
    const statements: Statements = new Map();
    this.found.set(key, { layer, provider, model, statements });
    return statements;
  }

  prices(
    layer: ModelDiff['layer'],
    provider: string,
    {
      model,
      aliases,
      periods,
    }: { model: string; aliases?: readonly string[]; periods: readonly PricePeriod[] },
  ): void {
    const statements = this.#of(layer, provider, model);
    if (statements === null) return;
    // Where two periods begin at once the first applies.
    for (const period of periods.toReversed()) statePeriod(period, statements);
    for (const alias of aliases ?? [])
      if (alias !== model)
        statements.set(`\nname ${alias}`, { from: null, what: `name ${alias}`, says: 'yes' });
  }

  layer(name: 'operator' | 'tenant', { prices, deployments, discounts, currencies = [] }: PriceLayer): void {
    for (const price of prices) this.prices(name, price.provider, price);
    for (const each of deployments) {
      const [start, end] = [instant(each.from), instant(each.to)];
      const what = end === null ? 'deployment of' : `deployment to ${end} of`;
      const says = each.modelProvider === undefined ? each.model : `${each.model} of ${each.modelProvider}`;
      this.#of(name, each.provider, each.name)?.set(`${start ?? ''}\n${what}`, { from: start, what, says });
    }
    for (const each of discounts) this.#discount(name, each);
    for (const { currency, usd, from } of currencies) {
      const start = instant(from);
      const says = `${decimalText(usd)} USD`;
      this.#of(name, '*', currency)?.set(`${start ?? ''}\nrate`, { from: start, what: 'rate', says });
    }
  }

  #discount(layer: 'operator' | 'tenant', discount: Discount): void {
    const { provider, models, multiply, rates, subtract, currency, from, to } = discount;
    const statements = this.#of(layer, provider, models === undefined ? '*' : models.join(', '));
    const [start, end] = [instant(from), instant(to)];
    const until = end === null ? '' : ` to ${end}`;
    const state = (what: string, says: string): void => {
      statements?.set(`${start ?? ''}\n${what}`, { from: start, what, says });
    };
    const unit = currency === undefined ? '' : ` ${currency}`;
    if (multiply !== undefined) state(`discount${until}`, `x ${decimalText(multiply)}`);
    for (const [rate, amount] of Object.entries(rates ?? {}))
      state(`${rate} agreed${until}`, `${decimalText(amount)}${unit}`);
    for (const [rate, amount] of Object.entries(subtract ?? {}))
      state(`${rate} off${until}`, `${decimalText(amount)}${unit}`);
  }
}

function collect(book: PriceBook, filter: DiffFilter): ReadonlyMap<string, Stated> {
  const collector = new Collector(filter);
  for (const { seller, entries, byName } of book.lists.values()) {
    for (const entry of entries.values()) {
      const aliases = (entry.aliases ?? []).filter((name) => byName.get(name) === entry);
      collector.prices('list', seller, { ...entry, aliases });
    }
  }
  for (const [i, layer] of book.layers.entries()) collector.layer(i === 0 ? 'operator' : 'tenant', layer);
  return collector.found;
}

function changesOf(before: Statements | undefined, after: Statements | undefined): PriceChange[] {
  const keys = new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])]);
  return [...keys].flatMap((key) => {
    const [left, right] = [before?.get(key), after?.get(key)];
    if (left?.says === right?.says) return [];
    const { from, what } = left ?? right ?? { from: null, what: '' };
    return [{ from, what, before: left?.says ?? null, after: right?.says ?? null }];
  });
}

/** What differs between two books, model by model: lists first, then the operator's and the tenant's layers. */
export function diffBooks(
  before: PriceBook,
  after: PriceBook,
  filter: DiffFilter = {},
): readonly ModelDiff[] {
  const left = collect(before, filter);
  const right = collect(after, filter);
  const order = ['list', 'operator', 'tenant'];
  const rank = (diff: ModelDiff): string => `${order.indexOf(diff.layer)}\n${diff.provider}\n${diff.model}`;
  return [...new Set([...left.keys(), ...right.keys()])]
    .flatMap((key): ModelDiff[] => {
      const [old, current] = [left.get(key), right.get(key)];
      const either = current ?? old;
      const changes = changesOf(old?.statements, current?.statements);
      if (either === undefined || changes.length === 0) return [];
      const kind = old === undefined ? 'added' : current === undefined ? 'removed' : 'changed';
      return [{ layer: either.layer, provider: either.provider, model: either.model, kind, changes }];
    })
    .toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
}
