import type { ConditionName, ContextTier, Modifier, RateName, Rates, TimeWindow } from '../price-entry.ts';
import { microsOf } from '../price-pieces.ts';
import { instantMicros } from '../price-period.ts';
import { RATE_NAMES } from '../rate-table.ts';
import type { FieldReader, Plain } from './field-reader.ts';
import type { Place } from './place.ts';
import { pathOf, within } from './place.ts';

const CONDITIONS: readonly ConditionName[] = ['tier', 'speed', 'geo', 'region', 'profile', 'search_context'];
const RATES: ReadonlySet<string> = new Set(RATE_NAMES);
const TIER_KEYS: ReadonlySet<string> = new Set(['above', 'inclusive', ...RATE_NAMES]);
const WINDOW_KEYS: ReadonlySet<string> = new Set(['days', 'except', 'from', 'to', ...RATE_NAMES]);
const CONDITION_KEYS: ReadonlySet<string> = new Set([
  ...CONDITIONS,
  'multiply',
  'factors',
  'tiers',
  'standard',
  'from',
  'to',
  ...RATE_NAMES,
]);

/** Bounds on what one price has; real ones have a handful. */
export const MAX_TIERS = 20;
export const MAX_WINDOWS = 100;
export const MAX_CONDITIONS = 100;
const MAX_EXCEPTIONS = 1000;

/** Reads the rates that a mapping has among other options. */
export function readRates(reader: FieldReader, source: Plain, place: Place): Rates {
  const rates: Partial<Record<RateName, string>> = {};
  for (const name of RATE_NAMES) {
    if (source[name] === undefined) continue;
    const usd = reader.decimal(source[name], within(place, name));
    if (usd !== null) rates[name] = usd;
  }
  return rates;
}

/** Reads a mapping of nothing but rates, at least one. */
export function readRateMap(reader: FieldReader, value: unknown, place: Place): Rates | null {
  const source = reader.object(value, place, RATES);
  if (source === null) return null;
  const rates = readRates(reader, source, place);
  if (Object.keys(rates).length > 0) return rates;
  if (Object.keys(source).length === 0) reader.fault(place, 'names no rate');
  return null;
}

/** Reads `from` and `to`. */
export function readSpan(reader: FieldReader, source: Plain, place: Place): { from?: string; to?: string } {
  const from = source['from'] == null ? null : reader.instant(source['from'], within(place, 'from'));
  const to = source['to'] == null ? null : reader.instant(source['to'], within(place, 'to'));
  if (from !== null && to !== null && instantMicros(from) >= instantMicros(to)) {
    reader.fault(within(place, 'to'), 'must be later than "from"');
  }
  return { ...(from === null ? {} : { from }), ...(to === null ? {} : { to }) };
}

function readTier(reader: FieldReader, value: unknown, place: Place): ContextTier | null {
  const source = reader.object(value, place, TIER_KEYS);
  if (source === null) return null;
  const { MAX_SAFE_INTEGER: most } = Number;
  const above = reader.whole(source['above'], within(place, 'above'), 0, most, 'a number of tokens');
  const rates = readRates(reader, source, place);
  const inclusive = reader.flag(source['inclusive'], within(place, 'inclusive'));
  if (!RATE_NAMES.some((name) => source[name] !== undefined)) reader.fault(place, 'names no rate');
  if (above === null) return null;
  return { above, ...(inclusive ? { inclusive: true as const } : {}), rates };
}

/** Reads context tiers; two that begin at the same count are a fault. */
export function readTiers(reader: FieldReader, value: unknown, place: Place): readonly ContextTier[] {
  const seen = new Map<number, Place>();
  return reader.list(value, place, MAX_TIERS, (each, at) => {
    const tier = readTier(reader, each, at);
    if (tier === null) return null;
    const first = tier.inclusive === true ? tier.above : tier.above + 1;
    const other = seen.get(first);
    if (other === undefined) seen.set(first, at);
    else reader.fault(at, `begins at the same count as ${pathOf(other)}`, other);
    return tier;
  });
}

function readTime(reader: FieldReader, value: unknown, place: Place): string | null {
  if (typeof value === 'string' && /^([01]\d|2[0-3]):[0-5]\d$/.test(value)) return value;
  reader.fault(place, 'must be a time of day in UTC, such as "01:30"');
  return null;
}

function readWindow(reader: FieldReader, value: unknown, place: Place): TimeWindow | null {
  const source = reader.object(value, place, WINDOW_KEYS);
  if (source === null) return null;
  const from = readTime(reader, source['from'], within(place, 'from'));
  const to = readTime(reader, source['to'], within(place, 'to'));
  const days = reader.list(source['days'], within(place, 'days'), 7, (each, at) =>
    reader.whole(each, at, 1, 7, 'a day from 1 (Monday) to 7 (Sunday)'),
  );
  const except = reader.list(source['except'], within(place, 'except'), MAX_EXCEPTIONS, (each, at) =>
    reader.instant(each, at),
  );
  const rates = readRates(reader, source, place);
  if (!RATE_NAMES.some((name) => source[name] !== undefined)) reader.fault(place, 'names no rate');
  if (from === null || to === null) return null;
  return {
    ...(days.length === 0 ? {} : { days }),
    ...(except.length === 0 ? {} : { except }),
    from,
    to,
    rates,
  };
}

/** Reads prices at certain hours. */
export function readWindows(reader: FieldReader, value: unknown, place: Place): readonly TimeWindow[] {
  return reader.list(value, place, MAX_WINDOWS, (each, at) => readWindow(reader, each, at));
}

/** What a condition does to the price: exactly one of a factor, factors of single rates beside it, or rates. */
function readEffect(reader: FieldReader, source: Plain, place: Place): Partial<Modifier> {
  const multiply =
    source['multiply'] === undefined ? null : reader.decimal(source['multiply'], within(place, 'multiply'));
  const factors =
    source['factors'] === undefined ? null : readRateMap(reader, source['factors'], within(place, 'factors'));
  const rates = readRates(reader, source, place);
  const tiers = readTiers(reader, source['tiers'], within(place, 'tiers'));
  const named = RATE_NAMES.some((name) => source[name] !== undefined);
  if (!named && source['multiply'] === undefined && source['factors'] === undefined) {
    reader.fault(place, 'changes no price: multiply: 1 says that there is none');
  }
  if (named && source['factors'] !== undefined) {
    reader.fault(within(place, 'factors'), 'and rates of its own say the same thing twice');
  }
  if (tiers.length > 0 && !named) reader.fault(within(place, 'tiers'), 'need rates of their condition');
  return {
    ...(multiply === null ? {} : { multiply }),
    ...(factors === null ? {} : { factors }),
    ...(Object.keys(rates).length === 0 ? {} : { rates }),
    ...(tiers.length === 0 ? {} : { tiers }),
  };
}

function readCondition(reader: FieldReader, value: unknown, place: Place): Modifier | null {
  const source = reader.object(value, place, CONDITION_KEYS);
  if (source === null) return null;
  const named = CONDITIONS.filter((name) => source[name] !== undefined);
  const condition = named[0];
  if (condition === undefined || named.length > 1) {
    reader.fault(place, `must name one of ${CONDITIONS.join(', ')}`);
    return null;
  }
  const text = reader.text(source[condition], within(place, condition));
  const effect = readEffect(reader, source, place);
  const standard = reader.flag(source['standard'], within(place, 'standard'));
  const when = readSpan(reader, source, place);
  if (text === null) return null;
  return {
    condition,
    value: text.toLowerCase(),
    ...effect,
    ...(standard ? { standard: true as const } : {}),
    ...when,
  };
}

/** Reads conditions; two for one value that hold at the same time are a fault. */
export function readConditions(reader: FieldReader, value: unknown, place: Place): readonly Modifier[] {
  const seen: { key: string; from: number; to: number; at: Place }[] = [];
  return reader.list(value, place, MAX_CONDITIONS, (each, at) => {
    const before = reader.faultCount;
    const modifier = readCondition(reader, each, at);
    if (modifier === null || reader.faultCount > before) return modifier;
    const own = { key: `${modifier.condition} ${modifier.value}`, ...microsOf(modifier), at };
    const other = seen.find(({ key, from, to }) => key === own.key && own.from < to && from < own.to);
    if (other !== undefined) {
      reader.fault(at, `holds for ${own.key} at the same time as ${pathOf(other.at)}`, other.at);
    }
    seen.push(own);
    return modifier;
  });
}
