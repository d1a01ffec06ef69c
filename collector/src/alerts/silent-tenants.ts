import type { Pool } from 'pg';
import { oneLine, type Occurrence } from './occurrence.ts';

const DAY_MS = 86_400_000;
const MAX_NAME_BYTES = 512;
/** Tenants that one look takes up. */
const MAX_TENANTS = 20_000;

/** The bucket of a tenant's last billable call, in the last $3 days. */
const LAST_CALL = `SELECT r.bucket_start FROM spanmeter.spend_rollup r
    WHERE r.tenant_id = t.id AND r.cost_status NOT IN ('duplicate', 'not_billable') AND r.calls > 0
      AND r.bucket_start > n.at - $2 * interval '1 millisecond' - interval '30 days'
    ORDER BY r.bucket_start DESC LIMIT 1`;

/** Each tenant's last call is one step into the primary key, whatever is stored. */
const SILENT = `
  WITH n AS (SELECT coalesce($1::timestamptz, now()) AS at)
  SELECT t.id AS tenant_id, (extract(epoch FROM last.bucket_start) * 1000)::bigint::text AS last_ms
  FROM n CROSS JOIN spanmeter.tenants t
  CROSS JOIN LATERAL (${LAST_CALL}) last
  WHERE t.status = 'active' AND last.bucket_start < n.at - $2 * interval '1 millisecond' - interval '15 minutes'
  ORDER BY last.bucket_start DESC LIMIT ${MAX_TENANTS}`;

function daysText(ms: number): string {
  const days = ms / DAY_MS;
  if (days < 1) return `${Math.round((ms / DAY_MS) * 24 * 10) / 10} hours`;
  const shown = Math.round(days * 10) / 10;
  return shown === 1 ? '1 day' : `${shown} days`;
}

/**
 * Tenants without a billable call for `silentAfterMs` that had one in the 30 days before. Rejects with the driver's
 * error.
 */
export async function silentTenants(
  pool: Pick<Pool, 'query'>,
  silentAfterMs: number,
  at: string | null = null,
): Promise<Occurrence[]> {
  const { rows } = await pool.query<{ tenant_id: string; last_ms: string }>(SILENT, [at, silentAfterMs]);
  return rows.map(({ tenant_id: tenantId, last_ms: lastMs }) => {
    const last = new Date(Number(lastMs)).toISOString();
    const name = oneLine(tenantId, MAX_NAME_BYTES);
    return {
      tenantId,
      kind: 'silent_tenant',
      subject: 'calls',
      occasion: last,
      severity: 'warning',
      summary: `No call of tenant ${name} for ${daysText(silentAfterMs)}: the last was at ${last.slice(0, 16)}Z`,
      detail: { last_call: last, silent_after_seconds: Math.round(silentAfterMs / 1000) },
      endsAtMs: null,
      series: null,
    };
  });
}

/** Standing alerts of tenants that were heard of since. */
const HEARD = `
  SELECT a.tenant_id AS "tenantId", a.fingerprint FROM spanmeter.alerts a
  WHERE a.kind = 'silent_tenant' AND a.state <> 'resolved' AND EXISTS (
    SELECT FROM spanmeter.spend_rollup r
    WHERE r.tenant_id = a.tenant_id AND r.bucket_start > (a.detail->>'last_call')::timestamptz
      AND r.cost_status NOT IN ('duplicate', 'not_billable') AND r.calls > 0)
  ORDER BY a.id LIMIT ${MAX_TENANTS}`;

/** The alerts of tenants that are silent no longer. Rejects with the driver's error. */
export async function heardAgain(
  pool: Pick<Pool, 'query'>,
): Promise<{ tenantId: string; fingerprint: string }[]> {
  return (await pool.query<{ tenantId: string; fingerprint: string }>(HEARD)).rows;
}
