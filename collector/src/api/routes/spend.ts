import { z } from 'zod';
import { COUNT, PARAMETERS, USD } from '../parameters.ts';
import { boundsOf, resolveRange } from '../range.ts';
import { defineRoute, tenantFor, type Route } from '../route.ts';
import { resolveAsOf } from '../spend-as-of.ts';
import { spendCsv } from '../spend-csv.ts';
import { GROUP_KEYS, readsCalls, readSpend, type GroupKey, type SpendRow } from '../spend-query.ts';

const DEFAULT_DAYS = 30;
const MAX_GROUP_KEYS = 4;

const isGroupKey = (text: string): text is GroupKey => GROUP_KEYS.some((key) => key === text);

const GROUP_BY = z
  .string()
  .default('provider')
  .superRefine((text, context) => {
    const keys = text.split(',');
    for (const key of keys.filter((key) => !isGroupKey(key))) {
      const message = `"${key}" is none of ${GROUP_KEYS.join(', ')}`;
      context.addIssue({ code: 'custom', message });
    }
    if (new Set(keys).size !== keys.length)
      context.addIssue({ code: 'custom', message: 'names a key twice' });
    if (keys.length > MAX_GROUP_KEYS) {
      context.addIssue({ code: 'custom', message: `has at most ${MAX_GROUP_KEYS} keys` });
    }
  })
  .describe(
    `Up to ${MAX_GROUP_KEYS} of ${GROUP_KEYS.join(', ')}, separated by commas. \`user\` reads every call.`,
  );

const QUERY = z.strictObject({
  group_by: GROUP_BY,
  from: PARAMETERS.from,
  to: PARAMETERS.to,
  tenant: PARAMETERS.tenant,
  provider: PARAMETERS.provider,
  model: PARAMETERS.model,
  service_name: PARAMETERS.serviceName,
  environment: PARAMETERS.environment,
  team: PARAMETERS.team,
  feature: PARAMETERS.feature,
  key: PARAMETERS.key,
  user: PARAMETERS.user,
  as_of: PARAMETERS.asOf,
  format: z.enum(['json', 'csv']).default('json'),
});

const SUMS = {
  cost_usd: USD,
  calls: COUNT.describe('Billable calls, priced or not.'),
  errors: COUNT.describe('Billable calls that ended in an error.'),
  unpriced_calls: COUNT.describe('Billable calls whose cost is not known; they are in no amount.'),
  estimated_calls: COUNT.describe('Billable calls whose token counts are estimates.'),
  estimated_cost_usd: USD.describe('The part of cost_usd that rests on estimates.'),
  input_tokens: COUNT,
  cache_read_tokens: COUNT,
  cache_write_tokens: COUNT,
  output_tokens: COUNT,
  reasoning_tokens: COUNT,
};

const GROUPS = Object.fromEntries(GROUP_KEYS.map((key) => [key, z.string().nullable().optional()]));

const ANSWER = z.object({
  tenant: z.string().nullable().describe('Null: all tenants.'),
  timezone: z.string().describe('Time zone of the days and months.'),
  currency: z.literal('USD'),
  from: z.string().describe('Start that was used: whole quarter-hours, included.'),
  to: z.string().describe('End that was used: whole quarter-hours, excluded.'),
  as_of: z.string().nullable().describe('The instant that was used; null: as it stands.'),
  group_by: z.array(z.enum(GROUP_KEYS)),
  rows: z.array(z.object({ ...GROUPS, ...SUMS })),
  total: z.object(SUMS),
  truncated: z.boolean().describe('Whether rows were left out; the total has all.'),
});

const EXAMPLE_SUMS = {
  cost_usd: '0.300000000000',
  calls: 300,
  errors: 2,
  unpriced_calls: 0,
  estimated_calls: 0,
  estimated_cost_usd: '0.000000000000',
  input_tokens: 135_000,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  output_tokens: 54_000,
  reasoning_tokens: 0,
};

function flat({ group, ...sums }: SpendRow): object {
  return { ...group, ...sums };
}

/** [contract] Spend grouped by any dimensions, exact, as JSON or CSV. */
export const SPEND: Route = defineRoute({
  path: '/api/v1/spend',
  summary: 'Spend grouped by dimensions',
  description: `Rows by time, then by cost, the highest first. Without \`from\` and \`to\`: the last ${DEFAULT_DAYS} days, today included.`,
  access: 'spend',
  query: QUERY,
  answer: ANSWER,
  csv: true,
  example: {
    tenant: 'acme',
    timezone: 'Europe/Rome',
    currency: 'USD',
    from: '2026-11-19T23:00:00.000000Z',
    to: '2026-11-20T23:00:00.000000Z',
    as_of: null,
    group_by: ['day', 'provider'],
    rows: [{ day: '2026-11-20', provider: 'anthropic', ...EXAMPLE_SUMS }],
    total: EXAMPLE_SUMS,
    truncated: false,
  },
  async handle(query, { identity, reader, now }) {
    const groupBy = query.group_by.split(',').filter(isGroupKey);
    const answer = await reader.read(tenantFor(identity, query.tenant), async (reading) => {
      const bounds = boundsOf(query, reading.timezone, now(), DEFAULT_DAYS);
      const range = await resolveRange(reading, bounds, true);
      const wanted = { range, groupBy, filters: query };
      const asOf = await resolveAsOf(reading, { asked: query.as_of, range, readsCalls: readsCalls(wanted) });
      const spend = await readSpend(reading, { ...wanted, asOf });
      return { reading, range, asOf, ...spend };
    });
    if (query.format === 'csv') return { filename: 'spend.csv', csv: spendCsv(groupBy, answer.rows) };
    return {
      json: {
        tenant: answer.reading.tenant,
        timezone: answer.reading.timezone,
        currency: 'USD',
        ...answer.range,
        as_of: answer.asOf?.at ?? null,
        group_by: groupBy,
        rows: answer.rows.map(flat),
        total: answer.total,
        truncated: answer.truncated,
      },
    };
  },
});
