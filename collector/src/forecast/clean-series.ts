import { median } from './series-statistics.ts';

const DAYS_PER_WEEK = 7;
/** Days on either side that tell what is usual around a day. */
const AROUND = 7;
/** A day further from its surroundings than this many deviations is taken to be this far. */
const MAX_DEVIATIONS = 3.5;
const MAD_TO_DEVIATION = 1.4826;
/** A series that hardly varies would call every change an outlier. */
const LEAST_DEVIATION = 0.05;
/** Keeps the logarithm of a day without spend finite: this part of a median day is added. */
const OFFSET_PART = 0.05;

/** Daily spend as a model takes it. */
export interface CleanSeries {
  /** ln(spend + offset), outliers drawn to their surroundings. */
  readonly logarithms: Float64Array;
  /** In USD. */
  readonly offset: number;
}

function around(values: Float64Array, index: number): number {
  return median(values.subarray(Math.max(0, index - AROUND), index + AROUND + 1));
}

/**
 * Takes single days that stand out (a loop, a batch by hand) back to what is usual around them, on the day's weekday,
 * so that they are not forecast again. A change that lasts over a week becomes what is usual, and stays.
 */
export function cleanSeries(days: Float64Array): CleanSeries {
  const offset = median(days.filter((value) => value > 0)) * OFFSET_PART || 1;
  const raw = days.map((value) => Math.log(Math.max(value, 0) + offset));
  const level = raw.map((_, index) => around(raw, index));
  const week = Float64Array.from({ length: DAYS_PER_WEEK }, (_, weekday) =>
    median(
      raw
        .map((value, index) => value - (level[index] ?? 0))
        .filter((_v, index) => index % DAYS_PER_WEEK === weekday),
    ),
  );
  const ofWeekday = (index: number): number => week[index % DAYS_PER_WEEK] ?? 0;
  const flat = raw.map((value, index) => value - ofWeekday(index));
  const usual = flat.map((_, index) => around(flat, index));
  const distances = flat.map((value, index) => Math.abs(value - (usual[index] ?? 0)));
  const limit = MAX_DEVIATIONS * Math.max(median(distances) * MAD_TO_DEVIATION, LEAST_DEVIATION);
  const logarithms = flat.map((value, index) => {
    const expected = usual[index] ?? 0;
    return expected + Math.min(Math.max(value - expected, -limit), limit) + ofWeekday(index);
  });
  return { logarithms, offset };
}
