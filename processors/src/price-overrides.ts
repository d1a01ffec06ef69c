import { parseDecimal } from './money.ts';
import type {
  ConditionName,
  ContextTier,
  Modifier,
  PricePeriod,
  RateName,
  Rates,
  TimeWindow,
} from './price-entry.ts';
import type { Deployment, Discount, LayerPrice, PriceLayer, PriceOverrides } from './price-layer.ts';
import { EMPTY_LAYER } from './price-layer.ts';
import { instantMicros } from './price-period.ts';
import { canonicalProvider } from './providers.ts';
import { RATE_NAMES } from './rate-table.ts';

/** A fault in a prices file, with where it is (`tenants.acme.prices[0].input_mtok`). */
export interface PriceFault {
  readonly path: string;
  readonly message: string;
}

/** What a prices file says, and everything that is wrong with it; a faulty part is left out. */
export interface ParsedOverrides {
  readonly overrides: PriceOverrides;
  readonly faults: readonly PriceFault[];
}

type Plain = Readonly<Record<string, unknown>>;

const CONDITIONS: readonly ConditionName[] = ['tier', 'speed', 'geo', 'region', 'profile', 'search_context'];
const PRICE_KEYS: ReadonlySet<string> = new Set([
  'provider',
  'model',
  'aliases',
  'from',
  'to',
  'free',
  'tiers',
  'windows',
  'conditions',
  ...RATE_NAMES,
]);

/** Decimal digits that a double always keeps. */
const MAX_EXACT_DIGITS = 15;

function significantDigits(value: number): number {
  return (/^-?([\d.]+)/.exec(String(value))?.[1] ?? '').replace('.', '').replace(/^0+/, '').length;
}

/** Collects faults while it reads, so that all are reported at once. */
class Reader {
  readonly faults: PriceFault[] = [];

  fault(path: string, message: string): void {
    this.faults.push({ path, message });
  }

  object(value: unknown, path: string, allowed: ReadonlySet<string>): Plain | null {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
      this.fault(path, 'must be a mapping');
      return null;
    }
    for (const key of Object.keys(value)) {
      if (!allowed.has(key)) this.fault(`${path}.${key}`, 'is not an option here');
    }
    return value as Plain;
  }

  list<T>(value: unknown, path: string, read: (each: unknown, path: string) => T | null): T[] {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) {
      this.fault(path, 'must be a list');
      return [];
    }
    return value.flatMap((each, i) => {
      const found = read(each, `${path}[${i}]`);
      return found === null ? [] : [found];
    });
  }

  text(value: unknown, path: string): string | null {
    if (typeof value === 'string' && value.trim() !== '') return value.trim();
    this.fault(path, 'must be text');
    return null;
  }

  /** A decimal, best in quotes; a number stands for its shortest decimal text, where that is sure to be exact. */
  decimal(value: unknown, path: string): string | null {
    const text = typeof value === 'number' ? String(value) : value;
    if (typeof value === 'number' && significantDigits(value) > MAX_EXACT_DIGITS) {
      this.fault(path, `has more than ${MAX_EXACT_DIGITS} digits: put it in quotes, so that none is lost`);
      return null;
    }
    const parsed = typeof text === 'string' ? parseDecimal(text.trim()) : null;
    if (typeof text === 'string' && parsed !== null && parsed.numerator >= 0n) return text.trim();
    this.fault(path, 'must be a decimal number of 0 or more, such as "2.50"');
    return null;
  }

  flag(value: unknown, path: string): boolean {
    if (value !== undefined && typeof value !== 'boolean') this.fault(path, 'must be true or false');
    return value === true;
  }

  instant(value: unknown, path: string): string | null {
    const text = value instanceof Date ? value.toISOString() : value;
    try {
      if (typeof text === 'string' && Number.isFinite(instantMicros(text))) return text;
    } catch {
      // Said below, with the path.
    }
    this.fault(path, 'must be an instant such as 2026-08-16T16:00:00Z, or a date (UTC)');
    return null;
  }

  provider(value: unknown, path: string): string | null {
    const text = this.text(value, path);
    if (text === null) return null;
    const id = canonicalProvider(text);
    if (id === null) this.fault(path, `"${text}" names no provider`);
    return id;
  }
}

function readRates(reader: Reader, source: Plain, path: string): Rates {
  const rates: Partial<Record<RateName, string>> = {};
  for (const name of RATE_NAMES) {
    if (source[name] === undefined) continue;
    const usd = reader.decimal(source[name], `${path}.${name}`);
    if (usd !== null) rates[name] = usd;
  }
  return rates;
}

function readSpan(reader: Reader, source: Plain, path: string): { from?: string; to?: string } {
  const from = source['from'] == null ? null : reader.instant(source['from'], `${path}.from`);
  const to = source['to'] == null ? null : reader.instant(source['to'], `${path}.to`);
  if (from !== null && to !== null && instantMicros(from) >= instantMicros(to)) {
    reader.fault(`${path}.to`, 'must be later than "from"');
  }
  return { ...(from === null ? {} : { from }), ...(to === null ? {} : { to }) };
}

function readTier(reader: Reader, value: unknown, path: string): ContextTier | null {
  const source = reader.object(value, path, new Set(['above', 'inclusive', ...RATE_NAMES]));
  if (source === null) return null;
  const above = source['above'];
  if (typeof above !== 'number' || !Number.isSafeInteger(above) || above < 0) {
    reader.fault(`${path}.above`, 'must be a number of tokens');
    return null;
  }
  const inclusive = reader.flag(source['inclusive'], `${path}.inclusive`) ? { inclusive: true as const } : {};
  return { above, ...inclusive, rates: readRates(reader, source, path) };
}

function readWindow(reader: Reader, value: unknown, path: string): TimeWindow | null {
  const source = reader.object(value, path, new Set(['days', 'except', 'from', 'to', ...RATE_NAMES]));
  if (source === null) return null;
  const time = (name: string): string | null => {
    const text = source[name];
    if (typeof text === 'string' && /^([01]\d|2[0-3]):[0-5]\d$/.test(text)) return text;
    reader.fault(`${path}.${name}`, 'must be a time of day in UTC, such as "01:30"');
    return null;
  };
  const from = time('from');
  const to = time('to');
  const days = reader.list(source['days'], `${path}.days`, (each, at) => {
    if (typeof each === 'number' && Number.isInteger(each) && each >= 1 && each <= 7) return each;
    reader.fault(at, 'must be a day from 1 (Monday) to 7 (Sunday)');
    return null;
  });
  const except = reader.list(source['except'], `${path}.except`, (each, at) => reader.instant(each, at));
  if (from === null || to === null) return null;
  return {
    ...(days.length === 0 ? {} : { days }),
    ...(except.length === 0 ? {} : { except }),
    from,
    to,
    rates: readRates(reader, source, path),
  };
}

function readCondition(reader: Reader, value: unknown, path: string): Modifier | null {
  const allowed = new Set<string>([...CONDITIONS, 'multiply', 'standard', 'from', 'to', ...RATE_NAMES]);
  const source = reader.object(value, path, allowed);
  if (source === null) return null;
  const named = CONDITIONS.filter((name) => source[name] !== undefined);
  const condition = named[0];
  if (condition === undefined || named.length > 1) {
    reader.fault(path, `must name one of ${CONDITIONS.join(', ')}`);
    return null;
  }
  const text = reader.text(source[condition], `${path}.${condition}`);
  const multiply =
    source['multiply'] === undefined ? null : reader.decimal(source['multiply'], `${path}.multiply`);
  const rates = readRates(reader, source, path);
  if (text === null) return null;
  return {
    condition,
    value: text.toLowerCase(),
    ...(multiply === null ? {} : { multiply }),
    ...(Object.keys(rates).length === 0 ? {} : { rates }),
    ...(reader.flag(source['standard'], `${path}.standard`) ? { standard: true as const } : {}),
    ...readSpan(reader, source, path),
  };
}

function readPrice(reader: Reader, value: unknown, path: string): LayerPrice | null {
  const source = reader.object(value, path, PRICE_KEYS);
  if (source === null) return null;
  const provider = reader.provider(source['provider'], `${path}.provider`);
  const model = reader.text(source['model'], `${path}.model`);
  const aliases = reader.list(source['aliases'], `${path}.aliases`, (each, at) => reader.text(each, at));
  const rates = readRates(reader, source, path);
  const free = reader.flag(source['free'], `${path}.free`);
  if (!free && Object.keys(rates).length === 0)
    reader.fault(path, 'has no price; a free model says free: true');
  const tiers = reader.list(source['tiers'], `${path}.tiers`, (each, at) => readTier(reader, each, at));
  const windows = reader.list(source['windows'], `${path}.windows`, (each, at) =>
    readWindow(reader, each, at),
  );
  const modifiers = reader.list(source['conditions'], `${path}.conditions`, (each, at) =>
    readCondition(reader, each, at),
  );
  const period: PricePeriod = {
    ...readSpan(reader, source, path),
    ...(free ? { free: true as const } : {}),
    rates,
    ...(tiers.length === 0 ? {} : { tiers }),
    ...(windows.length === 0 ? {} : { windows }),
    ...(modifiers.length === 0 ? {} : { modifiers }),
  };
  if (provider === null || model === null || (!free && Object.keys(rates).length === 0)) return null;
  return {
    provider,
    model: model.toLowerCase(),
    ...(aliases.length === 0 ? {} : { aliases }),
    periods: [period],
  };
}

function readDeployment(reader: Reader, value: unknown, path: string): Deployment | null {
  const source = reader.object(value, path, new Set(['provider', 'name', 'model']));
  if (source === null) return null;
  const provider = reader.provider(source['provider'], `${path}.provider`);
  const name = reader.text(source['name'], `${path}.name`);
  const model = reader.text(source['model'], `${path}.model`);
  return provider === null || name === null || model === null ? null : { provider, name, model };
}

function readDiscount(reader: Reader, value: unknown, path: string): Discount | null {
  const source = reader.object(value, path, new Set(['provider', 'models', 'multiply', 'from', 'to']));
  if (source === null) return null;
  const provider = reader.provider(source['provider'], `${path}.provider`);
  const multiply = reader.decimal(source['multiply'], `${path}.multiply`);
  const models = reader.list(source['models'], `${path}.models`, (each, at) => reader.text(each, at));
  const when = readSpan(reader, source, path);
  if (provider === null || multiply === null) return null;
  return { provider, ...(models.length === 0 ? {} : { models }), multiply, ...when };
}

/** Two prices of one model that begin at once: nothing says which of them applies. */
function reportAmbiguous(reader: Reader, prices: readonly LayerPrice[], path: string): void {
  const seen = new Set<string>();
  for (const { provider, model, aliases, periods } of prices) {
    const start = periods[0]?.from;
    const at = start === undefined ? '' : String(instantMicros(start));
    for (const name of new Set([model, ...(aliases ?? []).map((each) => each.toLowerCase())])) {
      const key = JSON.stringify([provider, name, at]);
      if (seen.has(key)) {
        const since = start === undefined ? 'without a start' : `from ${start}`;
        reader.fault(path, `has two prices for ${provider} ${name} ${since}`);
      }
      seen.add(key);
    }
  }
}

function readLayer(reader: Reader, source: Plain, path: string): PriceLayer {
  const at = (name: string): string => (path === '' ? name : `${path}.${name}`);
  const prices = reader.list(source['prices'], at('prices'), (each, where) => readPrice(reader, each, where));
  reportAmbiguous(reader, prices, at('prices'));
  return {
    prices,
    deployments: reader.list(source['deployments'], at('deployments'), (each, where) =>
      readDeployment(reader, each, where),
    ),
    discounts: reader.list(source['discounts'], at('discounts'), (each, where) =>
      readDiscount(reader, each, where),
    ),
  };
}

/**
 * Reads a prices file, already parsed from YAML or JSON: `prices`, `deployments` and `discounts` for everybody,
 * and the same under `tenants.<tenant>` for one. Never throws; every fault is reported with its path.
 */
export function parsePriceOverrides(value: unknown): ParsedOverrides {
  const reader = new Reader();
  const tenants = new Map<string, PriceLayer>();
  const layerKeys = ['prices', 'deployments', 'discounts'];
  if (value === undefined || value === null)
    return { overrides: { operator: EMPTY_LAYER, tenants }, faults: [] };
  const source = reader.object(value, 'prices file', new Set([...layerKeys, 'tenants']));
  if (source === null) return { overrides: { operator: EMPTY_LAYER, tenants }, faults: reader.faults };
  const operator = readLayer(reader, source, '');
  const named = source['tenants'];
  if (named !== undefined && named !== null) {
    const byTenant =
      named !== null && typeof named === 'object' && !Array.isArray(named) ? (named as Plain) : null;
    if (byTenant === null) reader.fault('tenants', 'must be a mapping');
    for (const [tenant, layer] of Object.entries(byTenant ?? {})) {
      const own = reader.object(layer, `tenants.${tenant}`, new Set(layerKeys));
      if (own !== null) tenants.set(tenant, readLayer(reader, own, `tenants.${tenant}`));
    }
  }
  return { overrides: { operator, tenants }, faults: reader.faults };
}
