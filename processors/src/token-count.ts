import type { AttributeValue } from './call.ts';
import { formatRational, parseDecimal } from './money.ts';

/**
 * A whole count from an attribute: integers, integral doubles and decimal text from 0 to 2^53 - 1. Undefined
 * where there is none, null where what is there is no such count.
 */
export function readCount(value: AttributeValue | undefined): number | null | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value + 0 : null;
  if (typeof value === 'bigint') {
    return value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : null;
  }
  if (typeof value !== 'string') return null;
  const decimal = parseDecimal(value.trim());
  if (decimal === null || decimal.numerator % decimal.denominator !== 0n) return null;
  return readCount(decimal.numerator / decimal.denominator);
}

/** A measure such as seconds, as exact decimal text; undefined where there is none, null where it is not one. */
export function readMeasure(value: AttributeValue | undefined): string | null | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'number' && typeof value !== 'bigint' && typeof value !== 'string') return null;
  const decimal = parseDecimal(String(value).trim());
  if (decimal === null || decimal.numerator < 0n) return null;
  if (decimal.numerator > decimal.denominator * BigInt(Number.MAX_SAFE_INTEGER)) return null;
  return formatRational(decimal);
}

/** An attribute's value as short text, for keeping what could not be read. */
export function valueText(value: AttributeValue): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value);
  return value instanceof Uint8Array ? `${value.length} bytes` : 'not a number';
}
