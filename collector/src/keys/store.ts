import type { ClientBase } from 'pg';
import { Refusal } from '../pipeline/refusal.ts';
import { newKey } from './key.ts';
import type { KeyRole } from './stored-key.ts';
import { audit, inTransaction } from './transaction.ts';

/** What may be shown of a key. */
export interface KeyListing {
  readonly id: string;
  readonly role: KeyRole;
  readonly tenant: string | null;
  readonly team: string | null;
  /** The key's last four characters; null for first keys given as a hash. */
  readonly hint: string | null;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly rotatedFrom: string | null;
}

/** A key just made: the only time that `key` can be seen. */
export interface CreatedKey extends KeyListing {
  readonly key: string;
}

export interface KeyRequest {
  readonly role: KeyRole;
  readonly tenant: string | null;
  readonly team: string | null;
  readonly expiresAt: Date | null;
}

interface KeyRow {
  id: string;
  role: KeyRole;
  tenant_id: string | null;
  team: string | null;
  hint: string | null;
  created_at: Date;
  expires_at: Date | null;
  revoked_at: Date | null;
  rotated_from: string | null;
}

const COLUMNS = 'id, role, tenant_id, team, hint, created_at, expires_at, revoked_at, rotated_from';

function listing(row: KeyRow): KeyListing {
  return {
    id: row.id,
    role: row.role,
    tenant: row.tenant_id,
    team: row.team,
    hint: row.hint,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    rotatedFrom: row.rotated_from,
  };
}

async function insertKey(
  client: ClientBase,
  request: KeyRequest,
  rotatedFrom: string | null,
): Promise<CreatedKey> {
  const { id, key, hash } = newKey();
  const { rows } = await client.query<KeyRow>(
    `INSERT INTO spanmeter.api_keys (id, tenant_id, team, role, hash, hint, expires_at, rotated_from)
     VALUES ($1, $2, $3, $4, decode($5, 'hex'), $6, $7, $8) RETURNING ${COLUMNS}`,
    [id, request.tenant, request.team, request.role, hash, key.slice(-4), request.expiresAt, rotatedFrom],
  );
  return { ...listing(rows[0] as KeyRow), key };
}

/** Faults of a request that no key may have; null where it is fine. */
export function keyFault(request: Pick<KeyRequest, 'role' | 'tenant' | 'team'>): string | null {
  const needsTenant = request.role === 'ingest' || request.role === 'read';
  if (needsTenant && request.tenant === null) return `A key with role ${request.role} belongs to one tenant.`;
  if (request.role === 'admin' && request.tenant !== null) return 'An admin key belongs to no tenant.';
  if (request.team !== null && request.role !== 'ingest') return 'Only an ingest key can belong to a team.';
  return null;
}

/** Makes a key. Rejects with Refusal `invalid` for a fault and `not_found` for a tenant that does not exist. */
export async function createKey(client: ClientBase, request: KeyRequest, actor: string): Promise<CreatedKey> {
  const fault = keyFault(request);
  if (fault !== null) throw new Refusal('invalid', fault);
  return inTransaction(client, async () => {
    if (request.tenant !== null) {
      const { rowCount } = await client.query('SELECT FROM spanmeter.tenants WHERE id = $1', [
        request.tenant,
      ]);
      if (rowCount === 0)
        throw new Refusal(
          'not_found',
          `There is no tenant "${request.tenant}": make it with "tenant create".`,
        );
    }
    const created = await insertKey(client, request, null);
    const expires = request.expiresAt?.toISOString() ?? null;
    const detail = { role: request.role, team: request.team, expires };
    await audit(client, { actor, action: 'key.create', tenant: request.tenant, target: created.id, detail });
    return created;
  });
}

/** Keys, newest first, at most 10,000; of one tenant, or all where `tenant` is null. */
export async function listKeys(client: ClientBase, tenant: string | null): Promise<KeyListing[]> {
  const { rows } = await client.query<KeyRow>(
    `SELECT ${COLUMNS} FROM spanmeter.api_keys WHERE $1::text IS NULL OR tenant_id = $1
     ORDER BY created_at DESC, id LIMIT 10000`,
    [tenant],
  );
  return rows.map(listing);
}

export interface RotateOptions {
  /** When the new key expires; null for never. */
  readonly expiresAt: Date | null;
  /** When the old key stops working; null leaves it as it is until it is revoked. */
  readonly oldExpiresAt: Date | null;
}

/** Makes a second key like `id`; both are valid until the old one expires or is revoked. */
export async function rotateKey(
  client: ClientBase,
  id: string,
  options: RotateOptions,
  actor: string,
): Promise<CreatedKey> {
  return inTransaction(client, async () => {
    const old = await lockKey(client, id);
    if (old.revoked_at !== null) throw new Refusal('invalid', `Key ${id} is revoked; create a new one.`);
    const request = { role: old.role, tenant: old.tenant_id, team: old.team, expiresAt: options.expiresAt };
    const created = await insertKey(client, request, id);
    if (options.oldExpiresAt !== null) {
      const sooner =
        'UPDATE spanmeter.api_keys SET expires_at = LEAST(expires_at, $2::timestamptz) WHERE id = $1';
      await client.query(sooner, [id, options.oldExpiresAt]);
    }
    const detail = { from: id, oldExpires: options.oldExpiresAt?.toISOString() ?? null };
    await audit(client, { actor, action: 'key.rotate', tenant: old.tenant_id, target: created.id, detail });
    return created;
  });
}

/** Revokes a key; false where it was revoked already. Rejects with Refusal `not_found`. */
export async function revokeKey(client: ClientBase, id: string, actor: string): Promise<boolean> {
  return inTransaction(client, async () => {
    const old = await lockKey(client, id);
    if (old.revoked_at !== null) return false;
    await client.query('UPDATE spanmeter.api_keys SET revoked_at = now() WHERE id = $1', [id]);
    await audit(client, { actor, action: 'key.revoke', tenant: old.tenant_id, target: id, detail: {} });
    return true;
  });
}

async function lockKey(client: ClientBase, id: string): Promise<KeyRow> {
  const text = `SELECT ${COLUMNS} FROM spanmeter.api_keys WHERE id = $1 FOR UPDATE`;
  const row = (await client.query<KeyRow>(text, [id])).rows[0];
  if (row === undefined) throw new Refusal('not_found', `There is no key "${id}".`);
  return row;
}
