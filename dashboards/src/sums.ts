import { ROLLUP, SPEND_IN_RANGE, UNPRICED } from './filters.ts';
import { columns, literal, sql } from './sql.ts';
import type { Sql } from './sql.ts';

/** Sums over rollups, all NULL where there is no row, so that nothing reads as 0 USD. */
interface Sums {
  readonly spend: Sql;
  readonly calls: Sql;
  readonly errors: Sql;
  readonly tokens: Sql;
  readonly unpricedCalls: Sql;
  readonly estimatedSpend: Sql;
  readonly unattributedSpend: Sql;
}

const r = ROLLUP;

export const SUMS: Sums = {
  spend: sql`sum(${r.cost_usd})`,
  calls: sql`sum(${r.calls})`,
  errors: sql`sum(${r.errors})`,
  tokens: sql`sum(${r.input_tokens} + ${r.output_tokens})`,
  unpricedCalls: sql`coalesce(sum(${r.calls}) FILTER (WHERE ${r.cost_status} IN ${UNPRICED}), 0)`,
  estimatedSpend: sql`sum(${r.estimated_cost_usd})`,
  unattributedSpend: sql`coalesce(sum(${r.cost_usd}) FILTER (WHERE ${r.team} IS NULL), 0)`,
};

/** A part of a whole, NULL where the whole is 0. */
export function share(part: Sql, whole: Sql): Sql {
  return sql`${part} / nullif(${whole}, 0)`;
}

/** A dimension that may be missing, as it is shown. */
export function shown(dimension: Sql): Sql {
  return sql`coalesce(${dimension}, ${literal('(none)')})`;
}

/** A missing dimension as the filters know it: the empty text. */
export function asFilter(dimension: Sql): Sql {
  return sql`coalesce(${dimension}, '')`;
}

const t = columns('tenants', 't');

/** Joins the tenant of a rollup, whose days are those of its time zone. */
export const WITH_TENANT: Sql = sql`${r.$from} JOIN ${t.$from} ON ${t.id} = ${r.tenant_id}`;

/** When a bucket began by the clock of its tenant. */
const LOCAL_TIME: Sql = sql`${r.bucket_start} AT TIME ZONE ${t.timezone}`;

/** The tenant's own day of a bucket. */
export const LOCAL_DATE: Sql = sql`(${LOCAL_TIME})::date`;

/** A date as text: it stays that day wherever the reader is. */
export function dayText(date: Sql): Sql {
  return sql`to_char(${date}, 'YYYY-MM-DD')`;
}

/**
 * Spend of the range by time zone, bucket and `dimension`, as `zone`, `bucket`, `dimension`, `cost_usd`: what a
 * clock is asked about are then some thousand buckets, not every rollup.
 */
export function spendByClock(dimension: Sql): Sql {
  return sql`(
    SELECT ${t.timezone} AS zone, ${r.bucket_start} AS bucket, ${dimension} AS dimension, ${SUMS.spend} AS cost_usd
    FROM ${WITH_TENANT}
    WHERE ${SPEND_IN_RANGE}
    GROUP BY 1, 2, 3
  ) s`;
}
