import { z } from 'zod';
import { BUDGET_PERIODS, BUDGET_SCOPES, type BudgetScope, type BudgetState } from '../../budgets/budget.ts';
import { budgetStatus, byUse } from '../../budgets/budget-status.ts';
import type { Identity } from '../../pipeline/identity.ts';
import { Refusal } from '../../pipeline/refusal.ts';
import { COUNT, PARAMETERS, USD } from '../parameters.ts';
import { defineRoute, tenantFor, type Route } from '../route.ts';

const RETRY_AFTER_MS = 1_000;

const value = (of: string) =>
  z
    .string()
    .min(1)
    .max(512)
    .optional()
    .describe(`Of the budgets by ${of}, only those of this one; those by anything else stay.`);

const QUERY = z.strictObject({
  tenant: PARAMETERS.tenant.describe(
    'Tenant to read. Keys of one tenant may only name theirs; a gateway key must name one. With an admin key, or ' +
      "without authentication, absence means all tenants and the operator's budgets over them.",
  ),
  team: value('team'),
  feature: value('feature'),
  service_name: value('service'),
  environment: value('environment'),
  provider: value('provider'),
  model: value('model'),
  key: value('API key'),
  user: value('user'),
  session: value('session'),
  agent: value('agent'),
  limit: PARAMETERS.limit.describe('Budgets, from 1 to 1000; the most used come first.'),
});

const INSTANT = z.iso.datetime();

const STATUS = z.object({
  tenant: z.string(),
  id: z.string(),
  name: z.string(),
  scope: z.enum(BUDGET_SCOPES),
  scope_value: z.string().nullable(),
  period: z.enum(BUDGET_PERIODS),
  timezone: z.string(),
  period_start: INSTANT,
  period_end: INSTANT,
  limit_usd: USD,
  spent_usd: USD,
  remaining_usd: USD,
  used_percent: z.number(),
  level: z
    .enum(['ok', 'warning', 'exceeded'])
    .describe('`exceeded`: spent > limit; `warning`: > a soft step.'),
  hard: z.boolean(),
  refuse: z.boolean().describe('Hard, and spent >= limit: a guard refuses calls.'),
  complete: z.boolean().describe('False while calls in the period have no cost.'),
  unpriced_calls: COUNT,
  forecast: z
    .object({
      expected_usd: USD,
      low_usd: USD,
      high_usd: USD,
      exhausted_at: INSTANT.nullable(),
      method: z.string(),
    })
    .nullable()
    .describe(
      "Expected at the period's end, with the bounds of an 80 % interval; null where nothing is known.",
    ),
});

const ANSWER = z.object({ as_of: INSTANT, budgets: z.array(STATUS), truncated: z.boolean() });

/** What the request says about a call, by the scope of the budgets that it narrows. */
type Asked = z.output<typeof QUERY>;

/** Keys of one tenant read that tenant; a gateway's may stand for any, and says which. */
function tenantOf(identity: Identity, asked: string | undefined): string | null {
  switch (identity.role) {
    case 'ingest':
      if (identity.tenant === null || (asked !== undefined && asked !== identity.tenant))
        throw new Refusal('forbidden', 'This key may only read its own tenant.');
      return identity.tenant;
    case 'gateway':
      if (asked === undefined) throw new Refusal('invalid', 'A gateway key must name the tenant.');
      return asked;
    case 'read':
    case 'admin':
    case 'open':
      return tenantFor(identity, asked);
    default:
      return identity.role satisfies never;
  }
}

/** A key that is bound to a team speaks for that team alone. */
function teamOf(identity: Identity, asked: string | undefined): string | undefined {
  if (identity.role !== 'ingest' || identity.team === null) return asked;
  if (asked !== undefined && asked !== identity.team)
    throw new Refusal('forbidden', 'This key may only read its own team.');
  return identity.team;
}

function isAsked({ scope, budget }: BudgetState, asked: Partial<Record<BudgetScope, unknown>>): boolean {
  const wanted = asked[scope];
  return scope === 'tenant' || wanted === undefined || wanted === budget.scopeValue;
}

/** [contract] What guards ask: budgets as they stand after the latest commit, without the database. */
export const BUDGET_STATUS: Route = defineRoute({
  path: '/api/v1/budgets/status',
  summary: 'Budgets as they stand now',
  description:
    'Spend against each budget in its current period, from memory. Ingest keys may read it for their own tenant (and ' +
    'team), gateway keys for the tenant that they name. 503 until the collector has read the spend once.',
  access: 'own_budgets',
  query: QUERY,
  answer: ANSWER,
  example: {
    as_of: '2026-11-20T09:15:00.000Z',
    budgets: [
      {
        tenant: 'acme',
        id: 'default',
        name: 'Default daily budget',
        scope: 'tenant',
        scope_value: null,
        period: 'day',
        timezone: 'UTC',
        period_start: '2026-11-20T00:00:00.000Z',
        period_end: '2026-11-21T00:00:00.000Z',
        limit_usd: '10.000000000000',
        spent_usd: '8.400000000000',
        remaining_usd: '1.600000000000',
        used_percent: 84,
        level: 'warning',
        hard: false,
        refuse: false,
        complete: true,
        unpriced_calls: 0,
        forecast: null,
      },
    ],
    truncated: false,
  },
  handle(query, { identity, budgets, forecasts, now }) {
    const tenant = tenantOf(identity, query.tenant);
    const asked: Asked = { ...query, team: teamOf(identity, query.team) };
    const watch = budgets();
    if (watch === null) {
      const message = 'The spend was not read from the database yet.';
      throw new Refusal('unavailable', message, { retryAfterMs: RETRY_AFTER_MS });
    }
    const { tenant: _tenant, limit, ...values } = asked;
    const found = byUse(watch.states(tenant).filter((state) => isAsked(state, values)));
    const json = {
      as_of: now().toISOString(),
      budgets: found.slice(0, limit).map((state) => budgetStatus(state, forecasts())),
      truncated: found.length > limit,
    };
    return Promise.resolve({ json });
  },
});
