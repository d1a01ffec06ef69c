import type { ClientBase } from 'pg';
import { errorCode } from './failure.ts';

/**
 * Roles that the policies name: see migration 0003. None of them can log in until an administrator says so.
 */
export const READER_ROLE = 'spanmeter_reader';
export const MEMBER_ROLE = 'spanmeter_member';
export const GRAFANA_ROLE = 'spanmeter_grafana';

/** Memory of one sort or hash of a board: by PostgreSQL's own 4 MB, sums over some days are sorted on disk. */
export const GRAFANA_WORK_MEM = '32MB';

const ROLES: readonly string[] = [READER_ROLE, MEMBER_ROLE, GRAFANA_ROLE];
/** What the owner must be able to become for reading. */
const OWNER_BECOMES: readonly string[] = [READER_ROLE, GRAFANA_ROLE];
const MAX_ATTEMPTS = 20;

/**
 * Makes the reading roles where they are absent and lets the connected role become them. Roles belong to the
 * whole cluster, so another database's collector may be making them now: its rivalry is waited out.
 * Rejects with the statements an administrator has to run where the connected role may not.
 */
export async function ensureRoles(client: ClientBase): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await createMissing(client);
      return;
    } catch (error) {
      // 42710 and 23505: made meanwhile; XX000: "tuple concurrently updated".
      const rivalry = ['42710', '23505', 'XX000'].includes(errorCode(error));
      if (rivalry && attempt < MAX_ATTEMPTS) continue;
      if (errorCode(error) === '42501') throw await explain(client, error);
      throw error;
    }
  }
}

async function createMissing(client: ClientBase): Promise<void> {
  const existing = await client.query<{ rolname: string }>(
    'SELECT rolname FROM pg_roles WHERE rolname = ANY ($1)',
    [ROLES],
  );
  const names = new Set(existing.rows.map((row) => row.rolname));
  for (const role of ROLES) {
    if (!names.has(role)) await client.query(`CREATE ROLE ${role} NOLOGIN`);
  }
  const version = await client.query<{ number: number; superuser: boolean }>(
    `SELECT current_setting('server_version_num')::int AS number,
            (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser`,
  );
  const { number = 0, superuser = false } = version.rows[0] ?? {};
  if (superuser) return;
  // From 16 on, who creates a role may administer it but not become it.
  const [privilege, options] = number >= 160_000 ? ['SET', ' WITH INHERIT FALSE, SET TRUE'] : ['MEMBER', ''];
  for (const role of OWNER_BECOMES) {
    const may = await client.query<{ may: boolean }>('SELECT pg_has_role(current_user, $1, $2) AS may', [
      role,
      privilege,
    ]);
    if (may.rows[0]?.may !== true) await client.query(`GRANT ${role} TO CURRENT_USER${options}`);
  }
}

async function explain(client: ClientBase, cause: unknown): Promise<Error> {
  const user = await client.query<{ name: string }>('SELECT quote_ident(current_user) AS name');
  const name = user.rows[0]?.name ?? 'the role of DATABASE_URL';
  const statements = [
    ...ROLES.map((role) => `CREATE ROLE ${role} NOLOGIN;`),
    `GRANT ${OWNER_BECOMES.join(', ')} TO ${name};`,
  ];
  return new Error(
    `the database role ${name} may not create the reading roles; give it CREATEROLE, or let ` +
      `an administrator run (leaving out what exists): ${statements.join(' ')}`,
    { cause },
  );
}
