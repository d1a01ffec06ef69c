import type { PeriodBounds } from '../budgets/budget.ts';
import { wallClockMs } from './zone-days.ts';

const MS_PER_HOUR = 3_600_000;
const MS_PER_WEEK = 7 * 24 * MS_PER_HOUR;
/** 1970-01-05 was a Monday. */
const FIRST_MONDAY_MS = 4 * 24 * MS_PER_HOUR;

/** Weights of the hours from Monday 00:00 on, summed up: `sums[h]` is what the first `h` hours come to. */
function summed(weightOf: (hour: number, isWeekend: boolean) => number): Float64Array {
  const sums = new Float64Array(7 * 24 + 1);
  for (let hour = 0; hour < 7 * 24; hour++) {
    sums[hour + 1] = (sums[hour] ?? 0) + weightOf(hour % 24, hour >= 5 * 24);
  }
  return sums;
}

/** How spend is spread over a week where nobody has seen it yet: office hours, evenings at home, jobs at night, even. */
const HABITS: readonly Float64Array[] = [
  summed(
    (hour, isWeekend) =>
      (hour >= 9 && hour < 18 ? 20 : hour >= 7 && hour < 22 ? 5 : 1) * (isWeekend ? 0.3 : 1),
  ),
  summed((hour) => (hour >= 16 && hour < 23 ? 10 : hour >= 7 ? 5 : 1)),
  summed((hour) => (hour < 6 ? 8 : 1)),
  summed(() => 1),
];

function weightUpTo(sums: Float64Array, wallMs: number): number {
  const sinceMs = wallMs - FIRST_MONDAY_MS;
  const week = Math.floor(sinceMs / MS_PER_WEEK);
  const hours = (sinceMs - week * MS_PER_WEEK) / MS_PER_HOUR;
  const [hour, whole] = [Math.floor(hours), sums.at(-1) ?? 0];
  const [low, high] = [sums[hour] ?? 0, sums[hour + 1] ?? whole];
  return week * whole + low + (high - low) * (hours - hour);
}

/** The part of a period's spend that is over by now, 0..1, by each habit that spend may have. */
export function sharesOfHabits(
  { startMs, endMs }: PeriodBounds,
  timezone: string,
  nowMs: number,
): readonly number[] {
  const [start, now, end] = [startMs, nowMs, endMs].map((atMs) => wallClockMs(timezone, atMs));
  if (start === undefined || now === undefined || end === undefined) return [];
  return HABITS.map((sums) => {
    const [before, all] = [weightUpTo(sums, start), weightUpTo(sums, end)];
    return Math.min(Math.max((weightUpTo(sums, now) - before) / (all - before), 0), 1);
  });
}
