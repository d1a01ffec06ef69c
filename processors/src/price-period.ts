import type { Rational } from './money.ts';
import { formatRational, parseDecimal } from './money.ts';
import type {
  ConditionName,
  ContextTier,
  Modifier,
  PriceEntry,
  PricePeriod,
  RateName,
  Rates,
  TimeWindow,
} from './price-entry.ts';
import type { RateTable } from './rate-table.ts';
import { compileRates, RATE_MEANINGS, RATE_NAMES } from './rate-table.ts';

const MINUTE_MICROS = 60_000_000;
const DAY_MICROS = 24 * 60 * MINUTE_MICROS;
/** 1970-01-01 was a Thursday. */
const EPOCH_WEEKDAY = 4;

/** A tier of context size with its compiled rates. */
export interface CompiledTier {
  /** Applies from this many tokens of total input on. */
  readonly from: number;
  /** Null where nobody lists a price for that size under the condition. */
  readonly table: RateTable | null;
}

interface CompiledWindow {
  readonly days: readonly number[];
  readonly except: ReadonlySet<number>;
  readonly fromMinute: number;
  readonly toMinute: number;
  readonly table: RateTable | null;
}

/** The tables of one price, of which a request takes one: by context size, else by time, else the plain one. */
export interface CompiledTables {
  readonly table: RateTable;
  /** Highest first. */
  readonly tiers: readonly CompiledTier[];
  readonly windows: readonly CompiledWindow[];
}

/** A modifier with its factor and rates compiled. */
export interface CompiledModifier {
  readonly modifier: Modifier;
  readonly factor: Rational | null;
  /** Instead of the period's, where the modifier changes single rates. */
  readonly tables: CompiledTables | null;
  readonly from: number;
  readonly to: number;
}

/** Prices of one model over one stretch of time, compiled. Instants are microseconds since the epoch. */
export interface CompiledPeriod extends CompiledTables {
  readonly from: number;
  readonly to: number;
  readonly modifiers: ReadonlyMap<ConditionName, readonly CompiledModifier[]>;
  /** True where a modifier applies to calls that say nothing of its condition. */
  readonly hasStandard: boolean;
  /** True where the price was given for a name with its inference profile, so that it holds for that profile. */
  readonly ofProfile?: true;
}

/** Microseconds since the epoch of an ISO instant with a zone, or of a UTC date; throws where it is neither. */
export function instantMicros(text: string): number {
  const match =
    /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6})\d*)?)?(Z|[+-]\d{2}:\d{2}))?$/.exec(
      text,
    );
  if (match === null) throw new Error(`"${text}" is not an instant (2026-08-16T16:00:00Z)`);
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = match;
  const at = Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  );
  const date = new Date(at);
  const real =
    date.getUTCFullYear() === Number(year) &&
    date.getUTCMonth() === Number(month) - 1 &&
    date.getUTCDate() === Number(day) &&
    date.getUTCMinutes() === Number(minute) &&
    Number(second) < 60 &&
    Number(zone.slice(1, 3)) < 24 &&
    Number(zone.slice(4)) < 60;
  // Date.UTC takes February 30 for March 2, and so a price would begin on another day than it says.
  if (!real) throw new Error(`"${text}" is not a date of the calendar`);
  const offset =
    zone === 'Z' ? 0 : Number(`${zone[0]}1`) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4)));
  return at * 1000 + Number(fraction.padEnd(6, '0')) - offset * MINUTE_MICROS;
}

function span(from: string | undefined, to: string | undefined): { from: number; to: number } {
  return {
    from: from === undefined ? -Infinity : instantMicros(from),
    to: to === undefined ? Infinity : instantMicros(to),
  };
}

function minuteOf(text: string): number {
  const match = /^(\d{2}):(\d{2})$/.exec(text);
  if (match === null) throw new Error(`"${text}" is not a time of day (01:30)`);
  return Number(match[1]) * 60 + Number(match[2]);
}

/** Rates of one table as a modifier leaves them. */
type Change = (rates: Rates) => Rates;

const AS_THEY_ARE: Change = (rates) => rates;

function compileTiers(
  tiers: readonly ContextTier[] | undefined,
  base: Rates,
  change: Change,
): CompiledTier[] {
  return (tiers ?? [])
    .map((tier) => ({
      from: tier.inclusive === true ? tier.above : tier.above + 1,
      table: compileRates(change({ ...base, ...tier.rates })),
    }))
    .toSorted((a, b) => b.from - a.from);
}

function compileWindow(window: TimeWindow, base: Rates, change: Change): CompiledWindow {
  return {
    days: window.days ?? [],
    except: new Set((window.except ?? []).map((date) => Math.floor(instantMicros(date) / DAY_MICROS))),
    fromMinute: minuteOf(window.from),
    toMinute: minuteOf(window.to),
    table: compileRates(change({ ...base, ...window.rates })),
  };
}

function compileTables(period: PricePeriod, change: Change): CompiledTables {
  return {
    table: compileRates(change(period.rates), period.free === true, period.leastSeconds),
    tiers: compileTiers(period.tiers, period.rates, change),
    windows: (period.windows ?? []).map((window) => compileWindow(window, period.rates, change)),
  };
}

function decimalOf(text: string): Rational {
  const value = parseDecimal(text);
  if (value === null) throw new Error(`"${text}" is not a factor`);
  return value;
}

/** Multiplies each token rate by its own factor, else by the factor of all. */
function multiplyRates(modifier: Modifier): Change {
  return (rates) => {
    const changed: Partial<Record<RateName, string>> = { ...rates };
    // Reasoning without a rate of its own is output; under the condition it may have a factor of its own.
    if (modifier.factors?.reasoning_mtok !== undefined && rates.output_mtok !== undefined) {
      changed.reasoning_mtok ??= rates.output_mtok;
    }
    for (const name of RATE_NAMES) {
      const usd = changed[name];
      const factor = modifier.factors?.[name] ?? (RATE_MEANINGS[name].token ? modifier.multiply : undefined);
      if (usd === undefined || factor === undefined) continue;
      const [left, right] = [decimalOf(usd), decimalOf(factor)];
      changed[name] = formatRational({
        numerator: left.numerator * right.numerator,
        denominator: left.denominator * right.denominator,
      });
    }
    return changed;
  };
}

/** The tables of a price under rates of a condition; sizes and hours that it does not list have none. */
function replacedTables(modifier: Modifier, rates: Rates, period: PricePeriod): CompiledTables {
  const names = Object.keys(rates) as RateName[];
  // A fee changes no token rate: it holds whatever the size or the hour.
  if (modifier.tiers === undefined && names.every((name) => !RATE_MEANINGS[name].token)) {
    return compileTables(period, (each) => ({ ...each, ...rates }));
  }
  const base = { ...period.rates, ...rates };
  const own = compileTiers(modifier.tiers, base, AS_THEY_ARE);
  const plain = compileTables(period, AS_THEY_ARE);
  const unlisted = plain.tiers
    .filter((tier) => own.every((each) => each.from !== tier.from))
    .map((tier) => ({ ...tier, table: null }));
  return {
    table: compileRates(base),
    tiers: [...own, ...unlisted].toSorted((a, b) => b.from - a.from),
    windows: plain.windows.map((window) => ({ ...window, table: null })),
  };
}

function compileModifier(modifier: Modifier, period: PricePeriod): CompiledModifier {
  const factor = modifier.multiply === undefined ? null : decimalOf(modifier.multiply);
  const when = span(modifier.from, modifier.to);
  if (modifier.factors !== undefined) {
    return { modifier, factor: null, tables: compileTables(period, multiplyRates(modifier)), ...when };
  }
  const { rates } = modifier;
  const tables = rates === undefined ? null : replacedTables(modifier, rates, period);
  return { modifier, factor, tables, ...when };
}

/** Compiles one period; throws where it holds what is no price, instant or time. */
export function compilePeriod(period: PricePeriod): CompiledPeriod {
  const modifiers = new Map<ConditionName, CompiledModifier[]>();
  for (const modifier of period.modifiers ?? []) {
    const list = modifiers.get(modifier.condition) ?? [];
    list.push(compileModifier(modifier, period));
    modifiers.set(modifier.condition, list);
  }
  return {
    ...span(period.from, period.to),
    ...compileTables(period, AS_THEY_ARE),
    modifiers,
    hasStandard: (period.modifiers ?? []).some((modifier) => modifier.standard === true),
  };
}

/** Compiles the periods of an entry, in order. */
export function compileEntry(entry: PriceEntry): readonly CompiledPeriod[] {
  return entry.periods.map(compilePeriod);
}

/** The window that contains the instant, or null. A window whose end is before its start runs over midnight. */
export function windowAt(period: CompiledTables, atMicros: number): CompiledWindow | null {
  if (period.windows.length === 0) return null;
  const day = Math.floor(atMicros / DAY_MICROS);
  const minute = Math.floor((atMicros - day * DAY_MICROS) / MINUTE_MICROS);
  for (const window of period.windows) {
    const overMidnight = window.toMinute <= window.fromMinute;
    const early = overMidnight && minute < window.toMinute;
    const inside = overMidnight
      ? early || minute >= window.fromMinute
      : minute >= window.fromMinute && minute < window.toMinute;
    if (!inside) continue;
    // The hours after midnight belong to the day on which the window began.
    const startDay = early ? day - 1 : day;
    const weekday = ((((startDay + EPOCH_WEEKDAY) % 7) + 6) % 7) + 1;
    if (window.days.length > 0 && !window.days.includes(weekday)) continue;
    if (!window.except.has(startDay)) return window;
  }
  return null;
}
