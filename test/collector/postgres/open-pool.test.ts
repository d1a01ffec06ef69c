import assert from 'node:assert/strict';
import type { Pool, PoolClient } from 'pg';
import { openPool } from '@spanmeter/collector/dist/database/open-pool.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';
import { sql, testServer } from '../../support/database.ts';
import { until } from '../../support/until.ts';

/** Not `once` of node:events, which would hear of errors as well. */
function endOf(client: PoolClient): Promise<void> {
  return new Promise((resolve) => client.once('end', () => resolve()));
}

describe('A pool whose connections end', () => {
  let adminUrl: string;
  let pool: Pool;
  let client: PoolClient;
  let pid: number;

  before(async function () {
    const server = await testServer();
    adminUrl = server.adminUrl;
    pool = openPool({ connectionString: server.ownerUrl, max: 1 }, SILENT_LOG);
  });

  beforeEach(async () => {
    client = await pool.connect();
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    pid = rows[0]!.pid;
  });

  after(() => pool.end());

  const terminate = () => sql(adminUrl, 'SELECT pg_terminate_backend($1)', [pid]);

  async function assertReplaced(): Promise<void> {
    const { rows } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    assert.notEqual(rows[0]!.pid, pid);
  }

  it('fails the query of a connection that ends while it is asked, and the thread goes on', async () => {
    const asking = assert.rejects(client.query('SELECT pg_sleep(30)'), { code: '57P01' });
    const ended = endOf(client);
    const state = 'SELECT wait_event FROM pg_stat_activity WHERE pid = $1';
    await until(
      () => sql<{ wait_event: string | null }>(adminUrl, state, [pid]),
      ([row]) => row?.wait_event === 'PgSleep',
    );
    await terminate();
    await asking;
    await ended;
    client.release();
    await assertReplaced();
  });

  it('fails the next query of a connection that ends between two, and the thread goes on', async () => {
    const ended = endOf(client);
    await terminate();
    await ended;
    await assert.rejects(client.query('SELECT 1'), /Client has encountered a connection error/);
    client.release();
    await assertReplaced();
  });

  it('replaces one that ends while it is idle', async () => {
    const ended = endOf(client);
    client.release();
    await terminate();
    await ended;
    await assertReplaced();
  });
});
