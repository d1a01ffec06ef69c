import { formatPico, parsePico } from '@spanmeter/processors';
import type { ClientBase } from 'pg';
import { PARTITION_BOUNDS } from '../database/partition-bounds.ts';
import { ROW_SCOPES, type Budget } from './budget.ts';
import { countedPeriods, periodsOf, uncountedBudgets } from './count-spend.ts';
import { readRowBudgets } from './stored-budgets.ts';

/** Sums of the same calls that are not the same. */
export interface Drift {
  readonly kind: 'rollup' | 'budget';
  readonly tenant: string;
  /** The UTC day, or the first instant of the budget's period. */
  readonly at: string;
  /** The cost status, or the budget's id. */
  readonly subject: string;
  readonly expectedCalls: string;
  readonly foundCalls: string;
  /** Exact decimal USD. */
  readonly expectedUsd: string;
  readonly foundUsd: string;
}

/** What was looked at and what does not agree. */
export interface DriftReport {
  readonly from: string;
  readonly to: string;
  readonly calls: number;
  /** Periods of budgets by user, session or agent. */
  readonly periods: number;
  /** At most as many as asked for. */
  readonly drifts: readonly Drift[];
  readonly truncated: boolean;
  /** Budgets that no collector has counted yet: `tenant/id`. */
  readonly uncounted: readonly string[];
}

/** Days of UTC (YYYY-MM-DD), both inclusive; null is the oldest whose calls are kept, and the newest. */
export interface DriftRange {
  readonly from: string | null;
  readonly to: string | null;
}

interface DriftRow {
  readonly tenant: string;
  readonly day: string;
  readonly status: string;
  readonly rows: string;
  readonly calls: string;
  readonly row_cost: string;
  readonly cost: string;
}

/** Whole days of what partitions hold: of others only rollups remember. */
const DAYS = `SELECT to_char(greatest(min(from_at), $1::date::timestamp AT TIME ZONE 'UTC') AT TIME ZONE 'UTC',
    'YYYY-MM-DD') AS from,
  to_char(least(max(to_at) - interval '1 day', $2::date::timestamp AT TIME ZONE 'UTC') AT TIME ZONE 'UTC',
    'YYYY-MM-DD') AS to
  FROM (${PARTITION_BOUNDS}) AS partitions`;

/** Rows with their corrections against the rollups; without either there is nothing to compare. */
const ROLLUPS = `
  WITH rows AS (
    SELECT tenant_id, (started_at AT TIME ZONE 'UTC')::date AS day, effective_status AS status, count(*) AS calls,
      coalesce(sum(effective_cost_usd), 0) AS cost
    FROM spanmeter.calls_effective WHERE started_at >= $1 AND started_at < $2 GROUP BY 1, 2, 3
  ), sums AS (
    SELECT tenant_id, (bucket_start AT TIME ZONE 'UTC')::date AS day, cost_status AS status, sum(calls) AS calls,
      sum(cost_usd) AS cost
    FROM spanmeter.spend_rollup r WHERE bucket_start >= $1 AND bucket_start < $2
      AND EXISTS (SELECT FROM (${PARTITION_BOUNDS}) AS p
        WHERE r.bucket_start >= p.from_at AND r.bucket_start < p.to_at)
    GROUP BY 1, 2, 3
  ), compared AS (
    SELECT tenant_id AS tenant, to_char(day, 'YYYY-MM-DD') AS day, status, coalesce(r.calls, 0) AS rows,
      coalesce(s.calls, 0) AS calls, coalesce(r.cost, 0)::numeric(60, 12) AS row_cost,
      coalesce(s.cost, 0)::numeric(60, 12) AS cost
    FROM rows r FULL JOIN sums s USING (tenant_id, day, status)
  )
  SELECT tenant, day, status, rows::text, calls::text, row_cost::text, cost::text FROM compared
  WHERE rows <> calls OR row_cost <> cost ORDER BY day, tenant, status LIMIT $3`;

const COUNTED = `SELECT coalesce(sum(calls), 0)::float8 AS calls FROM spanmeter.spend_rollup
  WHERE bucket_start >= $1 AND bucket_start < $2`;

interface SpendRow {
  readonly tenant_id: string;
  readonly budget_id: string;
  readonly start_ms: number;
  readonly spent: string;
  readonly calls: string;
  readonly unpriced: string;
}

const SPENT = `SELECT tenant_id, budget_id, extract(epoch FROM period_start)::float8 * 1000 AS start_ms,
    spent_usd::text AS spent, calls::text, unpriced_calls::text AS unpriced
  FROM spanmeter.budget_spend WHERE tenant_id = $1 AND budget_id = $2`;

/** Budgets of one kind of rows against what `budget_spend` has of them. */
async function budgetDrifts(
  client: ClientBase,
  budget: Budget,
  fromMs: number,
  toMs: number,
): Promise<{ readonly periods: number; readonly drifts: readonly Drift[] }> {
  const periods = (await periodsOf(client, budget)).filter(
    ({ startMs }) => startMs >= fromMs && startMs < toMs,
  );
  const expected = new Map(
    (await countedPeriods(client, budget, periods)).map((counted) => [counted.bounds.startMs, counted]),
  );
  const { rows } = await client.query<SpendRow>(SPENT, [budget.tenantId, budget.id]);
  const found = new Map(rows.map((row) => [row.start_ms, row]));
  const drifts = periods.flatMap(({ startMs }): Drift[] => {
    const drift: Drift = {
      kind: 'budget',
      tenant: budget.tenantId,
      at: new Date(startMs).toISOString(),
      subject: budget.id,
      expectedCalls: `${expected.get(startMs)?.calls ?? 0} (${expected.get(startMs)?.unpricedCalls ?? 0} unpriced)`,
      foundCalls: `${found.get(startMs)?.calls ?? 0} (${found.get(startMs)?.unpriced ?? 0} unpriced)`,
      expectedUsd: formatPico(parsePico(expected.get(startMs)?.spentUsd ?? '0') ?? 0n),
      foundUsd: formatPico(parsePico(found.get(startMs)?.spent ?? '0') ?? 0n),
    };
    const isSame = drift.expectedCalls === drift.foundCalls && drift.expectedUsd === drift.foundUsd;
    return isSame ? [] : [drift];
  });
  return { periods: periods.length, drifts };
}

async function rollupDrifts(
  client: ClientBase,
  from: Date,
  to: Date,
  limit: number,
): Promise<readonly Drift[]> {
  const { rows } = await client.query<DriftRow>(ROLLUPS, [from, to, limit]);
  return rows.map((row) => ({
    kind: 'rollup',
    tenant: row.tenant,
    at: row.day,
    subject: row.status,
    expectedCalls: row.rows,
    foundCalls: row.calls,
    expectedUsd: row.row_cost,
    foundUsd: row.cost,
  }));
}

const DAY_MS = 86_400_000;

/**
 * Proves the sums against the calls, in one snapshot: rollups by tenant, day and status are the rows with their
 * corrections, and the spend of budgets by user, session or agent is that of their calls.
 */
export async function findDrift(client: ClientBase, range: DriftRange, limit: number): Promise<DriftReport> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    const { rows } = await client.query<{ from: string | null; to: string | null }>(DAYS, [
      range.from,
      range.to,
    ]);
    const { from, to } = rows[0] ?? { from: null, to: null };
    if (from === null || to === null || from > to)
      return { from: '', to: '', calls: 0, periods: 0, drifts: [], truncated: false, uncounted: [] };
    const [start, end] = [new Date(from), new Date(Date.parse(to) + DAY_MS)];
    const drifts = [...(await rollupDrifts(client, start, end, limit + 1))];
    const { budgets } = await readRowBudgets((text) => client.query(text));
    const uncounted = new Set(await uncountedBudgets(client, budgets));
    let periods = 0;
    for (const budget of budgets) {
      if (!budget.enabled || !ROW_SCOPES.has(budget.scope) || uncounted.has(budget)) continue;
      const of = await budgetDrifts(client, budget, start.getTime(), end.getTime());
      periods += of.periods;
      drifts.push(...of.drifts);
    }
    const counted = await client.query<{ calls: number }>(COUNTED, [start, end]);
    return {
      from,
      to,
      calls: counted.rows[0]?.calls ?? 0,
      periods,
      drifts: drifts.slice(0, limit),
      truncated: drifts.length > limit,
      uncounted: [...uncounted].map(({ tenantId, id }) => `${tenantId}/${id}`),
    };
  } finally {
    await client.query('ROLLBACK').catch(() => undefined);
  }
}
