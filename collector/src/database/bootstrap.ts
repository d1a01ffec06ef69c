import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { Logger } from '../pipeline/component.ts';
import { ADMIN, DATABASE, OWNER, type Passwords } from './cluster.ts';
import { errorMessage, isUnavailable } from './failure.ts';
import { ensureRoles, GRAFANA_ROLE, GRAFANA_WORK_MEM, MEMBER_ROLE, READER_ROLE } from './roles.ts';

export interface EmbeddedUrls {
  readonly adminUrl: string;
  readonly ownerUrl: string;
  readonly readOnlyUrl: string;
}

/** Of the server's 60: however many people look, the collector can connect. */
const READER_CONNECTIONS = 20;
const POLL_MS = 25;
const CONNECT_TIMEOUT_MS = 5_000;
/** Crash recovery replays at most the WAL since the last checkpoint. */
const READY_MS = 10 * 60_000;
const SAY_AFTER_MS = 5_000;

/** Connection URLs of an embedded server. */
export function embeddedUrls(passwords: Passwords, port: number): EmbeddedUrls {
  const url = (user: string, password: string, database: string): string =>
    `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
  return {
    adminUrl: url(ADMIN, passwords.admin, 'postgres'),
    ownerUrl: url(OWNER, passwords.owner, DATABASE),
    readOnlyUrl: url(GRAFANA_ROLE, passwords.reader, DATABASE),
  };
}

/**
 * Waits until the server takes connections, through crash recovery too; false where `alive` says it ended
 * first. Rejects where it answers but not to us: a wrong password, or a stranger on the port.
 */
export async function waitUntilReady(url: string, alive: () => boolean, log: Logger): Promise<boolean> {
  const startedMs = Date.now();
  let saidMs = startedMs;
  while (alive()) {
    const client = new Client({ connectionString: url, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.end();
      return true;
    } catch (error) {
      if (!isStartingUp(error))
        throw new Error(`PostgreSQL answers but refuses us: ${errorMessage(error)}`, { cause: error });
      if (Date.now() - startedMs > READY_MS) return false;
      if (Date.now() - saidMs > SAY_AFTER_MS) {
        saidMs = Date.now();
        log.info({ waitedMs: saidMs - startedMs }, `waiting for PostgreSQL: ${errorMessage(error)}`);
      }
    }
    await delay(POLL_MS);
  }
  return false;
}

function isStartingUp(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return isUnavailable(error) && !code.startsWith('28');
}

/** Brings roles, passwords and the database of an embedded cluster to where they should be. Repeatable. */
export async function bootstrap(urls: EmbeddedUrls, passwords: Passwords): Promise<void> {
  const client = new Client({ connectionString: urls.adminUrl });
  client.on('error', () => {});
  await client.connect();
  try {
    await ensureRoles(client);
    await client.query(
      `DO $$ BEGIN CREATE ROLE ${OWNER} LOGIN CREATEROLE; EXCEPTION WHEN duplicate_object THEN NULL; END $$`,
    );
    const owner = client.escapeLiteral(passwords.owner);
    const reader = client.escapeLiteral(passwords.reader);
    await client.query(`ALTER ROLE ${OWNER} LOGIN CREATEROLE PASSWORD ${owner}`);
    await client.query(
      `ALTER ROLE ${GRAFANA_ROLE} LOGIN PASSWORD ${reader} CONNECTION LIMIT ${READER_CONNECTIONS}`,
    );
    await client.query(`ALTER ROLE ${GRAFANA_ROLE} SET default_transaction_read_only = on`);
    await client.query(`ALTER ROLE ${GRAFANA_ROLE} SET work_mem = '${GRAFANA_WORK_MEM}'`);
    await client.query(`GRANT ${READER_ROLE}, ${GRAFANA_ROLE} TO ${OWNER} WITH INHERIT FALSE, SET TRUE`);
    // The owner may put people's own roles into this group.
    await client.query(`GRANT ${MEMBER_ROLE} TO ${OWNER} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE`);
    const found = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE} OWNER ${OWNER}`);
    await client.query(`ALTER DATABASE ${DATABASE} SET search_path = spanmeter, public`);
    await client.query(`REVOKE TEMPORARY ON DATABASE ${DATABASE} FROM PUBLIC`);
    await client.query('REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC');
  } finally {
    await client.end().catch(() => {});
  }
  await closeOpenFunctions(urls, passwords.admin);
}

/**
 * PostgreSQL lets every role store large objects, which fills the disk, and hold advisory locks, which keeps
 * migrations and maintenance waiting. What it gives to PUBLIC is per database.
 */
async function closeOpenFunctions(urls: EmbeddedUrls, adminPassword: string): Promise<void> {
  const url = new URL(urls.ownerUrl);
  url.username = ADMIN;
  url.password = adminPassword;
  const client = new Client({ connectionString: url.href });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query(`DO $$
      DECLARE
        open regprocedure;
      BEGIN
        FOR open IN
          SELECT p.oid FROM pg_proc p
          WHERE p.pronamespace = 'pg_catalog'::regnamespace
            AND (p.proname ~ '^(lo_|lowrite)' OR p.proname ~ '^pg_(try_)?advisory_')
            AND EXISTS (
              SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
              WHERE a.grantee = 0 AND a.privilege_type = 'EXECUTE'
            )
        LOOP
          EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', open);
          EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO ${OWNER}', open);
        END LOOP;
      END $$`);
  } finally {
    await client.end().catch(() => {});
  }
}
