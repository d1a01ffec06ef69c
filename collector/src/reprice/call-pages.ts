import { Query, type Client, type QueryArrayConfig } from 'pg';
import { PARTITION_BOUNDS } from '../database/partition-bounds.ts';
import { SETTLED_STATUSES, STORED_COLUMNS, storedCall } from './stored-call.ts';
import type { StoredCall, StoredRow } from './stored-call.ts';

/** Calls that are looked at: instants [from, to) as ISO text with microseconds in UTC. */
export interface CallSelection {
  readonly from: string;
  readonly to: string;
  readonly tenant: string | null;
  /** The model as reports name it. */
  readonly model: string | null;
}

/** The last call of a page; the next one starts right after it. */
export interface PageEnd {
  /** Start of the partition that it is in, as ISO text. */
  readonly slice: string;
  readonly tenant: string;
  readonly startedAt: string;
  readonly traceId: string;
  readonly spanId: string;
}

/** A stretch of time that one partition holds, cut to what is looked at. */
export interface Slice {
  readonly from: string;
  readonly to: string;
}

const ISO = `'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'`;

/** The partitions that hold the selected calls, the oldest first. */
export async function slicesOf(client: Client, { from, to }: CallSelection): Promise<readonly Slice[]> {
  const text = `SELECT to_char(greatest(from_at, $1::timestamptz) AT TIME ZONE 'UTC', ${ISO}) AS from,
      to_char(least(to_at, $2::timestamptz) AT TIME ZONE 'UTC', ${ISO}) AS to
    FROM (${PARTITION_BOUNDS}) AS partitions
    WHERE from_at < $2::timestamptz AND to_at > $1::timestamptz ORDER BY from_at`;
  return (await client.query<Slice>(text, [from, to])).rows;
}

/** Calls in the range that rollups still count and that no partition holds any more. */
export async function countGone(client: Client, selection: CallSelection): Promise<number> {
  const { from, to, tenant, model } = selection;
  const text = `SELECT coalesce(sum(r.calls), 0)::text AS calls FROM spanmeter.spend_rollup r
    WHERE r.bucket_start >= date_bin('15 minutes', $1::timestamptz, timestamptz '1970-01-01 00:00:00Z')
      AND r.bucket_start < $2::timestamptz AND ($3::text IS NULL OR r.tenant_id = $3)
      AND ($4::text IS NULL OR r.model = $4) AND r.cost_status <> ALL ($5::text[])
      AND NOT EXISTS (
        SELECT FROM (${PARTITION_BOUNDS}) AS p WHERE r.bucket_start >= p.from_at AND r.bucket_start < p.to_at
      )`;
  const { rows } = await client.query<{ calls: string }>(text, [from, to, tenant, model, SETTLED_STATUSES]);
  return Number(rows[0]?.calls ?? 0);
}

/** Microseconds since 1970 as ISO text; whole seconds alone go through a Date, which holds those exactly. */
export function microsText(micros: bigint): string {
  const seconds = micros / 1_000_000n;
  const text = new Date(Number(seconds) * 1000).toISOString();
  return `${text.slice(0, 19)}.${String(micros % 1_000_000n).padStart(6, '0')}Z`;
}

const ORDER = 'c.tenant_id, c.started_at, c.trace_id, c.span_id';

function pageText(
  selection: CallSelection,
  after: PageEnd | null,
  place: (value: unknown) => string,
): string {
  const conditions: string[] = [`c.cost_status <> ALL (${place(SETTLED_STATUSES)}::text[])`];
  if (selection.tenant !== null) conditions.push(`c.tenant_id = ${place(selection.tenant)}`);
  if (selection.model !== null) conditions.push(`c.model = ${place(selection.model)}`);
  if (after !== null) {
    const { tenant, startedAt, traceId, spanId } = after;
    const position = `${place(tenant)}::text, ${place(startedAt)}::timestamptz, ${place(traceId)}::text, ${place(spanId)}::text`;
    conditions.push(`(${ORDER}) > (${position})`);
  }
  // `+ 0` keeps the planner from walking the primary key backwards in search of the call.
  return `SELECT ${STORED_COLUMNS}
    FROM (SELECT * FROM spanmeter.calls c
      WHERE c.started_at >= $1::timestamptz AND c.started_at < $2::timestamptz AND ${conditions.join(' AND ')}
      ORDER BY ${ORDER} LIMIT $3::int) AS c
    LEFT JOIN LATERAL (
      SELECT n.id, n.new_status, n.new_price_version, n.new_cost_usd FROM spanmeter.cost_adjustments n
      WHERE n.tenant_id = c.tenant_id AND n.trace_id = c.trace_id AND n.span_id = c.span_id
        AND n.started_at = c.started_at
      ORDER BY n.id + 0 DESC LIMIT 1
    ) AS a ON true
    ORDER BY ${ORDER}`;
}

const AS_TEXT = { getTypeParser: () => (text: string) => text };

/** A page that was read. */
export interface Page {
  readonly calls: number;
  /** Null where the slice has no more calls. */
  readonly end: PageEnd | null;
}

/**
 * Hands out the next calls of a slice with their current cost, by tenant and start: the order of an index, in which
 * neighbours share their rollups. One by one as they come, so that none of them has to outlive the next.
 */
export async function readPage(
  client: Client,
  selection: CallSelection,
  slice: Slice,
  after: PageEnd | null,
  limit: number,
  each: (stored: StoredCall) => void,
): Promise<Page> {
  const values: unknown[] = [slice.from, slice.to, limit];
  const text = pageText(selection, after, (value) => `$${values.push(value)}`);
  let calls = 0;
  let last: StoredCall | null = null;
  let failure: unknown = null;
  await new Promise<void>((resolve, reject) => {
    const config: QueryArrayConfig = { text, values, rowMode: 'array', types: AS_TEXT };
    const query = new Query(config);
    query.on('row', (row: unknown) => {
      // What is thrown here would not reach the caller.
      if (failure !== null) return;
      try {
        last = storedCall(row as StoredRow);
        each(last);
        calls++;
      } catch (error) {
        failure = error;
      }
    });
    query.on('error', reject);
    query.on('end', () => resolve());
    client.query(query);
  });
  if (failure !== null) throw failure;
  return { calls, end: last === null ? null : endAt(slice, last) };
}

function endAt(slice: Slice, { call }: StoredCall): PageEnd {
  const { tenantId: tenant, startedAtMicros, traceId, spanId } = call;
  return { slice: slice.from, tenant, startedAt: microsText(startedAtMicros), traceId, spanId };
}
