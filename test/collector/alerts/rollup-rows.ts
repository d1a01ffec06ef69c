import { createHash, randomUUID } from 'node:crypto';
import type { Pool } from 'pg';

export interface RollupRow {
  readonly tenant?: string;
  readonly at: string;
  readonly provider?: string;
  readonly model?: string;
  readonly status?: string;
  readonly calls?: number;
}

/** Stores sums of calls and their tenants as the exporter and corrections do: each a row of its own. */
export async function storeRollups(pool: Pool, rows: readonly RollupRow[]): Promise<void> {
  for (const row of rows) {
    const {
      tenant = 'acme',
      at,
      provider = 'openai',
      model = 'gpt-new',
      status = 'unpriced_model',
      calls = 1,
    } = row;
    await pool.query('INSERT INTO spanmeter.tenants (id) VALUES ($1) ON CONFLICT DO NOTHING', [tenant]);
    await pool.query(
      `INSERT INTO spanmeter.spend_rollup (tenant_id, bucket_start, provider, model, operation, service_name,
         cost_status, dimensions_hash, journal_id, calls, errors, input_tokens, cache_read_tokens, cache_write_tokens,
         output_tokens, reasoning_tokens, cost_usd, reported_cost_usd)
       VALUES ($1, date_bin('15 minutes', $2::timestamptz, 'epoch'::timestamptz), $3, $4, 'chat', 'api', $5, $6, $7, $8,
         0, 0, 0, 0, 0, 0, 0, 0)`,
      [
        tenant,
        at,
        provider,
        model,
        status,
        createHash('md5').update(randomUUID()).digest(),
        randomUUID(),
        calls,
      ],
    );
  }
}
