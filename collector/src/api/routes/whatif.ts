import { z } from 'zod';
import { askWhatIf } from '../../whatif/ask.ts';
import { WHAT_IF_GROUPS } from '../../whatif/question.ts';
import { whatIfCsv, whatIfJson } from '../../whatif/report.ts';
import { isCivilDate, PERIODS } from '../civil-date.ts';
import { COUNT, PARAMETERS, USD } from '../parameters.ts';
import { defineRoute, tenantFor, type Route } from '../route.ts';

/** Priced in four seconds or so, during which ingestion has its turn every few milliseconds. */
const MAX_CALLS = 250_000;

const QUERY = z.strictObject({
  period: z.enum(PERIODS).default('month').describe('How much time.'),
  date: z
    .string()
    .refine(isCivilDate, 'must be a date (YYYY-MM-DD)')
    .optional()
    .describe("A day in the period; today in the tenant's time zone where absent."),
  tenant: PARAMETERS.tenant,
  provider: PARAMETERS.provider,
  service_name: PARAMETERS.serviceName,
  from_model: PARAMETERS.model.describe(
    'Calls of this model: as the book, the request or the answer names it. Needed with `to_model`.',
  ),
  to_model: PARAMETERS.model.describe('The model that might have run instead.'),
  to_provider: PARAMETERS.provider.describe(
    "Who would have sold it; by default the calls' own provider if it does, else the model's vendor.",
  ),
  no_cache: z
    .enum(['true', 'false'])
    .default('false')
    .describe('Cache reads and writes counted as plain input, instead of another model.'),
  group_by: z
    .string()
    .max(256)
    .default('model,service_name')
    .describe(`Any of ${WHAT_IF_GROUPS.join(', ')}, separated by commas.`),
  format: z.enum(['json', 'csv']).default('json'),
});

const SUMS = {
  calls: COUNT.describe('Calls that have a price today and would have one then: what is compared.'),
  cost_usd: USD.describe('What they cost.'),
  cost_then_usd: USD.describe('What they would have cost.'),
  savings_usd: USD.describe('The difference; negative where it would have cost more.'),
  savings_percent: z.string().nullable().describe('Of cost_usd, two decimals; null where that is 0.'),
  estimated_calls: COUNT.describe('Calls of those whose token counts are estimates.'),
  unpriced_then_calls: COUNT.describe('Calls with a price today that would have none; in no other figure.'),
  unpriced_then_cost_usd: USD.describe('What those cost today.'),
  unpriced_today_calls: COUNT.describe('Calls without a price today; in no other figure.'),
};

const GROUPS = Object.fromEntries(WHAT_IF_GROUPS.map((key) => [key, z.string().nullable().optional()]));

const ANSWER = z.object({
  tenant: z.string().nullable().describe('Null: all tenants.'),
  timezone: z.string(),
  currency: z.literal('USD'),
  period: z.enum(PERIODS),
  from: z.string().describe('First day of the period.'),
  to: z.string().describe('Last day of the period.'),
  change: z.enum(['model', 'no_cache']),
  from_model: z.string().nullable(),
  to_model: z.string().nullable(),
  to_provider: z.string().nullable(),
  provider: z.string().nullable(),
  service_name: z.string().nullable(),
  group_by: z.array(z.enum(WHAT_IF_GROUPS)),
  rows: z.array(z.object({ ...GROUPS, ...SUMS })).describe('By cost today, the highest first.'),
  total: z.object(SUMS),
  unpriced_then: z
    .array(z.object({ status: z.string(), reason: z.string(), calls: COUNT }))
    .describe('Why calls would have no price.'),
  cache_as_input_calls: COUNT.describe(
    'Calls whose cached tokens are counted as plain input, since the other model has no price for them.',
  ),
  other_version_calls: COUNT.describe("Calls priced by another book version than today's."),
  reported_calls: COUNT.describe("Calls whose cost is the provider's own figure."),
  truncated: z.boolean().describe('Whether groups were left out of the rows; the total has all.'),
  notes: z.array(z.string()).describe('What to know before believing the figures.'),
});

const EXAMPLE_SUMS = {
  calls: 300,
  cost_usd: '7.500000000000',
  cost_then_usd: '0.450000000000',
  savings_usd: '7.050000000000',
  savings_percent: '94.00',
  estimated_calls: 0,
  unpriced_then_calls: 0,
  unpriced_then_cost_usd: '0.000000000000',
  unpriced_today_calls: 0,
};

/** [contract] What stored usage would have cost with another model, or without caching. */
export const WHAT_IF: Route = defineRoute({
  path: '/api/v1/whatif',
  summary: 'What stored usage would have cost otherwise',
  description:
    'Every call of the period priced again, exactly, by the book of today at its own instant and conditions: with ' +
    `another model, or with \`no_cache=true\`. At most ${MAX_CALLS} calls, one request at a time.`,
  access: 'spend',
  query: QUERY,
  answer: ANSWER,
  csv: true,
  example: {
    tenant: 'acme',
    timezone: 'Europe/Rome',
    currency: 'USD',
    period: 'month',
    from: '2026-11-01',
    to: '2026-11-30',
    change: 'model',
    from_model: 'gpt-4o',
    to_model: 'gpt-4o-mini',
    to_provider: null,
    provider: null,
    service_name: null,
    group_by: ['model', 'service_name'],
    rows: [{ model: 'gpt-4o', service_name: 'checkout', ...EXAMPLE_SUMS }],
    total: EXAMPLE_SUMS,
    unpriced_then: [],
    cache_as_input_calls: 0,
    other_version_calls: 0,
    reported_calls: 0,
    truncated: false,
    notes: ['Token counts are those of the model that ran; another tokenizer would count otherwise.'],
  },
  handle(query, { identity, reader, now, books, alone, signal }) {
    const tenant = tenantFor(identity, query.tenant);
    const request = {
      period: query.period,
      date: query.date,
      provider: query.provider,
      serviceName: query.service_name,
      fromModel: query.from_model,
      toModel: query.to_model,
      toProvider: query.to_provider,
      noCache: query.no_cache === 'true',
      groupBy: query.group_by,
    };
    return alone(async () => {
      const report = await reader.read(tenant, (reading) =>
        askWhatIf(reading, books(), request, now(), { maxCalls: MAX_CALLS, signal }),
      );
      if (query.format === 'csv') return { filename: 'whatif.csv', csv: whatIfCsv(report) };
      return { json: whatIfJson(report) };
    });
  },
});
