import { cleanSeries } from './clean-series.ts';
import type { ForecastMethod } from './forecast.ts';
import {
  boundsAround,
  intervalOffset,
  measureSpread,
  type Bounds,
  type Spread,
  type Trial,
} from './interval.ts';
import { runRate } from './run-rate.ts';
import { sum } from './series-statistics.ts';

/** Predicts the next values of a series; null where it cannot. */
export type SeriesModel = (values: Float64Array, horizon: number) => Float64Array | null;

/** Days that a forecast goes by. */
export const HISTORY_DAYS = 120;
/** Fewer days than these go by run-rate. */
export const LEAST_DAYS_FOR_MODEL = 21;
/** The model is asked this far; later weeks are like its last, so that growth is not carried on for ever. */
const MODEL_DAYS = 28;
const DAYS_PER_WEEK = 7;
/** Forecasts from so many earlier weeks measure how far off they are. */
const TRIALS = 8;
const TRIAL_DAYS = 14;
const LEAST_DAYS_FOR_TRIAL = 7;
/** With more days without spend than this, logarithms tell of the gaps rather than of the spend. */
const MAX_GAPS = 0.2;
const GAP_DAYS = 56;
/** No day is expected to cost more than so many times the dearest of the last four weeks, outliers apart. */
const MAX_GROWTH = 3;

/** Daily spend to come; the first day is the one after the history. In USD, finite and never negative. */
export interface DailyForecast {
  readonly method: ForecastMethod;
  readonly expected: Float64Array;
  readonly spread: Spread;
  /** Of one day. */
  dayBounds(index: number): Bounds;
  /** Of a sum over `days` days, of which the first may be a part, that is expected to be `expected`. */
  sumBounds(expected: number, days: number): Bounds;
}

function firstSpend(days: Float64Array): number {
  const first = days.findIndex((value) => value > 0);
  return first === -1 ? days.length : first;
}

/** What is not a finite amount of at least 0 becomes 0: corrections can make a day negative. */
function amounts(days: Float64Array): Float64Array {
  return days.map((value) => (Number.isFinite(value) && value > 0 ? value : 0));
}

function byModel(days: Float64Array, model: SeriesModel): Float64Array | null {
  const { logarithms, offset } = cleanSeries(days);
  const usual = logarithms.map((value) => Math.max(0, Math.exp(value) - offset));
  const recent = days.subarray(-GAP_DAYS);
  const inLogarithms = recent.filter((value) => value <= 0).length / recent.length <= MAX_GAPS;
  const predicted = model(inLogarithms ? logarithms : usual, MODEL_DAYS);
  if (predicted === null) return null;
  const limit = MAX_GROWTH * Math.max(...usual.subarray(-MODEL_DAYS));
  const spend = predicted.map((value) =>
    Math.min(Math.max(0, inLogarithms ? Math.exp(value) - offset : value), limit),
  );
  return spend.every(Number.isFinite) ? spend : null;
}

interface Point {
  readonly method: ForecastMethod;
  readonly expected: Float64Array;
}

function pointForecast(known: Float64Array, horizon: number, model: SeriesModel | null): Point {
  const days = known.subarray(-HISTORY_DAYS);
  if (model !== null && days.length >= LEAST_DAYS_FOR_MODEL && sum(days.subarray(-MODEL_DAYS)) > 0) {
    const weeks = byModel(days, model);
    if (weeks !== null) {
      const at = (ahead: number): number =>
        ahead < MODEL_DAYS ? ahead : MODEL_DAYS - DAYS_PER_WEEK + (ahead % DAYS_PER_WEEK);
      return {
        method: 'model',
        expected: Float64Array.from({ length: horizon }, (_, ahead) => weeks[at(ahead)] ?? 0),
      };
    }
  }
  return { method: 'run_rate', expected: runRate(days, horizon) };
}

/**
 * Forecasts daily spend from whole days without gaps, the last one being yesterday. Runs in steps of one fit each (a
 * few milliseconds), so that the caller can give way in between. `model` null: by run-rate.
 */
export function* forecastSteps(
  history: Float64Array,
  horizon: number,
  model: SeriesModel | null,
): Generator<undefined, DailyForecast> {
  const whole = amounts(history);
  const days = whole.subarray(firstSpend(whole));
  const { method, expected } = pointForecast(days, horizon, model);
  yield;
  const trials: Trial[] = [];
  for (let weeks = 1; weeks <= TRIALS; weeks++) {
    const known = days.length - weeks * DAYS_PER_WEEK;
    if (known < LEAST_DAYS_FOR_TRIAL) break;
    const earlier = pointForecast(days.subarray(0, known), TRIAL_DAYS, method === 'model' ? model : null);
    trials.push({ expected: earlier.expected, actual: days.subarray(known, known + TRIAL_DAYS) });
    yield;
  }
  const spread = measureSpread(trials);
  const offset = intervalOffset(expected);
  return {
    method,
    expected,
    spread,
    dayBounds: (index) => boundsAround(expected[index] ?? 0, spread.day, offset),
    sumBounds: (sumExpected, count) => boundsAround(sumExpected, spread.sumOf(count), offset),
  };
}

/** The same at once. */
export function forecastDays(
  history: Float64Array,
  horizon: number,
  model: SeriesModel | null,
): DailyForecast {
  const steps = forecastSteps(history, horizon, model);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
