import type { Pool } from 'pg';
import type { AlertKind, AlertSeverity, AlertState } from '../alert.ts';
import type { DailySummary } from '../summary/daily-summary.ts';
import type { MessageKind } from './message.ts';

/** Attempts that the next in line waits for; a message that needs more of them steps aside. */
export const QUICK_ATTEMPTS = 5;
/** Once claimed: longer than any attempt, so that nothing is sent twice while its collector lives. */
const LEASE_BEYOND_ATTEMPT_MS = 15_000;
const MAX_DROPPED_AT_ONCE = 1_000;
const KEPT_DAYS = 90;
const DELETED_AT_ONCE = 5_000;
/** Rows of a channel that no configuration has any more. */
const FORGOTTEN_AFTER_HOURS = 24;

/**
 * Does not wait for the disk, which would halve what goes out: what a crash of the server forgets here is sent again
 * under the same id. Only for the transaction of its statement.
 */
const UNFLUSHED = `set_config('synchronous_commit', 'off', true) = 'off'`;

/** The alert of a claimed row. */
export interface OutboxAlert {
  readonly id: string;
  readonly name: string;
  readonly kind: AlertKind;
  readonly subject: string;
  readonly severity: AlertSeverity;
  readonly state: AlertState;
  readonly summary: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly startedAt: Date;
  readonly resolvedAt: Date | null;
}

/** A row that this collector may send until its claim ends. */
export interface Claimed {
  readonly tenant: string;
  readonly id: string;
  readonly kind: MessageKind;
  readonly name: string;
  /** Attempts with this one. */
  readonly attempts: number;
  /** Milliseconds since the first of them. */
  readonly ageMs: number;
  readonly createdAt: string;
  readonly alert: OutboxAlert | null;
  readonly summary: DailySummary | null;
  /** Why it is not to be sent any more; null where it is. */
  readonly obsolete: string | null;
  /** Names the claim: what is written under another's claim is not written. */
  readonly claim: string;
}

/** What of a channel's messages one lane sends: those of the tenants whose hash falls to it. */
export interface Share {
  /** Lanes of the channel. */
  readonly of: number;
  /** From 0. */
  readonly at: number;
}

/**
 * The row that is next. Of two collectors that ask at once the second waits for the first one's row lock, and then
 * finds it claimed. Where the next is claimed, or waits for its next attempt, there is none: order is kept. Only what
 * has failed often lets others pass.
 */
const CLAIM = `
  WITH head AS (
    SELECT n.tenant_id, n.id FROM spanmeter.notifications n
    WHERE n.channel = $1 AND n.outcome = 'pending' AND n.not_before <= now()
      AND (hashtext(n.tenant_id) & 2147483647) % $3::int = $4::int
      AND NOT (n.attempts >= ${QUICK_ATTEMPTS} AND n.next_attempt_at > now())
    ORDER BY (n.kind = 'summary'), n.not_before, n.id LIMIT 1
  ), claimed AS (
    UPDATE spanmeter.notifications n
    SET claimed_until = clock_timestamp() + $2 * interval '1 millisecond', attempts = n.attempts + 1,
      first_attempted_at = coalesce(n.first_attempted_at, now())
    FROM head
    WHERE n.tenant_id = head.tenant_id AND n.id = head.id AND n.outcome = 'pending'
      AND (n.claimed_until IS NULL OR n.claimed_until <= now())
      AND (n.next_attempt_at IS NULL OR n.next_attempt_at <= now()) AND ${UNFLUSHED}
    RETURNING n.*
  )
  SELECT n.tenant_id, n.id::text AS id, n.kind, n.name, n.attempts, n.body,
    (extract(epoch FROM clock_timestamp() - n.first_attempted_at) * 1000)::float8 AS age_ms,
    n.created_at::text AS created_at, n.claimed_until::text AS claim, a.id::text AS alert_id, a.name AS alert_name,
    a.kind AS alert_kind, a.subject, a.severity, a.state, a.summary, a.detail, a.started_at, a.resolved_at,
    CASE
      WHEN n.kind = 'firing' AND a.state IN ('acknowledged', 'ignored') THEN 'the alert is ' || a.state
      WHEN n.kind = 'firing' AND a.state = 'resolved' AND n.not_before > n.created_at
        THEN 'the alert was over before its turn came'
      WHEN n.kind = 'resolved' AND a.state = 'ignored' THEN 'the alert is ignored'
      WHEN n.kind = 'resolved' AND NOT EXISTS (
        SELECT FROM spanmeter.notifications f
        WHERE f.tenant_id = n.tenant_id AND f.alert_id = n.alert_id AND f.channel = n.channel
          AND f.kind = 'firing' AND f.outcome = 'sent')
        THEN 'the channel was never told of the alert'
    END AS obsolete
  FROM claimed n LEFT JOIN spanmeter.alerts a ON a.tenant_id = n.tenant_id AND a.id = n.alert_id`;

const IS_DUE = `
  SELECT c.id FROM unnest($1::text[]) AS c(id)
  WHERE EXISTS (SELECT FROM spanmeter.notifications n
    WHERE n.channel = c.id AND n.outcome = 'pending' AND n.not_before <= now())`;

/** Those held back whose alert is no news any more, all at once: an hour's worth of them may come due together. */
const DROP_HELD_BACK = `
  WITH over AS (
    SELECT n.tenant_id, n.id FROM spanmeter.notifications n
    JOIN spanmeter.alerts a ON a.tenant_id = n.tenant_id AND a.id = n.alert_id
    WHERE n.channel = $1 AND n.outcome = 'pending' AND n.kind = 'firing' AND n.not_before <= now()
      AND n.not_before > n.created_at AND a.state <> 'firing'
      AND (n.claimed_until IS NULL OR n.claimed_until <= now())
    LIMIT ${MAX_DROPPED_AT_ONCE} FOR UPDATE OF n SKIP LOCKED
  )
  UPDATE spanmeter.notifications n SET outcome = 'dropped', last_error = 'the alert was over before its turn came'
  FROM over WHERE n.tenant_id = over.tenant_id AND n.id = over.id`;

const MINE = `tenant_id = $1 AND id = $2 AND claimed_until = $3::timestamptz AND outcome = 'pending' AND ${UNFLUSHED}`;
const FINISH = `
  UPDATE spanmeter.notifications
  SET outcome = $4, last_error = $5, claimed_until = NULL, next_attempt_at = NULL,
    sent_at = CASE WHEN $4 = 'sent' THEN now() END, attempts = attempts - CASE WHEN $4 = 'dropped' THEN 1 ELSE 0 END
  WHERE ${MINE}`;
const REPEAT = `
  UPDATE spanmeter.notifications
  SET last_error = $5, claimed_until = NULL, next_attempt_at = now() + $4 * interval '1 millisecond'
  WHERE ${MINE}`;
const GIVE_BACK = `
  UPDATE spanmeter.notifications SET claimed_until = NULL, attempts = attempts - 1
  WHERE ${MINE}`;
const FORGET = `
  UPDATE spanmeter.notifications SET outcome = 'dropped', last_error = 'no such channel is configured'
  WHERE outcome = 'pending' AND NOT channel = ANY ($1::text[])
    AND not_before < now() - interval '${FORGOTTEN_AFTER_HOURS} hours'`;
const DELETE_OLD = `
  DELETE FROM spanmeter.notifications WHERE (tenant_id, id) IN (
    SELECT tenant_id, id FROM spanmeter.notifications
    WHERE created_at < now() - interval '${KEPT_DAYS} days' AND outcome <> 'pending' LIMIT ${DELETED_AT_ONCE})`;

interface ClaimedRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly kind: MessageKind;
  readonly name: string;
  readonly attempts: number;
  readonly age_ms: number;
  readonly body: unknown;
  readonly created_at: string;
  readonly claim: string;
  readonly alert_id: string | null;
  readonly alert_name: string;
  readonly alert_kind: AlertKind;
  readonly subject: string;
  readonly severity: AlertSeverity;
  readonly state: AlertState;
  readonly summary: string;
  readonly detail: Readonly<Record<string, unknown>> | null;
  readonly started_at: Date;
  readonly resolved_at: Date | null;
  readonly obsolete: string | null;
}

function claimedOf(row: ClaimedRow): Claimed {
  const alert =
    row.alert_id === null
      ? null
      : {
          id: row.alert_id,
          name: row.alert_name,
          kind: row.alert_kind,
          subject: row.subject,
          severity: row.severity,
          state: row.state,
          summary: row.summary,
          detail: row.detail ?? {},
          startedAt: row.started_at,
          resolvedAt: row.resolved_at,
        };
  return {
    tenant: row.tenant_id,
    id: row.id,
    kind: row.kind,
    name: row.name,
    attempts: row.attempts,
    ageMs: row.age_ms,
    createdAt: row.created_at,
    alert,
    // Written by this program's own summaries alone.
    summary: row.kind === 'summary' ? (row.body as DailySummary | null) : null,
    obsolete: row.obsolete,
    claim: row.claim,
  };
}

/** The table `notifications` as a queue, one per channel. Every method rejects with the driver's error. */
export class Outbox {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** The channels, of those given, that have something due. */
  async due(channels: readonly string[]): Promise<readonly string[]> {
    const { rows } = await this.#pool.query<{ id: string }>(IS_DUE, [channels]);
    return rows.map(({ id }) => id);
  }

  /** Takes what a lane is to send next, for as long as an attempt of `attemptMs` can take; null where that is nothing. */
  async claim(channel: string, share: Share, attemptMs: number): Promise<Claimed | null> {
    const { rows } = await this.#pool.query<ClaimedRow>(CLAIM, [
      channel,
      attemptMs + LEASE_BEYOND_ATTEMPT_MS,
      share.of,
      share.at,
    ]);
    return rows[0] === undefined ? null : claimedOf(rows[0]);
  }

  /** Says how it ended; false where the claim had ended before. */
  finish(row: Claimed, outcome: 'sent' | 'failed' | 'dropped', error: string | null): Promise<boolean> {
    return this.#write(FINISH, row, [outcome, error]);
  }

  /** Leaves it pending for another attempt after `waitMs`. */
  repeat(row: Claimed, waitMs: number, error: string): Promise<boolean> {
    return this.#write(REPEAT, row, [Math.round(waitMs), error]);
  }

  /** Gives back what was not attempted to the end. */
  giveBack(row: Claimed): Promise<boolean> {
    return this.#write(GIVE_BACK, row, []);
  }

  /** Drops what was held back and is over; resolves with how many. */
  async dropHeldBack(channel: string): Promise<number> {
    return (await this.#pool.query(DROP_HELD_BACK, [channel])).rowCount ?? 0;
  }

  /** Drops what no configured channel will send, and deletes what is old. */
  async tidy(channels: readonly string[]): Promise<void> {
    await this.#pool.query(FORGET, [channels]);
    for (;;) if (((await this.#pool.query(DELETE_OLD)).rowCount ?? 0) < DELETED_AT_ONCE) return;
  }

  async #write(text: string, row: Claimed, values: readonly unknown[]): Promise<boolean> {
    const result = await this.#pool.query(text, [row.tenant, row.id, row.claim, ...values]);
    return result.rowCount === 1;
  }
}
