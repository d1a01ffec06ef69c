import type { ClientBase } from 'pg';
import { inTransaction } from '../keys/transaction.ts';
import { ROW_SCOPES, type Budget, type PeriodBounds } from './budget.ts';
import { UNPRICED_STATUSES } from './call-spend.ts';
import { windowOf } from './period-clock.ts';
import { BUDGETS_LOCK, boundsOf } from './row-spend.ts';
import { readStoredBudgets } from './stored-budgets.ts';

/** Ledgers wait for their budgets for 60 s at most. */
const COUNT_TIMEOUT_MS = 50_000;
const COLUMNS: Readonly<Record<string, string>> = {
  user: 'user_id',
  session: 'session_id',
  agent: 'agent_name',
};
/** More periods than calls are kept for. */
const MAX_PERIODS = 5_000;

/** All that decides what `budget_spend` holds of a budget. */
export function definitionOf(budget: Budget): string {
  const { scope, scopeValue, period, startsOn, endsOn, timezone, createdAtMs } = budget;
  return JSON.stringify([scope, scopeValue, period, startsOn, endsOn, timezone, createdAtMs]);
}

function keyOf({ tenantId, id }: Pick<Budget, 'tenantId' | 'id'>): string {
  return `${tenantId}\u0000${id}`;
}

/** Budgets of users, sessions and agents whose spend was not counted by what they are now. */
export async function uncountedBudgets(
  client: ClientBase,
  budgets: readonly Budget[],
): Promise<readonly Budget[]> {
  const byRow = budgets.filter((budget) => ROW_SCOPES.has(budget.scope));
  if (byRow.length === 0) return [];
  const { rows } = await client.query<{ tenant_id: string; budget_id: string; definition: string }>(
    'SELECT tenant_id, budget_id, definition FROM spanmeter.budget_counts',
  );
  const counted = new Map(rows.map((row) => [keyOf({ tenantId: row.tenant_id, id: row.budget_id }), row.definition]));
  return byRow.filter((budget) => counted.get(keyOf(budget)) !== definitionOf(budget));
}

/**
 * Counts a budget's spend anew from the calls, in a transaction that no ledger's can overlap: every period that ended
 * after the budget was made and whose calls are still kept. Does nothing where it is counted, or gone, by now.
 */
export async function countSpend(client: ClientBase, wanted: Pick<Budget, 'tenantId' | 'id'>): Promise<void> {
  await inTransaction(client, async () => {
    await client.query(`SET LOCAL statement_timeout = ${COUNT_TIMEOUT_MS}`);
    await client.query(`SELECT pg_advisory_xact_lock(${BUDGETS_LOCK})`);
    const { budgets } = await readStoredBudgets((text) => client.query(text));
    const uncounted = await uncountedBudgets(client, budgets);
    const budget = uncounted.find((one) => keyOf(one) === keyOf(wanted));
    if (budget === undefined) return;
    await recount(client, budget);
    await client.query(
      `INSERT INTO spanmeter.budget_counts AS c (tenant_id, budget_id, definition) VALUES ($1, $2, $3)
       ON CONFLICT (tenant_id, budget_id) DO UPDATE SET definition = excluded.definition, counted_at = now()`,
      [budget.tenantId, budget.id, definitionOf(budget)],
    );
  });
}

async function recount(client: ClientBase, budget: Budget): Promise<void> {
  await client.query('DELETE FROM spanmeter.budget_spend WHERE tenant_id = $1 AND budget_id = $2', [
    budget.tenantId,
    budget.id,
  ]);
  const periods = await periodsOf(client, budget);
  const first = periods[0];
  const last = periods.at(-1);
  if (first === undefined || last === undefined) return;
  await client.query(
    `INSERT INTO spanmeter.budget_spend (tenant_id, budget_id, period_start, period_end, spent_usd, calls, unpriced_calls)
     SELECT $1, $2, p.starts, p.ends, coalesce(sum(c.effective_cost_usd), 0), count(*),
       count(*) FILTER (WHERE c.effective_status = ANY ($8::text[]))
     FROM unnest($3::timestamptz[], $4::timestamptz[]) AS p (starts, ends)
     JOIN spanmeter.calls_effective c ON c.started_at >= p.starts AND c.started_at < p.ends
     WHERE c.${COLUMNS[budget.scope] ?? 'user_id'} = $5 AND ($1 = '' OR c.tenant_id = $1)
       AND c.started_at >= $6 AND c.started_at < $7
       AND c.effective_status NOT IN ('duplicate', 'not_billable')
     GROUP BY p.starts, p.ends`,
    [
      budget.tenantId,
      budget.id,
      periods.map(({ startMs }) => new Date(startMs).toISOString()),
      periods.map(({ endMs }) => new Date(endMs).toISOString()),
      budget.scopeValue,
      new Date(first.startMs).toISOString(),
      new Date(last.endMs).toISOString(),
      UNPRICED_STATUSES,
    ],
  );
}

/** The periods from the budget's making on that may have calls: those are kept by days, and dated a day ahead at most. */
async function periodsOf(client: ClientBase, budget: Budget): Promise<readonly PeriodBounds[]> {
  const { rows } = await client.query<{ first: string | null; last: string | null }>(
    `SELECT extract(epoch FROM min(bucket_start)) * 1000 AS first, extract(epoch FROM max(bucket_start)) * 1000 AS last
     FROM spanmeter.spend_rollup WHERE ($1 = '' OR tenant_id = $1)`,
    [budget.tenantId],
  );
  const [firstMs, lastMs] = [Number(rows[0]?.first ?? NaN), Number(rows[0]?.last ?? NaN)];
  if (Number.isNaN(firstMs)) return [];
  if (budget.period === 'custom') {
    const window = windowOf(budget, budget.timezone ?? 'UTC');
    return window === null || window.endMs <= budget.createdAtMs ? [] : [window];
  }
  const periods: PeriodBounds[] = [];
  let bounds = boundsOf(budget, Math.min(Math.max(firstMs, budget.createdAtMs), lastMs));
  while (bounds !== null && bounds.startMs <= lastMs && periods.length < MAX_PERIODS) {
    if (bounds.endMs > budget.createdAtMs) periods.push(bounds);
    bounds = boundsOf(budget, bounds.endMs);
  }
  return periods;
}
