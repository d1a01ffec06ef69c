const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  M: 2_592_000_000,
  y: 31_536_000_000,
};

/** What the time picker says, in milliseconds since the epoch. */
export interface TimeRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Milliseconds of an interval as Grafana writes it (`15s`, `1m`, `1d`); a bare number is seconds. Throws else. */
export function intervalMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|[smhdwMy])?$/.exec(text.trim());
  if (match === null) throw new Error(`not an interval: ${text}`);
  return Number(match[1]) * (UNIT_MS[match[2] ?? 's'] ?? 0);
}

/** Midnight of the UTC day, week (Monday), month or year that `atMs` is in. */
function startOf(atMs: number, unit: string): number {
  const at = new Date(atMs);
  const [year, month, day] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate()];
  if (unit === 'y') return Date.UTC(year, 0, 1);
  if (unit === 'M') return Date.UTC(year, month, 1);
  if (unit === 'w') return Date.UTC(year, month, day - ((at.getUTCDay() + 6) % 7));
  const size = UNIT_MS[unit] ?? 1;
  return Math.floor(atMs / size) * size;
}

function shifted(atMs: number, unit: string, by: number): number {
  if (unit !== 'M' && unit !== 'y') return atMs + by * (UNIT_MS[unit] ?? 0);
  const at = new Date(atMs);
  at.setUTCMonth(at.getUTCMonth() + by * (unit === 'y' ? 12 : 1));
  return at.getTime();
}

/**
 * A point of Grafana's date math (`now`, `now-24h`, `now-1d/d`), or an ISO instant, in milliseconds. In UTC, as
 * our boards are. Rounding goes down for the start of a range and to the end of the unit for its end.
 */
export function pointMs(text: string, nowMs: number, end: boolean = false): number {
  if (!text.startsWith('now')) {
    const parsed = Date.parse(text);
    if (Number.isNaN(parsed)) throw new Error(`not a time: ${text}`);
    return parsed;
  }
  let atMs = nowMs;
  const rest = text.slice(3);
  const step = /([-+])(\d+)([smhdwMy])|\/([smhdwMy])/gy;
  let read = 0;
  for (const [whole, sign, count, unit = '', rounded] of rest.matchAll(step)) {
    read += whole.length;
    if (rounded === undefined) atMs = shifted(atMs, unit, Number(count) * (sign === '-' ? -1 : 1));
    else {
      const from = startOf(atMs, rounded);
      atMs = end ? startOf(shifted(from, rounded, 1), rounded) - 1 : from;
    }
  }
  if (read !== rest.length) throw new Error(`not a time: ${text}`);
  return atMs;
}

/** A board's range at that moment. */
export function timeRange(time: { readonly from: string; readonly to: string }, nowMs: number): TimeRange {
  return { fromMs: pointMs(time.from, nowMs), toMs: pointMs(time.to, nowMs, true) };
}
