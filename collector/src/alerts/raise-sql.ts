/*
 * Statements that raise alerts, each over a whole list: $1 is the list as JSON, $2 the instant (null: the
 * database's clock). They run one after the other in a transaction that holds ALERTS_LOCK, so that nothing
 * they look at changes between them, however many collectors raise the same at once.
 */

/** Whoever changes alerts or adds to the outbox holds this lock; any constant will do. */
export const ALERTS_LOCK = 7_305_811_012;

/** The instant that a statement is to hold for the present. */
export const AT = 'coalesce($2::timestamptz, now())';

/** Alerts of one tenant and kind that may stand at once, so that made-up model names drown nobody's budgets. */
export const MAX_STANDING_OF_TENANT = 100;

/** Of one alert given twice the last counts. One that a higher rank of its series outdoes is left out. */
const GIVEN = `given AS (
  SELECT * FROM (
    SELECT DISTINCT ON (g.tenant_id, g.fingerprint) g.*, i.name IS NOT NULL AS ignored, i.ignored_until,
      i.created_by AS ignored_by
    FROM ROWS FROM (jsonb_to_recordset($1::jsonb) AS (tenant_id text, kind text, subject text, name text,
      fingerprint text, severity text, summary text, detail jsonb, series text, rank numeric,
      ends_at timestamptz)) WITH ORDINALITY AS g (tenant_id, kind, subject, name, fingerprint, severity, summary,
      detail, series, rank, ends_at, place)
    LEFT JOIN spanmeter.alert_ignores i ON i.tenant_id = g.tenant_id AND i.name = g.name
      AND (i.ignored_until IS NULL OR i.ignored_until > ${AT})
    ORDER BY g.tenant_id, g.fingerprint, g.place DESC
  ) g
  WHERE NOT EXISTS (
    SELECT FROM spanmeter.alerts h WHERE h.tenant_id = g.tenant_id AND h.series = g.series AND h.rank > g.rank
      AND (h.state <> 'resolved' OR h.resolution = 'person'))
)`;

/** What a raised alert returns; `again`: it was resolved as `cleared` and is so again. */
const RETURNED = `a.tenant_id, a.id::text, a.kind, a.name, a.severity, a.state, a.summary, a.series, a.rank`;

/**
 * Alerts that exist: seen again, brought up to date, and reopened where they were cleared or superseded. $3: seconds
 * before it is worth a write that nothing has changed. Returns those that were reopened.
 */
export const SEE_AGAIN: string = `WITH ${GIVEN},
was AS (
  SELECT g.*, a.id, a.state AS old_state, a.resolution AS old_resolution
  FROM given g JOIN spanmeter.alerts a ON a.tenant_id = g.tenant_id AND a.fingerprint = g.fingerprint
  WHERE CASE WHEN a.state = 'resolved'
    THEN a.resolution IN ('cleared', 'superseded') AND coalesce(g.ends_at > ${AT}, true)
    ELSE a.last_seen_at < ${AT} - $3 * interval '1 second' OR a.severity <> g.severity OR a.summary <> g.summary
    END
),
seen AS (
  UPDATE spanmeter.alerts a SET last_seen_at = ${AT}, severity = w.severity, summary = w.summary,
    detail = w.detail, ends_at = w.ends_at, rank = w.rank,
    state = CASE WHEN w.old_state <> 'resolved' THEN a.state WHEN w.ignored THEN 'ignored' ELSE 'firing' END,
    state_changed_at = CASE WHEN w.old_state <> 'resolved' THEN a.state_changed_at ELSE ${AT} END,
    state_changed_by = CASE WHEN w.old_state <> 'resolved' THEN a.state_changed_by
      WHEN w.ignored THEN w.ignored_by END,
    ignored_until = CASE WHEN w.old_state <> 'resolved' THEN a.ignored_until ELSE w.ignored_until END,
    resolved_at = NULL, resolution = NULL
  FROM was w WHERE a.tenant_id = w.tenant_id AND a.id = w.id
  RETURNING ${RETURNED}, w.old_state, w.old_resolution, w.place
)
SELECT *, old_resolution IS NOT DISTINCT FROM 'cleared' AS untold FROM seen WHERE old_state = 'resolved'
ORDER BY place`;

/**
 * Alerts that are new, within the bounds: $3 in all for budgets, half of it for anything else. Returns every one, with
 * a null id where there was no room.
 */
export const ADD_NEW: string = `WITH ${GIVEN},
standing AS (SELECT count(*) AS alerts FROM spanmeter.alerts WHERE state <> 'resolved'),
own AS (
  SELECT tenant_id, kind, count(*) AS alerts FROM spanmeter.alerts
  WHERE state <> 'resolved' AND kind <> 'budget' AND tenant_id IN (SELECT tenant_id FROM given)
  GROUP BY tenant_id, kind
),
fresh AS (
  SELECT g.*, standing.alerts + row_number() OVER (ORDER BY g.kind <> 'budget', g.place) AS of_all,
    coalesce(own.alerts, 0) + row_number() OVER (PARTITION BY g.tenant_id, g.kind ORDER BY g.place) AS of_own
  FROM given g CROSS JOIN standing
  LEFT JOIN own ON own.tenant_id = g.tenant_id AND own.kind = g.kind
  WHERE NOT EXISTS (
    SELECT FROM spanmeter.alerts a WHERE a.tenant_id = g.tenant_id AND a.fingerprint = g.fingerprint)
),
added AS (
  INSERT INTO spanmeter.alerts AS a (tenant_id, kind, subject, name, fingerprint, severity, summary, detail, series,
    rank, ends_at, state, state_changed_by, ignored_until, started_at, last_seen_at, state_changed_at)
  SELECT tenant_id, kind, subject, name, fingerprint, severity, summary, detail, series, rank, ends_at,
    CASE WHEN ignored THEN 'ignored' ELSE 'firing' END, ignored_by, ignored_until, ${AT}, ${AT}, ${AT}
  FROM fresh WHERE CASE WHEN kind = 'budget' THEN of_all <= $3
    ELSE of_all <= $3 / 2 AND of_own <= ${MAX_STANDING_OF_TENANT} END
  ORDER BY place
  RETURNING a.fingerprint, ${RETURNED}
)
SELECT f.tenant_id, a.id, f.kind, f.name, f.severity, coalesce(a.state, '') AS state, f.summary, f.series, f.rank,
  true AS untold
FROM fresh f LEFT JOIN added a ON a.tenant_id = f.tenant_id AND a.fingerprint = f.fingerprint
ORDER BY f.place`;

/** Alerts of a lower rank in the series $1 (tenants), $3 (keys), $4 (ranks) stand no longer. Returns their ids. */
export const SUPERSEDE: string = `UPDATE spanmeter.alerts a
SET state = 'resolved', resolution = 'superseded', resolved_at = ${AT}, state_changed_at = ${AT},
  state_changed_by = NULL
FROM unnest($1::text[], $3::text[], $4::numeric[]) AS s (tenant_id, series, rank)
WHERE a.tenant_id = s.tenant_id AND a.series = s.series AND a.rank < s.rank AND a.state <> 'resolved'
RETURNING a.id::text`;
