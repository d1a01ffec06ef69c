import { Client } from 'pg';
import { deleteOldAlerts } from '../alerts/delete-old.ts';
import type { Counter, Logger, SelfMetrics } from '../pipeline/component.ts';
import { errorMessage } from './failure.ts';

const MS_PER_DAY = 86_400_000;
/** Held by the collector that does the work of this database; any constant will do. */
const LEADER_LOCK = 7_305_811_002;
const PARTITION = /^calls_p(\d{4})(\d{2})(\d{2})$/;
/** Dead letters deleted by one statement, so that none runs for long. */
const DELETE_ROWS = 5_000;

export interface MaintenanceOptions {
  /** Connects as the owner of the tables. */
  readonly connectionString: string;
  readonly log: Logger;
  readonly metrics: SelfMetrics;
  readonly callRetentionDays: number;
  readonly deadLetterRetentionDays: number;
  /** Milliseconds since 1970; by default the system's clock. */
  readonly now?: () => number;
}

/** What one round did; null where another collector is at it. */
export interface MaintenanceResult {
  readonly droppedPartitions: readonly string[];
  readonly deletedDeadLetters: number;
  readonly deletedAlerts: number;
}

/**
 * Drops partitions of calls and deletes dead letters and alerts that are past their retention, on one collector at a
 * time. Rejects with the driver's error; what was under way is finished by the next round.
 */
export async function maintain(options: MaintenanceOptions): Promise<MaintenanceResult | null> {
  const client = new Client({
    connectionString: options.connectionString,
    application_name: 'spanmeter maintenance',
    connectionTimeoutMillis: 10_000,
  });
  client.on('error', () => {});
  await client.connect();
  try {
    const lock = await client.query<{ mine: boolean }>(`SELECT pg_try_advisory_lock(${LEADER_LOCK}) AS mine`);
    if (lock.rows[0]?.mine !== true) return null;
    const nowMs = (options.now ?? Date.now)();
    return {
      droppedPartitions: await dropOldPartitions(client, options, nowMs),
      deletedDeadLetters: await deleteOldLetters(client, options, nowMs),
      deletedAlerts: await deleteOldAlerts(client, new Date(nowMs)),
    };
  } finally {
    // Ending the session gives the lock back.
    await client.end().catch(() => {});
  }
}

async function dropOldPartitions(
  client: Client,
  options: MaintenanceOptions,
  nowMs: number,
): Promise<string[]> {
  const floor = Math.floor(nowMs / MS_PER_DAY) - options.callRetentionDays;
  const found = await client.query<{ name: string; attached: boolean; pending: boolean }>(
    `SELECT c.relname AS name, c.relispartition AS attached, coalesce(i.inhdetachpending, false) AS pending
     FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
     WHERE c.relnamespace = 'spanmeter'::regnamespace AND c.relkind = 'r' AND c.relname ~ '^calls_p[0-9]{8}$'
     ORDER BY c.relname`,
  );
  const dropped: string[] = [];
  for (const { name, attached, pending } of found.rows) {
    if (dayOfPartition(name) >= floor) continue;
    // CONCURRENTLY takes no lock that readers or writers would wait for, and cannot run in a transaction; one
    // that was cut short can only be finalized.
    const how = pending ? 'FINALIZE' : 'CONCURRENTLY';
    if (attached) await client.query(`ALTER TABLE spanmeter.calls DETACH PARTITION spanmeter.${name} ${how}`);
    await client.query(`DROP TABLE spanmeter.${name}`);
    dropped.push(name);
  }
  if (dropped.length > 0) {
    options.log.info(
      { partitions: dropped, retentionDays: options.callRetentionDays },
      'dropped calls past their retention',
    );
  }
  return dropped;
}

/** The UTC day in a partition's name, in days since 1970. */
function dayOfPartition(name: string): number {
  const [, year, month, day] = PARTITION.exec(name) ?? [];
  return Date.UTC(Number(year), Number(month) - 1, Number(day)) / MS_PER_DAY;
}

async function deleteOldLetters(client: Client, options: MaintenanceOptions, nowMs: number): Promise<number> {
  const before = new Date(nowMs - options.deadLetterRetentionDays * MS_PER_DAY).toISOString();
  let deleted = 0;
  for (;;) {
    const result = await client.query(
      `DELETE FROM spanmeter.dead_letters WHERE (tenant_id, digest) IN (
         SELECT tenant_id, digest FROM spanmeter.dead_letters WHERE received_at < $1 LIMIT ${DELETE_ROWS})`,
      [before],
    );
    deleted += result.rowCount ?? 0;
    if ((result.rowCount ?? 0) < DELETE_ROWS) break;
  }
  if (deleted > 0) options.log.info({ deleted }, 'deleted dead letters past their retention');
  return deleted;
}

/** Runs `maintain` now and every `intervalMs` until stopped; a failure is logged, counted and tried again. */
export function scheduleMaintenance(
  options: MaintenanceOptions,
  intervalMs: number,
): { stop(): Promise<void> } {
  const failures: Counter = options.metrics.counter(
    'spanmeter_maintenance_failures_total',
    'Rounds of retention that failed.',
  );
  let running: Promise<void> | null = null;
  const round = (): void => {
    running ??= maintain(options)
      .then(() => {})
      .catch((error: unknown) => {
        failures.add(1);
        options.log.warn({ error: errorMessage(error) }, 'retention failed; it is tried again');
      })
      .finally(() => (running = null));
  };
  const timer = setInterval(round, intervalMs);
  timer.unref();
  round();
  return {
    stop: async () => {
      clearInterval(timer);
      await running;
    },
  };
}
