import { AT } from './raise-sql.ts';

/*
 * Statements that end alerts, each over a bounded number of them: $1 is the bound, $2 the instant (null: the
 * database's clock). All return what has to be told, under ALERTS_LOCK.
 */

const TELLABLE = 'a.tenant_id, a.id::text, a.kind, a.name, a.severity, a.state, a.summary, a.series, a.rank';

function resolved(resolution: string): string {
  return `UPDATE spanmeter.alerts a SET state = 'resolved', resolution = ${resolution}, resolved_at = ${AT},
    state_changed_at = ${AT}, state_changed_by = NULL`;
}

function some(condition: string): string {
  return `WHERE a.id IN (
    SELECT s.id FROM spanmeter.alerts s WHERE s.state <> 'resolved' AND ${condition} ORDER BY s.id LIMIT $1)
  RETURNING ${TELLABLE}`;
}

/** Alerts whose occasion is over. */
export const END: string = `${resolved("'over'")} ${some(`s.ends_at <= ${AT}`)}`;

/** Alerts of budgets that nobody has seen for $3 seconds. */
export const CLEAR: string = `${resolved("'cleared'")}
${some(`s.kind = 'budget' AND s.last_seen_at < ${AT} - $3 * interval '1 second'`)}`;

/** Alerts that nobody has seen for a month, whatever they wait for: their source is off, or its tenant is gone. */
export const STALE: string = `${resolved("'over'")} ${some(`s.last_seen_at < ${AT} - interval '31 days'`)}`;

/** Alerts of tenants $1 with fingerprints $3, of kind $4, come to the resolution $5. */
export const RESOLVE_NAMED: string = `${resolved('$5')}
FROM unnest($1::text[], $3::text[]) AS g (tenant_id, fingerprint)
WHERE a.tenant_id = g.tenant_id AND a.fingerprint = g.fingerprint AND a.kind = $4 AND a.state <> 'resolved'
RETURNING ${TELLABLE}`;

/**
 * What has still to be told as over: what people resolved of late, whose own transaction knows no channels, and lower
 * steps that were told of before a higher one took their place, once their occasion is over. $3: the channels that ask
 * for it; what only others were told of would be found again and again, before what is still to be told.
 */
export const SETTLE: string = `SELECT ${TELLABLE} FROM spanmeter.alerts a
WHERE a.state = 'resolved' AND (a.resolution = 'person' AND a.resolved_at > ${AT} - interval '1 day'
  OR a.resolution = 'superseded' AND a.ends_at <= ${AT} AND a.ends_at > ${AT} - interval '1 day')
  AND EXISTS (SELECT FROM spanmeter.notifications f WHERE f.tenant_id = a.tenant_id AND f.alert_id = a.id
    AND f.kind = 'firing' AND f.outcome <> 'dropped' AND f.channel = ANY ($3::text[]))
  AND NOT EXISTS (SELECT FROM spanmeter.notifications r WHERE r.tenant_id = a.tenant_id AND r.alert_id = a.id
    AND r.kind = 'resolved' AND r.created_at >= a.resolved_at)
ORDER BY a.id LIMIT $1`;

/** Alerts that were to be ignored until now. */
export const WAKE: string = `UPDATE spanmeter.alerts a
SET state = 'firing', ignored_until = NULL, state_changed_at = ${AT}, state_changed_by = NULL
${some(`s.state = 'ignored' AND s.ignored_until <= ${AT}`)}`;

export const FORGET_IGNORES: string = `DELETE FROM spanmeter.alert_ignores WHERE (tenant_id, name) IN (
  SELECT tenant_id, name FROM spanmeter.alert_ignores WHERE ignored_until <= ${AT} LIMIT $1)`;
