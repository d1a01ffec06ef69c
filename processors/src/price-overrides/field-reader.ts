import { parseDecimal, powerOfTen } from '../money.ts';
import { instantMicros } from '../price-period.ts';
import { canonicalProvider } from '../providers.ts';
import type { Place } from './place.ts';
import { pathOf, stepsOf, within } from './place.ts';

/** A fault in a prices file, with where it is. */
export interface PriceFault {
  /** `tenants.acme.prices[0].input_mtok`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  /** The same as keys and list positions, which no dot in a tenant's name can make ambiguous. */
  readonly at: readonly (string | number)[];
  /** The other place, where two contradict each other. */
  readonly other?: readonly (string | number)[];
}

/** A number as a file writes it, so that none of its digits is lost. */
export class WrittenNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type Plain = Readonly<Record<string, unknown>>;

/** Decimal digits that a double always keeps. */
const MAX_EXACT_DIGITS = 15;
/** Characters of a decimal, a name or a note: far beyond any real one. */
const MAX_DECIMAL_CHARACTERS = 64;
const MAX_TEXT_CHARACTERS = 512;
/** No amount at such a price would fit what amounts are stored in. */
const PRICE_LIMIT = powerOfTen(27);
/** Faults kept; more are only counted, so that a file of nothing but faults stays small in memory. */
const MAX_FAULTS = 1000;

function significantDigits(value: number): number {
  return (/^-?([\d.]+)/.exec(String(value))?.[1] ?? '').replace('.', '').replace(/^0+/, '').length;
}

function isMapping(value: unknown): value is Plain {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false;
  return !(value instanceof WrittenNumber) && !(value instanceof Date);
}

/** Collects faults while it reads, so that all are reported at once. */
export class FieldReader {
  readonly faults: PriceFault[] = [];
  /** Faults found, those that were not kept included. */
  faultCount = 0;

  fault(place: Place, message: string, other?: Place): void {
    this.faultCount++;
    if (this.faults.length >= MAX_FAULTS) return;
    const second = other === undefined ? {} : { other: stepsOf(other) };
    this.faults.push({ path: pathOf(place), message, at: stepsOf(place), ...second });
  }

  object(value: unknown, place: Place, allowed: ReadonlySet<string>): Plain | null {
    if (!isMapping(value)) {
      this.fault(place, 'must be a mapping');
      return null;
    }
    for (const key of Object.keys(value)) {
      if (!allowed.has(key)) this.fault(within(place, key), 'is not an option here');
    }
    return value;
  }

  /** A mapping whose keys are names that people choose. */
  entries(value: unknown, place: Place): readonly (readonly [string, unknown])[] {
    if (value === undefined || value === null) return [];
    if (isMapping(value)) return Object.entries(value);
    this.fault(place, 'must be a mapping');
    return [];
  }

  list<T>(
    value: unknown,
    place: Place,
    max: number,
    read: (each: unknown, place: Place) => T | null,
  ): readonly T[] {
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) {
      this.fault(place, 'must be a list');
      return [];
    }
    if (value.length > max) {
      this.fault(place, `has ${value.length} entries; ${max} are the most`);
      return [];
    }
    return value.flatMap((each, i) => {
      const found = read(each, within(place, i));
      return found === null ? [] : [found];
    });
  }

  text(value: unknown, place: Place): string | null {
    if (value instanceof WrittenNumber || typeof value === 'number') {
      this.fault(place, 'must be text: put the number in quotes');
      return null;
    }
    if (typeof value !== 'string' || value.trim() === '') {
      this.fault(place, value === undefined ? 'is missing' : 'must be text');
      return null;
    }
    const text = value.trim();
    if (text.length > MAX_TEXT_CHARACTERS) {
      this.fault(place, `has more than ${MAX_TEXT_CHARACTERS} characters`);
      return null;
    }
    if (/\p{Cc}/u.test(text)) {
      this.fault(place, 'has a control character');
      return null;
    }
    return text;
  }

  /** A decimal of 0 or more, exactly as written. */
  decimal(value: unknown, place: Place): string | null {
    if (typeof value === 'number' && significantDigits(value) > MAX_EXACT_DIGITS) {
      this.fault(place, `has more than ${MAX_EXACT_DIGITS} digits: put it in quotes, so that none is lost`);
      return null;
    }
    const written = value instanceof WrittenNumber ? value.text : value;
    const text = typeof written === 'number' ? String(written) : written;
    if (typeof text !== 'string') {
      const missing =
        text === undefined ? 'is missing' : 'must be a decimal number of 0 or more, such as "2.50"';
      this.fault(place, missing);
      return null;
    }
    return this.#amount(text.trim(), place);
  }

  #amount(text: string, place: Place): string | null {
    const parsed = text.length > MAX_DECIMAL_CHARACTERS ? null : parseDecimal(text);
    if (text.length > MAX_DECIMAL_CHARACTERS) {
      this.fault(place, `has more than ${MAX_DECIMAL_CHARACTERS} characters`);
    } else if (parsed === null) {
      this.fault(place, 'must be a decimal number of 0 or more, such as "2.50"');
    } else if (parsed.numerator < 0n) {
      this.fault(place, 'must not be negative');
    } else if (parsed.numerator >= parsed.denominator * PRICE_LIMIT) {
      this.fault(place, `must be less than ${PRICE_LIMIT}`);
    } else if (parsed.denominator > powerOfTen(MAX_DECIMAL_CHARACTERS)) {
      this.fault(place, `has more than ${MAX_DECIMAL_CHARACTERS} decimals`);
    } else {
      return text;
    }
    return null;
  }

  /** A whole number within bounds. */
  whole(value: unknown, place: Place, least: number, most: number, what: string): number | null {
    const written =
      value instanceof WrittenNumber && /^\d{1,16}$/.test(value.text) ? Number(value.text) : value;
    if (typeof written === 'number' && Number.isSafeInteger(written) && written >= least && written <= most) {
      return written;
    }
    this.fault(place, value === undefined ? `is missing: ${what}` : `must be ${what}`);
    return null;
  }

  flag(value: unknown, place: Place): boolean {
    if (value !== undefined && typeof value !== 'boolean') this.fault(place, 'must be true or false');
    return value === true;
  }

  instant(value: unknown, place: Place): string | null {
    const text = value instanceof Date ? value.toISOString() : value;
    try {
      if (typeof text === 'string' && Number.isFinite(instantMicros(text))) return text;
    } catch {
      // Said below, with the place.
    }
    this.fault(place, 'must be an instant such as 2026-08-16T16:00:00Z, or a date (UTC)');
    return null;
  }

  provider(value: unknown, place: Place): string | null {
    const text = this.text(value, place);
    if (text === null) return null;
    const id = canonicalProvider(text);
    if (id === null || id.includes('*')) {
      this.fault(place, `"${text}" names no provider`);
      return null;
    }
    return id;
  }
}
