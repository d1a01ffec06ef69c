import type { Sensitivity } from './options.ts';

const MAD_TO_DEVIATION = 1.4826;
/** Added to every hour as a part of the usual, so that hours without spend have a logarithm. */
const OFFSET_PART = 0.05;
/** Weeks, or days, that a comparison needs. */
export const LEAST_WEEKS = 3;
export const LEAST_DAYS = 7;
/** An hour of the last days at which a new level has become the usual: the middle of three. */
const RECENT_DAYS = 3;
const DAYS_PER_WEEK = 7;
/** Beyond the dearest hour that it is compared with, an hour must be by this factor. */
const BEYOND_PEAK = 1.25;
/** Of so many hours, the dearest may have been an anomaly itself and is passed over. */
const MANY_HOURS = 5;

interface Strictness {
  /** Times the usual. */
  readonly ratio: number;
  /** Deviations of the logarithm beyond the usual; for hours that vary more than ordinary. */
  readonly deviations: number;
}

const STRICTNESS: Readonly<Record<Sensitivity, Strictness>> = {
  low: { ratio: 4, deviations: 4.5 },
  medium: { ratio: 2.5, deviations: 3.6 },
  high: { ratio: 1.5, deviations: 2.8 },
};

/** Spend in USD of a series in one hour and in hours to compare it with. */
export interface HourToJudge {
  readonly spent: number;
  /** The same hour of the week, the latest first, as far back as there was any spend; hours without are 0. */
  readonly weeks: readonly number[];
  /** The same hour of the days before, the latest first, as far back as there was any spend. */
  readonly days: readonly number[];
  /** The dearest hour of the last two weeks; null where it was not asked for. */
  readonly peak: number | null;
}

export interface Judging {
  readonly sensitivity: Sensitivity;
  /** Least excess in USD. */
  readonly minExcess: number;
  /** Least spend in USD of an hour without history. */
  readonly minNew: number;
}

/** What an hour usually costs, and whether this one stands out. */
export interface Verdict {
  readonly expected: number;
  readonly isAnomaly: boolean;
  /** `new`: there is nothing to compare with; `sparse`: it mostly costs nothing at this hour. */
  readonly basis: 'week' | 'day' | 'sparse' | 'new';
}

function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).toSorted();
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? 0) + high) / 2;
}

/**
 * How much hours vary: the deviation of their logarithm, by medians, so that one anomaly among them does not count.
 * Eight weeks alone can look steady by luck; what one week differs from the next is a second witness, and the days of
 * the last two weeks a third.
 */
function deviation(hour: HourToJudge, values: readonly number[], expected: number): number {
  const logarithm = (usd: number): number => Math.log(Math.max(usd, 0) + OFFSET_PART * expected);
  const center = median(values.map(logarithm));
  const around = median(values.map((usd) => Math.abs(logarithm(usd) - center)));
  const apart = (hours: readonly number[], step: number): number[] =>
    hours.slice(step).map((usd, index) => Math.abs(logarithm(usd) - logarithm(hours[index] ?? 0)));
  const weekly = median([...apart(hour.weeks, 1), ...apart(hour.days, DAYS_PER_WEEK)]);
  return Math.max(around, weekly / Math.SQRT2) * MAD_TO_DEVIATION;
}

function usualPeak(values: readonly number[]): number {
  const sorted = Float64Array.from(values).toSorted();
  return sorted.at(values.length >= MANY_HOURS ? -2 : -1) ?? 0;
}

/** Hours to compare with, or null where there are too few. */
function comparable({
  weeks,
  days,
}: HourToJudge): { values: readonly number[]; basis: 'week' | 'day' } | null {
  if (weeks.length >= LEAST_WEEKS) return { values: weeks, basis: 'week' };
  return days.length >= LEAST_DAYS ? { values: days, basis: 'day' } : null;
}

/**
 * Whether the verdict needs the peak: hours that mostly cost nothing, or of which there are too few, say nothing of
 * what an hour of this series may cost when it does.
 */
export function needsPeak(hour: HourToJudge): boolean {
  const found = comparable(hour);
  return found === null || median(found.values) <= 0;
}

/**
 * Judges one hour, upwards only. A level that has lasted for two days is no anomaly any more: budgets and forecasts
 * tell of it. The hour under way is judged by what it spent so far, against whole hours.
 */
export function judgeHour(hour: HourToJudge, judging: Judging): Verdict {
  const { ratio, deviations } = STRICTNESS[judging.sensitivity];
  const { spent } = hour;
  const found = comparable(hour);
  if (found === null || needsPeak(hour)) {
    const peak = hour.peak ?? 0;
    const isAnomaly = spent >= judging.minNew && spent - peak >= judging.minExcess && spent >= ratio * peak;
    return { expected: 0, isAnomaly, basis: peak > 0 ? 'sparse' : 'new' };
  }
  const { values, basis } = found;
  const usual = median(values);
  const recent = hour.days.slice(0, RECENT_DAYS);
  const expected = Math.max(usual, recent.length === RECENT_DAYS ? median(recent) : 0);
  const isAnomaly =
    spent - expected >= judging.minExcess &&
    spent >= ratio * expected &&
    Math.log(spent / expected) >= deviations * deviation(hour, values, expected) &&
    spent >= BEYOND_PEAK * usualPeak(values);
  return { expected, isAnomaly, basis };
}
