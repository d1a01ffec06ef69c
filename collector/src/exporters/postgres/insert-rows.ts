import type { Call } from '@spanmeter/processors';
import { errorCode, errorMessage, isBadData } from '../../database/failure.ts';
import { storable } from './binary-copy.ts';
import { CALL_COLUMNS, type CallRows } from './call-rows.ts';
import { type Session, STAGED_CALLS } from './session.ts';

/**
 * How rows get in: `direct` by COPY into the table, which one duplicate fails as a whole; `staging` by COPY into
 * a temporary table and INSERT of what is new; `bisection` the same by halves, until rows that PostgreSQL refuses
 * stand alone.
 */
export type Route = 'direct' | 'staging' | 'bisection';

export interface InsertedRows {
  /** The very array of the rows where all of them were new. */
  readonly inserted: readonly Call[];
  readonly refused: readonly RefusedRow[];
}

export interface RefusedRow {
  readonly call: Call;
  /** SQLSTATE and message. */
  readonly error: string;
}

const COLUMNS: string = CALL_COLUMNS.join(', ');
const INSERT_NEW = `INSERT INTO spanmeter.calls (${COLUMNS}) SELECT ${COLUMNS} FROM ${STAGED_CALLS}
  ON CONFLICT DO NOTHING
  RETURNING tenant_id, trace_id, span_id, (extract(epoch FROM started_at) * 1000000)::bigint::text AS micros`;

/** Inserts the rows inside the open transaction; rejects with the driver's error. */
export async function insertRows(session: Session, rows: CallRows, route: Route): Promise<InsertedRows> {
  const { calls, copy } = rows;
  if (calls.length === 0) return { inserted: calls, refused: [] };
  if (route === 'direct') {
    await session.copy('spanmeter.calls', CALL_COLUMNS, copy.payload());
    return { inserted: calls, refused: [] };
  }
  if (route === 'staging') {
    return { inserted: await insertNew(session, rows, 0, calls.length), refused: [] };
  }
  const inserted: Call[] = [];
  const refused: RefusedRow[] = [];
  await bisect(session, rows, 0, calls.length, inserted, refused);
  return { inserted, refused };
}

async function insertNew(
  session: Session,
  rows: CallRows,
  from: number,
  to: number,
): Promise<readonly Call[]> {
  await session.copy(STAGED_CALLS, CALL_COLUMNS, rows.copy.payload(from, to));
  const result = await session.query<KeyRow>(INSERT_NEW);
  const whole = from === 0 && to === rows.calls.length;
  const calls = whole ? rows.calls : rows.calls.slice(from, to);
  if (result.rows.length === calls.length) return calls;
  const keys = new Set(
    result.rows.map((row) => `${row.tenant_id} ${row.trace_id} ${row.span_id} ${row.micros}`),
  );
  return calls.filter((call) =>
    keys.has(`${storable(call.tenantId)} ${call.traceId} ${call.spanId} ${call.startedAtMicros}`),
  );
}

interface KeyRow {
  readonly tenant_id: string;
  readonly trace_id: string;
  readonly span_id: string;
  readonly micros: string;
}

/** Depth is the logarithm of the batch; every level is one savepoint. */
async function bisect(
  session: Session,
  rows: CallRows,
  from: number,
  to: number,
  inserted: Call[],
  refused: RefusedRow[],
): Promise<void> {
  await session.query('SAVEPOINT half');
  try {
    const calls = await insertNew(session, rows, from, to);
    await session.script(`TRUNCATE ${STAGED_CALLS}; RELEASE SAVEPOINT half`);
    for (const call of calls) inserted.push(call);
    return;
  } catch (error) {
    if (!isBadData(error)) throw error;
    await session.script('ROLLBACK TO SAVEPOINT half; RELEASE SAVEPOINT half');
    const call = rows.calls[from];
    if (to - from === 1 && call !== undefined) {
      refused.push({ call, error: `${errorCode(error)}: ${errorMessage(error)}` });
      return;
    }
  }
  const middle = (from + to) >>> 1;
  await bisect(session, rows, from, middle, inserted, refused);
  await bisect(session, rows, middle, to, inserted, refused);
}
