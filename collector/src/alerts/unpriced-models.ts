import type { Pool } from 'pg';
import { oneLine, type Occurrence } from './occurrence.ts';

const MAX_NAME_BYTES = 256;
const DAY_MS = 86_400_000;
/** Models that one look takes up of all tenants, and of one. */
const MAX_MODELS = 1_000;
const MAX_MODELS_OF_TENANT = 20;

/**
 * Models with calls that have no price, by tenant and UTC day of the calls: those of the last hours, so that what was
 * stored late after an outage is seen too. Corrections have taken away what has a price by now.
 */
const UNPRICED = `
  WITH sums AS (
    SELECT tenant_id, provider, model, (bucket_start AT TIME ZONE 'UTC')::date::text AS day, sum(calls) AS calls,
      max(bucket_start) AS last_bucket
    FROM spanmeter.spend_rollup
    WHERE cost_status IN ('unpriced_model', 'unpriced_dimension')
      AND bucket_start > coalesce($1::timestamptz, now()) - interval '6 hours'
    GROUP BY 1, 2, 3, 4
    HAVING sum(calls) > 0
  ), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY tenant_id ORDER BY calls DESC, provider, model) AS place FROM sums
  )
  SELECT tenant_id, provider, model, day, calls::text,
    (extract(epoch FROM last_bucket) * 1000)::bigint::text AS last_bucket_ms
  FROM ranked WHERE place <= ${MAX_MODELS_OF_TENANT} ORDER BY place, tenant_id LIMIT ${MAX_MODELS}`;

interface UnpricedRow {
  readonly tenant_id: string;
  readonly provider: string;
  readonly model: string;
  readonly day: string;
  readonly calls: string;
  readonly last_bucket_ms: string;
}

function occurrenceOf(row: UnpricedRow): Occurrence {
  const { tenant_id: tenantId, provider, model, day, calls } = row;
  const what = oneLine(`${provider}/${model}`, 2 * MAX_NAME_BYTES);
  return {
    tenantId,
    kind: 'unpriced_model',
    subject: `${provider}/${model}`,
    occasion: day,
    severity: 'warning',
    summary: `No price for ${what}: what ${calls === '1' ? '1 call' : `${calls} calls`} cost is not known`,
    detail: { provider, model, day, calls: Number(calls) },
    endsAtMs: Date.parse(`${day}T00:00:00Z`) + DAY_MS,
    series: null,
  };
}

/** What to raise of models without a price. Rejects with the driver's error. */
export async function unpricedModels(
  pool: Pick<Pool, 'query'>,
  at: string | null = null,
): Promise<Occurrence[]> {
  const { rows } = await pool.query<UnpricedRow>(UNPRICED, [at]);
  return rows.map(occurrenceOf);
}

/** Standing alerts whose model has a price again: its calls were corrected, or only priced ones came since. */
const PRICED_AGAIN = `
  SELECT a.tenant_id AS "tenantId", a.fingerprint
  FROM spanmeter.alerts a
  CROSS JOIN LATERAL (
    SELECT coalesce(sum(u.calls), 0) AS calls, max(u.bucket_start) AS last_bucket
    FROM (
      SELECT bucket_start, sum(calls) AS calls FROM spanmeter.spend_rollup r
      WHERE r.cost_status IN ('unpriced_model', 'unpriced_dimension') AND r.tenant_id = a.tenant_id
        AND r.provider = a.detail->>'provider' AND r.model = a.detail->>'model'
        AND r.bucket_start >= (a.detail->>'day')::timestamp AT TIME ZONE 'UTC'
      GROUP BY bucket_start HAVING sum(calls) > 0
    ) u
  ) unpriced
  WHERE a.kind = 'unpriced_model' AND a.state <> 'resolved' AND (unpriced.calls = 0 OR EXISTS (
    SELECT FROM spanmeter.spend_rollup r
    WHERE r.tenant_id = a.tenant_id AND r.bucket_start > unpriced.last_bucket
      AND r.provider = a.detail->>'provider' AND r.model = a.detail->>'model'
      AND r.cost_status IN ('priced', 'reported') AND r.calls > 0))
  ORDER BY a.id LIMIT ${MAX_MODELS}`;

/** The alerts of models that have a price again. Rejects with the driver's error. */
export async function pricedAgain(
  pool: Pick<Pool, 'query'>,
): Promise<{ tenantId: string; fingerprint: string }[]> {
  return (await pool.query<{ tenantId: string; fingerprint: string }>(PRICED_AGAIN)).rows;
}
