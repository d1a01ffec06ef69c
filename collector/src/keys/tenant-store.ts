import type { ClientBase } from 'pg';
import { Refusal } from '../pipeline/refusal.ts';
import { audit, inTransaction } from './transaction.ts';

const MAX_TENANT_BYTES = 512;

export interface Tenant {
  readonly id: string;
  readonly name: string | null;
  readonly timezone: string;
  readonly currency: string;
  readonly status: string;
  readonly createdAt: Date;
}

export interface TenantRequest {
  readonly id: string;
  readonly name: string | null;
  /** IANA name, such as `Europe/Rome`. */
  readonly timezone: string;
  /** ISO 4217 code, such as `USD`. */
  readonly currency: string;
}

interface TenantRow {
  id: string;
  name: string | null;
  timezone: string;
  currency: string;
  status: string;
  created_at: Date;
}

const COLUMNS = 'id, name, timezone, currency, status, created_at';

function tenantOf(row: TenantRow): Tenant {
  const { id, name, timezone, currency, status, created_at: createdAt } = row;
  return { id, name, timezone, currency, status, createdAt };
}

/** What is wrong with a tenant's id, or null. */
export function tenantIdFault(id: string): string | null {
  if (id.trim() === '') return 'A tenant needs an id.';
  if (Buffer.byteLength(id) > MAX_TENANT_BYTES) return `A tenant's id has at most ${MAX_TENANT_BYTES} bytes.`;
  // Control characters and lone surrogates can't be stored or would garble a terminal.
  if (/[\p{Cc}\p{Cs}]/u.test(id)) return "A tenant's id has no control characters.";
  return null;
}

/** What is wrong with a new tenant, or null. */
export function tenantFault(request: TenantRequest): string | null {
  const { id, timezone, currency } = request;
  const fault = tenantIdFault(id);
  if (fault !== null) return fault;
  if (!isTimeZone(timezone)) return `"${timezone}" is not an IANA time zone, such as Europe/Rome.`;
  if (!/^[A-Z]{3}$/.test(currency)) return `"${currency}" is not an ISO 4217 currency code, such as USD.`;
  return null;
}

/** Whether JavaScript knows a zone by this IANA name. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/**
 * Makes a tenant. One that exists with the same settings is left alone (`created` false), so that the command can
 * be repeated. Rejects with Refusal `invalid` for a fault, and for one that exists with other settings.
 */
export async function createTenant(
  client: ClientBase,
  request: TenantRequest,
  actor: string,
): Promise<{ tenant: Tenant; created: boolean }> {
  const fault = tenantFault(request);
  if (fault !== null) throw new Refusal('invalid', fault);
  const { id, name, timezone, currency } = request;
  return inTransaction(client, async () => {
    const inserted = await client.query<TenantRow>(
      `INSERT INTO spanmeter.tenants (id, name, timezone, currency) VALUES ($1, $2, $3, $4)
       ON CONFLICT (id) DO NOTHING RETURNING ${COLUMNS}`,
      [id, name, timezone, currency],
    );
    const row = inserted.rows[0];
    if (row !== undefined) {
      await audit(client, {
        actor,
        action: 'tenant.create',
        tenant: id,
        target: id,
        detail: { timezone, currency },
      });
      return { tenant: tenantOf(row), created: true };
    }
    const there = await findTenant(client, id);
    if (there?.timezone !== timezone || there.currency !== currency) {
      const has = `time zone ${there?.timezone} and currency ${there?.currency}`;
      const way = there?.timezone === timezone ? '' : ' "tenant set" changes its time zone.';
      throw new Refusal('invalid', `Tenant "${id}" exists already, with ${has}.${way}`);
    }
    return { tenant: there, created: false };
  });
}

/**
 * Registers a tenant with the defaults where it is not known yet, in the caller's transaction; resolves with whether
 * it was not. The id must have no fault.
 */
export async function registerTenant(client: ClientBase, id: string, actor: string): Promise<boolean> {
  const { rowCount } = await client.query(
    'INSERT INTO spanmeter.tenants (id) VALUES ($1) ON CONFLICT (id) DO NOTHING',
    [id],
  );
  if (rowCount === 0) return false;
  await audit(client, { actor, action: 'tenant.create', tenant: id, target: id, detail: {} });
  return true;
}

/** One tenant by its id, or null. */
export async function findTenant(client: ClientBase, id: string): Promise<Tenant | null> {
  const text = `SELECT ${COLUMNS} FROM spanmeter.tenants WHERE id = $1`;
  const row = (await client.query<TenantRow>(text, [id])).rows[0];
  return row === undefined ? null : tenantOf(row);
}

/** Tenants by id, at most 10,000. */
export async function listTenants(client: ClientBase): Promise<Tenant[]> {
  const { rows } = await client.query<TenantRow>(
    `SELECT ${COLUMNS} FROM spanmeter.tenants ORDER BY id LIMIT 10000`,
  );
  return rows.map(tenantOf);
}
