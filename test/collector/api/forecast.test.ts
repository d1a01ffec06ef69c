import assert from 'node:assert/strict';
import type { BudgetWatch } from '@spanmeter/collector/dist/budgets/budget-watch.js';
import type { Identity } from '@spanmeter/collector/dist/pipeline/identity.js';
import { freshDatabase, sql, type FreshDatabase } from '../../support/database.js';
import { dailyRows, storeRollups } from '../../support/rollup-rows.js';
import { stateOf, usd } from '../forecast/budget-states.js';
import { spanmeter } from '../cli/running-cli.js';
import { authenticatorOf, runApi, type RunningApi } from './running-api.js';

const NOW = new Date('2026-11-21T10:00:00Z');
const WEEK = [10, 12, 12, 11, 10, 3, 2];
const DAYS = Array.from({ length: 84 }, (_, day) => WEEK[(day + 5) % 7]!);

const identity = (role: Identity['role'], tenant: string | null): Identity => ({
  role,
  tenant,
  team: null,
  keyId: `k_${role}`,
});

const WATCH: BudgetWatch = {
  states: (tenant) => [
    stateOf({ tenantId: 'acme', spentPicoUsd: usd(180), budget: { limitPicoUsd: usd(200) } }),
    ...(tenant === null ? [stateOf({ tenantId: 'beta', budget: { id: 'unknown' } })] : []),
  ],
  onChange: () => () => undefined,
};

describe('the forecast endpoint and command', () => {
  let database: FreshDatabase;
  let running: RunningApi;
  before(async () => {
    database = await freshDatabase();
    await sql(
      database.url,
      `INSERT INTO spanmeter.tenants (id, timezone) VALUES ('acme', 'Europe/Rome'), ('beta', 'UTC'), ('new', 'UTC')`,
    );
    await storeRollups(database.url, [
      ...dailyRows('2026-11-20', DAYS, { tenant: 'acme' }),
      ...dailyRows('2026-11-20', [1, 1, 1], { tenant: 'acme', model: 'gpt-4o' }),
      ...dailyRows('2026-11-20', DAYS, { tenant: 'beta' }),
      { tenant: 'acme', usd: '0.250000000001', at: '2026-11-21T09:00:00Z' },
    ]);
    running = await runApi(database.url, {
      now: () => NOW,
      authenticator: authenticatorOf({
        sm_admin: identity('admin', null),
        sm_acme: identity('read', 'acme'),
        sm_ingest: identity('ingest', 'acme'),
      }),
      budgets: () => WATCH,
      forecasts: () => ({
        of: ({ tenantId }) =>
          tenantId === 'acme'
            ? {
                expectedPicoUsd: usd(260),
                lowPicoUsd: usd(240),
                highPicoUsd: usd(280),
                exhaustedAtMs: NOW.getTime() + 60_000,
                method: 'model',
              }
            : null,
      }),
    });
  });
  after(async () => {
    await running.close();
    await database.drop();
  });

  it('goes by UTC for a tenant whose zone only PostgreSQL knows, as its budgets do', async () => {
    await sql(database.url, `INSERT INTO spanmeter.tenants (id, timezone) VALUES ('odd', '<+05>-5')`);
    for (const path of ['forecast', 'spend', 'summary']) {
      const { status, body } = await running.get(`/api/v1/${path}?tenant=odd`, 'sm_admin');
      assert.deepEqual([status, body.timezone ?? 'UTC'], [200, 'UTC'], path);
    }
  });

  it('goes by today alone on the first day, with intervals that say how little that is', async () => {
    await sql(database.url, `INSERT INTO spanmeter.tenants (id) VALUES ('first')`);
    await storeRollups(database.url, [{ tenant: 'first', usd: '100', at: '2026-11-21T09:00:00Z' }]);
    const { body } = await running.get('/api/v1/forecast?tenant=first&group_by=model', 'sm_admin');
    assert.deepEqual([body.method, body.history_days], ['run_rate', 0]);
    for (const told of [body.days[0], body.days[13], body.total, body.groups[0]]) {
      const [low, expected, high] = [told.low_usd, told.expected_usd, told.high_usd].map(Number);
      assert.ok(expected! > 100 && low! < expected! / 2 && high! > 2 * expected!, JSON.stringify(told));
    }
    assert.ok(Number(body.month.expected_usd) > 1_000, body.month.expected_usd);
    assert.ok(Number(body.month.high_usd) > 2 * Number(body.month.expected_usd), body.month.high_usd);
    const told = await spanmeter(['forecast', '--tenant', 'first'], { DATABASE_URL: database.url }, NOW);
    assert.match(told.out, /no whole day of history: by what today shows/);
    await sql(database.url, `DELETE FROM spanmeter.spend_rollup WHERE tenant_id = 'first'`);
  });

  it('tells a fortnight, the month and the budgets of a tenant', async () => {
    const { status, body } = await running.get('/api/v1/forecast', 'sm_acme');
    assert.equal(status, 200);
    assert.deepEqual(
      [body.tenant, body.timezone, body.method, body.interval_percent, body.history_days],
      ['acme', 'Europe/Rome', 'model', 80, 84],
    );
    assert.equal(body.days.length, 14);
    assert.equal(body.days[0].date, '2026-11-22');
    assert.equal(body.history.length, 30);
    assert.deepEqual(body.history.at(-1), { date: '2026-11-21', cost_usd: '0.250000000001' });
    assert.ok(Math.abs(Number(body.total.expected_usd) - 134) < 8, body.total.expected_usd);
    for (const day of [...body.days, body.total, body.month]) {
      const [low, expected, high] = [day.low_usd, day.expected_usd, day.high_usd].map(Number);
      assert.ok(0 <= low! && low! <= expected! && expected! <= high!, JSON.stringify(day));
    }
    assert.equal(body.month.month, '2026-11');
    assert.ok(Number(body.month.low_usd) >= Number(body.month.spent_usd));
    assert.deepEqual(body.budgets, [
      {
        id: 'monthly',
        name: 'Monthly',
        tenant: 'acme',
        scope: 'tenant',
        scope_value: null,
        period: 'month',
        from: '2026-11-01T00:00:00.000Z',
        to: '2026-12-01T00:00:00.000Z',
        limit_usd: '200.000000000000',
        spent_usd: '180.000000000000',
        expected_usd: '260.000000000000',
        low_usd: '240.000000000000',
        high_usd: '280.000000000000',
        exhausted_at: '2026-11-21T10:01:00.000Z',
        method: 'model',
      },
    ]);
  });

  it('tells all tenants together to who may read them', async () => {
    const { body } = await running.get('/api/v1/forecast?days=7&group_by=tenant', 'sm_admin');
    assert.deepEqual([body.tenant, body.timezone, body.days.length], [null, 'UTC', 7]);
    assert.deepEqual(
      body.groups.map((group: { group: string }) => group.group),
      ['acme', 'beta'],
    );
    const sum = body.groups.reduce(
      (total: number, one: { expected_usd: string }) => total + Number(one.expected_usd),
      0,
    );
    assert.ok(Math.abs(sum / Number(body.total.expected_usd) - 1) < 0.1, `${sum} ${body.total.expected_usd}`);
    assert.equal(body.groups_truncated, false);
  });

  it('refuses other tenants, other keys, and questions that make no sense', async () => {
    const status = async (path: string, key: string): Promise<number> =>
      (await running.get(`/api/v1/forecast${path}`, key)).status;
    assert.equal(await status('?tenant=beta', 'sm_acme'), 403);
    assert.equal(await status('', 'sm_ingest'), 403);
    for (const query of ['days=0', 'days=91', 'days=x', 'days=1.5', 'group_by=user', 'dayz=3']) {
      assert.equal(await status(`?${query}`, 'sm_admin'), 400, query);
    }
  });

  it('answers 0 for a tenant without spend', async () => {
    const { body } = await running.get('/api/v1/forecast?tenant=new', 'sm_admin');
    assert.deepEqual([body.method, body.history_days], ['run_rate', 0]);
    assert.equal(body.total.expected_usd, '0.000000000000');
    assert.equal(body.total.high_usd, '0.000000000000');
  });

  it('keeps an answer for a minute', async () => {
    const before = await running.get('/api/v1/forecast?tenant=beta', 'sm_admin');
    await storeRollups(database.url, [
      { tenant: 'beta', usd: 50, at: '2026-11-21T09:00:00Z', service: 'late' },
    ]);
    const again = await running.get('/api/v1/forecast?tenant=beta', 'sm_admin');
    assert.deepEqual(again.body, before.body);
  });

  it('is printed with a chart, as JSON and as CSV', async () => {
    const run = (...args: string[]): ReturnType<typeof spanmeter> =>
      spanmeter(['forecast', ...args], { DATABASE_URL: database.url }, NOW);
    const table = await run('--tenant', 'acme', '--days', '3');
    assert.equal(table.code, 0, table.err);
    assert.match(
      table.out,
      /Forecast of acme, USD \(Europe\/Rome\)\nBy a time-series model from 84 days of history\./,
    );
    assert.match(table.out, /11-21 .*0\.25 so far\n {2}11-22 {2}▓*░* +\d+\.\d\d \(\d+\.\d\d to \d+\.\d\d\)/);
    assert.match(table.out, /Next 3 days {3}\d+\.\d\d {3}\(80 % interval: /);
    const json = JSON.parse((await run('--format', 'json')).out);
    assert.deepEqual([json.tenant, json.days.length, json.budgets], [null, 14, undefined]);
    const csv = (await run('--format', 'csv', '--days', '2')).out.split('\r\n');
    assert.equal(csv[0], 'date,expected_usd,low_usd,high_usd');
    assert.match(csv[1]!, /^2026-11-22,\d+\.\d{12},\d+\.\d{12},\d+\.\d{12}$/);
    assert.equal((await run('--tenant', 'nobody')).code, 1);
    assert.equal((await run('--days', '0')).code, 2);
    assert.match((await run('--tenant', 'new')).out, /There is no spend to go by\./);
  });

  it('back-tests stored history', async () => {
    const run = (...args: string[]): ReturnType<typeof spanmeter> =>
      spanmeter(['forecast', '--backtest', ...args], { DATABASE_URL: database.url }, NOW);
    const { out, code } = await run('--tenant', 'acme');
    assert.equal(code, 0);
    assert.match(out, /stored history of acme/);
    const json = JSON.parse((await run('--tenant', 'acme', '--format', 'json')).out);
    assert.ok(json.total.model.mape < 0.05, 'a plain week is easy');
    const early = await run('--tenant', 'new');
    assert.deepEqual(
      [early.code, early.err],
      [1, 'error: A back-test needs 56 days of history; "new" has 0.\n'],
    );
  });
});
