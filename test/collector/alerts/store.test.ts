import assert from 'node:assert/strict';
import { deleteOldAlerts } from '@spanmeter/collector/dist/alerts/delete-old.js';
import type { AlertStore } from '@spanmeter/collector/dist/alerts/store.js';
import { channel, KeptAlerts, occurrence, overspend } from './kept-alerts.ts';

const TODAY = { start: '2026-11-21T00:00:00Z' };
const TOMORROW = { start: '2026-11-22T00:00:00Z' };
const STEPS = [0.5, 0.8, 1];

describe('kept alerts', function () {
  let kept: KeptAlerts;
  let store: AlertStore;

  before(async function () {
    kept = await KeptAlerts.open();
  });
  after(() => kept?.close());
  beforeEach(async () => {
    await kept.clear();
    kept.at('2026-11-21T12:00:00Z');
    store = kept.store([channel('ops')]);
  });

  const states = async (): Promise<string[]> =>
    (await kept.alerts()).map(({ name, state }) => `${name} ${state}`);

  it('keep an overspend once and tell of it once, however often it is seen', async () => {
    const first = await store.raise([overspend({ spent: '11' })]);
    assert.deepEqual(
      first.raised.map(({ name, summary }) => [name, summary]),
      [['budget/default/100', 'Daily cost threshold exceeded: $11.00 > $10.00']],
    );
    kept.at('2026-11-21T12:30:00Z');
    const second = await kept.store([channel('ops')]).raise([overspend({ spent: '12' })]);
    assert.deepEqual([second.raised, second.enqueued], [[], 0]);
    kept.at('2026-11-21T18:00:00Z');
    assert.equal((await store.raise([overspend({ spent: '13' })])).enqueued, 0);
    assert.deepEqual(
      (await kept.alerts()).map(({ summary }) => summary),
      ['Daily cost threshold exceeded: $13.00 > $10.00'],
    );
    assert.deepEqual(await kept.outbox(), ['ops firing pending']);
  });

  it('tell of one tenant only, on every channel that wants it', async () => {
    const routed = kept.store([
      channel('all'),
      channel('acme', { tenants: ['acm*'] }),
      channel('globex', { tenants: ['globex'] }),
      channel('prices', { kinds: ['unpriced_model'] }),
      channel('pager', { minSeverity: 'critical' }),
    ]);
    await routed.raise([overspend({ spent: '11' })]);
    assert.deepEqual(await kept.outbox(), ['all firing pending', 'acme firing pending']);
    await routed.raise([overspend({ spent: '11', tenant: 'globex', hard: true })]);
    assert.deepEqual((await kept.outbox()).slice(2), [
      'all firing pending',
      'globex firing pending',
      'pager firing pending',
    ]);
  });

  it('defer what comes within an hour of the one before, and send it then', async () => {
    kept.at('2026-11-21T23:50:00Z');
    await store.raise([overspend({ spent: '11', ...TODAY })]);
    await kept.send();
    kept.at('2026-11-22T00:00:00Z');
    await store.sweep();
    await store.raise([overspend({ spent: '11', ...TOMORROW })]);
    assert.deepEqual(await kept.outbox(), ['ops firing sent', 'ops firing pending at 00:50']);
    assert.equal(await kept.send(), 0);
    kept.at('2026-11-22T00:50:00Z');
    assert.equal(await kept.send(), 1);
    assert.deepEqual(await states(), ['budget/default/100 resolved', 'budget/default/100 firing']);
  });

  it('drop what was deferred and is resolved by then', async () => {
    kept.at('2026-11-21T23:50:00Z');
    await store.raise([overspend({ spent: '11', ...TODAY })]);
    kept.at('2026-11-22T00:00:00Z');
    const late = overspend({ spent: '11', ...TOMORROW, end: '2026-11-22T00:30:00Z' });
    await store.raise([late]);
    kept.at('2026-11-22T00:31:00Z');
    assert.equal(await store.sweep(), 2);
    // What was due all the time and only waits for its channel is told all the same.
    assert.deepEqual(await kept.outbox(), ['ops firing pending', 'ops firing dropped at 00:50']);
  });

  it('let one of a name wait at most, the latest', async () => {
    for (const [minute, occasion] of [
      ['00', 'first'],
      ['10', 'second'],
      ['20', 'third'],
    ] as const) {
      kept.at(`2026-11-21T12:${minute}:00Z`);
      await store.raise([occurrence({ kind: 'spend_anomaly', occasion })]);
    }
    assert.deepEqual(await kept.outbox(), [
      'ops firing pending',
      'ops firing dropped at 13:00',
      'ops firing pending at 13:00',
    ]);
    await kept.clear();
    await store.raise([
      occurrence({ kind: 'spend_anomaly', occasion: 'a' }),
      occurrence({ kind: 'spend_anomaly', occasion: 'b' }),
    ]);
    assert.deepEqual(await kept.outbox(), ['ops firing pending']);
  });

  it('count what has failed and not what was dropped against the hour', async () => {
    await store.raise([occurrence({ kind: 'spend_anomaly', occasion: 'a' })]);
    await kept.pool.query(`UPDATE spanmeter.notifications SET outcome = 'failed', attempts = 9`);
    await store.raise([occurrence({ kind: 'spend_anomaly', occasion: 'b' })]);
    assert.deepEqual(await kept.outbox(), ['ops firing failed', 'ops firing pending at 13:00']);
    await kept.pool.query(`UPDATE spanmeter.notifications SET outcome = 'dropped'`);
    await store.raise([occurrence({ kind: 'spend_anomaly', occasion: 'c' })]);
    assert.equal((await kept.outbox()).at(-1), 'ops firing pending');
  });

  it('tell of a higher step at once, and of no lower one after it', async () => {
    await store.raise([overspend({ spent: '5.5', steps: STEPS })]);
    await kept.send();
    await store.raise([overspend({ spent: '8.5', steps: STEPS })]);
    await store.raise([overspend({ spent: '10.5', steps: STEPS })]);
    // What nobody has begun to send gives way to what says more.
    assert.deepEqual(await kept.outbox(), ['ops firing sent', 'ops firing dropped', 'ops firing pending']);
    // Another collector that lags behind.
    const lagging = await store.raise([overspend({ spent: '8.9', steps: STEPS })]);
    assert.deepEqual([lagging.raised, lagging.enqueued], [[], 0]);
    assert.deepEqual(
      (await kept.alerts()).map(({ name, resolution }) => [name, resolution]),
      [
        ['budget/default/50', 'superseded'],
        ['budget/default/80', 'superseded'],
        ['budget/default/100', null],
      ],
    );
  });

  it('clear what no collector sees any more, and tell of it when it comes back an hour later', async () => {
    await store.raise([overspend({ spent: '8.5', steps: STEPS })]);
    await store.raise([overspend({ spent: '10.5', steps: STEPS })]);
    await kept.send();
    kept.at('2026-11-21T12:04:00Z');
    assert.equal(await store.clearUnseenBudgets(), 0);
    kept.at('2026-11-21T12:06:00Z');
    assert.equal(await store.clearUnseenBudgets(), 1);
    await store.raise([overspend({ spent: '8.5', steps: STEPS })]);
    assert.deepEqual(await states(), ['budget/default/80 firing', 'budget/default/100 resolved']);
    await store.raise([overspend({ spent: '10.5', steps: STEPS })]);
    assert.deepEqual(await states(), ['budget/default/80 resolved', 'budget/default/100 firing']);
    assert.equal((await kept.outbox()).at(-1), 'ops firing pending at 13:00');
  });

  it('make one alert and one notification for each channel of what many collectors raise at once', async () => {
    const tenants = Array.from({ length: 20 }, (_, at) => `tenant ${at}`);
    const all = tenants.map((tenant) => overspend({ tenant, spent: '11' }));
    const collectors = Array.from({ length: 4 }, () =>
      kept.store([channel('a'), channel('b')], { clock: 'database' }),
    );
    const results = await Promise.all(
      collectors.flatMap((one) => [one.raise(all), one.raise(all.toReversed())]),
    );
    assert.equal(results.flatMap(({ raised }) => raised).length, 20);
    assert.equal((await kept.alerts()).length, 20);
    const told = (await kept.notifications()).map((row) => `${row.tenant_id} ${row.channel}`);
    assert.deepEqual([told.length, new Set(told).size], [40, 40]);
  });

  it('keep tenants and models of any name apart and tell of them in one line', async () => {
    const names = [
      `o'neill "x" \\ %_`,
      'Ünïcode 🙂 株式会社',
      'a'.repeat(300),
      '*',
      "'; DROP TABLE alerts; --",
    ];
    await store.raise([
      ...names.map((tenant) => overspend({ tenant, spent: '11' })),
      occurrence({
        kind: 'unpriced_model',
        subject: 'a\0b\ud800',
        summary: 'two\r\nlines\u2028and \u202emore',
        detail: { model: 'a\0b\udfff' },
      }),
    ]);
    const rows = await kept.alerts();
    assert.deepEqual(
      rows.slice(0, names.length).map((row) => row.tenant_id),
      names,
    );
    assert.equal(rows.at(-1)?.summary, 'two lines and  more');
    assert.equal(rows.at(-1)?.name, 'unpriced_model/ab\ufffd');
    assert.equal((await kept.outbox()).length, names.length + 1);
  });

  it('take ten thousand tenants at once', async () => {
    const both = kept.store([channel('a'), channel('b')]);
    const all = Array.from({ length: 10_000 }, (_, at) => overspend({ tenant: `tenant-${at}`, spent: '11' }));
    const { raised, enqueued } = await both.raise(all);
    assert.deepEqual([raised.length, enqueued], [10_000, 20_000]);
    assert.equal((await both.raise(all)).raised.length, 0);
    kept.at('2026-11-22T00:00:01Z');
    assert.equal(await both.sweep(), 5_000);
    assert.equal(await both.sweep(), 5_000);
  });

  it('are bounded in all, and so that other kinds leave room for budgets', async () => {
    const small = kept.store([], { maxAlerts: 8 });
    const models = (tenantId: string, count: number) =>
      Array.from({ length: count }, (_, at) =>
        occurrence({ kind: 'unpriced_model', tenantId, subject: `m${at}` }),
      );
    assert.equal((await small.raise(models('acme', 6))).refused, 2);
    const budgets = Array.from({ length: 6 }, (_, at) => overspend({ tenant: `t${at}`, spent: '11' }));
    const { raised, refused } = await small.raise(budgets);
    assert.deepEqual([raised.length, refused], [4, 2]);
    await kept.clear();
    assert.equal((await store.raise(models('acme', 120))).refused, 20);
    assert.equal((await store.raise(models('globex', 1))).refused, 0);
  });

  it('stand a clock that goes back: nothing is told twice, and nothing is silenced for longer than an hour', async () => {
    await store.raise([overspend({ spent: '11', ...TODAY })]);
    await kept.send();
    kept.at('2026-11-22T00:10:00Z');
    await store.sweep();
    kept.at('2026-11-21T23:59:00Z');
    assert.equal((await store.raise([overspend({ spent: '11', ...TODAY })])).enqueued, 0);
    kept.at('2020-01-01T00:00:00Z');
    await store.raise([overspend({ spent: '11', start: '2020-01-01T00:00:00Z' })]);
    assert.equal((await kept.outbox()).at(-1), 'ops firing pending at 01:00');
  });

  it('tell that it is over only those who ask for it and were told', async () => {
    const asking = kept.store([channel('asks', { sendResolved: true }), channel('quiet')]);
    await asking.raise([overspend({ spent: '8.5', steps: STEPS })]);
    await kept.send();
    await asking.raise([
      overspend({ spent: '11', steps: STEPS }),
      overspend({ spent: '11', tenant: 'globex' }),
    ]);
    await kept.send();
    await kept.pool.query(`UPDATE spanmeter.notifications SET outcome = 'failed' WHERE tenant_id = 'globex'`);
    kept.at('2026-11-22T00:00:00Z');
    await asking.sweep();
    await asking.sweep();
    const over = (await kept.notifications()).filter(({ kind }) => kind === 'resolved');
    // The lower step was told of too: whoever keeps a list of what is open closes both.
    assert.deepEqual(over.map((row) => `${row.tenant_id} ${row.channel} ${row.name}`).toSorted(), [
      'acme asks budget/default/100',
      'acme asks budget/default/80',
    ]);
  });

  it('are not told of as over where they are ignored, until that ends', async () => {
    const asking = kept.store([channel('asks', { sendResolved: true })]);
    await asking.raise([overspend({ spent: '11' }), overspend({ spent: '11', tenant: 'globex' })]);
    await kept.send();
    const text = `INSERT INTO spanmeter.alert_ignores (tenant_id, name, created_by, ignored_until)
      VALUES ('acme', 'budget/default/100', 'ops', NULL), ('globex', 'budget/default/100', 'ops', $1)`;
    await kept.pool.query(text, ['2026-11-21T23:00:00Z']);
    await kept.pool.query(`UPDATE spanmeter.alerts SET state = 'ignored'`);
    kept.at('2026-11-22T00:00:00Z');
    await asking.sweep();
    const over = (await kept.notifications()).filter(({ kind }) => kind === 'resolved');
    assert.deepEqual(
      over.map((row) => row.tenant_id),
      ['globex'],
    );
  });

  it('are told of as over, however many before them were resolved that nobody asks for', async () => {
    const asking = kept.store([channel('asks', { sendResolved: true, tenants: ['last'] }), channel('quiet')]);
    await kept.pool.query(
      `WITH a AS (
         INSERT INTO spanmeter.alerts (tenant_id, kind, subject, name, fingerprint, severity, state, resolution,
           resolved_at)
         SELECT 'many', 'budget', 's', 'budget/s', n::text, 'warning', 'resolved', 'person', $1::timestamptz
         FROM generate_series(1, 5001) n RETURNING tenant_id, id)
       INSERT INTO spanmeter.notifications (tenant_id, alert_id, channel, kind, name, outcome)
       SELECT tenant_id, id, 'quiet', 'firing', 'budget/s', 'sent' FROM a`,
      [kept.now],
    );
    await asking.raise([overspend({ spent: '11', tenant: 'last' })]);
    await kept.send();
    await kept.pool.query(
      `UPDATE spanmeter.alerts SET state = 'resolved', resolution = 'person', resolved_at = $1 WHERE tenant_id = 'last'`,
      [kept.now],
    );
    await asking.sweep();
    const over = (await kept.notifications()).filter(({ kind }) => kind === 'resolved');
    assert.deepEqual(
      over.map((row) => `${row.tenant_id} ${row.channel}`),
      ['last asks'],
    );
  });

  it('go away 90 days after they are resolved, with what was told of them', async () => {
    await store.raise([overspend({ spent: '11' }), overspend({ spent: '11', tenant: 'globex' })]);
    kept.at('2026-11-22T00:00:00Z');
    await store.sweep();
    await store.raise([overspend({ spent: '11', ...TOMORROW })]);
    assert.equal(await deleteOldAlerts(kept.pool, new Date('2027-02-19T00:00:00Z')), 0);
    assert.equal(await deleteOldAlerts(kept.pool, new Date('2027-02-21T00:00:00Z')), 2);
    assert.deepEqual([(await kept.alerts()).length, (await kept.notifications()).length], [1, 1]);
  });

  it('stay for as long as their occasion: what somebody resolved is not raised again in a long period', async () => {
    await store.raise([overspend({ spent: '11' })]);
    const text = `UPDATE spanmeter.alerts SET state = 'resolved', resolution = 'person', resolved_at = $1, ends_at = $2`;
    await kept.pool.query(text, ['2026-11-21T12:00:00Z', '2027-06-01T00:00:00Z']);
    assert.equal(await deleteOldAlerts(kept.pool, new Date('2027-05-31T00:00:00Z')), 0);
    assert.equal(await deleteOldAlerts(kept.pool, new Date('2027-08-31T00:00:00Z')), 1);
  });
});
