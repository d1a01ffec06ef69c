import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { createPostgresLedger } from '@spanmeter/collector/dist/exporters/postgres/ledger.js';
import { SILENT_LOG, SILENT_METRICS } from '@spanmeter/collector/dist/pipeline/silent.js';
import { Client, type QueryResultRow } from 'pg';
import { type FreshDatabase, freshDatabase, sql } from '../../support/database.ts';
import { sampleCall } from './sample-call.ts';

const TENANT_TABLES = [
  'calls',
  'calls_effective',
  'spend_rollup',
  'cost_adjustments',
  'cost_correction_totals',
  'tenants',
  'price_overrides',
  'budgets',
  'budget_spend',
  'alerts',
  'alert_ignores',
  'notifications',
];

describe('row-level security', () => {
  let database: FreshDatabase;
  const person = `person_${randomBytes(4).toString('hex')}`;

  /** Runs statements in order on one connection; resolves with the rows of the last, or rejects. */
  async function as(url: string, statements: readonly string[]): Promise<QueryResultRow[]> {
    const client = new Client({ connectionString: url });
    await client.connect();
    try {
      let rows: QueryResultRow[] = [];
      for (const statement of statements) rows = (await client.query(statement)).rows;
      return rows;
    } finally {
      await client.end();
    }
  }

  function personUrl(): string {
    const url = new URL(database.url);
    url.username = person;
    url.password = 'a-password';
    return url.href;
  }

  before(async function () {
    database = await freshDatabase();
    const ledger = createPostgresLedger({
      connectionString: database.url,
      log: SILENT_LOG,
      metrics: SILENT_METRICS,
      retentionDays: 90,
    });
    const journalId = randomUUID();
    await ledger.createCursor(journalId, 'postgres', { sequence: 0, spansDone: 0 });
    const calls = ['acme', 'globex'].map((tenantId) => sampleCall(Date.now() - 3_600_000, { tenantId }));
    await ledger.commit(
      ledger.prepare({
        journalId,
        exporter: 'postgres',
        from: { sequence: 0, spansDone: 0 },
        to: { sequence: 1, spansDone: 2 },
        calls,
        deadLetters: [],
        books: [],
      }),
    );
    await ledger.close();
    for (const tenant of ['acme', 'globex']) {
      await sql(
        database.url,
        `INSERT INTO cost_adjustments (tenant_id, started_at, trace_id, span_id, reason, delta_usd,
           old_status, new_status, old_price_version, new_price_version, run_id)
         SELECT tenant_id, started_at, trace_id, span_id, 'reprice', 0.5,
           'priced', 'priced', 'v1', 'v2', 'run-1'
         FROM calls WHERE tenant_id = $1`,
        [tenant],
      );
      await sql(
        database.url,
        `WITH t AS (INSERT INTO cost_correction_totals (tenant_id, dimensions_hash, direction, provider, model,
             operation, service_name, environment, team, feature, amount_usd)
             VALUES ($1, 'h', 'up', 'p', 'm', 'chat', 's', '', '', '', 0.5)),
           o AS (INSERT INTO price_overrides (tenant_id, provider, model, prices)
             VALUES ($1, 'p', 'm', '{}')),
           b AS (INSERT INTO budgets (tenant_id, id, name, period, limit_usd)
             VALUES ($1, 'b', 'b', 'month', 1)),
           a AS (INSERT INTO alerts (tenant_id, kind, subject, fingerprint)
             VALUES ($1, 'budget', 's', 'f')),
           i AS (INSERT INTO alert_ignores (tenant_id, name, created_by) VALUES ($1, 'budget/s', 'ops'))
         INSERT INTO api_keys (id, tenant_id, role, hash) SELECT 'key-' || $1, $1, 'read', sha256($1::bytea)`,
        [tenant],
      );
      await sql(
        database.url,
        `WITH s AS (INSERT INTO budget_spend (tenant_id, budget_id, period_start, period_end)
           VALUES ($1, 'b', now(), now()))
         INSERT INTO notifications (tenant_id, alert_id, channel) SELECT tenant_id, id, 'slack' FROM alerts
         WHERE tenant_id = $1`,
        [tenant],
      );
    }
    // As the owner, who is no superuser: what the CLI may do.
    await as(database.url, [
      `CREATE ROLE ${person} LOGIN PASSWORD 'a-password'`,
      `GRANT spanmeter_member TO ${person}`,
      `INSERT INTO tenant_roles (role_name, tenant_id)
         VALUES ('${person}', 'acme'), ('no_such_role', 'globex')`,
    ]);
  });
  after(async () => {
    await database.drop();
    await sql(database.adminUrl.replace(/\/test_\w+$/, '/postgres'), `DROP ROLE IF EXISTS ${person}`);
  });

  for (const table of TENANT_TABLES) {
    const column = table === 'tenants' ? 'id' : 'tenant_id';
    // The default budget is the operator's and holds for each tenant: whoever reads a tenant sees it.
    const operators = table === 'budgets' ? [{ tenant: '' }] : [];
    const select = `SELECT DISTINCT ${column} AS tenant FROM spanmeter.${table} ORDER BY 1`;

    it(`shows the API's reader one tenant of ${table}, and none without a setting`, async () => {
      const rows = await as(database.url, [
        'BEGIN',
        'SET LOCAL ROLE spanmeter_reader',
        `SET LOCAL app.current_tenant = 'acme'`,
        select,
      ]);
      assert.deepEqual(rows, [...operators, { tenant: 'acme' }]);
      assert.deepEqual(await as(database.url, ['SET ROLE spanmeter_reader', select]), []);
      assert.deepEqual(
        await as(database.url, ['SET ROLE spanmeter_reader', `SET app.current_tenant = ''`, select]),
        [],
      );
    });

    it(`shows a person's role its own tenants of ${table}, whatever it sets`, async () => {
      assert.deepEqual(await as(personUrl(), [select]), [...operators, { tenant: 'acme' }]);
      assert.deepEqual(await as(personUrl(), [`SET app.current_tenant = 'globex'`, select]), [
        ...operators,
        { tenant: 'acme' },
      ]);
      assert.deepEqual(await as(personUrl(), ['SET ROLE spanmeter_member', select]), []);
    });

    it(`shows grafana every tenant of ${table}`, async () => {
      assert.deepEqual(await as(database.url, ['SET ROLE spanmeter_grafana', select]), [
        ...operators,
        { tenant: 'acme' },
        { tenant: 'globex' },
      ]);
    });
  }

  it("hides the operator's budgets that look at all tenants", async () => {
    await sql(
      database.url,
      `INSERT INTO budgets (tenant_id, id, name, scope, scope_value, period, limit_usd)
       VALUES ('', 'all', 'all', 'all', NULL, 'day', 1), ('', 'team', 'team', 'team', 'x', 'day', 1)`,
    );
    const select = `SELECT id FROM spanmeter.budgets WHERE tenant_id = ''`;
    const setting = `SET app.current_tenant = 'acme'`;
    const seen = [{ id: 'default' }];
    assert.deepEqual(await as(database.url, ['SET ROLE spanmeter_reader', setting, select]), seen);
    assert.deepEqual(await as(personUrl(), [select]), seen);
  });

  const forbidden: readonly (readonly [string, readonly string[]])[] = [
    ['become the reader', ['SET ROLE spanmeter_reader']],
    ['become grafana', ['SET ROLE spanmeter_grafana']],
    ['become the owner', ['SET ROLE spanmeter']],
    ['become the owner by session', ['SET SESSION AUTHORIZATION spanmeter']],
    ['give itself a role', [`GRANT spanmeter_reader TO ${person}`]],
    ['turn security off', ['SET row_security = off', 'SELECT * FROM spanmeter.calls']],
    ['give itself a tenant', [`INSERT INTO spanmeter.tenant_roles VALUES ('${person}', 'globex')`]],
    ['change rows', ['DELETE FROM spanmeter.calls']],
    ['read keys', ['SELECT id FROM spanmeter.api_keys']],
    ['read dead letters', ['SELECT tenant_id FROM spanmeter.dead_letters']],
    ['read cursors', ['SELECT * FROM spanmeter.journal_cursors']],
    ['make objects in the schema', ['CREATE TABLE spanmeter.mine (x int)']],
  ];
  for (const [what, statements] of forbidden) {
    it(`does not let a person's role ${what}`, async () => {
      await assert.rejects(
        as(personUrl(), statements),
        /permission denied|row-level security|must (be|have)/,
      );
    });
  }

  it('grants nobody anything on partitions, where no policy holds', async () => {
    const [partition] = await sql<{ name: string }>(
      database.url,
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits
       WHERE inhparent = 'spanmeter.calls'::regclass LIMIT 1`,
    );
    const name = partition!.name.includes('.') ? partition!.name : `spanmeter.${partition!.name}`;
    for (const role of ['spanmeter_reader', 'spanmeter_grafana']) {
      await assert.rejects(
        as(database.url, [`SET ROLE ${role}`, `SELECT * FROM ${name}`]),
        /permission denied/,
      );
    }
    await assert.rejects(as(personUrl(), [`SELECT * FROM ${name}`]), /permission denied/);
  });

  it('does not leak other tenants through a function in a filter', async () => {
    const rows = await as(personUrl(), [
      `CREATE FUNCTION pg_temp.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001
         AS $$ BEGIN RAISE EXCEPTION 'leaked %', $1; END $$`,
      `SELECT tenant_id FROM spanmeter.calls WHERE tenant_id <> 'acme' AND pg_temp.leak(tenant_id)`,
    ]);
    assert.deepEqual(rows, []);
  });

  it('hides key hashes and payloads from grafana', async () => {
    await assert.rejects(
      as(database.url, ['SET ROLE spanmeter_grafana', 'SELECT hash FROM spanmeter.api_keys']),
      /permission denied/,
    );
    await assert.rejects(
      as(database.url, ['SET ROLE spanmeter_grafana', 'SELECT payload FROM spanmeter.dead_letters']),
      /permission denied/,
    );
    const keys = await as(database.url, [
      'SET ROLE spanmeter_grafana',
      'SELECT id FROM spanmeter.api_keys ORDER BY id',
    ]);
    assert.deepEqual(keys, [{ id: 'key-acme' }, { id: 'key-globex' }]);
  });

  it("hides from tenants' roles what is in a price book, which may be another tenant's", async () => {
    const content = 'SELECT content FROM spanmeter.price_books';
    await assert.rejects(as(personUrl(), [content]), /permission denied/);
    await assert.rejects(as(database.url, ['SET ROLE spanmeter_reader', content]), /permission denied/);
    await as(personUrl(), ['SELECT version, created_at FROM spanmeter.price_books']);
    await as(database.url, ['SET ROLE spanmeter_grafana', content]);
  });

  it('gives get_cost_summary of another tenant no rows', async () => {
    const call = (tenant: string): string =>
      `SELECT service, count
       FROM spanmeter.get_cost_summary('${tenant}', current_date - 2, current_date + 1)`;
    assert.deepEqual(await as(personUrl(), [call('acme')]), [{ service: 'openai', count: '1' }]);
    assert.deepEqual(await as(personUrl(), [`SET app.current_tenant = 'globex'`, call('globex')]), []);
    const reader = ['BEGIN', 'SET LOCAL ROLE spanmeter_reader', `SET LOCAL app.current_tenant = 'acme'`];
    assert.deepEqual(await as(database.url, [...reader, call('acme')]), [{ service: 'openai', count: '1' }]);
    assert.deepEqual(await as(database.url, [...reader, call('globex')]), []);
  });

  it('shows the corrected cost in calls_effective', async () => {
    const rows = await as(database.url, [
      `SELECT cost_usd, effective_cost_usd, effective_status, effective_price_version
       FROM spanmeter.calls_effective
       WHERE tenant_id = 'acme'`,
    ]);
    assert.deepEqual(rows, [
      {
        cost_usd: '0.001350000000',
        effective_cost_usd: '0.501350000000',
        effective_status: 'priced',
        effective_price_version: 'v2',
      },
    ]);
  });

  it('notifies listeners of every change of a key', async () => {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    try {
      await client.query('LISTEN spanmeter_keys');
      const heard = new Promise<string>((resolve) => {
        client.once('notification', (message) => resolve(message.channel));
      });
      await sql(database.url, `UPDATE api_keys SET revoked_at = now() WHERE id = 'key-acme'`);
      assert.equal(await heard, 'spanmeter_keys');
    } finally {
      await client.end();
    }
  });
});
