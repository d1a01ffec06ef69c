import type { Rememberable } from '@spanmeter/processors';
import type { Pool } from 'pg';

interface Row {
  readonly tenant_id: string;
  readonly trace_id: string;
  readonly span_id: string;
  readonly parent_span_id: string | null;
  readonly start_nanos: string;
  readonly end_nanos: string;
  readonly received_ms: string;
  readonly provider: string;
  readonly model: string;
  readonly request_model: string | null;
  readonly response_model: string | null;
  readonly response_id: string | null;
  readonly input_tokens: string | null;
  readonly output_tokens: string | null;
  readonly usage: Rememberable['usage'] | null;
  readonly usage_source: Rememberable['usageSource'];
  readonly cost_status: Rememberable['costStatus'];
  readonly duplicate_of: string | null;
}

/** What is committed last may have been received a while before. */
const SLACK = '10 minutes';

/** A call that started more than a day before its receipt has its twins in its own request. */
const RECENT = `
  WITH last AS (SELECT least(now(), max(updated_at)) AS at FROM spanmeter.journal_cursors)
  SELECT tenant_id, trace_id, span_id, parent_span_id,
         (extract(epoch FROM started_at) * 1000000000)::bigint::text AS start_nanos,
         (extract(epoch FROM started_at) * 1000000000 + coalesce(duration_ms, 0) * 1000000)::bigint::text AS end_nanos,
         (extract(epoch FROM received_at) * 1000)::bigint::text AS received_ms,
         provider, model, request_model, response_model, response_id, input_tokens, output_tokens, usage,
         usage_source, cost_status, duplicate_of
  FROM spanmeter.calls
  WHERE received_at > (SELECT at FROM last) - ($1 * interval '1 millisecond') - interval '${SLACK}'
    AND started_at > (SELECT at FROM last) - interval '1 day'
  ORDER BY received_at DESC
  LIMIT $2`;

function count(text: string | null): number | null {
  return text === null ? null : Number(text);
}

/** The calls that were stored last, the oldest first. Rejects with the driver's error. */
export async function readRecentCalls(
  pool: Pick<Pool, 'query'>,
  windowMs: number,
  maxCalls: number,
): Promise<readonly Rememberable[]> {
  const { rows } = await pool.query<Row>(RECENT, [windowMs, maxCalls]);
  return rows.toReversed().map((row) => ({
    tenantId: row.tenant_id,
    traceId: row.trace_id,
    spanId: row.span_id,
    parentSpanId: row.parent_span_id,
    startUnixNano: BigInt(row.start_nanos),
    endUnixNano: BigInt(row.end_nanos),
    receivedUnixMs: Number(row.received_ms),
    provider: row.provider,
    model: row.model,
    requestModel: row.request_model,
    responseModel: row.response_model,
    responseId: row.response_id,
    inputTokens: count(row.input_tokens),
    outputTokens: count(row.output_tokens),
    usage: row.usage ?? {},
    usageSource: row.usage_source,
    costStatus: row.cost_status,
    duplicateOf: row.duplicate_of,
  }));
}
