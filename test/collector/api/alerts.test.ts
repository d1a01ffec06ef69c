import assert from 'node:assert/strict';
import { ALERTS_LOCK } from '@spanmeter/collector/dist/alerts/raise-sql.js';
import type { Identity } from '@spanmeter/collector/dist/pipeline/identity.js';
import { sql } from '../../support/database.ts';
import { channel, KeptAlerts, occurrence, overspend } from '../alerts/kept-alerts.ts';
import { spanmeter, type CliRun } from '../cli/running-cli.ts';
import { authenticatorOf, runApi, type JsonAnswer, type RunningApi } from './running-api.ts';

function identity(role: Identity['role'], tenant: string | null): Identity {
  return { role, tenant, team: null, keyId: `${role}-1` };
}

describe('alerts for people', function () {
  let kept: KeptAlerts;
  let api: RunningApi;

  before(async function () {
    kept = await KeptAlerts.open();
    api = await runApi(kept.database.url, {
      authenticator: authenticatorOf({
        sm_admin: identity('admin', null),
        sm_acme: identity('read', 'acme'),
        sm_send: identity('ingest', 'acme'),
      }),
    });
  });
  after(async () => {
    await api?.close();
    await kept?.close();
  });
  beforeEach(async () => {
    await kept.clear();
    kept.now = new Date();
  });

  const store = () => kept.store([channel('ops', { sendResolved: true })]);
  const ids = async (): Promise<string[]> => (await kept.alerts()).map(({ id }) => id);

  async function post(path: string, body: unknown = {}, key = 'sm_admin'): Promise<JsonAnswer> {
    const response = await fetch(`${api.base}/api/v1/alerts/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': key },
      body: JSON.stringify(body),
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  }

  /** Two of acme, one of globex and one of the operator. */
  async function raiseSome(): Promise<void> {
    await store().raise([
      overspend({ spent: '11' }),
      occurrence({ kind: 'unpriced_model', subject: 'openai/new', severity: 'info' }),
      overspend({ spent: '11', tenant: 'globex', hard: true }),
      overspend({ spent: '11', tenant: '', scope: 'all', id: 'everything' }),
    ]);
  }

  it('lists them newest first, by state, severity and kind, page by page', async () => {
    await raiseSome();
    const names = async (query: string): Promise<string[]> =>
      (await api.get(`/api/v1/alerts${query}`, 'sm_admin')).body.alerts.map(
        (alert: { tenant: string; name: string }) => `${alert.tenant} ${alert.name}`,
      );
    const all = [
      ' budget/everything/100',
      'globex budget/default/100',
      'acme unpriced_model/openai/new',
      'acme budget/default/100',
    ];
    assert.deepEqual(await names(''), all);
    assert.deepEqual(await names('?severity=critical'), [all[1]]);
    assert.deepEqual(await names('?severity=critical,info'), [all[1], all[2]]);
    assert.deepEqual(await names('?kind=budget&tenant=acme'), [all[3]]);
    assert.deepEqual(await names('?state=resolved'), []);
    const first = await api.get('/api/v1/alerts?limit=3&state=firing', 'sm_admin');
    assert.equal(first.body.alerts.length, 3);
    assert.deepEqual(await names(`?limit=3&state=firing&cursor=${first.body.next_cursor}`), [all[3]]);
    assert.equal((await api.get(`/api/v1/alerts?cursor=${first.body.next_cursor}`, 'sm_admin')).status, 400);
    for (const query of ['?state=angry', '?severity=', '?limit=0', '?nonsense=1', '?kind=budget,']) {
      assert.equal((await api.get(`/api/v1/alerts${query}`, 'sm_admin')).status, 400, query);
    }
  });

  it('shows a read key its own tenant, and lets only operators change anything', async () => {
    await raiseSome();
    const own = await api.get('/api/v1/alerts', 'sm_acme');
    assert.deepEqual([own.status, own.body.alerts.length], [200, 2]);
    assert.equal(own.body.alerts[1].summary, 'Daily cost threshold exceeded: $11.00 > $10.00');
    assert.equal(own.body.alerts[1].detail.spent_usd, '11.000000000000');
    assert.equal((await api.get('/api/v1/alerts?tenant=globex', 'sm_acme')).status, 403);
    assert.equal((await api.get('/api/v1/alerts', 'sm_send')).status, 403);
    const [id = ''] = await ids();
    for (const action of ['acknowledge', 'resolve', 'ignore']) {
      assert.equal((await post(`${id}/${action}`, {}, 'sm_acme')).status, 403);
    }
  });

  it('acknowledges once: quiet on this occasion, told of on the next', async () => {
    await raiseSome();
    const [id = ''] = await ids();
    const first = await post(`${id}/acknowledge`, { note: ' is known ' });
    assert.deepEqual(
      [first.status, first.body.alert.state, first.body.alert.note, first.body.alert.state_changed_by],
      [200, 'acknowledged', 'is known', 'key:admin-1'],
    );
    const second = await post(`${id}/acknowledge`);
    assert.deepEqual([second.status, second.body.alert], [200, first.body.alert]);
    assert.equal((await kept.outbox())[0], 'ops firing dropped');
    await store().raise([overspend({ spent: '12' })]);
    assert.equal((await kept.alerts())[0]?.state, 'acknowledged');
    await store().raise([overspend({ spent: '12', start: '2026-11-22T00:00:00Z' })]);
    assert.equal((await kept.alerts()).at(-1)?.state, 'firing');
    const log = await sql<{ line: string }>(
      kept.database.url,
      `SELECT actor || ' ' || action || ' ' || coalesce(tenant_id, '') || ' ' || target AS line FROM spanmeter.audit_log`,
    );
    assert.deepEqual(log, [{ line: `key:admin-1 alert.acknowledge acme ${id}` }]);
  });

  it('resolves for good on this occasion, tells of it, and has nothing left to acknowledge', async () => {
    await raiseSome();
    const [id = ''] = await ids();
    await kept.send();
    const done = await post(`${id}/resolve?tenant=acme`);
    assert.deepEqual([done.status, done.body.alert.state], [200, 'resolved']);
    assert.equal((await post(`${id}/resolve`)).body.alert.resolved_at, done.body.alert.resolved_at);
    assert.equal((await post(`${id}/acknowledge`)).status, 400);
    await store().raise([overspend({ spent: '12' })]);
    assert.equal((await kept.alerts())[0]?.state, 'resolved');
    kept.now = new Date();
    await store().sweep();
    await store().sweep();
    const over = (await kept.notifications()).filter((row) => row.kind === 'resolved' && row.alert_id === id);
    assert.equal(over.length, 1);
  });

  it('ignores a name until an instant or for good, on later occasions too', async () => {
    await raiseSome();
    const [id = ''] = await ids();
    const later = new Date(Date.now() + 3_600_000).toISOString();
    const some = await post(`${id}/ignore`, { until: later });
    assert.deepEqual(
      [some.body.alert.state, Date.parse(some.body.alert.ignored_until)],
      ['ignored', Date.parse(later)],
    );
    // PostgreSQL takes no offset beyond 16 hours.
    const far = await post(`${id}/ignore`, { until: '2099-01-01T00:00:00+18:00' });
    assert.deepEqual([far.status, far.body.alert?.ignored_until], [200, '2098-12-31T06:00:00.000000Z']);
    const good = await post(`${id}/ignore`, { note: 'known' });
    assert.deepEqual([good.body.alert.state, good.body.alert.ignored_until], ['ignored', null]);
    assert.deepEqual((await post(`${id}/ignore`)).body.alert, good.body.alert);
    const before = (await kept.notifications()).length;
    await store().raise([
      overspend({ spent: '12', start: '2026-11-22T00:00:00Z' }),
      overspend({ spent: '8.5', start: '2026-11-23T00:00:00Z', steps: [0.8, 1] }),
    ]);
    const rows = await kept.alerts();
    assert.deepEqual(
      rows.slice(-2).map(({ name, state }) => `${name} ${state}`),
      ['budget/default/100 ignored', 'budget/default/80 firing'],
    );
    assert.equal((await kept.notifications()).length, before + 1);
    // Whoever acknowledges one of them wants to hear of the next.
    assert.equal((await post(`${rows.at(-2)?.id}/acknowledge`)).body.alert.state, 'acknowledged');
    await store().raise([overspend({ spent: '12', start: '2026-11-24T00:00:00Z' })]);
    assert.equal((await kept.alerts()).at(-1)?.state, 'firing');
  });

  it('tells again of what was ignored until now', async () => {
    const soon = new Date(Date.now() + 60_000);
    await store().raise([overspend({ spent: '11', start: soon.toISOString() })]);
    const [id = ''] = await ids();
    await post(`${id}/ignore`, { until: soon.toISOString() });
    kept.now = new Date(soon.getTime() - 1_000);
    await store().sweep();
    assert.deepEqual(await kept.outbox(), ['ops firing dropped']);
    kept.now = new Date(soon.getTime() + 1_000);
    await store().sweep();
    assert.deepEqual(await kept.outbox(), ['ops firing dropped', 'ops firing pending']);
    assert.equal((await kept.alerts())[0]?.state, 'firing');
    assert.deepEqual(await sql(kept.database.url, 'SELECT * FROM spanmeter.alert_ignores'), []);
  });

  it('answers what cannot be with 404 or 400', async () => {
    await raiseSome();
    const [id = ''] = await ids();
    for (const path of [
      '999999/resolve',
      'x/resolve',
      `${id}/resolve?tenant=globex`,
      '%27/ignore',
      `${'9'.repeat(30)}/ignore`,
      '1%2F2/ignore',
      '__proto__/ignore',
    ]) {
      assert.equal((await post(path)).status, 404, path);
    }
    for (const [path, body] of [
      [`${id}/ignore`, { until: '2020-01-01T00:00:00Z' }],
      [`${id}/ignore`, { until: 'tomorrow' }],
      [`${id}/ignore`, { until: '2099-01-01' }],
      [`${id}/ignore`, { until: '0000-01-01T00:00:00Z' }],
      [`${id}/ignore`, { until: '9999-12-31T23:59:59-12:00' }],
      ['%E0%A4%A/ignore', {}],
      ['%00/ignore', {}],
      [`${id}/resolve`, { until: '2099-01-01T00:00:00Z' }],
      [`${id}/resolve`, { note: 'x'.repeat(1_001) }],
      [`${id}/resolve`, { note: 'a\0' }],
      [`${id}/resolve`, { note: '' }],
      [`${id}/resolve?state=x`, {}],
      [`${id}/resolve`, []],
    ] as const) {
      assert.equal((await post(path, body)).status, 400, `${path} ${JSON.stringify(body)}`);
    }
    assert.equal((await kept.alerts())[0]?.state, 'firing');
  });

  it('leaves connections for who reads, while changes wait for a lock', async () => {
    await raiseSome();
    const [id = ''] = await ids();
    const holder = await kept.pool.connect();
    await holder.query('BEGIN');
    await holder.query(`SELECT pg_advisory_xact_lock(${ALERTS_LOCK})`);
    const changes = Array.from({ length: 40 }, () => post(`${id}/acknowledge`));
    try {
      const refused = await Promise.race(changes);
      assert.equal(refused.status, 503);
      assert.equal((await api.get('/api/v1/alerts', 'sm_admin')).status, 200);
    } finally {
      await holder.query('ROLLBACK');
      holder.release();
    }
    const statuses = (await Promise.all(changes)).map(({ status }) => status);
    assert.equal(statuses.filter((status) => status === 200).length, 34);
  });

  it('is the same on the command line', async () => {
    const run = (...args: string[]): Promise<CliRun> =>
      spanmeter(['alert', ...args], { DATABASE_URL: kept.database.url, USER: 'ops' });
    assert.equal((await run('list')).out, 'No alerts.\n');
    await raiseSome();
    const [id = '', other = ''] = await ids();
    const shown = await run('list', '--kind', 'budget', '--tenant', 'acme');
    assert.match(shown.out, /^Id +Since +Tenant +Severity +State/);
    assert.equal(shown.out.trim().split('\n').length, 3);
    assert.match(shown.out, /Daily cost threshold exceeded: \$11\.00 > \$10\.00$/m);
    const listed = JSON.parse((await run('list', '--format', 'json', '--state', 'firing', 'resolved')).out);
    assert.equal(listed.length, 4);
    assert.match((await run('list', '--limit', '1')).err, /There are more/);
    assert.equal(
      (await run('ack', id, '--note', 'mine')).out,
      `Alert ${id} (budget/default/100) is acknowledged.\n`,
    );
    assert.match((await run('resolve', id)).out, /is resolved/);
    assert.match((await run('ignore', id)).out, /ignored for good, on later occasions too. It is resolved/);
    assert.match((await run('ignore', other, '--until', '2099-01-01')).out, /until 2099-01-01T00:00:00/);
    for (const [args, code] of [
      [['ack', id], 2],
      [['ack', '999999'], 1],
      [['resolve', id, '--tenant', 'globex'], 1],
      [['ignore', other, '--until', 'soon'], 2],
      [['ignore', other, '--until', '2020-01-01'], 2],
      [['ignore', other, '--until', '2099-02-31'], 2],
      [['ignore', other, '--until', '9999-12-31T23:59:59-12:00'], 2],
      [['ack', id, '--note', ' '], 2],
      [['ack', id, '--until', '2099-01-01'], 2],
      [['list', '--limit', 'many'], 2],
      [['list', '--state', 'angry'], 2],
    ] as const) {
      assert.equal((await run(...args)).code, code, args.join(' '));
    }
    assert.match((await run('ack', 'x\u001b[31m')).err, /no alert "x\?\[31m"/);
    const actors = await sql<{ actor: string }>(
      kept.database.url,
      'SELECT DISTINCT actor FROM spanmeter.audit_log',
    );
    assert.deepEqual(actors, [{ actor: 'cli:ops' }]);
  });
});
