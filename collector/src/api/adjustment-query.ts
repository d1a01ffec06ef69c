import { isoSql } from './range.ts';
import type { Reading } from './reader.ts';

/** One correction of a call's cost, as it was written. */
export interface AdjustmentAnswer {
  readonly id: string;
  readonly tenant: string;
  readonly started_at: string;
  readonly trace_id: string;
  readonly span_id: string;
  readonly created_at: string;
  readonly run_id: string;
  readonly reason: string;
  /** Exact decimal USD; what the correction adds to spend. */
  readonly delta_usd: string;
  readonly old_cost_usd: string | null;
  readonly new_cost_usd: string | null;
  readonly old_status: string;
  readonly new_status: string;
  readonly old_price_version: string | null;
  readonly new_price_version: string | null;
}

export interface AdjustmentRequest {
  /** Instants [from, to) of the corrections as ISO text; null leaves that side open. */
  readonly from: string | null;
  readonly to: string | null;
  readonly traceId: string | undefined;
  readonly runId: string | undefined;
  readonly after: AdjustmentPlace | null;
  readonly limit: number;
}

/** The last correction of a page. */
export interface AdjustmentPlace {
  readonly createdAt: string;
  readonly id: string;
}

export interface AdjustmentPage {
  readonly adjustments: readonly AdjustmentAnswer[];
  /** Where the next page starts; null on the last. */
  readonly next: AdjustmentPlace | null;
}

/** One page of corrections, newest first. */
export async function readAdjustments(reading: Reading, request: AdjustmentRequest): Promise<AdjustmentPage> {
  const values: unknown[] = [request.limit + 1];
  const place = (value: unknown): string => `$${values.push(value)}`;
  const conditions: string[] = ['true'];
  if (reading.tenant !== null) conditions.push(`tenant_id = ${place(reading.tenant)}`);
  if (request.from !== null) conditions.push(`created_at >= ${place(request.from)}::timestamptz`);
  if (request.to !== null) conditions.push(`created_at < ${place(request.to)}::timestamptz`);
  if (request.traceId !== undefined) conditions.push(`trace_id = ${place(request.traceId)}`);
  if (request.runId !== undefined) conditions.push(`run_id = ${place(request.runId)}`);
  if (request.after !== null) {
    const { createdAt, id } = request.after;
    conditions.push(`(created_at, id) < (${place(createdAt)}::timestamptz, ${place(id)}::bigint)`);
  }
  const text = `SELECT id::text, tenant_id AS tenant, ${isoSql('started_at')} AS started_at, trace_id, span_id,
      ${isoSql('created_at')} AS created_at, run_id, reason, delta_usd::text, old_cost_usd::text, new_cost_usd::text,
      old_status, new_status, old_price_version, new_price_version
    FROM (
      SELECT * FROM spanmeter.cost_adjustments WHERE ${conditions.join(' AND ')}
      ORDER BY created_at DESC, id DESC LIMIT $1::int
    ) AS page
    ORDER BY page.created_at DESC, page.id DESC`;
  const rows = await reading.query<AdjustmentAnswer>(text, values);
  const adjustments = rows.slice(0, request.limit);
  const last = adjustments.at(-1);
  const next =
    rows.length <= request.limit || last === undefined ? null : { createdAt: last.created_at, id: last.id };
  return { adjustments, next };
}
