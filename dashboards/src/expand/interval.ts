import { intervalMs, type TimeRange } from './time-range.ts';

/** Below each bound the interval is rounded to the value beside it; as in Grafana's `roundInterval`. */
const ROUNDED: readonly (readonly [below: number, to: number])[] = [
  [15, 10],
  [35, 20],
  [75, 50],
  [150, 100],
  [350, 200],
  [750, 500],
  [1_500, 1_000],
  [3_500, 2_000],
  [7_500, 5_000],
  [12_500, 10_000],
  [17_500, 15_000],
  [25_000, 20_000],
  [45_000, 30_000],
  [90_000, 60_000],
  [210_000, 120_000],
  [450_000, 300_000],
  [750_000, 600_000],
  [1_050_000, 900_000],
  [1_500_000, 1_200_000],
  [2_700_000, 1_800_000],
  [5_400_000, 3_600_000],
  [9_000_000, 7_200_000],
  [16_200_000, 10_800_000],
  [32_400_000, 21_600_000],
  [86_400_000, 43_200_000],
  [604_800_000, 86_400_000],
  [1_814_400_000, 604_800_000],
  [3_628_800_000, 2_592_000_000],
];
const YEAR_MS = 31_536_000_000;
/** Most points of one Prometheus answer. */
const SAFE_POINTS = 11_000;
/** Scrapes that a rate should see. */
const RATE_SCRAPES = 4;

/** Rounds to an interval that people read easily. */
export function roundedIntervalMs(ms: number): number {
  return ROUNDED.find(([below]) => ms < below)?.[1] ?? YEAR_MS;
}

/** The interval of one point: the range over the points that fit, rounded, and never under `minimumMs`. */
export function pointIntervalMs(range: TimeRange, maxDataPoints: number, minimumMs: number): number {
  return Math.max(minimumMs, roundedIntervalMs((range.toMs - range.fromMs) / maxDataPoints));
}

/** As `1d`, `2h`, `5m`, `15s` or `10ms`, in the largest unit that is not 0; what is left is dropped. */
export function formatInterval(ms: number): string {
  for (const [unit, size] of [
    ['y', YEAR_MS],
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ] as const) {
    if (ms >= size) return `${Math.floor(ms / size)}${unit}`;
  }
  return `${Math.max(1, Math.floor(ms))}ms`;
}

/** As Go writes a duration of whole seconds: `1h0m30s`, `4m0s`, `15s`. */
export function goDuration(ms: number): string {
  const seconds = ms / 1_000;
  if (seconds < 1) return `${ms}ms`;
  const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60), seconds % 60];
  if (h > 0) return `${h}h${m}m${s}s`;
  return m > 0 ? `${m}m${s}s` : `${s}s`;
}

/** What a Prometheus query's own settings say. */
export interface PrometheusQuerySettings {
  /** The query's `interval`, the least step; may be a variable. */
  readonly minStep?: string | undefined;
  readonly intervalFactor?: number | undefined;
}

/** Where a query is put: range, width and the data source's scrape interval. */
export interface PrometheusQueryPlace {
  readonly range: TimeRange;
  readonly maxDataPoints: number;
  readonly scrapeInterval: string;
  /** The panel's own least interval. */
  readonly panelInterval?: string | undefined;
}

/** A query as it is sent: its text, its step, and start and end that are multiples of the step. */
export interface PrometheusRequest {
  readonly expr: string;
  readonly stepMs: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** Puts the interval variables (`$__interval`, `$__rate_interval`, `$__range`, …) into a Prometheus query. */
export function prometheusRequest(
  expr: string,
  settings: PrometheusQuerySettings,
  place: PrometheusQueryPlace,
): PrometheusRequest {
  const { range, maxDataPoints, scrapeInterval } = place;
  const variable = settings.minStep?.startsWith('$') === true;
  const minStep = variable || !settings.minStep ? undefined : settings.minStep;
  const queryMs = pointIntervalMs(range, maxDataPoints, intervalMs(place.panelInterval ?? scrapeInterval));
  const leastMs = intervalMs(minStep ?? scrapeInterval);
  const safeMs = roundedIntervalMs((range.toMs - range.fromMs) / SAFE_POINTS);
  const calculatedMs = Math.max(pointIntervalMs(range, maxDataPoints, leastMs), safeMs);
  const stepMs = calculatedMs * (settings.intervalFactor ?? 1);
  const scrapeMs = intervalMs(minStep ?? scrapeInterval);
  const rateMs = Math.max(queryMs + scrapeMs, RATE_SCRAPES * scrapeMs);
  const rangeMs = range.toMs - range.fromMs;
  const values: Readonly<Record<string, string>> = {
    __interval_ms: String(stepMs),
    __interval: formatInterval(stepMs),
    __range_ms: String(rangeMs),
    __range_s: String(Math.round(rangeMs / 1_000)),
    __range: `${Math.round(rangeMs / 1_000)}s`,
    __rate_interval_ms: String(rateMs),
    __rate_interval: goDuration(rateMs),
  };
  const text = expr.replace(
    /\$\{(__\w+)\}|\$(__\w+)/g,
    (whole, a: string | undefined, b: string | undefined) => {
      return values[a ?? b ?? ''] ?? whole;
    },
  );
  const aligned = (ms: number): number => Math.floor(ms / stepMs) * stepMs;
  return { expr: text, stepMs, startMs: aligned(range.fromMs), endMs: aligned(range.toMs) };
}
