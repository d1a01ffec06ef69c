/** Whether and how lines may be decorated. */
export interface Paint {
  strong(text: string): string;
  faint(text: string): string;
  money(text: string): string;
  warning(text: string): string;
}

const PLAIN: Paint = {
  strong: (text) => text,
  faint: (text) => text,
  money: (text) => text,
  warning: (text) => text,
};

function sgr(open: number, close: number): (text: string) => string {
  return (text) => (text === '' ? text : `\u001B[${open}m${text}\u001B[${close}m`);
}

const COLOURED: Paint = {
  strong: sgr(1, 22),
  faint: sgr(2, 22),
  money: sgr(32, 39),
  warning: sgr(33, 39),
};

/** Colours only where `colour` is true; the text itself is the same. */
export function paint(colour: boolean): Paint {
  return colour ? COLOURED : PLAIN;
}

/**
 * An exact decimal amount of USD rounded half up to `decimals`, for reading only. `0.300000000000` becomes
 * `$0.3000`.
 */
export function usd(exact: string, decimals = 4): string {
  const match = /^(-?)(\d+)(?:\.(\d*))?$/.exec(exact);
  if (match === null) return exact;
  const [, sign = '', whole = '0', fraction = ''] = match;
  const digits = `${whole}${fraction.padEnd(decimals + 1, '0').slice(0, decimals + 1)}`;
  const rounded = ((BigInt(digits) + 5n) / 10n).toString().padStart(decimals + 1, '0');
  const cut = rounded.length - decimals;
  const grouped = rounded.slice(0, cut).replace(/\B(?=(\d{3})+$)/g, ',');
  return `${sign}$${grouped}${decimals === 0 ? '' : `.${rounded.slice(cut)}`}`;
}

/** A count with a unit, in at most six characters: `950`, `12.3k`, `4.56M`. */
export function count(value: number): string {
  if (value < 10_000) return String(value);
  const [divisor, unit] = value < 1e6 ? [1e3, 'k'] : value < 1e9 ? [1e6, 'M'] : [1e9, 'G'];
  const scaled = value / divisor;
  return `${scaled.toFixed(scaled < 10 ? 2 : scaled < 100 ? 1 : 0)}${unit}`;
}

const BARS = '▁▂▃▄▅▆▇█';

/** One character a value, scaled to the largest. */
export function sparkline(values: readonly number[]): string {
  const top = Math.max(...values, 0);
  return values
    .map((value) => BARS[top <= 0 ? 0 : Math.min(7, Math.max(0, Math.round((value / top) * 7)))] ?? '')
    .join('');
}

/** Cuts or fills to exactly `width` columns. */
export function left(text: string, width: number): string {
  return (text.length > width ? `${text.slice(0, width - 1)}…` : text).padEnd(width);
}

/** Like `left`, with the text at the right edge; never cut, since it is a number. */
export function right(text: string, width: number): string {
  return text.padStart(width);
}

/** `4:07` or `1:02:30`. */
export function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600);
  const tail = String(whole % 60).padStart(2, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${tail}` : `${minutes}:${tail}`;
}
