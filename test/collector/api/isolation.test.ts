import assert from 'node:assert/strict';
import { Client, Pool } from 'pg';
import { createReader } from '@spanmeter/collector/dist/api/reader.js';
import type { Identity } from '@spanmeter/collector/dist/pipeline/identity.js';
import { freshDatabase, sql, type FreshDatabase } from '../../support/database.js';
import { authenticatorOf, runApi, type RunningApi } from './running-api.js';
import { storeCalls, storeTenants } from './stored-calls.js';

function key(role: Identity['role'], tenant: string | null): Identity {
  return { role, tenant, team: null, keyId: `k_${role}_${tenant}` };
}

const READS = [
  '/api/metrics',
  '/api/v1/summary',
  '/api/v1/calls',
  '/api/v1/spend',
  '/api/v1/prices',
  '/api/v1/budgets',
];

describe('tenant isolation', () => {
  let database: FreshDatabase;
  let api: RunningApi;

  before(async () => {
    database = await freshDatabase();
    await storeTenants(database.url, { a: 'UTC', b: 'UTC' });
    const at = new Date().toISOString();
    await storeCalls(database.url, [
      { tenant: 'a', at, cost: '1', team: 'shared', traceId: 'a'.repeat(32) },
      { tenant: 'a', at, cost: '1', team: 'shared' },
      { tenant: 'b', at, cost: '100', team: 'shared', user: 'b-user', traceId: 'b'.repeat(32) },
      { tenant: 'b', at, cost: '100', team: 'shared', user: 'b-user', traceId: 'b'.repeat(32) },
    ]);
    api = await runApi(database.url, {
      authenticator: authenticatorOf({
        a: key('read', 'a'),
        b: key('read', 'b'),
        admin: key('admin', null),
        ingest: key('ingest', 'a'),
        gateway: key('gateway', null),
      }),
    });
  });

  after(async () => {
    await api.close();
    await database.drop();
  });

  it('refuses a read key of one tenant that asks for another', async () => {
    for (const path of READS) {
      const { status, body } = await api.get(`${path}?tenant=b`, 'a');
      assert.equal(status, 403, path);
      assert.equal(body.error.code, 'forbidden');
      assert.equal((await api.get(`${path}?tenant=a`, 'a')).status, 200, path);
    }
  });

  it("shows a read key its own tenant's figures alone, however it filters or groups", async () => {
    assert.equal((await api.get('/api/metrics', 'a')).body.total_cost, 2);
    assert.equal((await api.get('/api/v1/summary', 'a')).body.today.cost_usd, '2.000000000000');
    for (const groupBy of ['tenant', 'team', 'user', 'tenant,user']) {
      const { body } = await api.get(`/api/v1/spend?group_by=${groupBy}&team=shared`, 'a');
      assert.equal(body.total.cost_usd, '2.000000000000', groupBy);
      assert.equal(JSON.stringify(body).includes('b-user'), false, groupBy);
    }
    for (const filter of [`trace_id=${'b'.repeat(32)}`, 'user=b-user']) {
      assert.deepEqual((await api.get(`/api/v1/calls?${filter}`, 'a')).body.calls, [], filter);
      assert.equal((await api.get(`/api/v1/calls?${filter}`, 'b')).body.calls.length, 2, filter);
    }
    const teams = await api.get('/api/v1/calls?team=shared', 'a');
    assert.deepEqual(
      new Set(teams.body.calls.map((call: { tenant: string }) => call.tenant)),
      new Set(['a']),
    );
  });

  it("refuses another tenant's cursor, also one rewritten to name this tenant's question", async () => {
    const theirs = (await api.get('/api/v1/calls?limit=1', 'b')).body.next_cursor;
    const ours = (await api.get('/api/v1/calls?limit=1', 'a')).body.next_cursor;
    assert.equal((await api.get(`/api/v1/calls?limit=1&cursor=${theirs}`, 'a')).status, 400);
    const parts = JSON.parse(Buffer.from(theirs, 'base64url').toString());
    parts[1] = JSON.parse(Buffer.from(ours, 'base64url').toString())[1];
    const forged = Buffer.from(JSON.stringify(parts)).toString('base64url');
    const { status, body } = await api.get(`/api/v1/calls?cursor=${forged}`, 'a');
    assert.equal(status, 200);
    assert.ok(body.calls.every((call: { tenant: string }) => call.tenant === 'a'));
  });

  it('lets an admin key read one tenant or all of them', async () => {
    assert.equal((await api.get('/api/metrics', 'admin')).body.total_cost, 202);
    assert.equal((await api.get('/api/metrics?tenant=b', 'admin')).body.total_cost, 200);
    assert.equal((await api.get('/api/v1/calls', 'admin')).body.calls.length, 4);
    assert.equal((await api.get('/api/v1/status', 'admin')).status, 200);
  });

  it('keeps ingest and gateway keys from reading, and read keys from the status', async () => {
    for (const path of READS) {
      assert.equal((await api.get(path, 'ingest')).status, 403, path);
      assert.equal((await api.get(path, 'gateway')).status, 403, path);
    }
    assert.equal((await api.get('/api/v1/status', 'a')).status, 403);
    const missing = await api.get('/api/metrics');
    assert.equal(missing.status, 401);
    assert.match(missing.headers.get('www-authenticate') ?? '', /^Bearer/);
  });

  it('holds by row-level security where a query forgets the tenant', async () => {
    const pool = new Pool({ connectionString: database.url, max: 1 });
    const reader = createReader(pool);
    const tenants = (tenant: string | null): Promise<string[]> =>
      reader.read(tenant, async (reading) => {
        const rows = await reading.query<{ tenant_id: string }>(
          `SELECT tenant_id FROM spanmeter.calls_effective UNION SELECT tenant_id FROM spanmeter.spend_rollup
           UNION SELECT id FROM spanmeter.tenants ORDER BY 1`,
        );
        return rows.map((row) => row.tenant_id);
      });
    assert.deepEqual(await tenants('a'), ['a']);
    assert.deepEqual(await tenants('b'), ['b']);
    assert.deepEqual(await tenants('nobody'), []);
    assert.deepEqual(await tenants(''), []);
    assert.deepEqual(await tenants(null), ['a', 'b']);
    await assert.rejects(reader.read('a', (reading) => reading.query('DELETE FROM spanmeter.calls')));
    const { rows } = await pool.query(
      `SELECT current_user AS role, current_setting('app.current_tenant', true) AS tenant`,
    );
    assert.equal(rows[0].role, 'spanmeter', 'the pooled connection is the owner again');
    assert.equal(rows[0].tenant ?? '', '', 'and has no tenant');
    await pool.end();
  });

  it("gives a person's SQL role its own tenants, whatever it sets", async () => {
    const role = `analyst_${process.pid}`;
    await sql(database.adminUrl, `CREATE ROLE ${role} LOGIN PASSWORD 'analyst' IN ROLE spanmeter_member`);
    await sql(
      database.adminUrl,
      `INSERT INTO spanmeter.tenant_roles (role_name, tenant_id) VALUES ('${role}', 'a')`,
    );
    const url = new URL(database.url);
    url.username = role;
    url.password = 'analyst';
    const person = new Client({ connectionString: url.href });
    await person.connect();
    try {
      const seen = async (): Promise<string[]> => {
        const { rows } = await person.query(
          'SELECT DISTINCT tenant_id FROM spanmeter.calls_effective ORDER BY 1',
        );
        return rows.map((row) => row.tenant_id);
      };
      assert.deepEqual(await seen(), ['a']);
      await person.query(`SET app.current_tenant = 'b'`);
      assert.deepEqual(await seen(), ['a']);
      for (const statement of [
        'SET ROLE spanmeter_reader',
        'SET ROLE spanmeter_grafana',
        'SET ROLE spanmeter',
        'SET SESSION AUTHORIZATION spanmeter',
        `SET row_security = off; SELECT * FROM spanmeter.calls`,
        `INSERT INTO spanmeter.tenant_roles VALUES ('${role}', 'b')`,
        'SELECT hash FROM spanmeter.api_keys',
      ]) {
        await assert.rejects(person.query(statement), statement);
        await person.query('RESET row_security');
      }
      const summary = await person.query(
        `SELECT * FROM spanmeter.get_cost_summary('b', '2020-01-01', '2030-01-01')`,
      );
      assert.equal(summary.rowCount, 0);
      const own = await person.query(
        `SELECT total_cost::text AS cost FROM spanmeter.get_cost_summary('a', '2020-01-01', '2090-01-01')`,
      );
      assert.equal(own.rows[0].cost, '2.000000000000');
    } finally {
      await person.end();
      await sql(database.adminUrl, `DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });

  it('keeps five tenants apart when they read at the same time over one small pool', async () => {
    const five = await freshDatabase();
    const names = ['t1', 't2', 't3', 't4', 't5'];
    await storeTenants(five.url, Object.fromEntries(names.map((name) => [name, 'UTC'])));
    const at = new Date().toISOString();
    await storeCalls(
      five.url,
      names.map((tenant, index) => ({ tenant, at, cost: String(index + 1) })),
    );
    const authenticator = authenticatorOf(Object.fromEntries(names.map((name) => [name, key('read', name)])));
    const crowded = await runApi(five.url, { authenticator });
    try {
      const asks = names.flatMap((name) => Array.from({ length: 10 }, () => name));
      const answers = await Promise.all(asks.map((name) => crowded.get('/api/metrics', name)));
      assert.deepEqual(
        answers.map((answer) => answer.body.total_cost),
        asks.map((name) => names.indexOf(name) + 1),
      );
    } finally {
      await crowded.close();
      await five.drop();
    }
  });
});
