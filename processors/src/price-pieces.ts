import type { Rational } from './money.ts';
import { formatRational, parseDecimal } from './money.ts';
import type { ConditionName, ContextTier, Modifier, PricePeriod, RateName, Rates } from './price-entry.ts';
import type { CompiledModifier, CompiledPeriod, CompiledTier } from './price-period.ts';
import { compilePeriod, instantMicros } from './price-period.ts';
import type { RateTable } from './rate-table.ts';
import { RATE_MEANINGS } from './rate-table.ts';

/** What one unit of a currency is worth in USD, from an instant (microseconds since the epoch) on. */
export interface DatedRate {
  readonly usd: string;
  readonly from: number;
  readonly to: number;
}

/** Rates of each currency, the one that began last first. */
export type CurrencyTable = ReadonlyMap<string, readonly DatedRate[]>;

/** A discount in absolute amounts, ready to be laid on rates. */
export interface Adjustment {
  readonly kind: 'rates' | 'subtract';
  readonly amounts: Rates;
  readonly currency: string | null;
  readonly currencies: CurrencyTable;
  readonly from: number;
  readonly to: number;
}

/** Start and end of a stretch of time, microseconds since the epoch; open where a text is absent. */
export function microsOf(span: { readonly from?: string; readonly to?: string }): {
  readonly from: number;
  readonly to: number;
} {
  return {
    from: span.from === undefined ? -Infinity : instantMicros(span.from),
    to: span.to === undefined ? Infinity : instantMicros(span.to),
  };
}

function decimal(text: string): Rational {
  const value = parseDecimal(text);
  if (value === null) throw new Error(`"${text}" is not a decimal number`);
  return value;
}

/** Decimal text of a rational over a power of ten, with every digit. */
function exactText({ numerator, denominator }: Rational): string {
  return formatRational({ numerator, denominator }, denominator.toString().length - 1);
}

/** The product of two decimals, exactly. */
export function exactProduct(left: string, right: string): string {
  const [a, b] = [decimal(left), decimal(right)];
  return exactText({ numerator: a.numerator * b.numerator, denominator: a.denominator * b.denominator });
}

/** The difference of two decimals, exactly, and 0 where it would be less. */
export function exactRest(left: string, right: string): string {
  const [a, b] = [decimal(left), decimal(right)];
  const numerator = a.numerator * b.denominator - b.numerator * a.denominator;
  return numerator <= 0n ? '0' : exactText({ numerator, denominator: a.denominator * b.denominator });
}

type Change = (usd: string, name: RateName) => string;

function changeRates(rates: Rates, change: Change): Rates {
  return Object.fromEntries(
    Object.entries(rates).map(([name, usd]) => [name, change(usd, name as RateName)]),
  );
}

/** Changes the rates of a period, in its tiers and windows too; its conditions are left to `changeModifiers`. */
function changeTables(period: PricePeriod, change: Change): PricePeriod {
  const rated = <T extends { readonly rates: Rates }>(each: T): T => ({
    ...each,
    rates: changeRates(each.rates, change),
  });
  return {
    ...rated(period),
    ...(period.tiers === undefined ? {} : { tiers: period.tiers.map(rated) }),
    ...(period.windows === undefined ? {} : { windows: period.windows.map(rated) }),
  };
}

/** Makes the change of a condition's own rates from the ordinary rates that they stand for. */
type ChangeUnder = (modifier: Modifier, ordinary: Rates) => Change;

/** Changes the rates of a period's conditions; factors stay as they are. */
function changeModifiers(period: PricePeriod, under: ChangeUnder): Pick<PricePeriod, 'modifiers'> {
  if (period.modifiers === undefined) return {};
  const modifiers = period.modifiers.map((modifier): Modifier => {
    const { rates, tiers } = modifier;
    const ordinary = (tier: ContextTier): Rates => ({
      ...period.rates,
      ...period.tiers?.find(({ above, inclusive }) => above === tier.above && inclusive === tier.inclusive)
        ?.rates,
    });
    const changed = (tier: ContextTier): ContextTier => ({
      ...tier,
      rates: changeRates(tier.rates, under(modifier, ordinary(tier))),
    });
    return {
      ...modifier,
      ...(rates === undefined ? {} : { rates: changeRates(rates, under(modifier, period.rates)) }),
      ...(tiers === undefined ? {} : { tiers: tiers.map(changed) }),
    };
  });
  return { modifiers };
}

/** Changes every rate of a period alike. */
function changePeriod(period: PricePeriod, change: Change): PricePeriod {
  return { ...changeTables(period, change), ...changeModifiers(period, () => change) };
}

/** Conditions that are ways to be served: their rates are the ordinary ones at another level. */
const MODES: ReadonlySet<ConditionName> = new Set(['tier', 'speed']);

/**
 * Lays negotiated amounts on a period. A mode's own token rates change as the ordinary ones do, as they would if
 * the list had a factor for it: half price in a batch is half of what was negotiated, however the list says it.
 */
function negotiated(period: PricePeriod, change: Change): PricePeriod {
  const under: ChangeUnder = (modifier, ordinary) => (usd, name) => {
    const listed = ordinary[name];
    const isScaled = MODES.has(modifier.condition) && RATE_MEANINGS[name].token && listed !== undefined;
    const [base, own] = [decimal(isScaled ? listed : '0'), decimal(usd)];
    if (!isScaled || base.numerator === 0n) return change(usd, name);
    const now = decimal(change(listed, name));
    return formatRational({
      numerator: own.numerator * now.numerator * base.denominator,
      denominator: own.denominator * now.denominator * base.numerator,
    });
  };
  return { ...changeTables(period, change), ...changeModifiers(period, under) };
}

function usdAt(currencies: CurrencyTable, currency: string, at: number): string | null {
  return currencies.get(currency)?.find((rate) => at >= rate.from && at < rate.to)?.usd ?? null;
}

const noRate = (currency: string): string => `no rate of ${currency} at that time`;

/** An adjustment's amounts in USD at an instant, or the currency that has no rate then. */
function amountsAt(adjustment: Adjustment, at: number): Rates | string {
  const { amounts, currency, currencies } = adjustment;
  if (currency === null) return amounts;
  const usd = usdAt(currencies, currency, at);
  return usd === null ? noRate(currency) : changeRates(amounts, (text) => exactProduct(text, usd));
}

interface Changed {
  readonly period: PricePeriod;
  readonly notes: readonly string[];
}

/** The period as it is at an instant, in USD and adjusted; text where it has no price then. */
function changedAt(
  source: PricePeriod,
  at: number,
  currencies: CurrencyTable,
  adjustments: readonly Adjustment[],
): Changed | string {
  let period = source;
  const notes: string[] = [];
  if (source.currency !== undefined) {
    const usd = usdAt(currencies, source.currency, at);
    if (usd === null) return noRate(source.currency);
    period = changePeriod(period, (text) => exactProduct(text, usd));
    notes.push(`${source.currency} x ${usd}`);
  }
  for (const adjustment of adjustments) {
    if (at < adjustment.from || at >= adjustment.to) continue;
    const amounts = amountsAt(adjustment, at);
    if (typeof amounts === 'string') return amounts;
    period = negotiated(period, (text, name) => {
      const amount = amounts[name];
      if (amount === undefined) return text;
      return adjustment.kind === 'rates' ? amount : exactRest(text, amount);
    });
    if (!notes.includes('negotiated')) notes.push('negotiated');
  }
  return { period, notes };
}

const NO_PRICE: CompiledPeriod = compilePeriod({ rates: {} });

/** A part of a period between two changes; compiled when a call first needs it. */
class Piece implements CompiledPeriod {
  readonly from: number;
  readonly to: number;
  readonly ofProfile?: true;
  readonly #make: () => CompiledPeriod;
  #made: CompiledPeriod | null = null;

  constructor(from: number, to: number, ofProfile: boolean, make: () => CompiledPeriod) {
    this.from = from;
    this.to = to;
    if (ofProfile) this.ofProfile = true;
    this.#make = make;
  }

  get #compiled(): CompiledPeriod {
    this.#made ??= this.#make();
    return this.#made;
  }

  get table(): RateTable {
    return this.#compiled.table;
  }

  get tiers(): readonly CompiledTier[] {
    return this.#compiled.tiers;
  }

  get windows(): CompiledPeriod['windows'] {
    return this.#compiled.windows;
  }

  get modifiers(): ReadonlyMap<ConditionName, readonly CompiledModifier[]> {
    return this.#compiled.modifiers;
  }

  get hasStandard(): boolean {
    return this.#compiled.hasStandard;
  }

  get unpriced(): string | undefined {
    return this.#compiled.unpriced;
  }

  get note(): string | undefined {
    return this.#compiled.note;
  }
}

function compiledAt(changed: Changed | string): CompiledPeriod {
  if (typeof changed === 'string') return { ...NO_PRICE, unpriced: changed };
  const note = changed.notes.join(', ');
  return { ...compilePeriod(changed.period), ...(note === '' ? {} : { note }) };
}

/** Instants at which a period may change: where it, a currency's rate or an adjustment begins or ends. */
function bounds(
  period: PricePeriod,
  currencies: CurrencyTable,
  adjustments: readonly Adjustment[],
): readonly number[] {
  const { from, to } = microsOf(period);
  const found = new Set([from, to]);
  const note = (spans: readonly { readonly from: number; readonly to: number }[] | undefined): void => {
    for (const span of spans ?? []) {
      if (span.from > from && span.from < to) found.add(span.from);
      if (span.to > from && span.to < to) found.add(span.to);
    }
  };
  if (period.currency !== undefined) note(currencies.get(period.currency));
  note(adjustments);
  for (const { currency, currencies: own } of adjustments) if (currency !== null) note(own.get(currency));
  return [...found].toSorted((a, b) => (a < b ? -1 : 1));
}

/**
 * A period in USD with the adjustments laid on in order, cut at the instants at which it changes. Where a
 * currency has no rate, the piece has no price and says so; it never falls back to another price.
 */
export function piecesOf(
  period: PricePeriod,
  currencies: CurrencyTable,
  adjustments: readonly Adjustment[],
  ofProfile: boolean,
): readonly CompiledPeriod[] {
  const cuts = bounds(period, currencies, adjustments);
  return cuts.slice(0, -1).map((from, i) => {
    const make = (): CompiledPeriod => compiledAt(changedAt(period, from, currencies, adjustments));
    return new Piece(from, cuts[i + 1] ?? Infinity, ofProfile, make);
  });
}
