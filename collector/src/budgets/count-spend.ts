import type { ClientBase } from 'pg';
import { PARTITION_BOUNDS } from '../database/partition-bounds.ts';
import { inTransaction } from '../keys/transaction.ts';
import { ROW_SCOPES, type Budget, type PeriodBounds } from './budget.ts';
import { UNPRICED_STATUSES } from './call-spend.ts';
import { windowOf } from './period-clock.ts';
import { BUDGETS_LOCK, boundsOf } from './row-spend.ts';
import { readRowBudgets } from './stored-budgets.ts';

/** Ledgers wait for their budgets for 60 s at most. */
const COUNT_TIMEOUT_MS = 30_000;
const COLUMNS: Readonly<Record<string, string>> = {
  user: 'user_id',
  session: 'session_id',
  agent: 'agent_name',
};
/** More periods than calls are kept for. */
const MAX_PERIODS = 5_000;

/** All that decides what `budget_spend` holds of a budget. */
export function definitionOf(budget: Budget): string {
  const { scope, scopeValue, period, startsOn, endsOn, timezone, enabled, createdAtMs } = budget;
  return JSON.stringify([scope, scopeValue, period, startsOn, endsOn, timezone, enabled, createdAtMs]);
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
  const counted = new Map(
    rows.map((row) => [keyOf({ tenantId: row.tenant_id, id: row.budget_id }), row.definition]),
  );
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
    const { budgets } = await readRowBudgets((text) => client.query(text));
    const uncounted = await uncountedBudgets(client, budgets);
    const budget = uncounted.find((one) => keyOf(one) === keyOf(wanted));
    if (budget === undefined) return;
    await countHeld(client, budget);
  });
}

/**
 * The same for one that nobody counted yet, in a transaction that holds the budgets' lock already. Its zone is the
 * resolved one.
 */
export async function countHeld(client: ClientBase, budget: Budget): Promise<void> {
  await recount(client, budget);
  await client.query(
    `INSERT INTO spanmeter.budget_counts AS c (tenant_id, budget_id, definition) VALUES ($1, $2, $3)
     ON CONFLICT (tenant_id, budget_id) DO UPDATE SET definition = excluded.definition, counted_at = now()`,
    [budget.tenantId, budget.id, definitionOf(budget)],
  );
}

async function recount(client: ClientBase, budget: Budget): Promise<void> {
  const { tenantId, id } = budget;
  await client.query('DELETE FROM spanmeter.budget_spend WHERE tenant_id = $1 AND budget_id = $2', [
    tenantId,
    id,
  ]);
  if (!budget.enabled) return;
  const found = await countedPeriods(client, budget, await periodsOf(client, budget));
  await client.query(
    `INSERT INTO spanmeter.budget_spend
       (tenant_id, budget_id, period_start, period_end, spent_usd, calls, unpriced_calls)
     SELECT $1, $2, * FROM unnest($3::timestamptz[], $4::timestamptz[], $5::numeric[], $6::bigint[], $7::bigint[])`,
    [
      tenantId,
      id,
      found.map(({ bounds }) => iso(bounds.startMs)),
      found.map(({ bounds }) => iso(bounds.endMs)),
      found.map(({ spentUsd }) => spentUsd),
      found.map(({ calls }) => calls),
      found.map(({ unpricedCalls }) => unpricedCalls),
    ],
  );
}

/** What the calls of a budget come to in one period. */
export interface CountedPeriod {
  readonly bounds: PeriodBounds;
  /** Exact decimal USD. */
  readonly spentUsd: string;
  readonly calls: number;
  readonly unpricedCalls: number;
}

const COUNT = (column: string): string => `
  SELECT p.n::int AS n, coalesce(sum(c.effective_cost_usd), 0)::numeric(60, 12)::text AS spent,
    count(*)::float8 AS calls,
    count(*) FILTER (WHERE c.effective_status = ANY ($6::text[]))::float8 AS unpriced
  FROM unnest($2::timestamptz[], $3::timestamptz[]) WITH ORDINALITY AS p (starts, ends, n)
  JOIN spanmeter.calls_effective c ON c.started_at >= p.starts AND c.started_at < p.ends
  WHERE c.${column} = $1 AND ($7 = '' OR c.tenant_id = $7) AND c.started_at >= $4 AND c.started_at < $5
    AND c.effective_status NOT IN ('duplicate', 'not_billable')
  GROUP BY p.n`;

/** Counts the calls of a budget by user, session or agent in these periods; those without calls are left out. */
export async function countedPeriods(
  client: ClientBase,
  budget: Budget,
  periods: readonly PeriodBounds[],
): Promise<readonly CountedPeriod[]> {
  const column = COLUMNS[budget.scope];
  const [first, last] = [periods[0], periods.at(-1)];
  if (column === undefined || first === undefined || last === undefined) return [];
  const starts = periods.map(({ startMs }) => iso(startMs));
  const ends = periods.map(({ endMs }) => iso(endMs));
  const { rows } = await client.query<{ n: number; spent: string; calls: number; unpriced: number }>(
    COUNT(column),
    [
      budget.scopeValue,
      starts,
      ends,
      iso(first.startMs),
      iso(last.endMs),
      UNPRICED_STATUSES,
      budget.tenantId,
    ],
  );
  return rows.flatMap(({ n, spent, calls, unpriced }) => {
    const bounds = periods[n - 1];
    return bounds === undefined ? [] : [{ bounds, spentUsd: spent, calls, unpricedCalls: unpriced }];
  });
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** The periods that ended after the budget was made and whose calls are kept, the oldest first. */
export async function periodsOf(client: ClientBase, budget: Budget): Promise<readonly PeriodBounds[]> {
  if (budget.period === 'custom') {
    const window = windowOf(budget, budget.timezone ?? 'UTC');
    return window === null || window.endMs <= budget.createdAtMs ? [] : [window];
  }
  const { rows } = await client.query<{ first: number | null; last: number | null }>(
    `SELECT extract(epoch FROM min(from_at))::float8 * 1000 AS first,
       extract(epoch FROM max(to_at))::float8 * 1000 AS last FROM (${PARTITION_BOUNDS}) AS partitions`,
  );
  const { first, last } = rows[0] ?? { first: null, last: null };
  if (first === null || last === null) return [];
  const periods: PeriodBounds[] = [];
  let bounds = boundsOf(budget, Math.min(Math.max(first, budget.createdAtMs), last));
  while (bounds !== null && bounds.startMs < last && periods.length < MAX_PERIODS) {
    if (bounds.endMs > budget.createdAtMs) periods.push(bounds);
    bounds = boundsOf(budget, bounds.endMs);
  }
  return periods;
}
