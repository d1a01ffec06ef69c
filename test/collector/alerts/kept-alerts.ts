import type { AlertKind, AlertSeverity } from '@spanmeter/collector/dist/alerts/alert.js';
import { budgetOccurrence } from '@spanmeter/collector/dist/alerts/budget-occurrence.js';
import type { ChannelRoute } from '@spanmeter/collector/dist/alerts/channels.js';
import type { Occurrence } from '@spanmeter/collector/dist/alerts/occurrence.js';
import { createAlertStore, type AlertStore } from '@spanmeter/collector/dist/alerts/store.js';
import { Pool } from 'pg';
import { freshDatabase, sql, type FreshDatabase } from '../../support/database.ts';
import { budgetState, type GivenState } from './budget-states.ts';

/** A channel that wants everything. */
export function channel(id: string, options: Partial<ChannelRoute> = {}): ChannelRoute {
  return { id, tenants: null, kinds: null, minSeverity: 'info', sendResolved: false, ...options };
}

/** An exceeded budget as the store takes it. */
export function overspend(given: GivenState): Occurrence {
  const occurrence = budgetOccurrence(budgetState(given));
  if (occurrence === null) throw new Error('no step is exceeded');
  return occurrence;
}

/** An occurrence of any kind. */
export function occurrence(options: Partial<Occurrence> & { kind: AlertKind }): Occurrence {
  return {
    tenantId: 'acme',
    subject: 'subject',
    occasion: 'one',
    severity: 'warning',
    summary: 'Something is the matter',
    detail: {},
    endsAtMs: null,
    series: null,
    ...options,
  };
}

export interface AlertRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly name: string;
  readonly state: string;
  readonly resolution: string | null;
  readonly severity: AlertSeverity;
  readonly summary: string;
}

export interface NotificationRow {
  readonly tenant_id: string;
  readonly alert_id: string;
  readonly channel: string;
  readonly kind: string;
  readonly name: string;
  readonly outcome: string;
  readonly not_before: Date;
  readonly created_at: Date;
}

/** A database with stores over it whose clock the test sets. */
export class KeptAlerts {
  readonly database: FreshDatabase;
  readonly pool: Pool;
  now: Date = new Date('2026-11-21T12:00:00Z');

  private constructor(database: FreshDatabase) {
    this.database = database;
    this.pool = new Pool({ connectionString: database.url, max: 6 });
    this.pool.on('error', () => undefined);
  }

  static async open(): Promise<KeptAlerts> {
    return new KeptAlerts(await freshDatabase());
  }

  async close(): Promise<void> {
    await this.pool.end();
    await this.database.drop();
  }

  store(
    channels: readonly ChannelRoute[],
    options: { maxAlerts?: number; clock?: 'database' } = {},
  ): AlertStore {
    return createAlertStore({
      pool: this.pool,
      channels,
      minIntervalMs: 3_600_000,
      maxAlerts: options.maxAlerts ?? 50_000,
      ...(options.clock === 'database' ? {} : { now: () => this.now }),
    });
  }

  at(instant: string): void {
    this.now = new Date(instant);
  }

  clear(): Promise<unknown> {
    return sql(
      this.database.url,
      `TRUNCATE spanmeter.alerts, spanmeter.notifications, spanmeter.alert_ignores, spanmeter.audit_log,
         spanmeter.spend_rollup, spanmeter.tenants CASCADE`,
    );
  }

  alerts(): Promise<AlertRow[]> {
    return sql(this.database.url, 'SELECT a.*, a.id::text FROM spanmeter.alerts a ORDER BY a.id');
  }

  notifications(): Promise<NotificationRow[]> {
    return sql(
      this.database.url,
      'SELECT n.*, n.alert_id::text FROM spanmeter.notifications n ORDER BY n.id',
    );
  }

  /** What each notification came to, in a word or two. */
  async outbox(): Promise<string[]> {
    const rows = await this.notifications();
    return rows.map((row) => {
      const when = row.not_before > row.created_at ? ` at ${row.not_before.toISOString().slice(11, 16)}` : '';
      return `${row.channel} ${row.kind} ${row.outcome}${when}`;
    });
  }

  /** As the sender does it: everything due is sent. */
  async send(): Promise<number> {
    const sent = await sql(
      this.database.url,
      `UPDATE spanmeter.notifications SET outcome = 'sent', attempts = 1, sent_at = $1
       WHERE outcome = 'pending' AND not_before <= $1 RETURNING id`,
      [this.now],
    );
    return sent.length;
  }
}
