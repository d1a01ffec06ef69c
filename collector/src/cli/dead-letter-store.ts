import type { ClientBase } from 'pg';
import { audit } from '../keys/transaction.ts';

/** A dead letter without its payload. */
export interface Letter {
  readonly tenant: string;
  /** Its digest, 64 hex digits or as many as the collector stores. */
  readonly id: string;
  readonly receivedAt: Date;
  readonly reason: string;
  readonly detail: string;
  /** Size of the payload; one of 0 bytes can't be replayed. */
  readonly bytes: number;
}

export interface LetterFilter {
  readonly tenant: string | null;
  readonly reason: string | null;
  /** Ids or their beginnings; empty for all. */
  readonly ids: readonly string[];
  readonly limit: number;
}

interface LetterRow {
  tenant_id: string;
  id: string;
  received_at: Date;
  reason: string;
  detail: string;
  bytes: number;
}

/** Dead letters, newest first. */
export async function listLetters(client: ClientBase, filter: LetterFilter): Promise<Letter[]> {
  const { rows } = await client.query<LetterRow>(
    `SELECT tenant_id, encode(digest, 'hex') AS id, received_at, reason, detail, length(payload) AS bytes
     FROM spanmeter.dead_letters
     WHERE ($1::text IS NULL OR tenant_id = $1) AND ($2::text IS NULL OR reason = $2)
       AND (cardinality($3::text[]) = 0
         OR EXISTS (SELECT FROM unnest($3::text[]) AS wanted WHERE starts_with(encode(digest, 'hex'), wanted)))
     ORDER BY received_at DESC, digest LIMIT $4`,
    [filter.tenant, filter.reason, filter.ids, filter.limit],
  );
  return rows.map((row) => ({
    tenant: row.tenant_id,
    id: row.id,
    receivedAt: row.received_at,
    reason: row.reason,
    detail: row.detail,
    bytes: row.bytes,
  }));
}

/** Takes a letter out and gives its payload; null where it is gone already. Part of the caller's transaction. */
export async function deleteLetter(
  client: ClientBase,
  letter: Letter,
  actor: string,
): Promise<Uint8Array | null> {
  const { rows } = await client.query<{ payload: Buffer }>(
    `DELETE FROM spanmeter.dead_letters WHERE tenant_id = $1 AND digest = decode($2, 'hex') RETURNING payload`,
    [letter.tenant, letter.id],
  );
  const payload = rows[0]?.payload;
  if (payload === undefined) return null;
  const detail = { reason: letter.reason };
  await audit(client, {
    actor,
    action: 'deadletter.replay',
    tenant: letter.tenant,
    target: letter.id,
    detail,
  });
  return payload;
}
