import type { ClientBase } from 'pg';
import type { AlertKind, AlertSeverity } from './alert.ts';
import { routesFor, type ChannelRoute } from './channels.ts';

/** An alert that may have to be told of. */
export interface Tellable {
  readonly tenantId: string;
  readonly id: string;
  readonly kind: AlertKind;
  readonly name: string;
  readonly severity: AlertSeverity;
}

/** ISO instant to hold for the present; null is the database's clock. */
export type At = string | null;

interface Wanted {
  readonly alert: Tellable;
  readonly channel: string;
}

/** A notification that nobody has tried to send yet and nobody is sending. */
const UNTRIED = `n.outcome = 'pending' AND n.attempts = 0 AND coalesce(n.claimed_until <= now(), true)`;

/** The channels that want each alert; of two alerts of one name and tenant the later is told. */
function wantedOf(alerts: readonly Tellable[], channels: readonly ChannelRoute[]): Wanted[] {
  const wanted = new Map<string, Wanted>();
  for (const alert of alerts) {
    const routed = { tenantId: alert.tenantId, kind: alert.kind, severity: alert.severity };
    for (const { id: channel } of routesFor(routed, channels)) {
      wanted.set(JSON.stringify([alert.tenantId, alert.name, channel]), { alert, channel });
    }
  }
  return [...wanted.values()];
}

function columns(wanted: readonly Wanted[]): string[][] {
  return [
    wanted.map(({ alert }) => alert.tenantId),
    wanted.map(({ alert }) => alert.id),
    wanted.map(({ alert }) => alert.name),
    wanted.map(({ channel }) => channel),
  ];
}

const WANTED = `unnest($1::text[], $2::bigint[], $3::text[], $4::text[]) AS w (tenant_id, alert_id, name, channel)`;

/** One that waits for its hour gives way to the later one, so that a name has one of them at most. */
const REPLACE = `UPDATE spanmeter.notifications n SET outcome = 'dropped', last_error = 'replaced by a later one'
FROM ${WANTED}
WHERE n.tenant_id = w.tenant_id AND n.name = w.name AND n.channel = w.channel AND n.kind = 'firing'
  AND ${UNTRIED} AND n.not_before > coalesce($5::timestamptz, now())`;

/**
 * Never later than an interval from now: were a clock ever wrong, what it left behind must not silence a name for a
 * year.
 */
const ENQUEUE = `INSERT INTO spanmeter.notifications (tenant_id, alert_id, channel, kind, name, created_at, not_before)
SELECT w.tenant_id, w.alert_id, w.channel, 'firing', w.name, t.at,
  least(greatest(t.at, last.at + t.spacing), t.at + t.spacing)
FROM ${WANTED}
CROSS JOIN (SELECT coalesce($5::timestamptz, now()) AS at, $6 * interval '1 millisecond' AS spacing) t
LEFT JOIN LATERAL (
  SELECT max(greatest(n.created_at, n.not_before, n.sent_at)) AS at FROM spanmeter.notifications n
  WHERE n.tenant_id = w.tenant_id AND n.name = w.name AND n.channel = w.channel AND n.kind = 'firing'
    AND n.outcome <> 'dropped'
) last ON true`;

/**
 * Puts a notification for each alert and channel that wants it into the outbox: at once, or an interval after the
 * one before of the same name, tenant and channel. The caller's transaction holds the lock of alerts. Resolves with
 * how many.
 */
export async function enqueueFiring(
  client: ClientBase,
  alerts: readonly Tellable[],
  channels: readonly ChannelRoute[],
  { minIntervalMs, at }: { readonly minIntervalMs: number; readonly at: At },
): Promise<number> {
  const wanted = wantedOf(alerts, channels);
  if (wanted.length === 0) return 0;
  const values = [...columns(wanted), at];
  await client.query(REPLACE, values);
  const { rowCount } = await client.query(ENQUEUE, [...values, minIntervalMs]);
  return rowCount ?? 0;
}

const DROP = `UPDATE spanmeter.notifications n SET outcome = 'dropped', last_error = $2
WHERE (n.tenant_id, n.alert_id) IN (SELECT a.tenant_id, a.id FROM spanmeter.alerts a WHERE a.id = ANY ($1::bigint[]))
  AND n.kind = 'firing' AND ${UNTRIED}`;

/**
 * Drops what nobody has tried to send yet: `deferred` what waits for its hour, `all` also what is due. What is being
 * sent or tried again is told all the same.
 */
export async function dropUnsent(
  client: ClientBase,
  alertIds: readonly string[],
  which: 'deferred' | 'all',
  { reason, at }: { readonly reason: string; readonly at: At },
): Promise<void> {
  if (alertIds.length === 0) return;
  if (which === 'all') {
    await client.query(DROP, [alertIds, reason]);
    return;
  }
  const due = `${DROP} AND n.not_before > coalesce($3::timestamptz, now())`;
  await client.query(due, [alertIds, reason, at]);
}

/** Only who was told of the alert, and not told of its end since, hears that it is over; of what is ignored nobody. */
const ENQUEUE_RESOLVED = `INSERT INTO spanmeter.notifications (tenant_id, alert_id, channel, kind, name, created_at,
  not_before)
SELECT w.tenant_id, w.alert_id, w.channel, 'resolved', w.name, t.at, t.at
FROM ${WANTED}
CROSS JOIN (SELECT coalesce($5::timestamptz, now()) AS at) t
JOIN LATERAL (
  SELECT max(n.id) FILTER (WHERE n.kind = 'firing' AND n.outcome IN ('sent', 'pending')) AS firing,
    max(n.id) FILTER (WHERE n.kind = 'resolved' AND n.outcome <> 'dropped') AS resolved
  FROM spanmeter.notifications n
  WHERE n.tenant_id = w.tenant_id AND n.alert_id = w.alert_id AND n.channel = w.channel
) told ON told.firing > coalesce(told.resolved, 0)
WHERE NOT EXISTS (SELECT FROM spanmeter.alert_ignores i WHERE i.tenant_id = w.tenant_id AND i.name = w.name
  AND (i.ignored_until IS NULL OR i.ignored_until > t.at))`;

/** Tells of the end of alerts where a channel asks for it. What waits for its hour must have been dropped before. */
export async function enqueueResolved(
  client: ClientBase,
  alerts: readonly Tellable[],
  channels: readonly ChannelRoute[],
  at: At,
): Promise<number> {
  const asking = channels.filter(({ sendResolved }) => sendResolved);
  const wanted = alerts.flatMap((alert) => wantedOf([alert], asking));
  if (wanted.length === 0) return 0;
  const { rowCount } = await client.query(ENQUEUE_RESOLVED, [...columns(wanted), at]);
  return rowCount ?? 0;
}
