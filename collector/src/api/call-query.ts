import type { PagePosition } from './page-cursor.ts';
import { isoSql } from './range.ts';
import type { Reading } from './reader.ts';
import { callOf, type CallAnswer, type CallRow } from './call-answer.ts';

/** Columns that calls can be filtered by, by the name of their parameter. */
const FILTER_COLUMNS = {
  trace_id: 'trace_id',
  model: 'model',
  provider: 'provider',
  service_name: 'service_name',
  team: 'team',
  user: 'user_id',
  cost_status: 'effective_status',
} as const;
export type CallFilter = keyof typeof FILTER_COLUMNS;

export interface CallRequest {
  /** Instants [from, to) as ISO text; null leaves that side open. */
  readonly from: string | null;
  readonly to: string | null;
  readonly filters: Readonly<Partial<Record<CallFilter, string | undefined>>>;
  readonly after: PagePosition | null;
  readonly limit: number;
}

export interface CallPage {
  readonly calls: readonly CallAnswer[];
  /** Where the next page starts; null on the last. */
  readonly next: PagePosition | null;
}

const ORDER = 'started_at DESC, tenant_id DESC, trace_id DESC, span_id DESC';

/**
 * Every tenant that has calls, one index probe each. The only index by time starts with the tenant, so the newest
 * calls of all tenants are the newest of each, merged.
 */
const TENANTS_WITH_CALLS = `
  WITH RECURSIVE found (id) AS (
    (SELECT tenant_id FROM spanmeter.spend_rollup ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT tenant_id FROM spanmeter.spend_rollup WHERE tenant_id > found.id ORDER BY tenant_id LIMIT 1)
    FROM found WHERE found.id IS NOT NULL
  )`;

const COLUMNS = `tenant_id, ${isoSql('started_at')} AS started_at_text, trace_id, span_id, parent_span_id,
  ${isoSql('received_at')} AS received_at_text, duration_ms, ttft_ms, operation, provider, model, request_model,
  response_model, response_id, streaming, finish_reasons, service_name, environment, team, user_id, session_id,
  conversation_id, feature, agent_name, key_id, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens,
  reasoning_tokens, usage, usage_source, conditions, effective_cost_usd, effective_status, effective_price_version,
  cost_usd AS stored_cost_usd, cost_status AS stored_cost_status, price_version AS stored_price_version,
  reported_cost_usd, reported_cost_source, duplicate_of, time_source, sampling_ratio, error_type, dialect,
  scope_name, scope_version, attribution, attributes`;

interface NewestRequest {
  readonly columns: string;
  readonly from: 'spanmeter.calls' | 'spanmeter.calls_effective';
  /** Placeholders of the tenant and the limit. */
  readonly tenant: string;
  readonly limit: string;
  readonly conditions: string;
}

/** The newest rows of one tenant, or of each tenant, merged. */
function newest(reading: Reading, { columns, from, tenant, limit, conditions }: NewestRequest): string {
  if (reading.tenant !== null) {
    return `SELECT ${columns} FROM ${from} AS c WHERE c.tenant_id = ${tenant} ${conditions}
      ORDER BY ${ORDER} LIMIT ${limit}`;
  }
  return `${TENANTS_WITH_CALLS}
    SELECT ${columns} FROM found CROSS JOIN LATERAL (
      SELECT * FROM ${from} AS c WHERE c.tenant_id = found.id ${conditions} ORDER BY ${ORDER} LIMIT ${limit}
    ) AS merged
    WHERE found.id IS NOT NULL AND ${tenant}::text IS NULL
    ORDER BY ${ORDER} LIMIT ${limit}`;
}

const KEY = 'tenant_id, trace_id, span_id, started_at';

/**
 * `OFFSET 0` keeps the planner from asking the view for all calls: it is asked for one row at a time, by its key.
 * Only a question about the current status has to find its rows through the view.
 */
function pageStatement(
  reading: Reading,
  request: CallRequest,
  rest: Omit<NewestRequest, 'columns' | 'from'>,
): string {
  if (request.filters.cost_status !== undefined) {
    return newest(reading, { ...rest, columns: COLUMNS, from: 'spanmeter.calls_effective' });
  }
  const page = newest(reading, { ...rest, columns: KEY, from: 'spanmeter.calls' });
  const same = KEY.split(', ').map((column) => `one.${column} = page.${column}`);
  return `SELECT ${COLUMNS} FROM (
      SELECT current.* FROM (${page}) AS page CROSS JOIN LATERAL (
        SELECT * FROM spanmeter.calls_effective AS one WHERE ${same.join(' AND ')} OFFSET 0
      ) AS current
    ) AS calls ORDER BY ${ORDER}`;
}

/** One page of calls, newest first; a call that arrives meanwhile moves none from one page to another. */
export async function readCalls(reading: Reading, request: CallRequest): Promise<CallPage> {
  const values: unknown[] = [];
  const place = (value: unknown): string => `$${values.push(value)}`;
  const tenant = place(reading.tenant);
  const conditions: string[] = [];
  if (request.from !== null) conditions.push(`c.started_at >= ${place(request.from)}::timestamptz`);
  if (request.to !== null) conditions.push(`c.started_at < ${place(request.to)}::timestamptz`);
  for (const [name, column] of Object.entries(FILTER_COLUMNS)) {
    const wanted = request.filters[name as CallFilter];
    if (wanted !== undefined) conditions.push(`c.${column} = ${place(wanted)}`);
  }
  if (request.after !== null) {
    const { startedAt, tenant: afterTenant, traceId, spanId } = request.after;
    const at = place(startedAt);
    // The first comparison alone can use the index.
    conditions.push(`c.started_at <= ${at}::timestamptz`);
    const position = `${at}::timestamptz, ${place(afterTenant)}::text, ${place(traceId)}::text, ${place(spanId)}::text`;
    conditions.push(`(c.started_at, c.tenant_id, c.trace_id, c.span_id) < (${position})`);
  }
  const where = conditions.map((condition) => `AND ${condition}`).join(' ');
  const text = pageStatement(reading, request, {
    tenant,
    limit: place(request.limit + 1),
    conditions: where,
  });
  const rows = await reading.query<CallRow>(text, values);
  const calls = rows.slice(0, request.limit).map(callOf);
  const last = calls.at(-1);
  if (rows.length <= request.limit || last === undefined) return { calls, next: null };
  const { started_at: startedAt, trace_id: traceId, span_id: spanId } = last;
  return { calls, next: { startedAt, tenant: last.tenant, traceId, spanId } };
}

/** Mean duration of the newest billable calls since an instant, in milliseconds; null where there are none. */
export async function readMeanLatency(
  reading: Reading,
  since: string,
  maxCalls: number,
): Promise<number | null> {
  const text = newest(reading, {
    columns: 'duration_ms',
    from: 'spanmeter.calls',
    tenant: '$1',
    limit: '$3',
    conditions: `AND c.started_at >= $2::timestamptz AND c.cost_status NOT IN ('duplicate', 'not_billable')`,
  });
  const [row] = await reading.query<{ mean: string | null }>(
    `SELECT round(avg(duration_ms), 3)::text AS mean FROM (${text}) AS newest`,
    [reading.tenant, since, maxCalls],
  );
  return row === undefined || row.mean === null ? null : Number(row.mean);
}
