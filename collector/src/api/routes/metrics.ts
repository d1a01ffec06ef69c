import { z } from 'zod';
import { civilDateIn, isCivilDate, PERIODS, periodDays } from '../civil-date.ts';
import { COUNT, PARAMETERS } from '../parameters.ts';
import { resolveRange } from '../range.ts';
import { defineRoute, tenantFor, type Route } from '../route.ts';
import { readSpend } from '../spend-query.ts';

const QUERY = z.strictObject({
  period: z.enum(PERIODS).default('day').describe('Day, ISO week or calendar month that `date` is in.'),
  service: z.string().min(1).max(256).default('all').describe('Provider, or `all`.'),
  date: z
    .string()
    .refine(isCivilDate, 'must be a date (YYYY-MM-DD)')
    .optional()
    .describe("Defaults to today in the tenant's time zone."),
  tenant: PARAMETERS.tenant,
});

const ANSWER = z.object({
  total_cost: z.number().describe('USD, rounded to a JSON number: for display. `/api/v1/spend` is exact.'),
  breakdown: z.array(z.object({ service: z.string(), cost: z.number(), count: COUNT })),
  usage_count: COUNT,
  unpriced_count: COUNT,
  period: z.enum(PERIODS),
});

/** [contract] The compatibility view: spend of a day, week or month by provider, as JSON numbers. */
export const METRICS: Route = defineRoute({
  path: '/api/metrics',
  summary: 'Spend of a day, week or month by provider',
  description: 'Costs are JSON numbers, for compatibility; counts are billable calls, priced or not.',
  access: 'spend',
  query: QUERY,
  answer: ANSWER,
  example: {
    total_cost: 0.45,
    breakdown: [
      { service: 'anthropic', cost: 0.3, count: 300 },
      { service: 'openai', cost: 0.15, count: 300 },
    ],
    usage_count: 600,
    unpriced_count: 0,
    period: 'month',
  },
  async handle(query, { identity, reader, now }) {
    const spend = await reader.read(tenantFor(identity, query.tenant), async (reading) => {
      const date = query.date ?? civilDateIn(reading.timezone, now());
      const range = await resolveRange(reading, periodDays(query.period, date), true);
      const provider = query.service === 'all' ? undefined : query.service;
      return readSpend(reading, { range, groupBy: ['provider'], filters: { provider } });
    });
    return {
      json: {
        total_cost: Number(spend.total.cost_usd),
        breakdown: spend.rows.map((row) => ({
          service: row.group.provider ?? 'unknown',
          cost: Number(row.cost_usd),
          count: row.calls,
        })),
        usage_count: spend.total.calls,
        unpriced_count: spend.total.unpriced_calls,
        period: query.period,
      },
    };
  },
});
