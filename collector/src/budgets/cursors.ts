import type { ClientBase } from 'pg';

/** Sequence of each cursor by `<journal id>/<exporter>`. */
export type Cursors = ReadonlyMap<string, number>;

const MAX_CURSORS = 10_000;

/** The cursors of every journal that writes to the store, the latest first. */
export async function readCursors(client: ClientBase): Promise<Cursors> {
  const { rows } = await client.query<{ journal_id: string; exporter: string; sequence: string }>(
    `SELECT journal_id, exporter, sequence::text FROM spanmeter.journal_cursors
     ORDER BY updated_at DESC LIMIT ${MAX_CURSORS}`,
  );
  return new Map(rows.map((row) => [`${row.journal_id}/${row.exporter}`, Number(row.sequence)]));
}

/**
 * Whether the store has something that memory does not: a cursor of another collector moved since `before`, or one of
 * ours went back.
 */
export function hasForeignMoves(before: Cursors, now: Cursors, own: Cursors): boolean {
  for (const [key, sequence] of now) {
    const mine = own.get(key);
    if (mine === undefined ? sequence !== before.get(key) : sequence < mine) return true;
  }
  return false;
}
