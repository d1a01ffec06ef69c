import { mean, sum } from './series-statistics.ts';

const DAYS_PER_WEEK = 7;
/** Days whose mean is the rate. */
const RATE_DAYS = 28;
/** Fewer than two of each weekday say nothing about weekdays. */
const LEAST_FOR_WEEKDAYS = 14;

/** How much of an ordinary day each weekday costs, drawn towards 1 the fewer there were of it. */
function weekdayFactors(days: Float64Array, firstIndex: number, rate: number): Float64Array {
  const factors = new Float64Array(DAYS_PER_WEEK).fill(1);
  if (days.length < LEAST_FOR_WEEKDAYS || rate === 0) return factors;
  return factors.map((_, weekday) => {
    const same = days.filter((_day, index) => (firstIndex + index) % DAYS_PER_WEEK === weekday);
    return (sum(same) / rate + 1) / (same.length + 1);
  });
}

/**
 * Spend of the next `horizon` days as the mean of the last four weeks, by weekday where there are two weeks or more.
 * `days` starts with the first day that there was any spend. Never negative.
 */
export function runRate(days: Float64Array, horizon: number): Float64Array {
  const firstIndex = Math.max(0, days.length - RATE_DAYS);
  const recent = days.subarray(firstIndex);
  const rate = Math.max(0, mean(recent));
  const factors = weekdayFactors(recent, firstIndex, rate);
  return Float64Array.from(
    { length: horizon },
    (_, ahead) => rate * Math.max(0, factors[(days.length + ahead) % DAYS_PER_WEEK] ?? 1),
  );
}
