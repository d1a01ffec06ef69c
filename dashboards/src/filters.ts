import { definitionOf, matching, metric } from './promql.ts';
import type { KnownMetric, Matcher, Selector } from './promql.ts';
import { columns, every, sql } from './sql.ts';
import type { Columns, Sql } from './sql.ts';

/** The filters of the dashboards, named as their variables. */
export const FILTERS = ['tenant', 'environment', 'team', 'provider', 'model'] as const;
export type Filter = (typeof FILTERS)[number];

/**
 * What "All" stands for, put unquoted into both languages: a list with one text for SQL, to which the rest is a
 * comment, and a pattern that matches everything for PromQL. So "All" names no value: rows of a tenant or model
 * that was never listed are in it, and the query stays short however many there are.
 */
export const ALL_VALUE = "'__all__'/*|.*|.*/";

/** What a missing environment, team or feature is called. */
export const NONE = '(none)';

/** The rollups: what money is read from. */
export const ROLLUP: Columns<'spend_rollup'> = columns('spend_rollup', 'r');

/** Length of a rollup's bucket in milliseconds. */
export const BUCKET_MS = 900_000;

/** Rows whose `dimension` is among the chosen values; a missing one is the empty text. */
function chosen(filter: Filter, dimension: Sql): Sql {
  const values = `\${${filter}:sqlstring}` as Sql;
  return sql`('__all__' IN (${values}) OR ${dimension} IN (${values}))`;
}

type Filterable = Columns<'spend_rollup'> | Columns<'calls_effective'>;

/** Rows that the chosen filters take. Conditions of "All" fold away when PostgreSQL plans. */
export function selection(of: Filterable): Sql {
  return every(
    chosen('tenant', of.tenant_id),
    chosen('environment', sql`coalesce(${of.environment}, '')`),
    chosen('team', sql`coalesce(${of.team}, '')`),
    chosen('provider', of.provider),
    chosen('model', of.model),
  );
}

/** Rows of the chosen tenants alone. */
export function ofTenants(tenantId: Sql): Sql {
  return chosen('tenant', tenantId);
}

/** Start of the range, at the start of its bucket. */
export const RANGE_FROM: Sql = sql`date_bin('15 minutes', $__timeFrom()::timestamptz, 'epoch')`;
/** End of the range. */
export const RANGE_TO: Sql = sql`$__timeTo()::timestamptz`;

/** Whether an instant is in the range, from the start of its first bucket on: BETWEEN would count an end twice. */
export function inRange(instant: Sql): Sql {
  return sql`${instant} >= ${RANGE_FROM} AND ${instant} < ${RANGE_TO}`;
}

/** Whether an instant is in the range or in the equally long time before it. */
export function inRangeOrBefore(instant: Sql): Sql {
  return sql`${instant} >= ${RANGE_FROM} - (${RANGE_TO} - ${RANGE_FROM}) AND ${instant} < ${RANGE_TO}`;
}

/** Copies of a call and spans that nobody bills are neither calls nor spend. */
export const BILLABLE: Sql = sql`${ROLLUP.cost_status} NOT IN ('duplicate', 'not_billable')`;

/** Statuses of calls whose cost is not known. */
export const UNPRICED: Sql = sql`('unpriced_model', 'unpriced_dimension', 'invalid_usage', 'missing_usage')`;

/** Rollups of billable calls in the range that the filters take. */
export const SPEND_IN_RANGE: Sql = every(inRange(ROLLUP.bucket_start), BILLABLE, selection(ROLLUP));

/** Start of the panel's step that an instant belongs to: whole buckets, so that no step has more of them. */
export function stepOf(instant: Sql): Sql {
  return sql`date_bin(
  make_interval(mins => 15 * greatest(1, round($__interval_ms / 900000.0))::int), ${instant}, 'epoch'
)`;
}

/** Start of the panel's step that a rollup belongs to. */
export const STEP: Sql = stepOf(ROLLUP.bucket_start);

/** Series of a metric that the chosen filters take, by those of its labels that have a filter among `filters`. */
export function filtered(
  name: KnownMetric,
  more: Readonly<Record<string, Matcher>> = {},
  filters: readonly Filter[] = ['tenant', 'environment', 'provider', 'model'],
): Selector {
  const { labels } = definitionOf(name);
  const own = filters
    .filter((filter) => labels.includes(filter))
    .map((filter) => [filter, matching(`\${${filter}:regex}`)]);
  return metric(name, { ...Object.fromEntries(own), ...more });
}
