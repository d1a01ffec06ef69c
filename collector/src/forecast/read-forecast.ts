import { formatPico, parsePico } from '@spanmeter/processors';
import type { BudgetState } from '../budgets/budget.ts';
import { resolveRange } from '../api/range.ts';
import type { Reading } from '../api/reader.ts';
import { readSpend, ZERO_USD } from '../api/spend-query.ts';
import { startOfMonth, startOfNextMonth } from '../api/civil-date.ts';
import { picoOf } from './budget-forecasts.ts';
import { forecastSteps, HISTORY_DAYS, type DailyForecast, type SeriesModel } from './daily-forecast.ts';
import { firstDayForecast } from './first-day.ts';
import type { BudgetForecasts, ForecastMethod } from './forecast.ts';
import { COVERAGE, type Bounds } from './interval.ts';
import { restByDays } from './period-forecast.ts';
import { readGroupHistories, readHistories, type SeriesHistory } from './series-history.ts';
import { createTurns } from './turns.ts';
import { dateOfDay, dayOfDate, startOfDayMs } from './zone-days.ts';

/** What a forecast can be split by. */
export const FORECAST_GROUPS = [
  'tenant',
  'team',
  'feature',
  'service_name',
  'environment',
  'provider',
  'model',
  'key',
] as const;
export type ForecastGroup = (typeof FORECAST_GROUPS)[number];

/** More days than these are guesswork. */
export const MAX_FORECAST_DAYS = 90;
/** The days of history that are shown; more of them are gone by. */
const SHOWN_DAYS = 30;
const MAX_GROUPS = 20;
const PICO_PER_USD = 1e12;

/** Decimal USD. */
export interface ForecastAmounts {
  readonly expected_usd: string;
  readonly low_usd: string;
  readonly high_usd: string;
}

export interface BudgetForecastAnswer extends ForecastAmounts {
  readonly id: string;
  readonly name: string;
  readonly tenant: string | null;
  readonly scope: string;
  readonly scope_value: string | null;
  readonly period: string;
  readonly from: string;
  readonly to: string;
  readonly limit_usd: string;
  readonly spent_usd: string;
  readonly exhausted_at: string | null;
  readonly method: ForecastMethod;
}

/** What `/api/v1/forecast` and `spanmeter forecast` tell. */
export interface ForecastAnswer {
  readonly tenant: string | null;
  readonly timezone: string;
  readonly currency: 'USD';
  readonly made_at: string;
  readonly method: ForecastMethod;
  readonly interval_percent: number;
  readonly history_days: number;
  readonly history: readonly { readonly date: string; readonly cost_usd: string }[];
  readonly days: readonly ({ readonly date: string } & ForecastAmounts)[];
  readonly total: ForecastAmounts;
  readonly month: ForecastAmounts & { readonly month: string; readonly spent_usd: string };
  readonly budgets: readonly BudgetForecastAnswer[];
  readonly groups: readonly (ForecastAmounts & { readonly group: string; readonly method: ForecastMethod })[];
  readonly groups_truncated: boolean;
}

export interface ForecastRequest {
  readonly now: Date;
  /** Days after today. */
  readonly days: number;
  readonly groupBy: ForecastGroup | null;
  readonly model: SeriesModel;
}

/** Made from what was read, outside of the transaction: fitting takes a while. */
export interface ForecastMaterial {
  readonly tenant: string | null;
  readonly timezone: string;
  readonly history: SeriesHistory;
  readonly shown: readonly { readonly date: string; readonly cost_usd: string }[];
  readonly monthSpent: string;
  readonly groups: readonly { readonly value: string; readonly history: SeriesHistory }[];
  readonly groupsTruncated: boolean;
}

function amounts(expected: number, { low, high }: Bounds, spent = 0n): ForecastAmounts {
  return {
    expected_usd: formatPico(spent + picoOf(expected)),
    low_usd: formatPico(spent + picoOf(low)),
    high_usd: formatPico(spent + picoOf(high)),
  };
}

/** Reads what a forecast goes by. Rejects as the reader does. */
export async function readForecastMaterial(
  reading: Reading,
  { now, groupBy }: Pick<ForecastRequest, 'now' | 'groupBy'>,
): Promise<ForecastMaterial> {
  const { tenant, timezone } = reading;
  const scope = tenant === null ? 'all' : 'tenant';
  const key = { tenantId: tenant ?? '', scope, scopeValue: null, timezone } as const;
  const [history] = await readHistories(
    (text, values) => reading.query(text, values),
    [key],
    now.getTime(),
    HISTORY_DAYS + 1,
  );
  if (history === undefined) throw new Error('the history of a series was not answered');
  const today = history.firstDay + history.days.length - 1;
  const from = dateOfDay(Math.min(today + 1 - SHOWN_DAYS, dayOfDate(startOfMonth(dateOfDay(today)))));
  const range = await resolveRange(reading, { from, to: dateOfDay(today) }, true);
  const spend = await readSpend(reading, { range, groupBy: ['day'] });
  const byDay = new Map(spend.rows.map((row) => [row.group.day, row.cost_usd]));
  const shown = Array.from({ length: SHOWN_DAYS }, (_, index) => {
    const date = dateOfDay(today + 1 - SHOWN_DAYS + index);
    return { date, cost_usd: byDay.get(date) ?? ZERO_USD };
  });
  const month = dateOfDay(today).slice(0, 7);
  const ofMonth = spend.rows.filter((row) => row.group.day?.startsWith(month) === true);
  const monthSpent = ofMonth.reduce((sum, row) => sum + (parsePico(row.cost_usd) ?? 0n), 0n);
  const grouped = groupBy === null ? null : await readGroups(reading, groupBy, range, now);
  return {
    tenant,
    timezone,
    history,
    shown,
    monthSpent: formatPico(monthSpent),
    groups: grouped?.groups ?? [],
    groupsTruncated: grouped?.truncated ?? false,
  };
}

async function readGroups(
  reading: Reading,
  groupBy: ForecastGroup,
  range: { from: string; to: string },
  now: Date,
): Promise<{ groups: ForecastMaterial['groups']; truncated: boolean }> {
  const spend = await readSpend(reading, { range, groupBy: [groupBy], maxRows: MAX_GROUPS + 1 });
  const named = spend.rows.flatMap((row) => row.group[groupBy] ?? []);
  const values = named.slice(0, MAX_GROUPS);
  const histories = await readGroupHistories(reading, groupBy, values, now.getTime(), HISTORY_DAYS + 1);
  const groups = values.flatMap((value) => {
    const history = histories.get(value);
    return history === undefined ? [] : [{ value, history }];
  });
  return { groups, truncated: spend.truncated || named.length > values.length };
}

async function forecastOf(
  history: SeriesHistory,
  horizon: number,
  { now, model }: ForecastRequest,
  { timezone, turn }: { readonly timezone: string; readonly turn: () => Promise<void> },
): Promise<DailyForecast> {
  const first = firstDayForecast(history, timezone, now.getTime(), horizon);
  if (first !== null) return first;
  const steps = forecastSteps(history.days.subarray(0, -1), horizon, model);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await turn();
  }
}

/** Days after today; today itself is neither whole history nor wholly to come. */
function afterToday(forecast: DailyForecast, days: number): ForecastAmounts {
  let expected = 0;
  for (let day = 1; day <= days; day++) expected += forecast.expected[day] ?? 0;
  return amounts(expected, forecast.sumBounds(expected, days));
}

function monthOf(material: ForecastMaterial, forecast: DailyForecast, now: Date): ForecastAnswer['month'] {
  const { history, timezone, monthSpent } = material;
  const today = dateOfDay(history.firstDay + history.days.length - 1);
  const first = startOfMonth(today);
  const bounds = {
    startMs: startOfDayMs(timezone, dayOfDate(first)),
    endMs: startOfDayMs(timezone, dayOfDate(startOfNextMonth(today))),
  };
  const spent = parsePico(monthSpent) ?? 0n;
  const rest = restByDays(
    { bounds, timezone, nowMs: now.getTime(), spent: Number(spent) / PICO_PER_USD, limit: Infinity },
    forecast,
    { spent: history.days.at(-1) ?? 0, hours: history.hours },
  );
  return { month: first.slice(0, 7), spent_usd: monthSpent, ...amounts(rest.expected, rest, spent) };
}

/** Whole days since the first spend that is known. */
function wholeDays({ days }: SeriesHistory): number {
  const first = days.findIndex((usd) => usd > 0);
  return first === -1 ? 0 : days.length - 1 - first;
}

/** Fits and answers; gives way to other work in between. */
export async function makeForecast(
  material: ForecastMaterial,
  request: ForecastRequest,
): Promise<ForecastAnswer> {
  const { now, days } = request;
  const { history, timezone } = material;
  const by = { timezone, turn: createTurns() };
  const today = history.firstDay + history.days.length - 1;
  // The first day of a forecast is today; a month has at most 31.
  const forecast = await forecastOf(history, Math.max(days + 1, 32), request, by);
  const groups: ForecastAnswer['groups'][number][] = [];
  for (const { value, history: ofGroup } of material.groups) {
    const made = await forecastOf(ofGroup, days + 1, request, by);
    groups.push({ group: value, method: made.method, ...afterToday(made, days) });
  }
  return {
    tenant: material.tenant,
    timezone: material.timezone,
    currency: 'USD',
    made_at: now.toISOString(),
    method: forecast.method,
    interval_percent: COVERAGE * 100,
    history_days: wholeDays(history),
    history: material.shown,
    days: Array.from({ length: days }, (_, index) => ({
      date: dateOfDay(today + 1 + index),
      ...amounts(forecast.expected[index + 1] ?? 0, forecast.dayBounds(index + 1)),
    })),
    total: afterToday(forecast, days),
    month: monthOf(material, forecast, now),
    budgets: [],
    groups,
    groups_truncated: material.groupsTruncated,
  };
}

/** Budgets as an answer has them; those that there is no forecast of yet are left out. */
export function budgetAnswers(
  states: readonly BudgetState[],
  forecasts: BudgetForecasts,
  max: number,
): BudgetForecastAnswer[] {
  const answers: BudgetForecastAnswer[] = [];
  for (const state of states) {
    if (answers.length >= max) break;
    const made = forecasts.of(state);
    if (made === null) continue;
    const { budget, bounds } = state;
    answers.push({
      id: budget.id,
      name: budget.name,
      tenant: state.tenantId === '' ? null : state.tenantId,
      scope: state.scope,
      scope_value: state.scope === 'tenant' ? null : budget.scopeValue,
      period: budget.period,
      from: new Date(bounds.startMs).toISOString(),
      to: new Date(bounds.endMs).toISOString(),
      limit_usd: formatPico(budget.limitPicoUsd),
      spent_usd: formatPico(state.spentPicoUsd),
      expected_usd: formatPico(made.expectedPicoUsd),
      low_usd: formatPico(made.lowPicoUsd),
      high_usd: formatPico(made.highPicoUsd),
      exhausted_at: made.exhaustedAtMs === null ? null : new Date(made.exhaustedAtMs).toISOString(),
      method: made.method,
    });
  }
  return answers;
}
