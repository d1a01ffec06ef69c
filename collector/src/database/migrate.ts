import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import { Client } from 'pg';
import type { Logger } from '../pipeline/component.ts';
import { errorCode } from './failure.ts';
import { ensureRoles } from './roles.ts';

/** The same folder seen from `src` and from `dist`: SQL is not compiled. */
const MIGRATIONS = fileURLToPath(new URL('../../src/exporters/postgres/migrations', import.meta.url));
/** PostgreSQL 15: the first with `security_invoker` views. */
const OLDEST_VERSION = 150_000;
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Brings schema `spanmeter` up to date. Collectors that start together wait for one another; a second run
 * does nothing. Rejects with the driver's error, or with a sentence that says what an administrator has to
 * do.
 */
export async function migrate(connectionString: string, log: Logger): Promise<void> {
  const client = new Client({
    connectionString,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'spanmeter migrate',
  });
  // Without a listener a connection lost between statements would end the process; the statement tells.
  client.on('error', () => {});
  await client.connect();
  try {
    await requireVersion(client);
    await ensureRoles(client);
    const done = await runner({
      dbClient: client,
      dir: MIGRATIONS,
      direction: 'up',
      migrationsTable: 'migrations',
      migrationsSchema: 'spanmeter',
      createMigrationsSchema: true,
      advisoryLockMode: 'wait',
      singleTransaction: true,
      logger: { info() {}, warn() {}, error() {} },
    });
    if (done.length > 0)
      log.info({ migrations: done.map((m) => m.name) }, 'database schema brought up to date');
  } catch (error) {
    if (errorCode(error) !== '42501' || !(error instanceof Error)) throw error;
    throw new Error(
      `the database role may not make the schema (${error.message}); it needs CREATE on the database`,
      { cause: error },
    );
  } finally {
    await client.end().catch(() => {});
  }
}

async function requireVersion(client: Client): Promise<void> {
  const result = await client.query<{ number: number; version: string }>(
    `SELECT current_setting('server_version_num')::int AS number,
            current_setting('server_version') AS version`,
  );
  const row = result.rows[0];
  if (row !== undefined && row.number < OLDEST_VERSION) {
    throw new Error(`PostgreSQL ${row.version} is too old: Spanmeter needs 15 or newer`);
  }
}
