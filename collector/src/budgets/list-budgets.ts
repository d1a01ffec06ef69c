import { BUDGET_COLUMNS, budgetOf, type BudgetRow } from './budget-row.ts';
import type { Budget } from './budget.ts';

/** Runs a statement and resolves with its rows. */
export type RowQuery = <R extends object>(text: string, values?: readonly unknown[]) => Promise<R[]>;

export interface BudgetListing {
  /**
   * Of one tenant with the operator's `each` budgets that hold for it; '' for the operator's alone; null is all.
   */
  readonly tenant: string | null;
  /** The last budget of the page before. */
  readonly after: { readonly tenantId: string; readonly id: string } | null;
  readonly limit: number;
}

/** A tenant's own budget of a period stands in for the operator's `each` of that period. */
const HOLDS = `b.tenant_id = '' AND b.scope = 'each' AND b.enabled AND NOT EXISTS (
  SELECT FROM spanmeter.budgets o
  WHERE o.tenant_id = $1 AND o.scope = 'tenant' AND o.period = b.period AND o.enabled)`;

const LIST = `SELECT ${BUDGET_COLUMNS} FROM spanmeter.budgets b
  WHERE ($1::text IS NULL OR b.tenant_id = $1 OR (${HOLDS}))
    AND ($2::text IS NULL OR (b.tenant_id, b.id) > ($2, $3::text))
  ORDER BY b.tenant_id, b.id LIMIT $4`;

/** Budgets by tenant and id, the operator's first. Under row-level security only those that may be seen. */
export async function listBudgets(
  query: RowQuery,
  { tenant, after, limit }: BudgetListing,
): Promise<{ budgets: Budget[]; more: boolean }> {
  const values = [tenant, after?.tenantId ?? null, after?.id ?? null, limit + 1];
  const rows = await query<BudgetRow>(LIST, values);
  return { budgets: rows.slice(0, limit).map(budgetOf), more: rows.length > limit };
}
