import type { ClientBase } from 'pg';

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
