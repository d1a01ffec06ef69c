import type { ClientBase } from 'pg';
import { errorCode } from '../database/failure.ts';

/** Runs `work` in one transaction: committed where it resolves, rolled back where it rejects. */
export async function inTransaction<T>(client: ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/** PostgreSQL ends one of the transactions that wait for one another. */
const DEADLOCK = '40P01';

/** The same, and once more where others stood in its way so that PostgreSQL ended it: `work` only uses the client. */
export async function inRepeatableTransaction<T>(client: ClientBase, work: () => Promise<T>): Promise<T> {
  try {
    return await inTransaction(client, work);
  } catch (error) {
    if (errorCode(error) !== DEADLOCK) throw error;
    return inTransaction(client, work);
  }
}

/** One line of the audit log; `detail` never holds a secret. */
export interface AuditEntry {
  readonly actor: string;
  readonly action: string;
  readonly tenant: string | null;
  readonly target: string;
  readonly detail: Readonly<Record<string, string | null>>;
}

/** Writes to `audit_log`, in the transaction of what it tells about. */
export async function audit(client: ClientBase, entry: AuditEntry): Promise<void> {
  await client.query(
    'INSERT INTO spanmeter.audit_log (actor, action, tenant_id, target, detail) VALUES ($1, $2, $3, $4, $5)',
    [entry.actor, entry.action, entry.tenant, entry.target, JSON.stringify(entry.detail)],
  );
}
