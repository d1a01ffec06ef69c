import type { ClientBase } from 'pg';
import { UNPRICED_STATUSES } from '../api/spend-query.ts';
import { isTimeZone } from '../keys/tenant-store.ts';
import type { BudgetSettings } from './budget-fields.ts';
import { ROW_SCOPES, type PeriodBounds } from './budget.ts';
import { periodBoundsAt } from './period.ts';

/** The column of a call that a scope looks at. */
const COLUMNS: Readonly<Record<string, string>> = {
  user: 'user_id',
  session: 'session_id',
  agent: 'agent_name',
};

/** Budgets of one tenant and scope with the same period, so that calls are read once for all of them. */
interface Group {
  readonly scope: string;
  readonly bounds: PeriodBounds;
  readonly ids: string[];
  readonly values: string[];
}

function groupsOf(budgets: readonly BudgetSettings[], tenantZone: string, now: Date): Group[] {
  const groups = new Map<string, Group>();
  for (const { id, scope, scopeValue, period, timezone, startsOn, endsOn, enabled } of budgets) {
    if (!enabled || !ROW_SCOPES.has(scope) || scopeValue === null) continue;
    const bounds = periodBoundsAt(period, timezone ?? tenantZone, startsOn, endsOn, now.getTime());
    if (bounds === null) continue;
    const key = `${scope} ${bounds.startMs} ${bounds.endMs}`;
    const group = groups.get(key) ?? { scope, bounds, ids: [], values: [] };
    groups.set(key, group);
    group.ids.push(id);
    group.values.push(scopeValue);
  }
  return [...groups.values()];
}

function fillText(column: string, ofTenant: boolean): string {
  return `WITH sums AS (
      SELECT c.${column} AS value, sum(c.effective_cost_usd) AS spent, count(*) AS calls,
        count(*) FILTER (WHERE c.effective_status = ANY ($6)) AS unpriced
      FROM spanmeter.calls_effective c
      WHERE c.started_at >= $2 AND c.started_at < $3 AND c.${column} = ANY ($5)
        AND c.effective_status NOT IN ('duplicate', 'not_billable') ${ofTenant ? 'AND c.tenant_id = $1' : ''}
      GROUP BY 1
    )
    INSERT INTO spanmeter.budget_spend
      (tenant_id, budget_id, period_start, period_end, spent_usd, calls, unpriced_calls)
    SELECT $1, b.id, $2, $3, coalesce(s.spent, 0), coalesce(s.calls, 0), coalesce(s.unpriced, 0)
    FROM unnest($4::text[], $5::text[]) AS b (id, value) LEFT JOIN sums s ON s.value = b.value`;
}

/**
 * Makes `budget_spend` of these budgets of one tenant ('' for the operator's) anew: nothing of earlier periods, and
 * the current one summed from the calls that are stored, for those that are enabled and of a scope that rollups do
 * not have. For a transaction that holds the budgets' lock, so that no call is committed beside it.
 */
export async function refillSpend(
  client: ClientBase,
  tenantId: string,
  budgets: readonly BudgetSettings[],
  now: Date,
): Promise<void> {
  if (budgets.length === 0) return;
  const ids = budgets.map(({ id }) => id);
  await client.query('DELETE FROM spanmeter.budget_spend WHERE tenant_id = $1 AND budget_id = ANY ($2)', [
    tenantId,
    ids,
  ]);
  const found = await client.query<{ timezone: string }>(
    'SELECT timezone FROM spanmeter.tenants WHERE id = $1',
    [tenantId],
  );
  const zone = found.rows[0]?.timezone ?? 'UTC';
  // PostgreSQL also takes zones by their rules, such as `<+05>-5`, which JavaScript does not know.
  for (const { scope, bounds, ...group } of groupsOf(budgets, isTimeZone(zone) ? zone : 'UTC', now)) {
    await client.query(fillText(COLUMNS[scope] ?? scope, tenantId !== ''), [
      tenantId,
      new Date(bounds.startMs).toISOString(),
      new Date(bounds.endMs).toISOString(),
      group.ids,
      group.values,
      UNPRICED_STATUSES,
    ]);
  }
}
