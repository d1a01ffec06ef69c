import type { ClientBase, Pool } from 'pg';

/** Alerts are kept for so long after they are resolved, and what was told of them with them. */
const KEPT_MS = 90 * 86_400_000;
/** Deleted by one statement, so that none runs for long; and by one round, so that it ends. */
const DELETE_ROWS = 5_000;
const MAX_STATEMENTS = 200;

/**
 * Deletes alerts that were resolved over 90 days before `now`, but for those whose occasion is not over for so long:
 * without its row, what somebody resolved would be raised and told again. Resolves with how many; rejects with the
 * driver's error.
 */
export async function deleteOldAlerts(client: ClientBase | Pick<Pool, 'query'>, now: Date): Promise<number> {
  const before = new Date(now.getTime() - KEPT_MS).toISOString();
  let deleted = 0;
  for (let round = 0; round < MAX_STATEMENTS; round++) {
    const { rowCount } = await client.query(
      `DELETE FROM spanmeter.alerts WHERE id IN (
         SELECT id FROM spanmeter.alerts WHERE state = 'resolved' AND resolved_at < $1
           AND coalesce(ends_at < $1, true) LIMIT ${DELETE_ROWS})`,
      [before],
    );
    deleted += rowCount ?? 0;
    if ((rowCount ?? 0) < DELETE_ROWS) break;
  }
  return deleted;
}
