const SHORT: readonly (readonly [at: number, suffix: string])[] = [
  [1e12, ' Tri'],
  [1e9, ' Bil'],
  [1e6, ' Mil'],
  [1e3, ' K'],
];
const MONEY: readonly (readonly [at: number, suffix: string])[] = [
  [1e12, 'T'],
  [1e9, 'B'],
  [1e6, 'M'],
  [1e3, 'K'],
];
const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
const DECIMAL = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
const SECONDS: readonly (readonly [at: number, unit: string])[] = [
  [31_536_000, ' years'],
  [604_800, ' weeks'],
  [86_400, ' days'],
  [3_600, ' hours'],
  [60, ' mins'],
  [1, ' s'],
  [1e-3, ' ms'],
  [1e-6, ' µs'],
];
/** Significant digits where a panel asks for no decimals. */
const DIGITS = 3;

/** Digits after the point that leave about three that tell something, without zeros at the end. */
function plain(value: number, decimals?: number): string {
  if (decimals !== undefined) return value.toFixed(decimals);
  if (value === 0) return '0';
  const whole = Math.floor(Math.log10(Math.abs(value))) + 1;
  const fixed = value.toFixed(Math.min(12, Math.max(0, DIGITS - whole)));
  return fixed.includes('.') ? fixed.replace(/\.?0+$/, '') : fixed;
}

function scaled(
  value: number,
  steps: readonly (readonly [number, string])[],
  decimals: number | undefined,
): string {
  const step = steps.find(([at]) => Math.abs(value) >= at);
  return step === undefined ? plain(value, decimals) : `${plain(value / step[0], decimals)}${step[1]}`;
}

function bytes(value: number, base: number, names: readonly string[], decimals: number | undefined): string {
  let left = value;
  let step = 0;
  while (Math.abs(left) >= base && step < names.length - 1) {
    left /= base;
    step++;
  }
  return `${plain(left, decimals)} ${names[step] ?? ''}`;
}

function duration(seconds: number, decimals: number | undefined): string {
  if (seconds === 0) return `${plain(0, decimals)} s`;
  const step = SECONDS.find(([at]) => Math.abs(seconds) >= at) ?? [1e-9, ' ns'];
  return `${plain(seconds / step[0], decimals)}${step[1]}`;
}

const isoMinute = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');

/** Writes a number as Grafana does for that unit; `now` in milliseconds is what ages count from. */
export function formatValue(
  value: number,
  unit: string = 'none',
  decimals?: number,
  now: number = 0,
): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '-∞';
  switch (unit) {
    case 'currencyUSD': {
      const sign = value < 0 ? '-' : '';
      return `${sign}$${scaled(Math.abs(value), MONEY, decimals)}`;
    }
    case 'percentunit':
      return `${plain(value * 100, decimals)}%`;
    case 'percent':
      return `${plain(value, decimals)}%`;
    case 'short':
      return scaled(value, SHORT, decimals);
    case 's':
    case 'dtdurations':
      return duration(value, decimals);
    case 'ms':
    case 'dtdurationms':
      return duration(value / 1_000, decimals);
    case 'bytes':
      return bytes(value, 1_024, BINARY, decimals);
    case 'decbytes':
      return bytes(value, 1_000, DECIMAL, decimals);
    case 'Bps':
    case 'binBps':
      return `${bytes(value, 1_024, BINARY, decimals)}/s`;
    case 'reqps':
      return `${scaled(value, SHORT, decimals)} req/s`;
    case 'ops':
      return `${scaled(value, SHORT, decimals)} ops/s`;
    case 'cps':
      return `${scaled(value, SHORT, decimals)} c/s`;
    case 'wps':
      return `${scaled(value, SHORT, decimals)} wr/s`;
    case 'dateTimeAsIso':
    case 'dateTimeAsIsoNoDateIfToday':
    case 'dateTimeAsSystem':
      return isoMinute(value);
    case 'dateTimeFromNow':
      return `${duration(Math.abs(now - value) / 1_000, 0)} ${value > now ? 'from now' : 'ago'}`;
    default:
      return withSuffix(value, unit, decimals);
  }
}

function withSuffix(value: number, unit: string, decimals: number | undefined): string {
  if (unit.startsWith('suffix:')) return `${plain(value, decimals)}${unit.slice('suffix:'.length)}`;
  if (unit === 'none' || unit === 'locale' || unit === '') return plain(value, decimals);
  return `${scaled(value, SHORT, decimals)} ${unit}`;
}
