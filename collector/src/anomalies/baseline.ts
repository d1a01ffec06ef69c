import type { Sensitivity } from './options.ts';

const MAD_TO_DEVIATION = 1.4826;
/** Few weeks make a small deviation by luck: at least this part of the usual is taken. */
const LEAST_DEVIATION_PART = 0.2;
/** Weeks, or days, that a comparison needs. */
export const LEAST_WEEKS = 3;
export const LEAST_DAYS = 7;
/** An hour of the last days at which a new level has become the usual: the middle of three. */
const RECENT_DAYS = 3;
/** Beyond the dearest hour that it is compared with, an hour must be by this factor. */
const BEYOND_PEAK = 1.25;
/** Of so many hours, the dearest may have been an anomaly itself and is passed over. */
const MANY_HOURS = 5;

interface Strictness {
  /** Times the usual. */
  readonly ratio: number;
  /** Deviations beyond the usual. */
  readonly deviations: number;
}

const STRICTNESS: Readonly<Record<Sensitivity, Strictness>> = {
  low: { ratio: 3, deviations: 6 },
  medium: { ratio: 2, deviations: 4.5 },
  high: { ratio: 1.5, deviations: 3.5 },
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

/** Median absolute deviation, as a standard deviation. */
function deviation(values: readonly number[], around: number): number {
  return median(values.map((value) => Math.abs(value - around))) * MAD_TO_DEVIATION;
}

function usualPeak(values: readonly number[]): number {
  const sorted = Float64Array.from(values).toSorted();
  return sorted.at(values.length >= MANY_HOURS ? -2 : -1) ?? 0;
}

/** Hours to compare with, or null where there are too few. */
function comparable({ weeks, days }: HourToJudge): { values: readonly number[]; basis: 'week' | 'day' } | null {
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
  const spread = Math.max(deviation(values, usual), LEAST_DEVIATION_PART * expected);
  const excess = spent - expected;
  const isAnomaly =
    excess >= judging.minExcess &&
    excess >= deviations * spread &&
    spent >= ratio * expected &&
    spent >= BEYOND_PEAK * usualPeak(values);
  return { expected, isAnomaly, basis };
}
