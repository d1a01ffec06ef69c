import type { ClientBase } from 'pg';
import { findTenant, isTimeZone, type Tenant } from '../keys/tenant-store.ts';
import { audit } from '../keys/transaction.ts';
import { Refusal } from '../pipeline/refusal.ts';
import { holdingBudgets } from './budget-lock.ts';
import { BUDGET_COLUMNS, budgetOf, type BudgetRow } from './budget-row.ts';
import { ROW_SCOPES } from './budget.ts';
import { refillSpend } from './spend-fill.ts';
import type { ChangedBy } from './store.ts';

/**
 * Gives a tenant another time zone in the caller's transaction. Its days and months begin at other instants from then
 * on, so what its budgets hold in the current period is summed anew. Rejects with Refusal: `invalid` for a zone that
 * does not exist, `not_found`, and `unavailable` where the lock or the sum takes too long.
 */
export async function setTenantZone(
  client: ClientBase,
  id: string,
  timezone: string,
  { actor, now }: ChangedBy,
): Promise<{ tenant: Tenant; changed: boolean }> {
  if (!isTimeZone(timezone)) {
    throw new Refusal('invalid', `"${timezone}" is not an IANA time zone, such as Europe/Rome.`);
  }
  return holdingBudgets(client, async () => {
    const before = await findTenant(client, id);
    if (before === null) throw new Refusal('not_found', `There is no tenant "${id}".`);
    if (before.timezone === timezone) return { tenant: before, changed: false };
    await client.query('UPDATE spanmeter.tenants SET timezone = $2 WHERE id = $1', [id, timezone]);
    const { rows } = await client.query<BudgetRow>(
      `SELECT ${BUDGET_COLUMNS} FROM spanmeter.budgets b
       WHERE b.tenant_id = $1 AND b.timezone IS NULL AND b.scope = ANY ($2)`,
      [id, [...ROW_SCOPES]],
    );
    await refillSpend(client, id, rows.map(budgetOf), now);
    const detail = { timezone, timezone_before: before.timezone };
    await audit(client, { actor, action: 'tenant.change', tenant: id, target: id, detail });
    return { tenant: { ...before, timezone }, changed: true };
  });
}
