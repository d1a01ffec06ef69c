import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { createPrometheusExporter, prometheus } from '@spanmeter/collector/dist/exporters/prometheus.js';
import { SILENT_LOG, SILENT_METRICS } from '@spanmeter/collector/dist/pipeline/silent.js';
import { createLogger } from '@spanmeter/collector/dist/telemetry/log.js';
import { parseExposition, sumOf, valueOf } from '../../support/exposition-parser.ts';
import { sql, freshDatabase, type FreshDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import { startReceiver, type WebhookReceiver } from '../../support/webhook-receiver.ts';
import { notify, rows, settled, startDeliverer, type RunningDeliverer } from './outbox-lab.ts';

interface Body {
  readonly id: string;
  readonly kind: string;
  readonly tenant: string;
  readonly text: string;
  readonly dashboard_url: string;
  readonly alert: Record<string, unknown>;
}

describe('the delivery of notifications', function () {
  let database: FreshDatabase;
  let receiver: WebhookReceiver;
  const running: RunningDeliverer[] = [];

  const start = (...args: Parameters<typeof startDeliverer>): RunningDeliverer => {
    const started = startDeliverer(...args);
    running.push(started);
    return started;
  };
  const webhook = (more: object = {}): object => ({ type: 'webhook', url: receiver.url, ...more });
  const bodies = (): Body[] => receiver.received.map(({ body }) => JSON.parse(body) as Body);

  before(async () => {
    database = await freshDatabase();
  });
  after(() => database.drop());
  beforeEach(async () => {
    receiver = await startReceiver();
    await sql(database.url, 'TRUNCATE spanmeter.notifications, spanmeter.alerts');
  });
  afterEach(async () => {
    for (const one of running.splice(0)) await one.stop();
    await receiver.close();
  });

  it('posts an alert with its text, tenant, figures and dashboard, and says that it was sent', async () => {
    const { deliverer } = start(database, { ops: webhook() });
    await notify(database, { tenant: 'Ünïcode "quoted" <tenant>' });
    const [row] = await settled(database);
    assert.deepEqual(row, { ...row!, outcome: 'sent', attempts: 1, last_error: null, is_claimed: false });
    const [body] = bodies();
    assert.equal(body?.text, 'Daily cost threshold exceeded: $12.50 > $10.00');
    assert.equal(body.tenant, 'Ünïcode "quoted" <tenant>');
    assert.deepEqual(body.alert['detail'], { spent_usd: '12.500000000000' });
    assert.equal(body.alert['severity'], 'critical');
    assert.match(
      body.dashboard_url,
      /^https:\/\/grafana\.example\.com\/d\/spanmeter-budgets\?var-tenant=%C3%9Cn%C3%AFcode/,
    );
    assert.deepEqual(
      deliverer.counts().map(({ outcome, value }) => [outcome, value]),
      [
        ['sent', 1],
        ['failed', 0],
        ['dropped', 0],
      ],
    );
  });

  it('hears of a new row at once, without looking for it', async () => {
    start(database, { ops: webhook() }, { pollMs: 60_000 });
    await notify(database);
    await settled(database);
    receiver.received.length = 0;
    await notify(database);
    await settled(database);
    assert.equal(receiver.received.length, 1);
  });

  it('repeats what a server error, a close or a hang left open, with the same id each time', async () => {
    receiver.react(
      500,
      (_response, socket) => void socket.destroy(),
      () => undefined,
      200,
    );
    start(database, { ops: webhook({ timeout: '150ms' }) });
    await notify(database);
    const [row] = await settled(database);
    assert.equal(row?.outcome, 'sent');
    assert.equal(row.attempts, 4);
    assert.equal(new Set(bodies().map(({ id }) => id)).size, 1);
    assert.equal(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size, 1);
  });

  it('waits for as long as Retry-After asks for', async () => {
    receiver.react((response) => void response.writeHead(429, { 'retry-after': '1' }).end(), 200);
    start(database, { ops: webhook() });
    await notify(database);
    await settled(database);
    const [first, second] = receiver.received;
    assert.ok(second!.atMs - first!.atMs >= 990, `${second!.atMs - first!.atMs} ms`);
  });

  for (const status of [400, 404, 410]) {
    it(`gives up at once what is answered with ${status}`, async () => {
      receiver.react((response) => void response.writeHead(status).end('no_service'));
      start(database, { ops: webhook() });
      await notify(database);
      const [row] = await settled(database);
      assert.equal(row?.outcome, 'failed');
      assert.equal(row.attempts, 1);
      assert.equal(row.last_error, `HTTP ${status}: no_service`);
    });
  }

  it('does not follow a redirect', async () => {
    const target = await startReceiver();
    try {
      receiver.react((response) => void response.writeHead(302, { location: target.url }).end());
      start(database, { ops: webhook() });
      await notify(database);
      const [row] = await settled(database);
      assert.equal(row?.outcome, 'failed');
      assert.match(row.last_error ?? '', /redirect/);
      assert.equal(target.received.length, 0);
    } finally {
      await target.close();
    }
  });

  it('gives up after the time for that and five attempts at least', async () => {
    receiver.react(503);
    const { deliverer } = start(database, { ops: webhook() }, { giveUpMs: 1, breakerOpenMs: 10 });
    await notify(database);
    const [row] = await settled(database);
    assert.equal(row?.outcome, 'failed');
    assert.equal(row.attempts, 5);
    assert.equal(deliverer.counts().find(({ outcome }) => outcome === 'failed')?.value, 1);
  });

  it('loses nothing while a channel fails: after five failures in a row rows wait, then go out', async () => {
    receiver.react(500, 500, 500, 500, 500, 200);
    start(database, { ops: webhook() }, { breakerOpenMs: 400 });
    for (let at = 0; at < 3; at += 1) await notify(database, { summary: `number ${at}` });
    const all = await settled(database);
    const fifthAt = receiver.received[4]!.atMs;
    assert.deepEqual(
      all.map(({ outcome }) => outcome),
      ['sent', 'sent', 'sent'],
    );
    assert.ok(receiver.received[5]!.atMs - fifthAt >= 390, 'the sixth attempt came while it was paused');
    assert.deepEqual([...new Set(bodies().map(({ text }) => text))].toSorted(), [
      'number 0',
      'number 1',
      'number 2',
    ]);
  });

  it('keeps the order of a channel, though the first of them has to be repeated', async () => {
    receiver.react(500, 500, 200);
    start(database, { ops: webhook() }, { firstMs: 30 });
    for (let at = 0; at < 5; at += 1) await notify(database, { summary: `number ${at}` });
    await settled(database);
    const texts = bodies().map(({ text }) => text);
    assert.deepEqual(
      texts,
      [0, 0, 0, 1, 2, 3, 4].map((at) => `number ${at}`),
    );
  });

  it('sends a webhook of several tenants at once, and one tenant’s in order', async () => {
    const held: ServerResponse[] = [];
    receiver.react((response) => void held.push(response));
    const tenants = Array.from({ length: 24 }, (_, at) => `tenant-${at}`);
    for (const summary of ['first', 'second'])
      for (const tenant of tenants) await notify(database, { tenant, summary });
    start(database, { ops: webhook({ timeout: '20s' }) });
    await until(
      () => Promise.resolve(held.length),
      (count) => count >= 4,
    );
    assert.ok(held.length <= 8, String(held.length));
    receiver.react(200);
    for (const response of held) response.writeHead(200).end();
    await settled(database);
    for (const tenant of tenants) {
      const texts = bodies().filter((body) => body.tenant === tenant);
      assert.deepEqual(
        texts.map(({ text }) => text),
        ['first', 'second'],
        tenant,
      );
    }
  });

  it('does not let many channels that hang hold up another', async () => {
    const stuck = await startReceiver();
    try {
      stuck.react(() => undefined);
      const slow = { type: 'slack', url: stuck.url, timeout: '20s' };
      const names = Array.from({ length: 10 }, (_, at) => `stuck${at}`);
      start(database, { ...Object.fromEntries(names.map((id) => [id, slow])), ops: webhook() });
      for (const channel of names) await notify(database, { channel });
      await until(
        () => Promise.resolve(stuck.received.length),
        (count) => count === names.length,
      );
      await notify(database);
      await until(
        () => rows(database),
        (all) => all.at(-1)?.outcome === 'sent',
      );
      await running.pop()?.stop(50);
    } finally {
      await stuck.close();
    }
  });

  it('does not let a channel that hangs hold up another', async () => {
    const stuck = await startReceiver();
    try {
      stuck.react(() => undefined);
      const slow = { type: 'slack', url: stuck.url, timeout: '20s' };
      start(database, { stuck: slow, ops: webhook() });
      await notify(database, { channel: 'stuck' });
      await until(
        () => Promise.resolve(stuck.received.length),
        (count) => count === 1,
      );
      await notify(database);
      await until(
        () => rows(database),
        (all) => all[1]?.outcome === 'sent',
      );
      const [first] = await rows(database);
      assert.equal(first?.outcome, 'pending');
      await running.pop()?.stop(50);
      const [after] = await rows(database);
      assert.deepEqual(after, { ...after!, outcome: 'pending', attempts: 0, is_claimed: false });
    } finally {
      await stuck.close();
    }
  });

  it('sends each row once, though two collectors send', async () => {
    const one = start(database, { ops: webhook() });
    const other = start(database, { ops: webhook() });
    for (let at = 0; at < 20; at += 1) await notify(database, { summary: `number ${at}` });
    await settled(database);
    assert.deepEqual(
      bodies().map(({ text }) => text),
      Array.from({ length: 20 }, (_, at) => `number ${at}`),
    );
    const sent = [one, other]
      .flatMap(({ deliverer }) => deliverer.counts())
      .filter(({ outcome }) => outcome === 'sent');
    assert.equal(sent[0]!.value + sent[1]!.value, 20);
  });

  it('takes over what a collector that died had claimed, once its claim is over, and not before', async () => {
    await notify(database, { summary: 'claimed' });
    await sql(
      database.url,
      `UPDATE spanmeter.notifications SET attempts = 1, claimed_until = now() + interval '500 milliseconds'`,
    );
    const since = Date.now();
    start(database, { ops: webhook() });
    const [row] = await settled(database);
    assert.equal(row?.attempts, 2);
    assert.ok(receiver.received[0]!.atMs - since >= 400);
  });

  it('drops what was held back when its alert is over, acknowledged or ignored, and sends the rest', async () => {
    for (const state of ['resolved', 'acknowledged', 'ignored', 'firing']) {
      await notify(database, { state, deferred: true, summary: state });
    }
    await notify(database, { state: 'resolved', summary: 'over before it was sent, and not held back' });
    const { deliverer } = start(database, { ops: webhook() });
    const all = await settled(database);
    assert.deepEqual(
      all.map(({ outcome }) => outcome),
      ['dropped', 'dropped', 'dropped', 'sent', 'sent'],
    );
    assert.equal(deliverer.counts().find(({ outcome }) => outcome === 'dropped')?.value, 3);
  });

  it('tells of the end only where it told of the alert', async () => {
    const { alertId } = await notify(database);
    start(database, { ops: webhook() });
    await settled(database);
    await notify(database, { alertId, kind: 'resolved' });
    await notify(database, { kind: 'resolved', state: 'resolved' });
    const all = await settled(database);
    assert.deepEqual(
      all.map(({ outcome }) => outcome),
      ['sent', 'sent', 'dropped'],
    );
    assert.equal(bodies()[1]?.text, 'Resolved: Daily cost threshold exceeded: $12.50 > $10.00');
  });

  it('sends alerts before the summaries that came first', async () => {
    const body = JSON.stringify({
      tenant: 'acme',
      date: '2026-11-20',
      spend_usd: '1',
      calls: 1,
      unpriced_calls: 0,
    });
    await sql(
      database.url,
      `INSERT INTO spanmeter.notifications (tenant_id, channel, kind, name, body, not_before)
       SELECT 'acme', 'ops', 'summary', 'summary/' || n, $1::jsonb || '{"day_before": {"spend_usd": "0", "change_percent": null},
         "week_before": {"spend_usd": "0", "change_percent": null}, "top_models": [], "top_teams": [], "top_tenants": [], "budgets": []}', now()
       FROM generate_series(1, 3) n`,
      [body],
    );
    await notify(database, { summary: 'urgent' });
    start(database, { ops: webhook() });
    await settled(database);
    assert.deepEqual(
      bodies().map(({ kind }) => kind),
      ['firing', 'summary', 'summary', 'summary'],
    );
  });

  it('gives up a row that cannot be read, and goes on with the next', async () => {
    await sql(
      database.url,
      `INSERT INTO spanmeter.notifications (tenant_id, channel, kind, name, body)
       VALUES ('acme', 'ops', 'summary', 'summary/1', '{}'), ('acme', 'ops', 'summary', 'summary/2', NULL)`,
    );
    start(database, { ops: webhook() });
    await settled(database);
    await notify(database);
    const all = await settled(database);
    assert.deepEqual(
      all.map(({ outcome }) => outcome),
      ['failed', 'failed', 'sent'],
    );
  });

  it('leaves rows of a channel that it does not know to others, and drops them after a day', async () => {
    await notify(database, { channel: 'elsewhere' });
    await notify(database, { channel: 'gone' });
    await sql(
      database.url,
      `UPDATE spanmeter.notifications SET created_at = now() - interval '2 days', not_before = now() - interval '2 days'
       WHERE channel = 'gone'`,
    );
    start(database, { ops: webhook() });
    await notify(database);
    const all = await until(
      () => rows(database),
      (found) => found[1]?.outcome === 'dropped' && found[2]?.outcome === 'sent',
    );
    assert.equal(all[0]?.outcome, 'pending');
  });

  it('writes no secret into the log or the database, though a failing receiver repeats them', async () => {
    const lines: string[] = [];
    const log = createLogger({ level: 'debug', destination: { write: (line) => lines.push(line) } });
    const url = `${receiver.url}/T0KEN-of-path`;
    const secret = 'signing-secret-of-mine';
    receiver.react((response) => void response.writeHead(500).end(`${url} ${secret} header-secret`), 400);
    start(database, { ops: webhook({ url, secret, headers: { 'x-auth': 'header-secret' } }) }, {}, log);
    await notify(database);
    await until(
      () => rows(database),
      ([row]) => row?.last_error !== null,
    );
    const [stored] = await rows(database);
    await settled(database);
    await until(
      () => Promise.resolve(lines.join('')),
      (text) => text.includes('given up'),
    );
    const told = `${lines.join('')} ${stored?.last_error}`;
    assert.match(told, /HTTP 500/);
    for (const hidden of ['T0KEN-of-path', secret, 'header-secret'])
      assert.ok(!told.includes(hidden), hidden);
  });

  it('counts and shows what ended in which way, on port 8889 from 0', async () => {
    const { deliverer } = start(database, { ops: webhook(), chat: { type: 'slack', url: receiver.url } });
    const exporter = createPrometheusExporter(
      prometheus.options.parse({ endpoint: '127.0.0.1:0' }),
      { id: 'prometheus', log: SILENT_LOG, metrics: SILENT_METRICS },
      { notifications: () => deliverer.counts() },
    );
    const shown = async () => parseExposition(await exporter.render());
    assert.equal((await shown()).get('genai_notifications_total')?.samples.length, 6);
    await notify(database, { channel: 'chat' });
    await settled(database);
    const samples = await until(shown, (families) => sumOf(families, 'genai_notifications_total') > 0);
    assert.equal(valueOf(samples, 'genai_notifications_total', { channel: 'chat', outcome: 'sent' }), 1);
    assert.equal(sumOf(samples, 'genai_notifications_total'), 1);
  });

  it('goes on when its database connections were cut', async () => {
    start(database, { ops: webhook() });
    await notify(database);
    await settled(database);
    await sql(
      database.adminUrl,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    await notify(database, { summary: 'after the cut' });
    await settled(database);
    assert.equal(bodies().at(-1)?.text, 'after the cut');
  });
});
