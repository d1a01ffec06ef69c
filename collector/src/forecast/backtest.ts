import { forecastDays, type DailyForecast, type SeriesModel } from './daily-forecast.ts';
import { mean, sum } from './series-statistics.ts';

const HORIZON = 14;
const DAYS_PER_WEEK = 7;
const LEAST_DAYS = 42;
const DAYS_PER_MONTH = 30;
/** Days of a month after which its end is forecast. */
export const MONTH_DAYS: readonly number[] = [5, 10, 15, 20, 25];

/** How forecasts of one kind did. Parts, not per cent; NaN where nothing was measured. */
export interface Score {
  /** Mean absolute error of the sum over 14 days, relative to it. */
  readonly mape: number;
  /** Absolute errors of single days together, relative to their spend. */
  readonly wape: number;
  /** Sums over 14 days that lay within the interval. */
  readonly sumCoverage: number;
  /** Days that lay within the interval. */
  readonly dayCoverage: number;
  readonly forecasts: number;
}

export interface BacktestRow {
  readonly name: string;
  readonly model: Score;
  readonly runRate: Score;
  /** The last week again; has no interval. */
  readonly lastWeek: Pick<Score, 'mape' | 'wape'>;
  /** The mean of the last four weeks, weekdays alike. */
  readonly flatMean: Pick<Score, 'mape' | 'wape'>;
}

/** The error of month-end forecasts made after so many days of the month. */
export interface MonthEndScore {
  readonly day: number;
  readonly mape: number;
  readonly coverage: number;
  readonly forecasts: number;
}

export interface Backtest {
  readonly rows: readonly BacktestRow[];
  /** Each tenant counts alike. */
  readonly total: BacktestRow;
}

/** Daily spend of whole days, oldest first. */
export interface BacktestSeries {
  readonly name: string;
  readonly days: Float64Array;
}

/** Fits of the same days are made once: the trials of one forecast are the forecasts of earlier weeks. */
function remembering(model: SeriesModel): SeriesModel {
  const known = new Map<string, Float64Array | null>();
  return (values, horizon) => {
    const key = `${horizon} ${values.length} ${values[0]} ${values.at(-1)} ${sum(values)}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const made = model(values, horizon);
    known.set(key, made);
    return made;
  };
}

class Tally {
  readonly #relative: number[] = [];
  readonly #sumHits: number[] = [];
  readonly #dayHits: number[] = [];
  #error = 0;
  #spend = 0;

  add(expected: Float64Array, actual: Float64Array, forecast: DailyForecast | null): void {
    const [wanted, came] = [sum(expected), sum(actual)];
    // A fortnight without spend has no relative error.
    if (came > 0) this.#relative.push(Math.abs(wanted - came) / came);
    actual.forEach((value, index) => {
      this.#error += Math.abs(value - (expected[index] ?? 0));
      this.#spend += value;
    });
    if (forecast === null) return;
    const within = (value: number, { low, high }: { low: number; high: number }): number =>
      value >= low && value <= high ? 1 : 0;
    this.#sumHits.push(within(came, forecast.sumBounds(wanted, HORIZON)));
    actual.forEach((value, index) => this.#dayHits.push(within(value, forecast.dayBounds(index))));
  }

  score(): Score {
    const part = (values: readonly number[]): number =>
      values.length === 0 ? NaN : mean(Float64Array.from(values));
    return {
      mape: part(this.#relative),
      wape: this.#spend > 0 ? this.#error / this.#spend : NaN,
      sumCoverage: part(this.#sumHits),
      dayCoverage: part(this.#dayHits),
      forecasts: this.#relative.length,
    };
  }
}

function lastWeek(days: Float64Array): Float64Array {
  const from = days.length - DAYS_PER_WEEK;
  return Float64Array.from({ length: HORIZON }, (_, ahead) => days[from + (ahead % DAYS_PER_WEEK)] ?? 0);
}

function backtestOne({ name, days }: BacktestSeries, model: SeriesModel, step: number): BacktestRow {
  const tallies = { model: new Tally(), runRate: new Tally(), lastWeek: new Tally(), flatMean: new Tally() };
  for (let origin = LEAST_DAYS; origin + HORIZON <= days.length; origin += step) {
    const known = days.subarray(0, origin);
    const actual = days.subarray(origin, origin + HORIZON);
    for (const kind of ['model', 'runRate'] as const) {
      const forecast = forecastDays(known, HORIZON, kind === 'model' ? model : null);
      tallies[kind].add(forecast.expected, actual, forecast);
    }
    tallies.lastWeek.add(lastWeek(known), actual, null);
    const flat = mean(known.subarray(-4 * DAYS_PER_WEEK));
    tallies.flatMean.add(new Float64Array(HORIZON).fill(flat), actual, null);
  }
  return {
    name,
    model: tallies.model.score(),
    runRate: tallies.runRate.score(),
    lastWeek: tallies.lastWeek.score(),
    flatMean: tallies.flatMean.score(),
  };
}

function meanScore(scores: readonly Score[]): Score {
  const over = (read: (score: Score) => number): number => {
    const known = scores.map(read).filter((value) => !Number.isNaN(value));
    return known.length === 0 ? NaN : mean(Float64Array.from(known));
  };
  return {
    mape: over((score) => score.mape),
    wape: over((score) => score.wape),
    sumCoverage: over((score) => score.sumCoverage),
    dayCoverage: over((score) => score.dayCoverage),
    forecasts: scores.reduce((count, score) => count + score.forecasts, 0),
  };
}

function totalRow(rows: readonly BacktestRow[]): BacktestRow {
  const baseline = (read: (row: BacktestRow) => Pick<Score, 'mape' | 'wape'>): Score =>
    meanScore(rows.map((row) => ({ sumCoverage: NaN, dayCoverage: NaN, forecasts: 0, ...read(row) })));
  return {
    name: 'mean of tenants',
    model: meanScore(rows.map((row) => row.model)),
    runRate: meanScore(rows.map((row) => row.runRate)),
    lastWeek: baseline((row) => row.lastWeek),
    flatMean: baseline((row) => row.flatMean),
  };
}

/** Months of 30 days: what was spent up to a day and what is expected of the rest, against what the month came to. */
export function backtestMonthEnds(
  series: readonly BacktestSeries[],
  model: SeriesModel,
): readonly MonthEndScore[] {
  const shared = remembering(model);
  return MONTH_DAYS.map((day) => {
    const errors: number[] = [];
    const hits: number[] = [];
    for (const { days } of series) {
      for (let start = DAYS_PER_MONTH; start + DAYS_PER_MONTH <= days.length; start += DAYS_PER_MONTH) {
        const rest = DAYS_PER_MONTH - day;
        const spent = sum(days.subarray(start, start + day));
        const came = sum(days.subarray(start, start + DAYS_PER_MONTH));
        const forecast = forecastDays(days.subarray(0, start + day), rest, shared);
        const expected = sum(forecast.expected);
        const { low, high } = forecast.sumBounds(expected, rest);
        if (came > 0) errors.push(Math.abs(spent + expected - came) / came);
        hits.push(came >= spent + low && came <= spent + high ? 1 : 0);
      }
    }
    const [mape, coverage] = [mean(Float64Array.from(errors)), mean(Float64Array.from(hits))];
    return { day, mape, coverage, forecasts: hits.length };
  });
}

/**
 * Forecasts 14 days from every `step`-th day on, knowing only the days before, and compares with what came. The
 * fallback and two naive forecasts are put to the same test.
 */
export function backtest(
  series: readonly BacktestSeries[],
  model: SeriesModel,
  step: number = DAYS_PER_WEEK,
): Backtest {
  const rows = series.map((one) => backtestOne(one, remembering(model), step));
  return { rows, total: totalRow(rows) };
}
