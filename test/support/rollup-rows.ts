import { createHash } from 'node:crypto';
import { Client } from 'pg';

/** Spend of one bucket. */
export interface RollupRow {
  tenant: string;
  /** ISO instant within the bucket. */
  at: string;
  usd: number | string;
  model?: string;
  service?: string;
  team?: string;
}

const JOURNAL = '00000000-0000-4000-8000-000000000001';

/** Adds rows to `spend_rollup` as a ledger would, one for each given. */
export async function storeRollups(url: string, rows: readonly RollupRow[]): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(
      `INSERT INTO spanmeter.spend_rollup (tenant_id, bucket_start, provider, model, operation, service_name, team,
         cost_status, dimensions_hash, journal_id, calls, errors, input_tokens, cache_read_tokens, cache_write_tokens,
         output_tokens, reasoning_tokens, cost_usd, reported_cost_usd)
       SELECT tenant, date_bin('15 minutes', at, 'epoch'), 'anthropic', model, 'chat', service, team, 'priced', hash,
         '${JOURNAL}', 1, 0, 0, 0, 0, 0, 0, usd, 0
       FROM unnest($1::text[], $2::timestamptz[], $3::numeric[], $4::text[], $5::text[], $6::text[], $7::bytea[])
         AS given(tenant, at, usd, model, service, team, hash)`,
      [
        rows.map((row) => row.tenant),
        rows.map((row) => row.at),
        rows.map((row) => String(row.usd)),
        rows.map((row) => row.model ?? 'claude-haiku-4-5'),
        rows.map((row) => row.service ?? 'checkout'),
        rows.map((row) => row.team ?? null),
        rows.map((row, index) =>
          createHash('sha256')
            .update(JSON.stringify([row, index]))
            .digest(),
        ),
      ],
    );
  } finally {
    await client.end();
  }
}

/** One row for each day up to `last` (YYYY-MM-DD), at noon UTC. */
export function dailyRows(
  last: string,
  days: ArrayLike<number>,
  row: Omit<RollupRow, 'at' | 'usd'>,
): RollupRow[] {
  const end = Date.parse(`${last}T12:00:00Z`);
  return Array.from(days, (usd, index) => ({
    ...row,
    usd: usd.toFixed(6),
    at: new Date(end - (days.length - 1 - index) * 86_400_000).toISOString(),
  }));
}
