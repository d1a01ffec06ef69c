import type { DailyForecast } from './daily-forecast.ts';
import { UNMEASURED_SPREAD } from './interval.ts';
import { restByRunRate } from './period-forecast.ts';
import type { SeriesHistory } from './series-history.ts';
import { startOfDayMs } from './zone-days.ts';

/** Whether any whole day is known with spend in it: today is no history yet. */
export function hasWholeDays({ days }: SeriesHistory): boolean {
  return days.subarray(0, -1).some((usd) => usd > 0);
}

/**
 * Days to come of a series of which only today is known, the first one being today: each is what today may come to,
 * and may differ from it besides. Null where there is a whole day, or no spend today either.
 */
export function firstDayForecast(
  history: SeriesHistory,
  timezone: string,
  nowMs: number,
  horizon: number,
): DailyForecast | null {
  const spent = history.days.at(-1) ?? 0;
  if (spent <= 0 || hasWholeDays(history)) return null;
  const today = history.firstDay + history.days.length - 1;
  const [startMs, endMs] = [startOfDayMs(timezone, today), startOfDayMs(timezone, today + 1)];
  const question = { bounds: { startMs, endMs }, timezone, nowMs, spent, limit: Infinity };
  const rest = restByRunRate(question, null, null);
  if (rest === null) return null;
  const day = spent + rest.expected;
  const apart = Math.exp(UNMEASURED_SPREAD);
  const parts = { low: (spent + rest.low) / day / apart, high: ((spent + rest.high) / day) * apart };
  const bounds = (expected: number) => ({ low: expected * parts.low, high: expected * parts.high });
  return {
    method: 'run_rate',
    expected: new Float64Array(horizon).fill(day),
    spread: { day: Math.log(parts.high), sumOf: () => Math.log(parts.high) },
    dayBounds: () => bounds(day),
    sumBounds: bounds,
  };
}
