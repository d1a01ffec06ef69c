import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'mocha';
import { Client, type QueryResultRow } from 'pg';
import { startEmbedded } from '@spanmeter/collector/dist/database/embedded.js';
import { migrate } from '@spanmeter/collector/dist/database/migrate.js';
import type { DatabaseServer } from '@spanmeter/collector/dist/database/server.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';
import { layCluster } from './made-cluster.ts';

/** A migrated database of one test file. */
export interface FreshDatabase {
  /** Connects as the owner of the tables (not a superuser). */
  readonly url: string;
  /** Connects as the cluster's superuser. */
  readonly adminUrl: string;
  drop(): Promise<void>;
}

interface Shared {
  readonly folder: string;
  readonly server: DatabaseServer;
}

const TEMPLATE = 'spanmeter_template';
let shared: Promise<Shared> | null = null;

/** The test run's one PostgreSQL, started when first asked for and stopped when the run ends. */
export async function testServer(): Promise<DatabaseServer> {
  shared ??= startShared();
  return (await shared).server;
}

/** Makes a database of its own with every migration applied; `drop` also ends connections left open. */
export async function freshDatabase(): Promise<FreshDatabase> {
  const server = await testServer();
  // Several times cheaper than through the log, where no flush is waited for.
  return makeDatabase(server, `TEMPLATE ${TEMPLATE} STRATEGY FILE_COPY`);
}

/** Makes a database without a schema, for tests of the migrations themselves. */
export async function emptyDatabase(): Promise<FreshDatabase> {
  return makeDatabase(await testServer(), '');
}

/** Runs statements on a connection of their own; resolves with the rows of the last. */
export async function sql<Row extends QueryResultRow>(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text, values)).rows;
  } finally {
    await client.end();
  }
}

async function makeDatabase(server: DatabaseServer, template: string): Promise<FreshDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await sql(server.adminUrl, `CREATE DATABASE ${name} OWNER spanmeter ${template}`);
  await sql(server.adminUrl, `ALTER DATABASE ${name} SET search_path = spanmeter, public`);
  return {
    url: withDatabase(server.ownerUrl, name),
    adminUrl: withDatabase(server.adminUrl, name),
    drop: async () => void (await sql(server.adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)),
  };
}

function withDatabase(url: string, name: string): string {
  const parsed = new URL(url);
  parsed.pathname = `/${name}`;
  return parsed.href;
}

async function startShared(): Promise<Shared> {
  const folder = await mkdtemp(join(tmpdir(), 'spanmeter-test-'));
  // Only in tests: nothing here outlives the run, so nothing waits for a disk.
  const settings = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' };
  const dataDir = join(folder, 'postgres');
  await layCluster(dataDir);
  const server = await startEmbedded({ dataDir, log: SILENT_LOG, settings });
  await sql(server.adminUrl, `CREATE DATABASE ${TEMPLATE} OWNER spanmeter`);
  await migrate(withDatabase(server.ownerUrl, TEMPLATE), SILENT_LOG);
  return { folder, server };
}

after('stop the shared PostgreSQL', async () => {
  if (shared === null) return;
  const { folder, server } = await shared;
  shared = null;
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});
