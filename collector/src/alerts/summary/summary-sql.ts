/** Which tenants a statement sums up: each that it is given by itself, or all together. */
export type Whose = 'each' | 'all';

const WANTED = `wanted AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::date[]) AS w (tenant, zone, day)
  )`;

/** Statuses of calls that cost something that nobody knows. */
const UNPRICED = `('unpriced_model', 'unpriced_dimension', 'invalid_usage', 'missing_usage')`;
const BILLABLE = `r.cost_status NOT IN ('duplicate', 'not_billable')`;
const CALLS = `coalesce(sum(r.calls) FILTER (WHERE ${BILLABLE}), 0)`;
const UNPRICED_CALLS = `coalesce(sum(r.calls) FILTER (WHERE r.cost_status IN ${UNPRICED}), 0)`;

function rollups(whose: Whose, from: string, to: string): string {
  const tenant = whose === 'each' ? 'r.tenant_id = w.tenant' : 'true';
  return `JOIN spanmeter.spend_rollup r ON ${tenant}
    AND r.bucket_start >= (${from})::timestamp AT TIME ZONE w.zone
    AND r.bucket_start < (${to})::timestamp AT TIME ZONE w.zone`;
}

/** Spend and calls of the day itself, of the day before and of the same weekday a week before. */
export function totalsSql(whose: Whose): string {
  return `WITH ${WANTED}
  SELECT w.tenant, d.ago, sum(r.cost_usd)::text AS spend, ${CALLS}::text AS calls,
    ${UNPRICED_CALLS}::text AS unpriced
  FROM wanted w CROSS JOIN (VALUES (0), (1), (7)) AS d (ago)
  ${rollups(whose, 'w.day - d.ago', 'w.day - d.ago + 1')}
  GROUP BY w.tenant, d.ago`;
}

/** The five most expensive names of a column on the day; $1 to $3 are tenants, zones and days. */
export function topSql(whose: Whose, column: 'model' | 'team' | 'tenant_id'): string {
  return `WITH ${WANTED}, named AS (
    SELECT w.tenant, r.${column} AS name, sum(r.cost_usd) AS spend, ${CALLS} AS calls, ${UNPRICED_CALLS} AS unpriced,
      row_number() OVER (PARTITION BY w.tenant ORDER BY sum(r.cost_usd) DESC, r.${column}) AS place
    FROM wanted w ${rollups(whose, 'w.day', 'w.day + 1')}
    WHERE r.${column} IS NOT NULL AND ${BILLABLE}
    GROUP BY w.tenant, r.${column} HAVING sum(r.calls) <> 0 OR sum(r.cost_usd) <> 0
  )
  SELECT tenant, name, spend::text AS spend, calls::text AS calls, unpriced::text AS unpriced
  FROM named WHERE place <= 5 ORDER BY tenant, place`;
}

const HELD_EACH = `b.tenant_id = w.tenant OR b.tenant_id = '' AND b.scope = 'each' AND NOT EXISTS (
      SELECT FROM spanmeter.budgets o
      WHERE o.tenant_id = w.tenant AND o.scope = 'tenant' AND o.period = b.period AND o.enabled)`;
const HELD_ALL = `b.tenant_id = '' AND b.scope <> 'each'`;

const IN_SCOPE = `CASE h.scope WHEN 'team' THEN r.team WHEN 'feature' THEN r.feature
        WHEN 'service_name' THEN r.service_name WHEN 'environment' THEN r.environment
        WHEN 'provider' THEN r.provider WHEN 'model' THEN r.model WHEN 'key' THEN r.key_id ELSE '' END
      = CASE WHEN h.scope IN ('all', 'each', 'tenant') THEN '' ELSE h.scope_value END`;

/**
 * Budgets that the day counts in, with what was spent from their period's start to the end of the day; of users,
 * sessions and agents, which rollups do not have, with all that their period has so far. The ten fullest.
 */
export function budgetsSql(whose: Whose): string {
  return `WITH ${WANTED}, held AS (
    SELECT w.tenant, w.day, coalesce(b.timezone, w.zone) AS zone, b.tenant_id AS owner, b.id, b.name, b.scope,
      b.scope_value, b.period, b.limit_usd,
      CASE b.period WHEN 'day' THEN w.day WHEN 'custom' THEN b.starts_on
        ELSE date_trunc(b.period, w.day::timestamp)::date END AS first_day
    FROM wanted w JOIN spanmeter.budgets b ON b.enabled AND (${whose === 'each' ? HELD_EACH : HELD_ALL})
    WHERE b.period <> 'custom' OR w.day BETWEEN b.starts_on AND b.ends_on
  ), spent AS (
    SELECT h.*, CASE WHEN h.scope IN ('user', 'session', 'agent') THEN (
      SELECT s.spent_usd FROM spanmeter.budget_spend s WHERE s.tenant_id = h.owner AND s.budget_id = h.id
        AND s.period_start = h.first_day::timestamp AT TIME ZONE h.zone
    ) ELSE (
      SELECT sum(r.cost_usd) FROM spanmeter.spend_rollup r
      WHERE ${whose === 'each' ? 'r.tenant_id = h.tenant' : 'true'}
        AND r.bucket_start >= h.first_day::timestamp AT TIME ZONE h.zone
        AND r.bucket_start < (h.day + 1)::timestamp AT TIME ZONE h.zone AND ${IN_SCOPE}
    ) END AS usd FROM held h
  ), placed AS (
    SELECT *, row_number() OVER (PARTITION BY tenant ORDER BY coalesce(usd, 0) / limit_usd DESC, id) AS place FROM spent
  )
  SELECT tenant, name, scope, scope_value, period, coalesce(usd, 0)::text AS spent, limit_usd::text AS "limit"
  FROM placed WHERE place <= 10 ORDER BY tenant, place`;
}

/**
 * Time zones of tenants, with the day before the one on which it was a time of day ($1, minutes; $2, the instant or
 * null) last: a collector that was down then makes up for it until the next time.
 */
export const ZONES_DUE = `
  SELECT z.timezone, (local.today - 1)::text AS date
  FROM (SELECT DISTINCT timezone FROM spanmeter.tenants) z
  CROSS JOIN LATERAL (
    SELECT (coalesce($2::timestamptz, now()) AT TIME ZONE z.timezone - $1 * interval '1 minute')::date AS today
  ) local
  WHERE coalesce($2::timestamptz, now()) >= (local.today + $1 * interval '1 minute') AT TIME ZONE z.timezone
  ORDER BY z.timezone`;

/** The same for the operator's zone ($3). */
export const OPERATOR_DUE = `
  SELECT $3::text AS timezone, (local.today - 1)::text AS date
  FROM (SELECT (coalesce($2::timestamptz, now()) AT TIME ZONE $3::text - $1 * interval '1 minute')::date AS today) local
  WHERE coalesce($2::timestamptz, now()) >= (local.today + $1 * interval '1 minute') AT TIME ZONE $3::text
    AND NOT EXISTS (SELECT FROM spanmeter.notifications n
      WHERE n.tenant_id = '' AND n.kind = 'summary' AND n.name = 'summary/' || (local.today - 1)::text)`;

/** The next tenants of a zone ($1) after an id ($3) that had calls on a day ($2) and no summary of it yet. */
export const TENANTS_DUE: string = `
  SELECT t.id FROM spanmeter.tenants t
  WHERE t.timezone = $1 AND t.id > $3 AND t.id <> ''
    AND NOT EXISTS (SELECT FROM spanmeter.notifications n
      WHERE n.tenant_id = t.id AND n.kind = 'summary' AND n.name = 'summary/' || $2::date::text)
    AND EXISTS (SELECT FROM spanmeter.spend_rollup r WHERE r.tenant_id = t.id AND r.calls > 0 AND ${BILLABLE}
      AND r.bucket_start >= $2::date::timestamp AT TIME ZONE t.timezone
      AND r.bucket_start < ($2::date + 1)::timestamp AT TIME ZONE t.timezone)
  ORDER BY t.id LIMIT $4`;

/** Rows of summaries: tenants, channels, bodies and milliseconds to wait; of a day ($5) that has one already, none. */
export const ENQUEUE: string = `
  INSERT INTO spanmeter.notifications (tenant_id, channel, kind, name, body, not_before)
  SELECT s.tenant, s.channel, 'summary', 'summary/' || $5::text, s.body, now() + s.wait * interval '1 millisecond'
  FROM unnest($1::text[], $2::text[], $3::jsonb[], $4::float8[]) AS s (tenant, channel, body, wait)
  ON CONFLICT (tenant_id, channel, name) WHERE kind = 'summary' DO NOTHING`;
