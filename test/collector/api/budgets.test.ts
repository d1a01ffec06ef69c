import assert from 'node:assert/strict';
import type { Identity } from '@spanmeter/collector/dist/pipeline/identity.js';
import { freshDatabase, sql, type FreshDatabase } from '../../support/database.ts';
import { authenticatorOf, runApi, type Json, type RunningApi } from './running-api.ts';
import { storeCalls, storeTenants } from './stored-calls.ts';

const NOW = new Date('2026-11-20T12:00:00Z');

function identity(role: Identity['role'], tenant: string | null): Identity {
  return { keyId: `key_${role}_${tenant}`, tenant, team: null, role };
}

const AUTHENTICATOR = authenticatorOf({
  admin: identity('admin', null),
  acme: identity('read', 'acme'),
  other: identity('read', 'other'),
  ingest: identity('ingest', 'acme'),
  gateway: identity('gateway', null),
});

interface Answer {
  readonly status: number;
  readonly body: Json;
}

describe('/api/v1/budgets', () => {
  let database: FreshDatabase;
  let open: RunningApi;
  let keyed: RunningApi;

  before(async function () {
    database = await freshDatabase();
    open = await runApi(database.url, { now: () => NOW });
    keyed = await runApi(database.url, { now: () => NOW, authenticator: AUTHENTICATOR });
    await storeTenants(database.url, { acme: 'UTC', other: 'UTC' });
  });
  after(async () => {
    await open?.close();
    await keyed?.close();
    await database?.drop();
  });
  afterEach(async () => {
    await sql(database.url, `DELETE FROM spanmeter.budgets WHERE id <> 'default'`);
    await sql(database.url, 'TRUNCATE spanmeter.audit_log');
  });

  async function send(method: string, path: string, body?: unknown, key?: string): Promise<Answer> {
    const api = key === undefined ? open : keyed;
    const headers = {
      'content-type': 'application/json',
      ...(key === undefined ? {} : { 'x-api-key': key }),
    };
    const text = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await fetch(`${api.base}${path}`, { method, headers, ...text });
    return { status: response.status, body: await response.json() };
  }

  const MONTHLY = { id: 'monthly', tenant: 'acme', scope: 'tenant', period: 'month', limit_usd: '500' };
  const post = (changes: object = {}, key?: string): Promise<Answer> =>
    send('POST', '/api/v1/budgets', { ...MONTHLY, ...changes }, key);
  const ids = (answer: Answer): string[] => answer.body.budgets.map((budget: Json) => budget.id);

  it('makes a budget, once, with money as exact text', async () => {
    const first = await post({ name: `"Q4" ${'é'.repeat(290)}`, hard: true, timezone: 'Asia/Kolkata' });
    assert.equal(first.status, 200, JSON.stringify(first.body));
    assert.equal(first.body.created, true);
    const { created_at: createdAt, ...budget } = first.body.budget;
    assert.ok(!Number.isNaN(Date.parse(createdAt)));
    assert.deepEqual(budget, {
      tenant: 'acme',
      id: 'monthly',
      name: `"Q4" ${'é'.repeat(290)}`,
      scope: 'tenant',
      scope_value: null,
      period: 'month',
      from: null,
      to: null,
      timezone: 'Asia/Kolkata',
      limit_usd: '500.000000000000',
      steps: ['50', '80', '100'],
      hard: true,
      enabled: true,
    });
    const again = await post({ name: budget.name, hard: true, timezone: 'Asia/Kolkata', limit_usd: 500 });
    assert.deepEqual(again.body, { budget: first.body.budget, created: false });
    const audited = await sql(database.url, 'SELECT actor, action, target FROM spanmeter.audit_log');
    assert.deepEqual(audited, [{ actor: 'api', action: 'budget.create', target: 'monthly' }]);
  });

  it('takes a limit and steps as numbers, by the digits that they are written with', async () => {
    const { body } = await post({ limit_usd: 0.1, steps: [62.5, '80', 100] });
    assert.equal(body.budget.limit_usd, '0.100000000000');
    assert.deepEqual(body.budget.steps, ['62.5', '80', '100']);
    assert.equal(
      (await post({ id: 'large', limit_usd: 1e15 })).body.budget.limit_usd,
      `1${'0'.repeat(15)}.${'0'.repeat(12)}`,
    );
  });

  it('answers 400 with every fault of the body', async () => {
    const faults = async (body: object): Promise<string[]> => {
      const answer = await post(body);
      assert.equal(answer.status, 400);
      assert.equal(answer.body.error.code, 'invalid');
      return answer.body.error.details.map((detail: Json) => detail.parameter);
    };
    const bad = {
      id: 'NO',
      limit_usd: true,
      timezone: 'Mars/Olympus',
      steps: [0],
      scope: 'galaxy',
      hard: 'yes',
    };
    assert.deepEqual((await faults({ ...bad, color: 'red' })).toSorted(), [
      'color',
      'hard',
      'id',
      'limit_usd',
      'scope',
      'steps',
      'timezone',
    ]);
    assert.deepEqual(await faults({ tenant: null, period: 'custom' }), ['tenant', 'from', 'to']);
    assert.deepEqual(await faults({ scope: 'team' }), ['scope_value']);
    assert.deepEqual(await faults({ id: 'status' }), ['id']);
    for (const limit of [0, -1, '0', '-0.01', '1e16', 1e16, 'NaN', '', null]) {
      assert.deepEqual(await faults({ limit_usd: limit }), ['limit_usd'], String(limit));
    }
    const missing = await send('POST', '/api/v1/budgets', {});
    assert.deepEqual(
      missing.body.error.details.map((detail: Json) => detail.parameter),
      ['id', 'scope', 'period', 'limit_usd'],
    );
  });

  it('answers 400 for one that exists with other settings', async () => {
    await post();
    const { status, body } = await post({ limit_usd: '501' });
    assert.equal(status, 400);
    assert.equal(body.error.message, 'Budget "monthly" exists already, with another limit_usd.');
  });

  it('changes what is named, and sums a user anew', async () => {
    await storeCalls(database.url, [
      { tenant: 'acme', at: '2026-11-20T01:00:00Z', user: 'ann', cost: '3' },
      { tenant: 'acme', at: '2026-11-20T02:00:00Z', user: 'bob', cost: '4' },
    ]);
    await post({ scope: 'user', scope_value: 'ann', hard: true });
    const path = '/api/v1/budgets/monthly?tenant=acme';
    const { status, body } = await send('PATCH', path, {
      scope_value: 'bob',
      limit_usd: '20.5',
      period: 'day',
    });
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(body.budget.limit_usd, '20.500000000000');
    assert.equal(body.budget.hard, true);
    const [spent] = await sql<{ spent_usd: string }>(
      database.url,
      'SELECT spent_usd FROM spanmeter.budget_spend',
    );
    assert.equal(spent?.spent_usd, '4.000000000000');
    const bad = await send('PATCH', path, { limit_usd: '0', timezone: 'x' });
    assert.deepEqual(
      bad.body.error.details.map((detail: Json) => detail.parameter),
      ['limit_usd', 'timezone'],
    );
    const together = await send('PATCH', path, { scope: 'team', scope_value: null });
    assert.equal(together.status, 400);
    assert.match(together.body.error.message, /^scope_value must be given with scope "team"/);
    assert.equal((await send('PATCH', path, { id: 'x' })).status, 400);
  });

  it('answers 404 for a budget that is not there, also where another tenant has it', async () => {
    await post();
    for (const path of [
      '/api/v1/budgets/nope?tenant=acme',
      '/api/v1/budgets/monthly?tenant=other',
      '/api/v1/budgets/monthly',
    ]) {
      assert.equal((await send('PATCH', path, { limit_usd: '1' })).status, 404, path);
      assert.equal((await send('DELETE', path)).status, 404, path);
    }
  });

  it('removes a budget, the default too', async () => {
    await post();
    const { status, body } = await send('DELETE', '/api/v1/budgets/monthly?tenant=acme');
    assert.equal(status, 200);
    assert.equal(body.removed.id, 'monthly');
    assert.deepEqual(ids(await send('GET', '/api/v1/budgets')), ['default']);
    const before = await send('GET', '/api/v1/budgets');
    assert.equal((await send('DELETE', '/api/v1/budgets/default')).status, 200);
    assert.deepEqual(ids(await send('GET', '/api/v1/budgets')), []);
    const { created_at: _at, ...again } = before.body.budgets[0];
    assert.equal((await send('POST', '/api/v1/budgets', again)).status, 200);
  });

  it('lists page by page, the operator first', async () => {
    for (const id of ['c', 'a', 'b']) await post({ id });
    await post({ id: 'all', tenant: null, scope: 'all' });
    const listed: string[] = [];
    let cursor = '';
    do {
      const { body } = await send('GET', `/api/v1/budgets?limit=2${cursor}`);
      listed.push(...body.budgets.map((budget: Json) => `${budget.tenant}/${budget.id}`));
      cursor = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`;
    } while (cursor !== '');
    assert.deepEqual(listed, ['null/all', 'null/default', 'acme/a', 'acme/b', 'acme/c']);
    const foreign = await send('GET', '/api/v1/budgets?limit=2');
    const { status } = await send('GET', `/api/v1/budgets?tenant=acme&cursor=${foreign.body.next_cursor}`);
    assert.equal(status, 400);
  });

  it('shows a read key its own budgets and those of the operator that hold for it', async () => {
    await post();
    await post({ id: 'secret', tenant: 'other', scope: 'team', scope_value: 'x' });
    await post({ id: 'all', tenant: null, scope: 'all' });
    await post({ id: 'team', tenant: null, scope: 'team', scope_value: 'x' });
    await post({ id: 'each-month', tenant: null, scope: 'each', period: 'month' });
    await post({ id: 'each-off', tenant: null, scope: 'each', period: 'week', enabled: false });
    const list = async (key: string, query = ''): Promise<string[]> =>
      ids(await send('GET', `/api/v1/budgets${query}`, undefined, key));
    assert.deepEqual(
      await list('acme'),
      ['default', 'monthly'],
      'its own monthly one stands in for each-month',
    );
    assert.deepEqual(await list('other'), ['default', 'each-month', 'secret']);
    assert.deepEqual(await list('admin', '?tenant=acme'), ['default', 'monthly']);
    assert.equal((await list('admin')).length, 7);
  });

  it('refuses other tenants, ingest keys and whoever is no operator', async () => {
    await post();
    assert.equal((await send('GET', '/api/v1/budgets?tenant=acme', undefined, 'other')).status, 403);
    assert.equal((await send('GET', '/api/v1/budgets', undefined, 'ingest')).status, 403);
    assert.equal((await send('GET', '/api/v1/budgets', undefined, 'gateway')).status, 403);
    assert.equal((await send('GET', '/api/v1/budgets', undefined, 'nobody')).status, 401);
    for (const key of ['acme', 'ingest', 'gateway']) {
      assert.equal((await post({ id: 'x' }, key)).status, 403, key);
      assert.equal(
        (await send('PATCH', '/api/v1/budgets/monthly?tenant=acme', { limit_usd: '1' }, key)).status,
        403,
      );
      assert.equal((await send('DELETE', '/api/v1/budgets/monthly?tenant=acme', {}, key)).status, 403);
    }
    assert.equal((await post({ id: 'x' }, 'admin')).status, 200);
    const audited = await sql(
      database.url,
      `SELECT FROM spanmeter.audit_log WHERE actor = 'key:key_admin_null'`,
    );
    assert.equal(audited.length, 1);
  });

  it('takes a change as JSON only, and the id as it is written', async () => {
    const response = await fetch(`${open.base}/api/v1/budgets`, { method: 'POST', body: 'id=x' });
    assert.equal(response.status, 415);
    assert.equal((await send('DELETE', `/api/v1/budgets/${encodeURIComponent("x' OR '1'='1")}`)).status, 404);
    assert.equal((await send('GET', '/api/v1/budgets/monthly')).status, 405);
  });
});
