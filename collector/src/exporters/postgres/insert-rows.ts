import type { Call } from '@spanmeter/processors';
import { errorCode, errorMessage, isBadData } from '../../database/failure.ts';
import { storable } from './binary-copy.ts';
import { CALL_COLUMNS, type CallRows } from './call-rows.ts';
import { copyInto, type Session, STAGED_CALLS } from './session.ts';

/** What came of rows that did not go straight into the table. */
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
  RETURNING tenant_id, trace_id, span_id, (extract(epoch FROM started_at) * 1000000)::bigint`;

/** Inserts the rows that are not there yet, inside the transaction that `head` opens. */
export async function insertNewRows(
  session: Session,
  rows: CallRows,
  head: readonly string[],
): Promise<InsertedRows> {
  return { inserted: await insertRange(session, rows, 0, rows.calls.length, head), refused: [] };
}

/** The same by halves, until rows that PostgreSQL refuses stand alone. */
export async function bisectRows(
  session: Session,
  rows: CallRows,
  head: readonly string[],
): Promise<InsertedRows> {
  await session.run(head);
  const inserted: Call[] = [];
  const refused: RefusedRow[] = [];
  await bisect(session, rows, 0, rows.calls.length, inserted, refused);
  return { inserted, refused };
}

async function insertRange(
  session: Session,
  rows: CallRows,
  from: number,
  to: number,
  head: readonly string[],
): Promise<readonly Call[]> {
  const copy = copyInto(STAGED_CALLS, CALL_COLUMNS, rows.copy.payload(from, to));
  const result = await session.run([...head, copy, INSERT_NEW]);
  const whole = from === 0 && to === rows.calls.length;
  const calls = whole ? rows.calls : rows.calls.slice(from, to);
  // Rows of functions called in `head` have a single field.
  const keys = new Set(result.rows.filter((row) => row.length === 4).map((row) => row.join(' ')));
  if (keys.size === calls.length) return calls;
  return calls.filter((call) =>
    keys.has(`${storable(call.tenantId)} ${call.traceId} ${call.spanId} ${call.startedAtMicros}`),
  );
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
  try {
    const calls = await insertRange(session, rows, from, to, ['SAVEPOINT half']);
    await session.run([`TRUNCATE ${STAGED_CALLS}`, 'RELEASE SAVEPOINT half']);
    for (const call of calls) inserted.push(call);
    return;
  } catch (error) {
    if (!isBadData(error)) throw error;
    await session.run(['ROLLBACK TO SAVEPOINT half', 'RELEASE SAVEPOINT half']);
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
