import type { ClientBase, Pool } from 'pg';
import { inTransaction } from '../keys/transaction.ts';
import type { AlertKind, AlertSeverity, AlertState } from './alert.ts';
import type { ChannelRoute } from './channels.ts';
import { givenRow, type Occurrence } from './occurrence.ts';
import { dropUnsent, enqueueFiring, enqueueResolved, type Tellable } from './enqueue.ts';
import { ADD_NEW, ALERTS_LOCK, SEE_AGAIN, SUPERSEDE } from './raise-sql.ts';
import { CLEAR, END, FORGET_IGNORES, RESOLVE_NAMED, SETTLE, STALE, WAKE } from './resolve-sql.ts';

/** Occurrences of one transaction: others wait for the lock no longer than that takes. */
const CHUNK = 1_000;
/** Alerts that one statement of the sweep ends; the next takes the rest. */
const SWEEP_ROWS = 5_000;
/** What has not changed is written again this often, so that it can be told from what nobody sees any more. */
const SEEN_EVERY_S = 60;
/** Budgets' alerts that no collector has seen for this long hold no longer. */
const CLEARED_AFTER_S = 300;
const LOCK_TIMEOUT_MS = 10_000;

/** An alert that came to be, or came again. */
export interface RaisedAlert extends Tellable {
  readonly state: AlertState;
  readonly summary: string;
}

export interface RaiseResult {
  /** In the order given; one that was there already is not among them. */
  readonly raised: readonly RaisedAlert[];
  /** Occurrences that there was no room for. */
  readonly refused: number;
  readonly enqueued: number;
}

export interface AlertStoreOptions {
  /** Connects as the owner of the tables. */
  readonly pool: Pick<Pool, 'connect'>;
  /** Empty: alerts are kept, and nobody is told. */
  readonly channels: readonly ChannelRoute[];
  readonly minIntervalMs: number;
  readonly maxAlerts: number;
  /** Instead of the database's clock, which all collectors share. */
  readonly now?: () => Date;
}

/** Alerts in PostgreSQL, and what is to be told of them. All reject with the driver's error and change nothing then. */
export interface AlertStore {
  /**
   * Keeps each occurrence once, however often and by however many collectors it is raised, and puts what is to be
   * told into the outbox in the same transaction.
   */
  raise(occurrences: readonly Occurrence[]): Promise<RaiseResult>;
  /** Resolves standing alerts of a kind whose fingerprints are given, as over. Resolves with how many. */
  end(kind: AlertKind, alerts: readonly { tenantId: string; fingerprint: string }[]): Promise<number>;
  /** The same for what may come back. */
  clear(kind: AlertKind, alerts: readonly { tenantId: string; fingerprint: string }[]): Promise<number>;
  /** Resolves budgets' alerts that no collector has raised for five minutes: the spend or the budget was corrected. */
  clearUnseenBudgets(): Promise<number>;
  /** Ends what is over by now, wakes what was ignored until now, and tells of what people have resolved. Resolves with how many ended. */
  sweep(): Promise<number>;
}

interface RaisedRow {
  readonly tenant_id: string;
  readonly id: string | null;
  readonly kind: AlertKind;
  readonly name: string;
  readonly severity: AlertSeverity;
  readonly state: AlertState;
  readonly summary: string;
  readonly series: string | null;
  readonly rank: string | null;
  readonly untold: boolean;
}

type TellableRow = Omit<RaisedRow, 'id' | 'untold'> & { readonly id: string };

function tellable({ tenant_id: tenantId, id, kind, name, severity }: TellableRow): Tellable {
  return { tenantId, id, kind, name, severity };
}

function chunksOf<T>(list: readonly T[]): T[][] {
  const chunks: T[][] = [];
  for (let at = 0; at < list.length; at += CHUNK) chunks.push(list.slice(at, at + CHUNK));
  return chunks;
}

/** Makes the store. It holds no state of its own: everything survives a restart. */
export function createAlertStore(options: AlertStoreOptions): AlertStore {
  return new PostgresAlerts(options);
}

class PostgresAlerts implements AlertStore {
  readonly #options: AlertStoreOptions;

  constructor(options: AlertStoreOptions) {
    this.#options = options;
  }

  async raise(occurrences: readonly Occurrence[]): Promise<RaiseResult> {
    let result: RaiseResult = { raised: [], refused: 0, enqueued: 0 };
    for (const chunk of chunksOf(occurrences)) {
      const one = await this.#locked((client, at) => this.#raise(client, at, chunk));
      result = {
        raised: [...result.raised, ...one.raised],
        refused: result.refused + one.refused,
        enqueued: result.enqueued + one.enqueued,
      };
    }
    return result;
  }

  end(kind: AlertKind, alerts: readonly { tenantId: string; fingerprint: string }[]): Promise<number> {
    return this.#resolve(kind, alerts, 'over');
  }

  clear(kind: AlertKind, alerts: readonly { tenantId: string; fingerprint: string }[]): Promise<number> {
    return this.#resolve(kind, alerts, 'cleared');
  }

  clearUnseenBudgets(): Promise<number> {
    return this.#locked(async (client, at) => {
      const { rows } = await client.query<TellableRow>(CLEAR, [SWEEP_ROWS, at, CLEARED_AFTER_S]);
      return this.#tellResolved(client, at, rows);
    });
  }

  sweep(): Promise<number> {
    return this.#locked(async (client, at) => {
      const ended = await client.query<TellableRow>(END, [SWEEP_ROWS, at]);
      const stale = await client.query<TellableRow>(STALE, [SWEEP_ROWS, at]);
      await dropUnsent(
        client,
        stale.rows.map(({ id }) => id),
        'all',
        { reason: 'nobody saw it any more', at },
      );
      const asking = this.#options.channels.filter(({ sendResolved }) => sendResolved).map(({ id }) => id);
      const settled = await client.query<TellableRow>(SETTLE, [SWEEP_ROWS, at, asking]);
      await this.#tellResolved(client, at, [...ended.rows, ...settled.rows]);
      const woken = await client.query<TellableRow>(WAKE, [SWEEP_ROWS, at]);
      await this.#tell(client, at, woken.rows.map(tellable));
      await client.query(FORGET_IGNORES, [SWEEP_ROWS, at]);
      return ended.rows.length + stale.rows.length;
    });
  }

  async #resolve(
    kind: AlertKind,
    alerts: readonly { tenantId: string; fingerprint: string }[],
    resolution: 'over' | 'cleared',
  ): Promise<number> {
    let count = 0;
    for (const chunk of chunksOf(alerts)) {
      count += await this.#locked(async (client, at) => {
        const { rows } = await client.query<TellableRow>(RESOLVE_NAMED, [
          chunk.map(({ tenantId }) => tenantId),
          at,
          chunk.map(({ fingerprint }) => fingerprint),
          kind,
          resolution,
        ]);
        return this.#tellResolved(client, at, rows);
      });
    }
    return count;
  }

  async #raise(
    client: ClientBase,
    at: string | null,
    occurrences: readonly Occurrence[],
  ): Promise<RaiseResult> {
    const given = JSON.stringify(occurrences.map(givenRow));
    const again = await client.query<RaisedRow>(SEE_AGAIN, [given, at, SEEN_EVERY_S]);
    const fresh = await client.query<RaisedRow>(ADD_NEW, [given, at, this.#options.maxAlerts]);
    const kept = [...again.rows, ...fresh.rows].flatMap((row) =>
      row.id === null ? [] : { ...row, id: row.id },
    );
    const outdone = await this.#supersede(client, at, kept);
    const raised = kept.filter(({ id }) => !outdone.has(id));
    const untold = raised.filter((row) => row.untold && row.state === 'firing');
    return {
      raised: raised.map((row) => ({ ...tellable(row), state: row.state, summary: row.summary })),
      refused: fresh.rows.filter(({ id }) => id === null).length,
      enqueued: await this.#tell(client, at, untold.map(tellable)),
    };
  }

  async #supersede(
    client: ClientBase,
    at: string | null,
    kept: readonly TellableRow[],
  ): Promise<ReadonlySet<string>> {
    const ranked = kept.filter(({ series }) => series !== null);
    if (ranked.length === 0) return new Set();
    const values = [
      ranked.map((row) => row.tenant_id),
      at,
      ranked.map(({ series }) => series),
      ranked.map(({ rank }) => rank),
    ];
    const { rows } = await client.query<{ id: string }>(SUPERSEDE, values);
    const ids = rows.map(({ id }) => id);
    await dropUnsent(client, ids, 'all', { reason: 'a higher step was reached before', at });
    return new Set(ids);
  }

  #tell(client: ClientBase, at: string | null, alerts: readonly Tellable[]): Promise<number> {
    const { channels, minIntervalMs } = this.#options;
    return enqueueFiring(client, alerts, channels, { minIntervalMs, at });
  }

  async #tellResolved(client: ClientBase, at: string | null, rows: readonly TellableRow[]): Promise<number> {
    const ids = rows.map(({ id }) => id);
    await dropUnsent(client, ids, 'deferred', { reason: 'resolved before its time came', at });
    await enqueueResolved(client, rows.map(tellable), this.#options.channels, at);
    return rows.length;
  }

  /** One transaction that no other change of alerts runs beside. */
  async #locked<T>(work: (client: ClientBase, at: string | null) => Promise<T>): Promise<T> {
    const client = await this.#options.pool.connect();
    let broken = true;
    try {
      const result = await inTransaction(client, async () => {
        await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
        await client.query(`SELECT pg_advisory_xact_lock(${ALERTS_LOCK})`);
        return work(client, this.#options.now?.().toISOString() ?? null);
      });
      broken = false;
      return result;
    } finally {
      client.release(broken);
    }
  }
}
