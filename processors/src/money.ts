/** Digits after the point that amounts are kept with: 1e-12 USD. */
const PICO_DIGITS = 12;
/** Longest exponent and number of digits that a decimal may have, so that no text makes a huge integer. */
const MAX_EXPONENT = 400;
const MAX_DIGITS = 400;

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;

/** An exact rational number: `numerator / denominator`, the denominator positive. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** Ten to the power of a small whole number, exactly. */
export function powerOfTen(exponent: number): bigint {
  return 10n ** BigInt(exponent);
}

/** Reads decimal text (`"2.50"`, `"-3"`, `"2.85e-06"`) exactly; null where it is not a decimal number. */
export function parseDecimal(text: string): Rational | null {
  const match = DECIMAL.exec(text);
  if (match === null) return null;
  const whole = match[2] ?? '';
  const fraction = match[3] ?? '';
  if (whole === '' && fraction === '') return null;
  const exponent = match[4] === undefined ? 0 : Number(match[4]);
  if (Math.abs(exponent) > MAX_EXPONENT || whole.length + fraction.length > MAX_DIGITS) return null;
  const digits = BigInt(whole + fraction) * (match[1] === '-' ? -1n : 1n);
  const scale = fraction.length - exponent;
  return scale <= 0
    ? { numerator: digits * powerOfTen(-scale), denominator: 1n }
    : { numerator: digits, denominator: powerOfTen(scale) };
}

/** Divides with one rounding, half to even. The denominator must be positive. */
export function divideHalfEven(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const remainder = numerator - quotient * denominator;
  if (remainder === 0n) return quotient;
  const twice = (remainder < 0n ? -remainder : remainder) * 2n;
  if (twice < denominator || (twice === denominator && (quotient & 1n) === 0n)) return quotient;
  return numerator < 0n ? quotient - 1n : quotient + 1n;
}

/** Writes an amount in 1e-12 USD as USD with exactly 12 decimals: `7500000000n` is `"0.007500000000"`. */
export function formatPico(pico: bigint): string {
  const negative = pico < 0n;
  const digits = (negative ? -pico : pico).toString().padStart(PICO_DIGITS + 1, '0');
  const point = digits.length - PICO_DIGITS;
  return `${negative ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** Reads USD as decimal text into 1e-12 USD, rounded half to even; null where it is not a decimal number. */
export function parsePico(text: string): bigint | null {
  const value = parseDecimal(text);
  if (value === null) return null;
  return divideHalfEven(value.numerator * powerOfTen(PICO_DIGITS), value.denominator);
}

/** Writes a rational as decimal text: exact where it ends within `maxDigits` decimals, else rounded half to even. */
export function formatRational(value: Rational, maxDigits = 30): string {
  const scaled = divideHalfEven(value.numerator * powerOfTen(maxDigits), value.denominator);
  const negative = scaled < 0n;
  const digits = (negative ? -scaled : scaled).toString().padStart(maxDigits + 1, '0');
  const point = digits.length - maxDigits;
  const fraction = digits.slice(point).replace(/0+$/, '');
  return `${negative ? '-' : ''}${digits.slice(0, point)}${fraction === '' ? '' : `.${fraction}`}`;
}
