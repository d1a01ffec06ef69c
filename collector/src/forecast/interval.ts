import { mean, quantile } from './series-statistics.ts';

/** Part of forecasts whose outcome lies between low and high. */
export const COVERAGE = 0.8;
/** Sums over this many days are what spreads are measured for. */
const SPANS: readonly number[] = [1, 2, 3, 5, 7, 10, 14];
/** What a spread counts as before it was measured, and how many measurements that counts for. */
const PRIOR_SPREAD = 0.1;
const PRIOR_WEIGHT = 2;
/** Where nothing was measured at all, a factor of about two either way. */
export const UNMEASURED_SPREAD = 0.7;
/** A factor of 20: beyond that an interval says nothing. */
const MAX_SPREAD = 3;
/** Independent hours would make it a half. */
const PART_OF_DAY_POWER = 0.25;
/** This part of a mean day is added before logarithms are taken, so that days without spend have one. */
const OFFSET_PART = 0.05;

/** A forecast that was made from earlier days, beside what came. */
export interface Trial {
  readonly expected: Float64Array;
  /** As many of the days as there were since. */
  readonly actual: Float64Array;
}

/** Bounds of an 80 % interval, in USD. */
export interface Bounds {
  readonly low: number;
  readonly high: number;
}

/** How far forecasts of a series have been off: half-widths of the logarithm. */
export interface Spread {
  readonly day: number;
  /** Of a sum over so many days; a part of a day has the spread of a part of a day. */
  sumOf(days: number): number;
}

function offsetOf(expected: Float64Array): number {
  return mean(expected) * OFFSET_PART || 1;
}

function miss(expected: number, actual: number, offset: number): number {
  return Math.abs(Math.log((Math.max(actual, 0) + offset) / (Math.max(expected, 0) + offset)));
}

function total(values: Float64Array, days: number): number {
  let sum = 0;
  for (let index = 0; index < days; index++) sum += values[index] ?? 0;
  return sum;
}

/** The conformal quantile for few measurements, drawn towards the prior the fewer they are. */
function spreadOf(misses: readonly number[]): number {
  const count = misses.length;
  if (count === 0) return UNMEASURED_SPREAD;
  const measured = quantile(misses, (COVERAGE * (count + 1)) / count);
  return Math.min((count * measured + PRIOR_WEIGHT * PRIOR_SPREAD) / (count + PRIOR_WEIGHT), MAX_SPREAD);
}

/** Measures how far forecasts from earlier days were off; this, not the model, says how wide an interval is. */
export function measureSpread(trials: readonly Trial[]): Spread {
  const ofDays = trials.flatMap(({ expected, actual }) => {
    const offset = offsetOf(expected);
    return Array.from(actual, (value, index) => miss(expected[index] ?? 0, value, offset));
  });
  const spans = SPANS.map((days) => {
    const long = trials.filter(({ actual }) => actual.length >= days);
    const misses = long.map(({ expected, actual }) =>
      miss(total(expected, days), total(actual, days), offsetOf(expected)),
    );
    return { days, spread: spreadOf(misses) };
  });
  return { day: spreadOf(ofDays), sumOf: (days) => spreadOver(days, spans) };
}

function spreadOver(days: number, spans: readonly { days: number; spread: number }[]): number {
  const [first, last] = [spans[0], spans.at(-1)];
  if (first === undefined || last === undefined) return UNMEASURED_SPREAD;
  // What is left of a day varies the more, relative to its size, the less it is; but the day so far has told of it.
  if (days <= first.days)
    return Math.min(first.spread / Math.max(days, 0.02) ** PART_OF_DAY_POWER, MAX_SPREAD);
  if (days >= last.days) return Math.min(last.spread * Math.sqrt(days / last.days), MAX_SPREAD);
  const above = spans.findIndex((span) => span.days >= days);
  const [low, high] = [spans[above - 1] ?? first, spans[above] ?? last];
  return low.spread + ((high.spread - low.spread) * (days - low.days)) / (high.days - low.days);
}

/** The interval around an expectation: low <= expected <= high, low never below 0. */
export function boundsAround(expected: number, spread: number, offset: number): Bounds {
  const factor = Math.exp(spread);
  return {
    low: Math.min(expected, Math.max(0, (expected + offset) / factor - offset)),
    high: (expected + offset) * factor - offset,
  };
}

/** What `boundsAround` needs for a forecast whose days are these. */
export function intervalOffset(expected: Float64Array): number {
  const offset = mean(expected) * OFFSET_PART;
  return Number.isFinite(offset) ? offset : 0;
}
