import type { Pool } from 'pg';
import { parsePico } from '@spanmeter/processors';
import type { BookAge, GaugeSources, KeyAge, TenantSpend } from '../exporters/prometheus/gauges.ts';
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

/** Figures of the database that a scrape may read at once, because they were read before. */
export interface Remembered {
  readonly sources: GaugeSources;
  start(): void;
  stop(): void;
}

/** Reads them every 30 s while the database answers; nothing is served that was never read. */
export function rememberGauges(pool: Pool, log: Logger): Remembered {
  let spend: readonly TenantSpend[] = [];
  let keys: readonly KeyAge[] = [];
  let databaseSizeBytes: number | null = null;
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
    corrections = corrected.rows.map(({ direction, amount, ...labels }) => ({
      labels,
      direction,
      picoUsd: parsePico(amount) ?? 0n,
    }));
    books = named.rows.map((row) => ({ version: row.version, madeUnixMs: row.created_at.getTime() }));
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
