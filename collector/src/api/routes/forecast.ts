import { z } from 'zod';
import {
  budgetAnswers,
  FORECAST_GROUPS,
  makeForecast,
  MAX_FORECAST_DAYS,
  readForecastMaterial,
  type ForecastAnswer,
} from '../../forecast/read-forecast.ts';
import { createTimeSeriesModel } from '../../forecast/time-series-model.ts';
import { SILENT_LOG } from '../../pipeline/silent.ts';
import { PARAMETERS, USD } from '../parameters.ts';
import type { Reader } from '../reader.ts';
import { defineRoute, tenantFor, type Route } from '../route.ts';

const MAX_BUDGETS = 200;
const KEPT_MS = 60_000;
const MAX_KEPT = 200;

const AMOUNTS = {
  expected_usd: USD,
  low_usd: USD.describe('Bottom of the interval.'),
  high_usd: USD.describe('Top of the interval.'),
};
const METHOD = z
  .enum(['model', 'run_rate'])
  .describe('`model`: by a time-series model; `run_rate`: by the mean, where history is too short for one.');

const QUERY = z.strictObject({
  tenant: PARAMETERS.tenant,
  days: z
    .string()
    .regex(/^\d{1,2}$/, `must be a number from 1 to ${MAX_FORECAST_DAYS}`)
    .default('14')
    .transform(Number)
    .refine(
      (days) => days >= 1 && days <= MAX_FORECAST_DAYS,
      `must be a number from 1 to ${MAX_FORECAST_DAYS}`,
    )
    .describe(`Days to forecast, from tomorrow on; from 1 to ${MAX_FORECAST_DAYS}.`),
  group_by: z
    .enum(FORECAST_GROUPS)
    .optional()
    .describe('Forecasts of the 20 dearest values of a dimension too.'),
});

const ANSWER = z.object({
  tenant: z.string().nullable().describe('Null: all tenants.'),
  timezone: z.string().describe('Time zone of the days.'),
  currency: z.literal('USD'),
  made_at: z.string(),
  method: METHOD,
  interval_percent: z.number().describe('Part of outcomes that the intervals are made to hold.'),
  history_days: z.number().int().describe('Whole days that the forecast goes by.'),
  history: z
    .array(z.object({ date: z.string(), cost_usd: USD }))
    .describe('The last 30 days, oldest first; the last one is today so far.'),
  days: z.array(z.object({ date: z.string(), ...AMOUNTS })),
  total: z.object(AMOUNTS).describe('Of the days together; its interval is narrower than the sum of theirs.'),
  month: z
    .object({ month: z.string(), spent_usd: USD, ...AMOUNTS })
    .describe('The current month at its end.'),
  budgets: z
    .array(
      z.object({
        id: z.string(),
        name: z.string(),
        tenant: z.string().nullable(),
        scope: z.string(),
        scope_value: z.string().nullable(),
        period: z.string(),
        from: z.string(),
        to: z.string(),
        limit_usd: USD,
        spent_usd: USD,
        ...AMOUNTS,
        exhausted_at: z
          .string()
          .nullable()
          .describe('When the limit is reached in this period; null: it is not.'),
        method: METHOD,
      }),
    )
    .describe('At the end of their periods; made every five minutes.'),
  groups: z
    .array(z.object({ group: z.string(), method: METHOD, ...AMOUNTS }))
    .describe('Sums over the days.'),
  groups_truncated: z.boolean(),
});

interface Kept {
  readonly untilMs: number;
  readonly answer: Promise<ForecastAnswer>;
}

/** One cache for each API: answers are of its database. */
const caches = new WeakMap<Reader, Map<string, Kept>>();
/** The route lives as long as the process; what breaks the library is told by the budgets' forecasts. */
const model = createTimeSeriesModel(SILENT_LOG);

function keptIn(
  cache: Map<string, Kept>,
  key: string,
  nowMs: number,
  make: () => Promise<ForecastAnswer>,
): Kept {
  const known = cache.get(key);
  if (known !== undefined && nowMs < known.untilMs && nowMs >= known.untilMs - KEPT_MS) return known;
  const made: Kept = { untilMs: nowMs + KEPT_MS, answer: make() };
  cache.delete(key);
  cache.set(key, made);
  for (const oldest of cache.keys()) {
    if (cache.size <= MAX_KEPT) break;
    cache.delete(oldest);
  }
  // A failure is not kept: the next request asks again.
  made.answer.catch(() => {
    if (cache.get(key) === made) cache.delete(key);
  });
  return made;
}

const EXAMPLE_AMOUNTS = {
  expected_usd: '12.400000000000',
  low_usd: '10.100000000000',
  high_usd: '15.200000000000',
};

/** [contract] What spend will come to, with an 80 % interval. */
export const FORECAST: Route = defineRoute({
  path: '/api/v1/forecast',
  summary: 'Spend to come',
  description:
    'Daily spend from tomorrow on, the month at its end, and budgets at the end of their periods. An answer is kept ' +
    'for a minute. docs/forecast.md says how it is made and how good it is.',
  access: 'spend',
  query: QUERY,
  answer: ANSWER,
  example: {
    tenant: 'acme',
    timezone: 'Europe/Rome',
    currency: 'USD',
    made_at: '2026-11-20T09:15:00.000Z',
    method: 'model',
    interval_percent: 80,
    history_days: 120,
    history: [{ date: '2026-11-20', cost_usd: '4.100000000000' }],
    days: [{ date: '2026-11-21', ...EXAMPLE_AMOUNTS }],
    total: EXAMPLE_AMOUNTS,
    month: { month: '2026-11', spent_usd: '210.000000000000', ...EXAMPLE_AMOUNTS },
    budgets: [],
    groups: [{ group: 'claude-haiku-4-5', method: 'model', ...EXAMPLE_AMOUNTS }],
    groups_truncated: false,
  },
  async handle(
    { tenant: asked, days, group_by: groupBy = null },
    { identity, reader, now, alone, ...context },
  ) {
    const tenant = tenantFor(identity, asked);
    const cache = caches.get(reader) ?? new Map<string, Kept>();
    caches.set(reader, cache);
    const at = now();
    const request = { now: at, days, groupBy, model };
    const { answer } = keptIn(cache, JSON.stringify([tenant, days, groupBy]), at.getTime(), async () => {
      const material = await reader.read(tenant, (reading) => readForecastMaterial(reading, request));
      const make = (): Promise<ForecastAnswer> => makeForecast(material, request);
      // Twenty groups take half a second of fits.
      return groupBy === null ? make() : alone(make);
    });
    const [watch, ofBudgets] = [context.budgets(), context.forecasts()];
    const states = watch === null || ofBudgets === null ? [] : watch.states(tenant);
    const told = ofBudgets === null ? [] : budgetAnswers(states, ofBudgets, MAX_BUDGETS);
    return { json: { ...(await answer), budgets: told } };
  },
});
