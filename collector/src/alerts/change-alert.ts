import type { ClientBase } from 'pg';
import { audit } from '../keys/transaction.ts';
import { Refusal } from '../pipeline/refusal.ts';
import { dropUnsent } from './enqueue.ts';
import { ALERT_COLUMNS, type ListedAlert } from './list-alerts.ts';
import { ALERTS_LOCK } from './raise-sql.ts';

export const ALERT_ACTIONS = ['acknowledge', 'resolve', 'ignore'] as const;
export type AlertAction = (typeof ALERT_ACTIONS)[number];

export const MAX_NOTE_LENGTH = 1_000;
/** Longer is for good; PostgreSQL and JavaScript write later years in ways of their own. */
const LAST_MS = Date.UTC(9999, 11, 31);

/** An instant with its offset, or a date, as ISO 8601 UTC; null where it is none that an alert can be ignored until. */
export function ignoredUntil(text: string): string | null {
  const ms = Date.parse(text);
  const day = text.slice(0, 10);
  const dayMs = Date.parse(`${day}T00:00:00Z`);
  // JavaScript takes 31 February for 3 March.
  const isDay = !Number.isNaN(dayMs) && new Date(dayMs).toISOString().startsWith(day);
  return isDay && ms > 0 && ms < LAST_MS ? new Date(ms).toISOString() : null;
}

/** What somebody makes of an alert. */
export interface AlertChange {
  readonly id: string;
  /** Whose it must be; null is anybody's. */
  readonly tenant: string | null;
  readonly action: AlertAction;
  readonly note: string | null;
  /** Of `ignore`: an ISO instant; null is for good. */
  readonly until: string | null;
  readonly actor: string;
}

/** `note` of an alert is kept where none is given. */
const SET = `state_changed_at = now(), state_changed_by = $2, note = coalesce($3, note)`;

const ACKNOWLEDGE = `UPDATE spanmeter.alerts a SET state = 'acknowledged', ignored_until = NULL, ${SET}
  WHERE a.id = $1 RETURNING ${ALERT_COLUMNS}`;
const RESOLVE = `UPDATE spanmeter.alerts a SET state = 'resolved', resolution = 'person',
    resolved_at = coalesce(resolved_at, now()), ${SET}
  WHERE a.id = $1 RETURNING ${ALERT_COLUMNS}`;
/** One that is over stays so: what is ignored is its name. */
const IGNORE = `UPDATE spanmeter.alerts a SET state = CASE a.state WHEN 'resolved' THEN 'resolved' ELSE 'ignored' END,
    ignored_until = $4, ${SET}
  WHERE a.id = $1 RETURNING ${ALERT_COLUMNS}`;
const IGNORE_OTHERS = `UPDATE spanmeter.alerts a
  SET state = 'ignored', ignored_until = $4, state_changed_at = now(), state_changed_by = $3
  WHERE a.tenant_id = $1 AND a.name = $2 AND a.state <> 'resolved' RETURNING a.id::text`;
const KEEP_IGNORE = `INSERT INTO spanmeter.alert_ignores AS i (tenant_id, name, created_by, ignored_until)
  VALUES ($1, $2, $3, $4)
  ON CONFLICT (tenant_id, name) DO UPDATE
  SET ignored_until = excluded.ignored_until, created_by = excluded.created_by, created_at = now()`;

interface Found extends ListedAlert {
  readonly same_until: boolean;
  /** Whether its name is ignored, and just as asked. */
  readonly ignored: boolean;
  readonly past: boolean;
}

const FIND = `SELECT ${ALERT_COLUMNS}, a.ignored_until IS NOT DISTINCT FROM $3::timestamptz AS same_until,
    i.name IS NOT NULL AND i.ignored_until IS NOT DISTINCT FROM $3::timestamptz AS ignored,
    coalesce($3::timestamptz <= now(), false) AS past
  FROM spanmeter.alerts a
  LEFT JOIN spanmeter.alert_ignores i ON i.tenant_id = a.tenant_id AND i.name = a.name
  WHERE a.id = $1 AND ($2::text IS NULL OR a.tenant_id = $2) FOR UPDATE OF a`;

async function find(client: ClientBase, change: AlertChange): Promise<Found> {
  const { id, tenant, until } = change;
  const missing = new Refusal(
    'not_found',
    `There is no alert "${id}"${tenant === null ? '' : ' of this tenant'}.`,
  );
  if (!/^\d{1,18}$/.test(id)) throw missing;
  const { rows } = await client.query<Found>(FIND, [id, tenant, until]);
  if (rows[0] === undefined) throw missing;
  if (rows[0].past) throw new Refusal('invalid', `"until" must be in the future, and ${until} is not.`);
  return rows[0];
}

/** Whether the alert is as asked already, so that asking twice changes nothing. */
function isDone(found: Found, { action, note }: AlertChange): boolean {
  if (note !== null && note !== found.note) return false;
  switch (action) {
    case 'acknowledge':
      return found.state === 'acknowledged';
    case 'resolve':
      return found.state === 'resolved';
    case 'ignore':
      return found.ignored && found.same_until && (found.state === 'ignored' || found.state === 'resolved');
    default:
      return action satisfies never;
  }
}

async function acknowledge(client: ClientBase, found: Found, change: AlertChange): Promise<ListedAlert[]> {
  if (found.state === 'resolved') {
    throw new Refusal('invalid', `Alert ${found.id} is resolved: there is nothing to acknowledge.`);
  }
  // Whoever takes it on wants to hear of the next occasion.
  const forget = 'DELETE FROM spanmeter.alert_ignores WHERE tenant_id = $1 AND name = $2';
  if (found.state === 'ignored') await client.query(forget, [found.tenant, found.name]);
  await dropUnsent(client, [found.id], 'all', { reason: 'acknowledged', at: null });
  return (await client.query<ListedAlert>(ACKNOWLEDGE, [found.id, change.actor, change.note])).rows;
}

async function resolve(client: ClientBase, found: Found, change: AlertChange): Promise<ListedAlert[]> {
  await dropUnsent(client, [found.id], 'all', { reason: 'resolved', at: null });
  return (await client.query<ListedAlert>(RESOLVE, [found.id, change.actor, change.note])).rows;
}

async function ignore(client: ClientBase, found: Found, change: AlertChange): Promise<ListedAlert[]> {
  const { actor, note, until } = change;
  const whose = [found.tenant, found.name, actor, until];
  await client.query(KEEP_IGNORE, whose);
  const others = await client.query<{ id: string }>(IGNORE_OTHERS, whose);
  const ids = others.rows.map(({ id }) => id);
  await dropUnsent(client, ids, 'all', { reason: 'ignored', at: null });
  return (await client.query<ListedAlert>(IGNORE, [found.id, actor, note, until])).rows;
}

const WORK = { acknowledge, resolve, ignore } as const;

/**
 * Acknowledges, resolves or ignores an alert, in the caller's transaction and with a line in the audit log; what is so
 * already is left as it is. Rejects with Refusal `not_found`, or `invalid` where an alert that is resolved is to be
 * acknowledged, or `until` is past.
 */
export async function changeAlert(client: ClientBase, change: AlertChange): Promise<ListedAlert> {
  await client.query(`SET LOCAL lock_timeout = '10s'`);
  await client.query(`SELECT pg_advisory_xact_lock(${ALERTS_LOCK})`);
  const found = await find(client, change);
  if (isDone(found, change)) {
    const { same_until: _same, ignored: _ignored, past: _past, ...alert } = found;
    return alert;
  }
  const [changed] = await WORK[change.action](client, found, change);
  if (changed === undefined) throw new Error('an alert that is locked was not changed');
  const { action, actor, note, until } = change;
  const detail = {
    name: found.name,
    from: found.state,
    note,
    until: action === 'ignore' ? (until ?? 'for good') : null,
  };
  await audit(client, { actor, action: `alert.${action}`, tenant: found.tenant, target: found.id, detail });
  return changed;
}
