import { z } from 'zod';
import { CALL_ANSWER } from '../call-answer.ts';
import { readCalls, readMeanLatency } from '../call-query.ts';
import { addDays, civilDateIn } from '../civil-date.ts';
import { EXAMPLE_CALL } from '../example-call.ts';
import { COUNT, PARAMETERS, USD } from '../parameters.ts';
import { resolveRange } from '../range.ts';
import type { Reading } from '../reader.ts';
import { defineRoute, tenantFor, type Route } from '../route.ts';
import { readSpend, ZERO_USD, type Spend, type SpendSums } from '../spend-query.ts';

const HISTORY_DAYS = 30;
const RECENT_CALLS = 100;
const LATENCY_CALLS = 200;

const ANSWER = z.object({
  tenant: z.string().nullable().describe('Null: all tenants.'),
  timezone: z.string(),
  currency: z.literal('USD'),
  today: z.object({
    date: z.string(),
    cost_usd: USD,
    calls: COUNT.describe('Billable calls, priced or not.'),
    errors: COUNT,
    unpriced_calls: COUNT,
    estimated_calls: COUNT.describe('Calls whose token counts are estimates.'),
    estimated_cost_usd: USD.describe('The part of the cost that is theirs.'),
    mean_latency_ms: z.number().nullable().describe(`Over the newest ${LATENCY_CALLS} calls of today.`),
  }),
  change: z.object({
    yesterday_cost_usd: USD.describe('Yesterday, up to this time of day; to the quarter-hour.'),
    cost_usd: USD.describe('Today less yesterday up to this time of day.'),
    percent: z.number().nullable().describe('Null where there was no spend yesterday.'),
  }),
  history: z
    .array(
      z.object({
        date: z.string(),
        cost_usd: USD,
        calls: COUNT,
        unpriced_calls: COUNT,
        estimated_calls: COUNT,
        estimated_cost_usd: USD,
      }),
    )
    .describe(`The last ${HISTORY_DAYS} days, today included, oldest first; days without calls too.`),
  recent_calls: z.array(CALL_ANSWER),
});

interface Change {
  readonly yesterday: string;
  readonly difference: string;
  readonly percent: number | null;
}

/** Wall clocks are compared, so that a day of 23 or 25 hours compares with the same time of the day before. */
async function readChange(reading: Reading, today: string, costToday: string, now: Date): Promise<Change> {
  const [row] = await reading.query<{ at: string }>(
    `SELECT (($1::timestamptz AT TIME ZONE $2::text - interval '1 day') AT TIME ZONE $2::text)::text AS at`,
    [now.toISOString(), reading.timezone],
  );
  const start = await resolveRange(reading, { from: addDays(today, -1), to: addDays(today, -1) }, true);
  const values = [start.from, row?.at ?? start.to, reading.tenant, costToday];
  const [change] = await reading.query<{ yesterday: string; difference: string; percent: string | null }>(
    `SELECT yesterday::numeric(60, 12)::text AS yesterday,
       ($4::numeric - yesterday)::numeric(60, 12)::text AS difference,
       round(($4::numeric - yesterday) * 100 / nullif(yesterday, 0), 2)::text AS percent
     FROM (
       SELECT coalesce(sum(cost_usd), 0) AS yesterday FROM spanmeter.spend_rollup
       WHERE bucket_start >= $1::timestamptz AND bucket_start < $2::timestamptz
         AND ($3::text IS NULL OR tenant_id = $3)
         AND cost_status NOT IN ('duplicate', 'not_billable')
     ) AS before`,
    values,
  );
  return {
    yesterday: change?.yesterday ?? ZERO_USD,
    difference: change?.difference ?? ZERO_USD,
    percent: change === undefined || change.percent === null ? null : Number(change.percent),
  };
}

function sumsByDay(spend: Spend): ReadonlyMap<string | null | undefined, SpendSums> {
  return new Map(spend.rows.map((row) => [row.group.day, row]));
}

async function summarise(reading: Reading, now: Date): Promise<object> {
  const today = civilDateIn(reading.timezone, now);
  const days = Array.from({ length: HISTORY_DAYS }, (_, index) => addDays(today, index + 1 - HISTORY_DAYS));
  const bounds = { from: days[0] ?? today, to: today };
  const spend = sumsByDay(
    await readSpend(reading, { range: await resolveRange(reading, bounds, true), groupBy: ['day'] }),
  );
  const current = spend.get(today);
  const todayRange = await resolveRange(reading, { from: today, to: today }, true);
  const change = await readChange(reading, today, current?.cost_usd ?? ZERO_USD, now);
  const recent = await readCalls(reading, {
    from: null,
    to: null,
    filters: {},
    after: null,
    limit: RECENT_CALLS,
  });
  return {
    tenant: reading.tenant,
    timezone: reading.timezone,
    currency: 'USD',
    today: {
      date: today,
      cost_usd: current?.cost_usd ?? ZERO_USD,
      calls: current?.calls ?? 0,
      errors: current?.errors ?? 0,
      unpriced_calls: current?.unpriced_calls ?? 0,
      estimated_calls: current?.estimated_calls ?? 0,
      estimated_cost_usd: current?.estimated_cost_usd ?? ZERO_USD,
      mean_latency_ms: await readMeanLatency(reading, todayRange.from, LATENCY_CALLS),
    },
    change: { yesterday_cost_usd: change.yesterday, cost_usd: change.difference, percent: change.percent },
    history: days.map((date) => {
      const sums = spend.get(date);
      const { cost_usd = ZERO_USD, calls = 0, unpriced_calls = 0 } = sums ?? {};
      const { estimated_calls = 0, estimated_cost_usd = ZERO_USD } = sums ?? {};
      return { date, cost_usd, calls, unpriced_calls, estimated_calls, estimated_cost_usd };
    }),
    recent_calls: recent.calls,
  };
}

/** [contract] Today's spend and change, thirty days of history and the newest calls. */
export const SUMMARY: Route = defineRoute({
  path: '/api/v1/summary',
  summary: 'Today, the last 30 days and the newest calls',
  description: "Days are those of the tenant's time zone.",
  access: 'spend',
  query: z.strictObject({ tenant: PARAMETERS.tenant }),
  answer: ANSWER,
  example: {
    tenant: 'acme',
    timezone: 'Europe/Rome',
    currency: 'USD',
    today: {
      date: '2026-11-20',
      cost_usd: '12.500000000000',
      calls: 300,
      errors: 2,
      unpriced_calls: 0,
      estimated_calls: 0,
      estimated_cost_usd: '0.000000000000',
      mean_latency_ms: 812.5,
    },
    change: { yesterday_cost_usd: '10.000000000000', cost_usd: '2.500000000000', percent: 25 },
    history: [
      {
        date: '2026-11-20',
        cost_usd: '12.500000000000',
        calls: 300,
        unpriced_calls: 0,
        estimated_calls: 0,
        estimated_cost_usd: '0.000000000000',
      },
    ],
    recent_calls: [EXAMPLE_CALL],
  },
  async handle(query, { identity, reader, now }) {
    const json = await reader.read(tenantFor(identity, query.tenant), (reading) => summarise(reading, now()));
    return { json };
  },
});
