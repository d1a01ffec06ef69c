import type { PeriodBounds } from '../budgets/budget.ts';
import type { DailyForecast } from './daily-forecast.ts';
import type { ForecastMethod } from './forecast.ts';
import { sharesOfHabits } from './habits.ts';
import { sum } from './series-statistics.ts';
import { dayAt, isWeekend, startOfDayMs, wallClockMs } from './zone-days.ts';

const MS_PER_DAY = 86_400_000;
const MS_PER_HOUR = 3_600_000;
const HOURS_PER_DAY = 24;
const DAYS_PER_WEEK = 7;
/** An hour of the day that was never seen still counts this part of an even share. */
const EVEN_PART = 0.1;
/** How much of a whole day's expectation stands beside what today shows so far. */
const EXPECTATION_WEIGHT = 0.3;
/** A period counts as at least so many units, whose spends are taken to be independent. */
const LEAST_UNITS = 7;
/** 1.28 deviations of a unit that varies by nearly a half make an 80 % interval; habits are beside it. */
const UNIT_SPREAD = 0.6;
/** Less of a period than this part says nothing: no rate is taken from it. */
const LEAST_SHARE = 1 / 5_000;
const MAX_RUN_RATE_SPREAD = 2.3;
/** No day is longer, whatever the clocks do. */
const LONGEST_DAY_MS = 26 * 3_600_000;
/** The last period counts as this part of one beside what the present one shows. */
const PREVIOUS_WEIGHT = 0.1;

/** A budget's period and what has been spent in it. */
export interface PeriodQuestion {
  readonly bounds: PeriodBounds;
  readonly timezone: string;
  readonly nowMs: number;
  /** In USD. */
  readonly spent: number;
  readonly limit: number;
}

/** What is still to come in a period, in USD, and when the limit is reached. */
export interface RestOfPeriod {
  readonly expected: number;
  readonly low: number;
  readonly high: number;
  readonly exhaustedAtMs: number | null;
  readonly method: ForecastMethod;
}

/** What is known of the series besides the forecast of its days. */
export interface Today {
  /** Spent today so far, in USD; null where it is not known. */
  readonly spent: number | null;
  /** See SeriesHistory. */
  readonly hours: Float64Array;
}

/** Which part of a day's spend is usually over at this time of day: 0..1. */
export function shareOfDay(hours: Float64Array, timezone: string, nowMs: number): number {
  const wall = wallClockMs(timezone, nowMs);
  const day = Math.floor(wall / MS_PER_DAY);
  const from = isWeekend(day) ? HOURS_PER_DAY : 0;
  const ofDay = hours.subarray(from, from + HOURS_PER_DAY);
  const whole = sum(ofDay);
  const even = whole > 0 ? (EVEN_PART * whole) / HOURS_PER_DAY : 1;
  const passed = (wall - day * MS_PER_DAY) / MS_PER_HOUR;
  let over = 0;
  let all = 0;
  for (let hour = 0; hour < HOURS_PER_DAY; hour++) {
    const weight = (ofDay[hour] ?? 0) + even;
    all += weight;
    over += weight * Math.min(Math.max(passed - hour, 0), 1);
  }
  return over / all;
}

/** Spend expected on a day, today being 0; beyond the forecast its last week goes on. */
function expectedOn(forecast: DailyForecast, day: number): number {
  const { length } = forecast.expected;
  const at = day < length ? day : length - DAYS_PER_WEEK + ((day - length) % DAYS_PER_WEEK);
  return forecast.expected[at] ?? 0;
}

/** An estimate of when the limit was reached, where it has been: spend is taken to have been even. */
function passedAt({ bounds, nowMs, spent, limit }: PeriodQuestion): number {
  return bounds.startMs + (Math.min(nowMs, bounds.endMs) - bounds.startMs) * Math.min(1, limit / spent);
}

interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
  readonly spend: number;
}

/** When expected spend comes to the limit; null where it does not within the stretches. */
function reachedAt(question: PeriodQuestion, stretches: Iterable<Stretch>): number | null {
  if (question.spent >= question.limit)
    return question.spent > 0 ? passedAt(question) : question.bounds.startMs;
  let left = question.limit - question.spent;
  for (const { fromMs, toMs, spend } of stretches) {
    if (spend >= left && spend > 0) return Math.round(fromMs + ((toMs - fromMs) * left) / spend);
    left -= spend;
  }
  return null;
}

/** The rest of a period by the forecast of its days; the forecast's first day is today. */
export function restByDays(question: PeriodQuestion, forecast: DailyForecast, today: Today): RestOfPeriod {
  const { bounds, timezone, nowMs } = question;
  const share = shareOfDay(today.hours, timezone, nowMs);
  const whole = expectedOn(forecast, 0);
  const weight = EXPECTATION_WEIGHT * whole;
  const shown = whole * share + weight;
  // A day that began dearer than expected is expected to go on so, the more of it is over.
  const pace = today.spent === null || shown <= 0 ? 1 : (Math.max(0, today.spent) + weight) / shown;
  const restOfToday = whole * (1 - share) * pace;
  const firstDay = dayAt(timezone, nowMs);
  const daysAfter = Math.max(0, dayAt(timezone, bounds.endMs - 1) - firstDay);
  let expected = restOfToday;
  for (let day = 1; day <= daysAfter; day++) expected += expectedOn(forecast, day);
  const { low, high } = forecast.sumBounds(expected, 1 - share + daysAfter);
  function* stretches(): Generator<Stretch> {
    let fromMs = nowMs;
    for (let day = 0; day <= daysAfter; day++) {
      const toMs = Math.min(startOfDayMs(timezone, firstDay + day + 1), bounds.endMs);
      yield { fromMs, toMs, spend: day === 0 ? restOfToday : expectedOn(forecast, day) };
      fromMs = toMs;
    }
  }
  return { expected, low, high, exhaustedAtMs: reachedAt(question, stretches()), method: forecast.method };
}

/** What is to come by each habit that spend may have: nobody knows yet which hours and days are busy ones. */
function restsByHabits(
  { bounds, timezone, nowMs, spent }: PeriodQuestion,
  previous: number | null,
): readonly number[] {
  const known = previous === null ? 0 : PREVIOUS_WEIGHT;
  return sharesOfHabits(bounds, timezone, nowMs).map((share) => {
    const rate = (Math.max(0, spent) + known * (previous ?? 0)) / Math.max(share + known, LEAST_SHARE);
    return Math.max(0, rate) * (1 - share);
  });
}

/**
 * The rest of a period by what it shows itself, and by what the period before came to, where that is known. Null
 * where neither says anything. `share` is the part of a day's spend that is over by now in that zone, as others spend.
 */
export function restByRunRate(
  question: PeriodQuestion,
  previous: number | null,
  share: number | null,
): RestOfPeriod | null {
  const { bounds, nowMs, spent } = question;
  const length = bounds.endMs - bounds.startMs;
  const isDay = length <= LONGEST_DAY_MS;
  const passed = Math.min(Math.max((nowMs - bounds.startMs) / length, 0), 1);
  const elapsed = isDay && share !== null && passed < 1 ? share : passed;
  const units = Math.max(LEAST_UNITS, length / MS_PER_DAY);
  if (spent <= 0 && !(previous !== null && previous > 0)) return null;
  // What came in the first unit is taken to be all that comes in one.
  const over = Math.max(elapsed, 1 / units);
  const rate =
    previous === null ? spent / over : (spent + PREVIOUS_WEIGHT * previous) / (elapsed + PREVIOUS_WEIGHT);
  const expected = Math.max(0, rate) * (1 - elapsed);
  const restUnits = Math.max(units * (1 - elapsed), 0.1);
  const spread = Math.min(UNIT_SPREAD * Math.sqrt(1 / (units * over) + 1 / restUnits), MAX_RUN_RATE_SPREAD);
  const all: Stretch = { fromMs: nowMs, toMs: bounds.endMs, spend: expected };
  const rests = restsByHabits(question, previous);
  return {
    expected,
    low: Math.min(expected, ...rests) / Math.exp(spread),
    // Early on the expectation is held back; what comes at the rate so far is still possible.
    high: Math.max(expected, ...rests) * Math.exp(spread),
    exhaustedAtMs: reachedAt(question, [all]),
    method: 'run_rate',
  };
}
