import { z } from 'zod';
import {
  budgetFaults,
  DEFAULT_STEPS,
  FIELD_CHECKS,
  type BudgetField,
  type BudgetRequest,
} from '../../budgets/budget-fields.ts';
import { budgetJson } from '../../budgets/budget-json.ts';
import { BUDGET_PERIODS, BUDGET_SCOPES } from '../../budgets/budget.ts';
import { listBudgets } from '../../budgets/list-budgets.ts';
import { changeBudget, createBudget, removeBudget } from '../../budgets/store.ts';
import { decodePlace, encodePlace } from '../page-cursor.ts';
import { PARAMETERS, USD } from '../parameters.ts';
import { defineChange, defineRoute, tenantFor, type Route } from '../route.ts';

type TextField = Exclude<BudgetField, 'steps' | 'limit_usd' | 'scope' | 'period'>;

/** Text under the check that the command line has too. */
function text(field: TextField, description: string): z.ZodString {
  return z
    .string()
    .superRefine((value, context) => {
      const message = FIELD_CHECKS[field](value);
      if (message !== null) context.addIssue({ code: 'custom', message });
    })
    .describe(description);
}

const LIMIT = z
  .union([z.string(), z.number()])
  .transform(String)
  .superRefine((value, context) => {
    const message = FIELD_CHECKS.limit_usd(value);
    if (message !== null) context.addIssue({ code: 'custom', message });
  })
  .describe('USD per period, exact where it is text: more than 0, at most 1e15, at most 12 decimals.');

const STEPS = z
  .array(z.union([z.string(), z.number()]).transform(String))
  .superRefine((value, context) => {
    const message = FIELD_CHECKS.steps(value);
    if (message !== null) context.addIssue({ code: 'custom', message });
  })
  .describe('1 to 10 soft steps in percent of the limit; 50, 80 and 100 where absent.');

const SETTINGS = {
  name: text('name', 'For people; the id where it is null.').nullish(),
  scope_value: text(
    'scope_value',
    'Whose spend, as calls are stored: the team, the model, the user …',
  ).nullish(),
  from: text('from', 'First day of a custom window.').nullish(),
  to: text('to', 'Last day of a custom window, included.').nullish(),
  timezone: text('timezone', "IANA time zone of the period; the tenant's where it is null.").nullish(),
  steps: STEPS.optional(),
  hard: z
    .boolean()
    .optional()
    .describe('Whether guards refuse calls once spent >= limit; false where absent.'),
  enabled: z.boolean().optional().describe('True where absent.'),
};
const SCOPE = z.enum(BUDGET_SCOPES).describe('`each`: every tenant by itself; `all`: all tenants together.');
const PERIOD = z.enum(BUDGET_PERIODS).describe('The calendar day, ISO week or month, or a window of days.');

const NEW_BUDGET = z.strictObject({
  tenant: text('tenant', "Whose budget it is; absent or null for the operator's.").nullish(),
  id: text('id', 'Its name in URLs and labels: 1 to 64 of a-z, 0-9, `_`, `.` and `-`.'),
  scope: SCOPE,
  period: PERIOD,
  limit_usd: LIMIT,
  ...SETTINGS,
});

const CHANGES = z.strictObject({
  scope: SCOPE.optional(),
  period: PERIOD.optional(),
  limit_usd: LIMIT.optional(),
  ...SETTINGS,
});

const BUDGET = z.object({
  tenant: z.string().nullable().describe("Null for the operator's."),
  id: z.string(),
  name: z.string(),
  scope: SCOPE,
  scope_value: z.string().nullable(),
  period: PERIOD,
  from: z.string().nullable(),
  to: z.string().nullable(),
  timezone: z.string().nullable().describe("Null: the tenant's; UTC for the operator's."),
  limit_usd: USD,
  steps: z.array(z.string()).describe('Percent of the limit, ascending.'),
  hard: z.boolean(),
  enabled: z.boolean(),
  created_at: z.string(),
});

const EXAMPLE = {
  tenant: 'acme',
  id: 'payments-monthly',
  name: 'Payments',
  scope: 'team',
  scope_value: 'payments',
  period: 'month',
  from: null,
  to: null,
  timezone: null,
  limit_usd: '500.000000000000',
  steps: ['50', '80', '100'],
  hard: true,
  enabled: true,
  created_at: '2026-11-21T09:00:00.000Z',
};

const OF_TENANT = z.strictObject({
  tenant: PARAMETERS.tenant.describe("Whose budget it is; absent for the operator's."),
});

const PLACE = z.tuple([z.string().max(512), z.string().max(64)]);

/** What no single field can tell; every fault of the body is answered at once. */
function requireFaultless(request: BudgetRequest): void {
  const faults = budgetFaults(request);
  if (faults.length === 0) return;
  throw new z.ZodError(
    faults.map(({ field, message }) => ({ code: 'custom', path: [field], message, input: undefined })),
  );
}

/** [contract] Budgets by tenant and id, the operator's first. */
const LIST: Route = defineRoute({
  path: '/api/v1/budgets',
  summary: 'Budgets',
  description:
    "Of a tenant: its own, and the operator's budgets for each tenant that hold for it. Of all tenants: every budget. " +
    '`/api/v1/budgets/status` has what is spent.',
  access: 'spend',
  query: z.strictObject({ tenant: PARAMETERS.tenant, limit: PARAMETERS.limit, cursor: PARAMETERS.cursor }),
  answer: z.object({
    budgets: z.array(BUDGET),
    next_cursor: z.string().nullable().describe('Null on the last page.'),
  }),
  example: { budgets: [EXAMPLE], next_cursor: null },
  async handle({ tenant: asked, limit, cursor }, { identity, reader }) {
    const tenant = tenantFor(identity, asked);
    const question = ['budgets', tenant];
    const place = cursor === undefined ? null : decodePlace(cursor, PLACE, question);
    const after = place === null ? null : { tenantId: place[0], id: place[1] };
    const { budgets, more } = await reader.read(tenant, (reading) =>
      listBudgets((text, values) => reading.query(text, values), { tenant, after, limit }),
    );
    const last = budgets.at(-1);
    const next = more && last !== undefined ? encodePlace([last.tenantId, last.id], question) : null;
    return { json: { budgets: budgets.map(budgetJson), next_cursor: next } };
  },
});

const CREATE: Route = defineChange({
  method: 'POST',
  path: '/api/v1/budgets',
  summary: 'Make a budget',
  description:
    'Harmless to repeat: one that exists with the same settings is answered with `created` false. A tenant that is ' +
    'not known yet is registered.',
  query: z.strictObject({}),
  body: NEW_BUDGET,
  answer: z.object({ budget: BUDGET, created: z.boolean() }),
  example: { budget: EXAMPLE, created: true },
  async handle(_query, { writer, now }, body) {
    const request: BudgetRequest = {
      tenant: body.tenant ?? null,
      id: body.id,
      name: body.name ?? null,
      scope: body.scope,
      scopeValue: body.scope_value ?? null,
      period: body.period,
      from: body.from ?? null,
      to: body.to ?? null,
      timezone: body.timezone ?? null,
      limitUsd: body.limit_usd,
      steps: body.steps ?? DEFAULT_STEPS,
      hard: body.hard ?? false,
      enabled: body.enabled ?? true,
    };
    requireFaultless(request);
    const by = { actor: writer.actor, now: now() };
    const { budget, created } = await writer.write((client) => createBudget(client, request, by));
    return { json: { budget: budgetJson(budget), created } };
  },
});

const CHANGE: Route = defineChange({
  method: 'PATCH',
  path: '/api/v1/budgets/{id}',
  summary: 'Change a budget',
  description: 'What is absent stays as it is. Answers the budget as it is then.',
  query: OF_TENANT,
  body: CHANGES,
  answer: z.object({ budget: BUDGET }),
  example: { budget: EXAMPLE },
  async handle(query, { writer, now, params }, body) {
    const { scope_value: scopeValue, limit_usd: limitUsd, name, ...rest } = body;
    const id = params['id'] ?? '';
    const changes = { ...rest, scopeValue, limitUsd, name: name === null ? id : name };
    const by = { actor: writer.actor, now: now() };
    const { budget } = await writer.write((client) =>
      changeBudget(client, { tenant: query.tenant ?? null, id }, changes, by),
    );
    return { json: { budget: budgetJson(budget) } };
  },
});

const REMOVE: Route = defineChange({
  method: 'DELETE',
  path: '/api/v1/budgets/{id}',
  summary: 'Remove a budget',
  description: 'Answers the budget as it was. Calls and their costs stay.',
  query: OF_TENANT,
  body: z.strictObject({}),
  answer: z.object({ removed: BUDGET }),
  example: { removed: EXAMPLE },
  async handle(query, { writer, params }) {
    const key = { tenant: query.tenant ?? null, id: params['id'] ?? '' };
    const removed = await writer.write((client) => removeBudget(client, key, writer.actor));
    return { json: { removed: budgetJson(removed) } };
  },
});

/** [contract] Budgets as rows. */
export const BUDGETS: readonly Route[] = [LIST, CREATE, CHANGE, REMOVE];
