import { formatRational, parseDecimal } from '../money.ts';
import type { PricePeriod } from '../price-entry.ts';
import type { CurrencyRate, Deployment, Discount, LayerPrice } from '../price-layer.ts';
import { RATE_NAMES } from '../rate-table.ts';
import type { FieldReader, Plain } from './field-reader.ts';
import { readConditions, readRateMap, readRates, readSpan, readTiers, readWindows } from './period-fields.ts';
import type { Place } from './place.ts';
import { within } from './place.ts';

const PRICE_KEYS: ReadonlySet<string> = new Set([
  'provider',
  'model',
  'aliases',
  'from',
  'to',
  'free',
  'currency',
  'tiers',
  'windows',
  'conditions',
  'least_seconds',
  ...RATE_NAMES,
]);
const DEPLOYMENT_KEYS: ReadonlySet<string> = new Set([
  'provider',
  'name',
  'model',
  'model_provider',
  'from',
  'to',
]);
/** What a discount does; each has exactly one. */
const DISCOUNT_FORMS = ['multiply', 'percent', 'rates', 'subtract', 'free'] as const;
const DISCOUNT_KEYS: ReadonlySet<string> = new Set([
  'provider',
  'models',
  'currency',
  'from',
  'to',
  ...DISCOUNT_FORMS,
]);
const CURRENCY_KEYS: ReadonlySet<string> = new Set(['from', 'to', 'usd']);
const LEAST_SECONDS = 'whole seconds of audio, from 1 to 3600';
const MAX_NAMES = 1000;

/** An ISO 4217 code other than USD; null where there is none or it is at fault. */
export function readCurrencyCode(reader: FieldReader, value: unknown, place: Place): string | null {
  if (value === undefined) return null;
  if (value === 'USD') return null;
  if (typeof value === 'string' && /^[A-Z]{3}$/.test(value)) return value;
  reader.fault(place, 'must be an ISO 4217 code such as EUR');
  return null;
}

/** Reads one entry of `prices`. */
export function readPrice(reader: FieldReader, value: unknown, place: Place): LayerPrice | null {
  const source = reader.object(value, place, PRICE_KEYS);
  if (source === null) return null;
  const provider = reader.provider(source['provider'], within(place, 'provider'));
  const model = reader.text(source['model'], within(place, 'model'));
  const aliases = reader.list(source['aliases'], within(place, 'aliases'), MAX_NAMES, (each, at) =>
    reader.text(each, at),
  );
  const period = readPeriod(reader, source, place);
  if (provider === null || model === null || period === null) return null;
  return {
    provider,
    model: model.toLowerCase(),
    ...(aliases.length === 0 ? {} : { aliases }),
    periods: [period],
  };
}

function readPeriod(reader: FieldReader, source: Plain, place: Place): PricePeriod | null {
  const rates = readRates(reader, source, place);
  const free = reader.flag(source['free'], within(place, 'free'));
  const isPriced = Object.keys(rates).length > 0;
  if (!free && !RATE_NAMES.some((name) => source[name] !== undefined)) {
    reader.fault(place, 'has no price; a free model says free: true');
  }
  if (free && Object.values(rates).some((usd) => parseDecimal(usd)?.numerator !== 0n)) {
    reader.fault(within(place, 'free'), 'is said of an entry that has a price');
  }
  const currency = readCurrencyCode(reader, source['currency'], within(place, 'currency'));
  const tiers = readTiers(reader, source['tiers'], within(place, 'tiers'));
  const windows = readWindows(reader, source['windows'], within(place, 'windows'));
  const modifiers = readConditions(reader, source['conditions'], within(place, 'conditions'));
  const leastSeconds =
    source['least_seconds'] === undefined
      ? null
      : reader.whole(source['least_seconds'], within(place, 'least_seconds'), 1, 3600, LEAST_SECONDS);
  const when = readSpan(reader, source, place);
  if (!free && !isPriced) return null;
  return {
    ...when,
    ...(free ? { free: true as const } : {}),
    ...(currency === null ? {} : { currency }),
    ...(leastSeconds === null ? {} : { leastSeconds }),
    rates,
    ...(tiers.length === 0 ? {} : { tiers }),
    ...(windows.length === 0 ? {} : { windows }),
    ...(modifiers.length === 0 ? {} : { modifiers }),
  };
}

/** Reads one entry of `deployments`. */
export function readDeployment(reader: FieldReader, value: unknown, place: Place): Deployment | null {
  const source = reader.object(value, place, DEPLOYMENT_KEYS);
  if (source === null) return null;
  const provider = reader.provider(source['provider'], within(place, 'provider'));
  const name = reader.text(source['name'], within(place, 'name'));
  if (name?.includes('*') === true) {
    reader.fault(within(place, 'name'), 'must be one whole name: * is not read as a wildcard here');
  }
  const model = reader.text(source['model'], within(place, 'model'));
  const modelProvider =
    source['model_provider'] === undefined
      ? null
      : reader.provider(source['model_provider'], within(place, 'model_provider'));
  const when = readSpan(reader, source, place);
  if (provider === null || name === null || name.includes('*') || model === null) return null;
  return { provider, name, model, ...(modelProvider === null ? {} : { modelProvider }), ...when };
}

function readPercent(reader: FieldReader, value: unknown, place: Place): string | null {
  const sign = typeof value === 'string' && value.trim().endsWith('%');
  const text = reader.decimal(sign ? value.trim().slice(0, -1) : value, place);
  const percent = text === null ? null : parseDecimal(text);
  if (percent === null) return null;
  const denominator = percent.denominator * 100n;
  if (percent.numerator > denominator) {
    reader.fault(place, 'must be at most 100');
    return null;
  }
  const numerator = denominator - percent.numerator;
  return formatRational({ numerator, denominator }, denominator.toString().length - 1);
}

type Form = Pick<Discount, 'multiply' | 'rates' | 'subtract'>;

function readForm(reader: FieldReader, source: Plain, place: Place): Form | null {
  const named = DISCOUNT_FORMS.filter((name) => source[name] !== undefined);
  const [form] = named;
  if (form === undefined || named.length > 1) {
    const found = named.length === 0 ? '' : `, not ${named.join(' and ')}`;
    reader.fault(place, `must have exactly one of ${DISCOUNT_FORMS.join(', ')}${found}`);
    return null;
  }
  const at = within(place, form);
  switch (form) {
    case 'multiply':
    case 'percent': {
      const read =
        form === 'percent'
          ? readPercent
          : (own: FieldReader, ...rest: [unknown, Place]) => own.decimal(...rest);
      const multiply = read(reader, source[form], at);
      return multiply === null ? null : { multiply };
    }
    case 'free':
      if (source['free'] === true) return { multiply: '0' };
      reader.fault(at, 'must be true, or left out');
      return null;
    case 'rates':
    case 'subtract': {
      const rates = readRateMap(reader, source[form], at);
      return rates === null ? null : { [form]: rates };
    }
    default:
      return form satisfies never;
  }
}

/** Reads one entry of `discounts`. */
export function readDiscount(reader: FieldReader, value: unknown, place: Place): Discount | null {
  const source = reader.object(value, place, DISCOUNT_KEYS);
  if (source === null) return null;
  const everybody = source['provider'] === undefined || source['provider'] === '*';
  const provider = everybody ? '*' : reader.provider(source['provider'], within(place, 'provider'));
  const models = reader.list(source['models'], within(place, 'models'), MAX_NAMES, (each, at) =>
    reader.text(each, at),
  );
  if (Array.isArray(source['models']) && source['models'].length === 0) {
    reader.fault(within(place, 'models'), 'names no model; without "models" it holds for all');
  }
  const form = readForm(reader, source, place);
  const currency = readCurrencyCode(reader, source['currency'], within(place, 'currency'));
  if (currency !== null && form?.multiply !== undefined) {
    reader.fault(within(place, 'currency'), 'has no meaning for a factor');
  }
  const when = readSpan(reader, source, place);
  if (provider === null || form === null) return null;
  return {
    provider,
    ...(models.length === 0 ? {} : { models }),
    ...form,
    ...(currency === null ? {} : { currency }),
    ...when,
  };
}

/** Reads one dated rate of a currency. */
export function readCurrencyRate(
  reader: FieldReader,
  currency: string,
  value: unknown,
  place: Place,
): CurrencyRate | null {
  const source = reader.object(value, place, CURRENCY_KEYS);
  if (source === null) return null;
  const usd = reader.decimal(source['usd'], within(place, 'usd'));
  if (usd !== null && parseDecimal(usd)?.numerator === 0n) {
    reader.fault(within(place, 'usd'), 'must be more than 0');
    return null;
  }
  const when = readSpan(reader, source, place);
  return usd === null ? null : { currency, usd, ...when };
}
