import assert from 'node:assert/strict';
import { Client } from 'pg';
import { DEFAULT_STEPS, type BudgetRequest } from '@spanmeter/collector/dist/budgets/budget-fields.js';
import type { Budget } from '@spanmeter/collector/dist/budgets/budget.js';
import {
  changeBudget,
  createBudget,
  findBudget,
  MAX_BUDGETS,
  removeBudget,
  type BudgetChanges,
  type CreatedBudget,
} from '@spanmeter/collector/dist/budgets/store.js';
import { uncountedBudgets } from '@spanmeter/collector/dist/budgets/count-spend.js';
import { readRowBudgets } from '@spanmeter/collector/dist/budgets/stored-budgets.js';
import { setTenantZone } from '@spanmeter/collector/dist/budgets/tenant-zone.js';
import { inRepeatableTransaction, inTransaction } from '@spanmeter/collector/dist/keys/transaction.js';
import { freshDatabase, sql, type FreshDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import { storeCalls, storeTenants, type StoredCall } from '../api/stored-calls.ts';

/** 22:30 in UTC and 04:15 of the next day in Kathmandu. */
const NOW = new Date('2026-11-20T22:30:00Z');
const BY = { actor: 'test', now: NOW };

function request(changes: Partial<BudgetRequest> = {}): BudgetRequest {
  return {
    tenant: 'acme',
    id: 'b',
    name: null,
    scope: 'tenant',
    scopeValue: null,
    period: 'day',
    from: null,
    to: null,
    timezone: null,
    limitUsd: '10',
    steps: DEFAULT_STEPS,
    hard: false,
    enabled: true,
    ...changes,
  };
}

const USER: Partial<BudgetRequest> = { scope: 'user', scopeValue: 'ann' };

interface SpendRow {
  readonly budget_id: string;
  readonly start: string;
  readonly spent: string;
  readonly calls: number;
  readonly unpriced: number;
}

/** Calls of a day: in Kathmandu it began at 18:15 UTC. */
const CALLS: readonly StoredCall[] = [
  {
    tenant: 'acme',
    at: '2026-11-20T00:00:00Z',
    user: 'ann',
    session: 's',
    agent: 'bot',
    cost: '0.000000000001',
  },
  { tenant: 'acme', at: '2026-11-20T18:14:59.999Z', user: 'ann', cost: '2' },
  { tenant: 'acme', at: '2026-11-20T18:15:00Z', user: 'ann', session: 's', cost: '4' },
  { tenant: 'acme', at: '2026-11-20T20:00:00Z', user: 'ann', cost: null, status: 'unpriced_model' },
  { tenant: 'acme', at: '2026-11-20T20:00:01Z', user: 'ann', cost: null, status: 'missing_usage' },
  { tenant: 'acme', at: '2026-11-20T20:00:02Z', user: 'ann', cost: null, status: 'duplicate' },
  { tenant: 'acme', at: '2026-11-20T20:00:03Z', user: 'ann', cost: null, status: 'not_billable' },
  { tenant: 'acme', at: '2026-11-20T20:00:04Z', user: 'bob', agent: 'bot', cost: '16' },
  { tenant: 'acme', at: '2026-11-19T23:59:59.999Z', user: 'ann', cost: '32' },
  { tenant: 'acme', at: '2026-11-21T00:00:00Z', user: 'ann', cost: '64' },
  { tenant: 'other', at: '2026-11-20T12:00:00Z', user: 'ann', cost: '128' },
];

describe('budgets as rows', () => {
  let database: FreshDatabase;
  let client: Client;
  let second: Client;

  before(async function () {
    database = await freshDatabase();
    [client, second] = [0, 1].map(() => new Client({ connectionString: database.url })) as [Client, Client];
    await Promise.all([client.connect(), second.connect()]);
    await storeTenants(database.url, { acme: 'UTC', other: 'UTC' });
    await storeCalls(database.url, CALLS);
  });
  after(async () => {
    await Promise.all([client?.end(), second?.end()]);
    await database?.drop();
  });
  afterEach(async () => {
    await client.query(`DELETE FROM spanmeter.budgets WHERE id <> 'default'; TRUNCATE spanmeter.audit_log;
      TRUNCATE spanmeter.cost_adjustments; UPDATE spanmeter.tenants SET timezone = 'UTC'`);
  });

  const create = (changes: Partial<BudgetRequest> = {}, on = client): Promise<CreatedBudget> =>
    inTransaction(on, () => createBudget(on, request(changes), BY));
  const change = (changes: BudgetChanges, id = 'b'): Promise<{ budget: Budget; changed: boolean }> =>
    inTransaction(client, () => changeBudget(client, { tenant: 'acme', id }, changes, BY));
  const version = async (): Promise<number> => {
    const { rows } = await client.query<{ v: number }>(
      'SELECT version::int AS v FROM spanmeter.budget_version',
    );
    return rows[0]!.v;
  };

  /** Of periods that have begun by `until`. */
  async function spend(until = NOW): Promise<SpendRow[]> {
    return sql<SpendRow & Record<string, unknown>>(
      database.url,
      `SELECT budget_id, to_char(period_start AT TIME ZONE 'UTC', 'MM-DD HH24:MI') AS start, spent_usd::text AS spent,
         calls::int AS calls, unpriced_calls::int AS unpriced FROM spanmeter.budget_spend
       WHERE period_start <= $1 ORDER BY budget_id, period_start`,
      [until],
    );
  }

  const row = (start: string, spent: string, calls: number, unpriced: number, id = 'b'): SpendRow => ({
    budget_id: id,
    start,
    spent,
    calls,
    unpriced,
  });

  it('are found as they were made', async () => {
    const name = `"Finance's" ${'é'.repeat(280)}`;
    const window = { period: 'custom', from: '2026-11-01', to: '2026-12-15' };
    const asked = {
      name,
      ...window,
      timezone: 'Asia/Kolkata',
      limitUsd: '999999999999999.999999999999',
      hard: true,
    };
    const { budget, created } = await create({ ...asked, scope: 'model', scopeValue: `it's "x"; --` });
    assert.equal(created, true);
    assert.deepEqual(await findBudget(client, { tenant: 'acme', id: 'b' }), budget);
    const { createdAtMs, steps, ...rest } = budget;
    assert.equal(createdAtMs, NOW.getTime());
    assert.deepEqual(
      steps.map(({ percent }) => percent),
      ['50', '80', '100'],
    );
    assert.equal(steps[2]?.picoUsd, 999_999_999_999_999_999_999_999_999n);
    assert.deepEqual(rest, {
      tenantId: 'acme',
      id: 'b',
      name,
      scope: 'model',
      scopeValue: `it's "x"; --`,
      period: 'custom',
      startsOn: '2026-11-01',
      endsOn: '2026-12-15',
      timezone: 'Asia/Kolkata',
      limitPicoUsd: 999_999_999_999_999_999_999_999_999n,
      hard: true,
      enabled: true,
    });
    assert.deepEqual(await spend(), []);
  });

  it('have a default that warns every tenant of 10 USD a day', async () => {
    const budget = await findBudget(client, { tenant: null, id: 'default' });
    assert.equal(budget?.scope, 'each');
    assert.equal(budget.limitPicoUsd, 10n * 10n ** 12n);
    assert.equal(budget.hard, false);
  });

  it('may be made again with the same settings, and not with others', async () => {
    const first = await create({ limitUsd: '10' });
    const before = await version();
    const again = await create({ limitUsd: '10.00', name: 'b', steps: ['100', '50', '80.0'] });
    assert.deepEqual(again, { budget: first.budget, created: false, tenantRegistered: false });
    assert.equal(await version(), before);
    await assert.rejects(create({ limitUsd: '11', hard: true }), {
      code: 'invalid',
      message: 'Budget "b" exists already, with another limit_usd, hard.',
    });
    assert.equal((await create({ tenant: 'other' })).created, true, 'ids are of their tenant');
  });

  it('are made once by two that make them at once', async () => {
    const made = await Promise.all([create(USER), create(USER, second)]);
    assert.equal(made.filter(({ created }) => created).length, 1);
    assert.equal((await spend()).length, 1);
  });

  it('refuse everything that is wrong at once, and leave no trace', async () => {
    const bad = create({ limitUsd: '0', id: 'NO' });
    await assert.rejects(bad, {
      code: 'invalid',
      message: /^id must be .+; limit_usd must be more than 0\.$/,
    });
    const audited = await client.query('SELECT FROM spanmeter.audit_log');
    assert.equal(audited.rowCount, 0);
  });

  it('register a tenant that is not known, once', async () => {
    assert.equal((await create({ tenant: 'new "one"' })).tenantRegistered, true);
    assert.equal((await create({ tenant: 'new "one"', id: 'c' })).tenantRegistered, false);
    const { rows } = await client.query(
      `SELECT action, tenant_id, target FROM spanmeter.audit_log ORDER BY id`,
    );
    assert.deepEqual(rows, [
      { action: 'tenant.create', tenant_id: 'new "one"', target: 'new "one"' },
      { action: 'budget.create', tenant_id: 'new "one"', target: 'b' },
      { action: 'budget.create', tenant_id: 'new "one"', target: 'c' },
    ]);
  });

  it('hold what a user, a session and an agent spent before they were made', async () => {
    await create({ id: 'user', ...USER });
    await create({ id: 'session', scope: 'session', scopeValue: 's' });
    await create({ id: 'agent', scope: 'agent', scopeValue: 'bot' });
    await create({ id: 'month', ...USER, period: 'month', timezone: 'Asia/Kathmandu' });
    await create({ id: 'nobody', scope: 'user', scopeValue: `o'"brien` });
    await create({ id: 'over-all', ...USER, tenant: null });
    await create({ id: 'past', ...USER, period: 'custom', from: '2026-10-01', to: '2026-10-31' });
    await create({ id: 'off', ...USER, enabled: false });
    assert.deepEqual(await spend(), [
      row('11-20 00:00', '16.000000000001', 2, 0, 'agent'),
      row('10-31 18:15', '102.000000000001', 7, 2, 'month'),
      row('11-20 00:00', '134.000000000001', 6, 2, 'over-all'),
      row('11-20 00:00', '4.000000000001', 2, 0, 'session'),
      row('11-20 00:00', '6.000000000001', 5, 2, 'user'),
    ]);
  });

  it('are counted whole and once where they are made, with calls that are dated into the next period', async () => {
    await create(USER);
    await create({ id: 'off', ...USER, enabled: false });
    assert.deepEqual(await spend(new Date('2026-11-21T00:00:00Z')), [
      row('11-20 00:00', '6.000000000001', 5, 2),
      row('11-21 00:00', '64.000000000000', 1, 0),
    ]);
    const { budgets } = await readRowBudgets((text) => client.query(text));
    assert.deepEqual([budgets.length, await uncountedBudgets(client, budgets)], [2, []]);
  });

  it('are made at the second try where PostgreSQL ended the first for others that waited for it', async () => {
    await second.query(`BEGIN; INSERT INTO spanmeter.tenants (id) VALUES ('dead')`);
    const made = inRepeatableTransaction(client, () => createBudget(client, request({ tenant: 'dead' }), BY));
    const waiting = `SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'`;
    await until(
      () => sql(database.adminUrl, waiting),
      (rows) => rows.length > 0,
    );
    const zone = second.query(`UPDATE spanmeter.tenants SET timezone = 'Asia/Tokyo' WHERE id = 'dead'`);
    await zone;
    await second.query('COMMIT');
    assert.equal((await made).created, true);
  });

  it('hold what was spent as corrections left it', async () => {
    await client.query(`INSERT INTO spanmeter.cost_adjustments (tenant_id, started_at, trace_id, span_id, reason,
        delta_usd, old_status, new_status, new_cost_usd, run_id)
      SELECT tenant_id, started_at, trace_id, span_id, 'reprice', 8 - coalesce(cost_usd, 0), cost_status, 'priced', 8,
        'r' FROM spanmeter.calls WHERE cost_status = 'unpriced_model' OR cost_usd = 2`);
    await create(USER);
    assert.deepEqual(await spend(), [row('11-20 00:00', '20.000000000001', 5, 1)]);
  });

  it('miss no call that is committed while they are made', async () => {
    const known = await version();
    await second.query('BEGIN');
    await second.query('SELECT spanmeter.require_budgets($1)', [known]);
    await second.query(`INSERT INTO spanmeter.calls (tenant_id, started_at, trace_id, span_id, received_at, operation,
        provider, model, service_name, user_id, usage_source, cost_usd, cost_status, time_source, dialect)
      VALUES ('acme', '2026-11-20T22:29:59Z', 'late', 'late', now(), 'chat', 'openai', 'gpt-4o', 's', 'ann', 'reported',
        256, 'priced', 'start', 'otel')`);
    const made = create(USER);
    const waiting = `SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
      WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted`;
    await until(
      () => sql(database.url, waiting),
      (rows) => rows.length === 1,
    );
    await second.query('COMMIT');
    await made;
    assert.deepEqual(await spend(), [row('11-20 00:00', '262.000000000001', 6, 2)]);
    await assert.rejects(second.query('SELECT spanmeter.require_budgets($1)', [known]), { code: 'SM002' });
    await client.query(`DELETE FROM spanmeter.calls WHERE trace_id = 'late'`);
  });

  it('change what is asked and nothing else', async () => {
    const { budget } = await create(USER);
    await client.query('UPDATE spanmeter.budget_spend SET spent_usd = 7');
    const { budget: after, changed } = await change({ limitUsd: '20', steps: ['90'], hard: true, name: 'B' });
    assert.equal(changed, true);
    const steps = [{ percent: '90', picoUsd: 18n * 10n ** 12n }];
    assert.deepEqual(after, { ...budget, limitPicoUsd: 20n * 10n ** 12n, steps, hard: true, name: 'B' });
    assert.deepEqual(await spend(), [row('11-20 00:00', '7.000000000000', 5, 2)], 'what was counted stays');
    const { rows } = await client.query<{ detail: unknown }>(
      `SELECT detail FROM spanmeter.audit_log WHERE action = 'budget.change'`,
    );
    assert.deepEqual(rows[0]?.detail, {
      name: 'B',
      name_before: 'b',
      limit_usd: '20.000000000000',
      limit_usd_before: '10.000000000000',
      steps: '90',
      steps_before: '50,80,100',
      hard: 'true',
      hard_before: 'false',
    });
    const before = await version();
    assert.equal((await change({ limitUsd: '20.0' })).changed, false);
    assert.equal(await version(), before);
  });

  it('are summed anew where another user, period or zone is held', async () => {
    await create(USER);
    await change({ scopeValue: 'bob' });
    assert.deepEqual(await spend(), [row('11-20 00:00', '16.000000000000', 1, 0)]);
    await change({ scopeValue: 'ann', timezone: 'Asia/Kathmandu' });
    assert.deepEqual(await spend(), [row('11-20 18:15', '68.000000000000', 4, 2)]);
    await change({ period: 'custom', from: '2026-11-19', to: '2026-11-20', timezone: null });
    assert.deepEqual(await spend(), [row('11-19 00:00', '38.000000000001', 6, 2)]);
    await change({ enabled: false });
    assert.deepEqual(await spend(), []);
    await change({ enabled: true, period: 'day' });
    assert.deepEqual(await spend(), [row('11-20 00:00', '6.000000000001', 5, 2)]);
    const { budget } = await change({ scope: 'tenant' });
    assert.equal(budget.scopeValue, null);
    assert.deepEqual(await spend(), []);
  });

  it('refuse a change that would leave faults, and one of a budget that is not there', async () => {
    await create();
    await assert.rejects(change({ scope: 'team' }), {
      code: 'invalid',
      message: /scope_value must be given/,
    });
    await assert.rejects(change({ period: 'custom' }), { code: 'invalid', message: /from must .+to must/ });
    await assert.rejects(change({ limitUsd: '1e16' }), { code: 'invalid', message: /at most 1e15/ });
    await assert.rejects(change({ limitUsd: '1' }, 'nope'), {
      code: 'not_found',
      message: 'There is no budget "nope" of tenant "acme".',
    });
  });

  it('are removed with what was summed for them', async () => {
    await create(USER);
    const removed = await inTransaction(client, () =>
      removeBudget(client, { tenant: 'acme', id: 'b' }, 'test'),
    );
    assert.equal(removed.scopeValue, 'ann');
    assert.deepEqual(await spend(), []);
    const again = inTransaction(client, () => removeBudget(client, { tenant: 'acme', id: 'b' }, 'test'));
    await assert.rejects(again, { code: 'not_found' });
  });

  it('follow the time zone of their tenant, unless they have one of their own', async () => {
    await create({ id: 'follows', ...USER });
    await create({ id: 'own', ...USER, timezone: 'UTC' });
    await create({ id: 'others', ...USER, tenant: 'other' });
    const zone = (name: string): Promise<{ changed: boolean }> =>
      inTransaction(client, () => setTenantZone(client, 'acme', name, BY));
    assert.equal((await zone('Asia/Kathmandu')).changed, true);
    assert.deepEqual(await spend(), [
      row('11-20 18:15', '68.000000000000', 4, 2, 'follows'),
      row('11-20 00:00', '128.000000000000', 1, 0, 'others'),
      row('11-20 00:00', '6.000000000001', 5, 2, 'own'),
    ]);
    const before = await version();
    assert.equal((await zone('Asia/Kathmandu')).changed, false);
    assert.equal(await version(), before);
    await assert.rejects(zone('Mars/Olympus'), { code: 'invalid' });
    const unknown = inTransaction(client, () => setTenantZone(client, 'nobody', 'UTC', BY));
    await assert.rejects(unknown, { code: 'not_found' });
  });

  it('are those of UTC where only PostgreSQL knows the zone of the tenant', async () => {
    await client.query(`UPDATE spanmeter.tenants SET timezone = '<+05>-5' WHERE id = 'acme'`);
    await create(USER);
    assert.deepEqual(await spend(), [row('11-20 00:00', '6.000000000001', 5, 2)]);
  });

  it('are at most 100,000', async () => {
    await client.query(
      `INSERT INTO spanmeter.budgets (tenant_id, id, name, scope, period, limit_usd)
       SELECT 'acme', 'b' || n, 'b', 'tenant', 'day', 1 FROM generate_series(1, $1::int) AS n`,
      [MAX_BUDGETS - 2],
    );
    await create({ id: 'last' });
    await assert.rejects(create({ id: 'too-many' }), {
      code: 'invalid',
      message: /^There are 100000 budgets/,
    });
    assert.equal((await create({ id: 'last' })).created, false);
  });
});
