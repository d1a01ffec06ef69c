import { formatPico } from '@spanmeter/processors';
import type { ClientBase } from 'pg';
import { registerTenant } from '../keys/tenant-store.ts';
import { audit } from '../keys/transaction.ts';
import { Refusal } from '../pipeline/refusal.ts';
import {
  budgetFaults,
  settingsOf,
  thresholdsOf,
  VALUELESS_SCOPES,
  type BudgetRequest,
  type BudgetSettings,
} from './budget-fields.ts';
import { holdingBudgets } from './budget-lock.ts';
import { BUDGET_COLUMNS, budgetOf, type BudgetRow } from './budget-row.ts';
import { ROW_SCOPES, type Budget } from './budget.ts';
import { countHeld } from './count-spend.ts';
import { refillSpend } from './spend-fill.ts';
import { readStoredBudget } from './stored-budgets.ts';

/** Collectors hold every budget in memory. */
export const MAX_BUDGETS = 100_000;

/** Who changes budgets, and when. */
export interface ChangedBy {
  readonly actor: string;
  readonly now: Date;
}

/** Which budget: an id is one of its tenant, or of the operator where `tenant` is null. */
export interface BudgetKey {
  readonly tenant: string | null;
  readonly id: string;
}

/** What a change sets; the rest stays. */
export type BudgetChanges = {
  readonly [K in keyof Omit<BudgetRequest, keyof BudgetKey>]?: BudgetRequest[K] | undefined;
};

type Described = Readonly<Record<string, string | null>>;

/** Settings as the audit log has them, by the names of the API. */
function described(settings: BudgetSettings): Described {
  return {
    name: settings.name,
    scope: settings.scope,
    scope_value: settings.scopeValue,
    period: settings.period,
    from: settings.startsOn,
    to: settings.endsOn,
    timezone: settings.timezone,
    limit_usd: formatPico(settings.limitPicoUsd),
    steps: settings.steps.map(({ percent }) => percent).join(','),
    hard: String(settings.hard),
    enabled: String(settings.enabled),
  };
}

function differences(before: Described, after: Described): string[] {
  return Object.keys(after).filter((name) => before[name] !== after[name]);
}

/** What decides which calls a row of `budget_spend` is the sum of. */
const COUNTED_BY: ReadonlySet<string> = new Set([
  'scope',
  'scope_value',
  'period',
  'from',
  'to',
  'timezone',
  'enabled',
]);

function checked(request: BudgetRequest): BudgetSettings {
  const faults = budgetFaults(request).map(({ field, message }) => `${field} ${message}`);
  if (faults.length > 0) throw new Refusal('invalid', `${faults.join('; ')}.`);
  return settingsOf(request);
}

/** One budget, or null. */
export async function findBudget(client: ClientBase, { tenant, id }: BudgetKey): Promise<Budget | null> {
  const text = `SELECT ${BUDGET_COLUMNS} FROM spanmeter.budgets b WHERE b.tenant_id = $1 AND b.id = $2`;
  const [row] = (await client.query<BudgetRow>(text, [tenant ?? '', id])).rows;
  return row === undefined ? null : budgetOf(row);
}

async function required(client: ClientBase, key: BudgetKey): Promise<Budget> {
  const budget = await findBudget(client, key);
  if (budget !== null) return budget;
  const whose =
    key.tenant === null ? "among the operator's; is it a tenant's?" : `of tenant "${key.tenant}".`;
  throw new Refusal('not_found', `There is no budget "${key.id}" ${whose}`);
}

function rowValues(settings: BudgetSettings): unknown[] {
  const { tenantId, id, name, scope, scopeValue, period, startsOn, endsOn, timezone, hard, enabled } =
    settings;
  const limit = formatPico(settings.limitPicoUsd);
  const steps = thresholdsOf(settings);
  return [
    tenantId,
    id,
    name,
    scope,
    scopeValue,
    period,
    startsOn,
    endsOn,
    timezone,
    limit,
    steps,
    hard,
    enabled,
  ];
}

/** What `createBudget` made. */
export interface CreatedBudget {
  readonly budget: Budget;
  /** False where it existed with these settings already. */
  readonly created: boolean;
  /** Whether its tenant was not known before. */
  readonly tenantRegistered: boolean;
}

/**
 * Makes a budget in the caller's transaction, registers its tenant where that is not known yet, and sums what was
 * spent in the current period. One that exists with the same settings is left alone, so that it can be repeated.
 * Rejects with Refusal: `invalid` for faults, for one that exists with other settings and beyond `MAX_BUDGETS`;
 * `unavailable` where the lock or the sum takes too long.
 */
export async function createBudget(
  client: ClientBase,
  request: BudgetRequest,
  { actor, now }: ChangedBy,
): Promise<CreatedBudget> {
  const settings = checked(request);
  const { tenant, id } = request;
  return holdingBudgets(client, async () => {
    const there = await findBudget(client, request);
    if (there !== null) {
      const others = differences(described(there), described(settings));
      if (others.length === 0) return { budget: there, created: false, tenantRegistered: false };
      throw new Refusal('invalid', `Budget "${id}" exists already, with another ${others.join(', ')}.`);
    }
    const counted = await client.query<{ budgets: number }>(
      'SELECT count(*)::int AS budgets FROM spanmeter.budgets',
    );
    if ((counted.rows[0]?.budgets ?? 0) >= MAX_BUDGETS) {
      throw new Refusal(
        'invalid',
        `There are ${MAX_BUDGETS} budgets, which are the most: remove some first.`,
      );
    }
    const tenantRegistered = tenant !== null && (await registerTenant(client, tenant, actor));
    await client.query(
      `INSERT INTO spanmeter.budgets (tenant_id, id, name, scope, scope_value, period, starts_on, ends_on, timezone,
         limit_usd, thresholds, hard, enabled, created_by, created_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::text[]::numeric[], $12, $13, $14, $15)`,
      [...rowValues(settings), actor, now.toISOString()],
    );
    const stored = await readStoredBudget((text) => client.query(text), settings);
    // Counted here and once, so that calls wait no longer than they must, and a guard knows it from the start.
    if (stored !== null && ROW_SCOPES.has(stored.scope)) await countHeld(client, stored);
    await audit(client, { actor, action: 'budget.create', tenant, target: id, detail: described(settings) });
    return { budget: await required(client, request), created: true, tenantRegistered };
  });
}

/** A stored budget as a request, to change some of it. */
function requestOf(budget: Budget): BudgetRequest {
  return {
    tenant: budget.tenantId === '' ? null : budget.tenantId,
    id: budget.id,
    name: budget.name,
    scope: budget.scope,
    scopeValue: budget.scopeValue,
    period: budget.period,
    from: budget.startsOn,
    to: budget.endsOn,
    timezone: budget.timezone,
    limitUsd: formatPico(budget.limitPicoUsd),
    steps: budget.steps.map(({ percent }) => percent),
    hard: budget.hard,
    enabled: budget.enabled,
  };
}

/** What another scope or period has no use for goes with it, unless the change says something else. */
function merged(request: BudgetRequest, changes: BudgetChanges): BudgetRequest {
  const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
  const noValue = changes.scope !== undefined && VALUELESS_SCOPES.has(changes.scope);
  const noWindow = changes.period !== undefined && changes.period !== 'custom';
  return {
    ...request,
    ...(noValue ? { scopeValue: null } : {}),
    ...(noWindow ? { from: null, to: null } : {}),
    ...given,
  };
}

/**
 * Changes a budget in the caller's transaction; what it holds in the current period is summed anew where the change
 * decides that. Rejects with Refusal: `not_found`; `invalid` where it would have faults; `unavailable` as
 * `createBudget`.
 */
export async function changeBudget(
  client: ClientBase,
  key: BudgetKey,
  changes: BudgetChanges,
  { actor, now }: ChangedBy,
): Promise<{ budget: Budget; changed: boolean }> {
  return holdingBudgets(client, async () => {
    const before = await required(client, key);
    const settings = checked(merged(requestOf(before), changes));
    const [was, is] = [described(before), described(settings)];
    const others = differences(was, is);
    if (others.length === 0) return { budget: before, changed: false };
    await client.query(
      `UPDATE spanmeter.budgets SET name = $3, scope = $4, scope_value = $5, period = $6, starts_on = $7,
         ends_on = $8, timezone = $9, limit_usd = $10, thresholds = $11::text[]::numeric[], hard = $12, enabled = $13,
         updated_at = now()
       WHERE tenant_id = $1 AND id = $2`,
      rowValues(settings),
    );
    if (others.some((name) => COUNTED_BY.has(name))) {
      await refillSpend(client, settings.tenantId, [settings], now);
    }
    const detail = Object.fromEntries(
      others.flatMap((name) => [
        [name, is[name] ?? null],
        [`${name}_before`, was[name] ?? null],
      ]),
    );
    await audit(client, { actor, action: 'budget.change', tenant: key.tenant, target: key.id, detail });
    return { budget: await required(client, key), changed: true };
  });
}

/** Removes a budget and what was summed for it, in the caller's transaction. Rejects with Refusal `not_found`. */
export async function removeBudget(client: ClientBase, key: BudgetKey, actor: string): Promise<Budget> {
  return holdingBudgets(client, async () => {
    const budget = await required(client, key);
    await client.query('DELETE FROM spanmeter.budgets WHERE tenant_id = $1 AND id = $2', [
      budget.tenantId,
      budget.id,
    ]);
    const detail = described(budget);
    await audit(client, { actor, action: 'budget.remove', tenant: key.tenant, target: key.id, detail });
    return budget;
  });
}
