import { statfs } from 'node:fs/promises';
import type { Pool } from 'pg';
import { parsePico } from '@spanmeter/processors';
import type { BookAge, GaugeSources, KeyAge, LastCall, TenantSpend } from '../exporters/prometheus/gauges.ts';
import type { CorrectionTotal } from '../exporters/prometheus/correction-family.ts';
import type { Logger } from '../pipeline/component.ts';

const REFRESH_MS = 30_000;
const MAX_ROWS = 20_000;

/** Spend of each tenant's current day and month, in the tenant's own time zone. */
const SPEND = `
  WITH zones AS (
    SELECT id, timezone, date_trunc('day', now() AT TIME ZONE timezone) AT TIME ZONE timezone AS day_start,
           date_trunc('month', now() AT TIME ZONE timezone) AT TIME ZONE timezone AS month_start
    FROM spanmeter.tenants ORDER BY id LIMIT ${MAX_ROWS}
  )
  SELECT z.id AS tenant,
         coalesce(sum(r.cost_usd) FILTER (WHERE r.bucket_start >= z.day_start), 0)::text AS day,
         coalesce(sum(r.cost_usd), 0)::text AS month
  FROM zones z
  LEFT JOIN spanmeter.spend_rollup r ON r.tenant_id = z.id AND r.bucket_start >= z.month_start
  GROUP BY z.id`;
const KEYS = `SELECT id, coalesce(tenant_id, '') AS tenant, created_at FROM spanmeter.api_keys
  WHERE revoked_at IS NULL ORDER BY created_at LIMIT ${MAX_ROWS}`;

const BOOKS = `SELECT version, created_at FROM spanmeter.price_books ORDER BY created_at DESC LIMIT 50`;

/** More tenants than the bound go without: those whose names come last. */
const MAX_LAST_CALLS = 100_000;
const LAST_CALL_DAYS = 30;
/** A probe of an index for each tenant's latest quarter of an hour, and one for the latest call in it. */
const LAST_CALLS = `
  SELECT t.id AS tenant, extract(epoch FROM least(now(), coalesce((
      SELECT max(c.started_at) FROM spanmeter.calls c
      WHERE c.tenant_id = t.id AND c.started_at >= r.bucket_start
        AND c.started_at < r.bucket_start + interval '15 minutes'
        AND c.cost_status NOT IN ('duplicate', 'not_billable')
    ), r.bucket_start)))::float8 * 1000 AS ms
  FROM (SELECT id FROM spanmeter.tenants ORDER BY id LIMIT ${MAX_LAST_CALLS}) t
  CROSS JOIN LATERAL (
    SELECT bucket_start FROM spanmeter.spend_rollup
    WHERE tenant_id = t.id AND bucket_start > now() - interval '${LAST_CALL_DAYS} days'
      AND cost_status NOT IN ('duplicate', 'not_billable') AND calls > 0
    ORDER BY bucket_start DESC LIMIT 1
  ) r`;
/** What this collector commits it knows by itself. */
const LAST_CALLS_EVERY_MS = 600_000;

/** The first label sets as they are; of those beyond the bound only the tenant stays. */
const CORRECTIONS = `
  WITH ranked AS (
    SELECT t.*, CASE WHEN row_number() OVER (ORDER BY id) > ${MAX_ROWS} THEN 'other' END AS folded
    FROM spanmeter.cost_correction_totals t
  )
  SELECT tenant_id AS tenant, direction, coalesce(folded, provider) AS provider, coalesce(folded, model) AS model,
    coalesce(folded, operation) AS operation, coalesce(folded, service_name) AS service_name,
    coalesce(folded, environment) AS environment, coalesce(folded, team) AS team,
    coalesce(folded, feature) AS feature, sum(amount_usd)::text AS amount
  FROM ranked GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9 ORDER BY min(id)`;

type CorrectionRow = CorrectionTotal['labels'] & {
  readonly direction: CorrectionTotal['direction'];
  readonly amount: string;
};

/** Where the room that the database has can be seen. */
export interface Room {
  /** As configured; undefined where nothing is. */
  readonly capacityBytes: number | undefined;
  /** Folder of an embedded server; null where it is elsewhere. */
  readonly folder: string | null;
}

/** What the database takes and what is free beside it. */
async function capacityOf({ capacityBytes, folder }: Room, sizeBytes: number): Promise<number | null> {
  if (capacityBytes !== undefined) return capacityBytes;
  if (folder === null) return null;
  const { bavail, bsize } = await statfs(folder);
  return sizeBytes + bavail * bsize;
}

/** Figures of the database that a scrape may read at once, because they were read before. */
export interface Remembered {
  readonly sources: GaugeSources;
  start(): void;
  stop(): void;
}

/** Reads them every 30 s while the database answers; nothing is served that was never read. */
export function rememberGauges(pool: Pool, log: Logger, room: Room): Remembered {
  let spend: readonly TenantSpend[] = [];
  let keys: readonly KeyAge[] = [];
  let databaseSizeBytes: number | null = null;
  let databaseCapacityBytes: number | null = null;
  let lastCalls: readonly LastCall[] = [];
  let lastCallsReadMs = -Infinity;
  let books: readonly BookAge[] = [];
  let corrections: readonly CorrectionTotal[] = [];
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function refresh(): Promise<void> {
    // One after the other: the API's queries need the connections too.
    const spent = await pool.query<{ tenant: string; day: string; month: string }>(SPEND);
    const created = await pool.query<{ id: string; tenant: string; created_at: Date }>(KEYS);
    const size = await pool.query<{ size: string }>('SELECT pg_database_size(current_database()) AS size');
    const named = await pool.query<{ version: string; created_at: Date }>(BOOKS);
    const corrected = await pool.query<CorrectionRow>(CORRECTIONS);
    spend = spent.rows.flatMap(({ tenant, day, month }): TenantSpend[] => [
      { tenant, period: 'day', spentPicoUsd: parsePico(day) ?? 0n },
      { tenant, period: 'month', spentPicoUsd: parsePico(month) ?? 0n },
    ]);
    keys = created.rows.map((row) => ({
      tenant: row.tenant,
      keyId: row.id,
      createdUnixMs: row.created_at.getTime(),
    }));
    databaseSizeBytes = Number(size.rows[0]?.size ?? 0);
    databaseCapacityBytes = await capacityOf(room, databaseSizeBytes).catch(() => null);
    corrections = corrected.rows.map(({ direction, amount, ...labels }) => ({
      labels,
      direction,
      picoUsd: parsePico(amount) ?? 0n,
    }));
    books = named.rows.map((row) => ({ version: row.version, madeUnixMs: row.created_at.getTime() }));
    if (performance.now() - lastCallsReadMs < LAST_CALLS_EVERY_MS) return;
    const called = await pool.query<{ tenant: string; ms: number }>(LAST_CALLS);
    lastCalls = called.rows.map(({ tenant, ms }) => ({ tenant, startedUnixMs: ms }));
    lastCallsReadMs = performance.now();
  }

  async function run(): Promise<void> {
    try {
      await refresh();
    } catch (error) {
      // Health says that the database is away; the last figures stand meanwhile.
      log.debug({ err: error }, 'the figures for gauges could not be read');
    }
    if (!stopped) timer = setTimeout(() => void run(), REFRESH_MS);
  }

  return {
    sources: {
      spend: () => spend,
      keys: () => keys,
      databaseSizeBytes: () => databaseSizeBytes,
      databaseCapacityBytes: () => databaseCapacityBytes,
      lastCalls: () => lastCalls,
      priceBooks: () => books,
      corrections: () => corrections,
    },
    start: () => void run(),
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
