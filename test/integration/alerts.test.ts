import assert from 'node:assert/strict';
import { join } from 'node:path';
import { findRunning } from '@spanmeter/collector/dist/database/embedded.js';
import { chatSpan } from '../support/chat-span.ts';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { sql } from '../support/database.ts';
import { buildTraces } from '../support/otlp-builder.ts';
import { postOtlp } from '../support/otlp-client.ts';
import { getApi, settled, spanmeterBeside } from '../support/running-collector.ts';
import { until } from '../support/until.ts';
import { startReceiver, type WebhookReceiver } from '../support/webhook-receiver.ts';

interface Told {
  readonly type: string;
  readonly text: string;
  readonly tenant: string;
}

interface Listed {
  readonly alerts: readonly { id: string; tenant: string; name: string; state: string; summary: string }[];
}

/** Of gpt-4o, at 10 USD per million. */
const TOKENS_PER_DOLLAR = 100_000;
const BUDGETS = `UPDATE spanmeter.budgets SET thresholds = '{1.0}' WHERE tenant_id = '' AND id = 'default'`;
const FIVE = `INSERT INTO spanmeter.budgets (tenant_id, id, name, scope, period, limit_usd, thresholds)
  VALUES ('five', 'five', 'Five a day', 'tenant', 'day', 5, '{1.0}')`;

describe('alerts of the running collector', function () {
  let collector: CollectorProcess;
  let receiver: WebhookReceiver;

  const overlay = (): string => `
extensions:
  alerts:
    channels:
      ops: { type: webhook, url: '${receiver.url}', send_resolved: false }
service:
  extensions: [journal, health_check, api, alerts]
`;

  before(async () => {
    receiver = await startReceiver();
    collector = await startCollector({ overlay: overlay() });
    const { ownerUrl } = findRunning(join(collector.dataDir, 'postgres'))!;
    await sql(ownerUrl, BUDGETS);
    await sql(ownerUrl, FIVE);
  });
  after(async () => {
    await collector?.dispose();
    await receiver?.close();
  });

  /** One call of gpt-4o that costs just that many dollars; resolves once it is acknowledged. */
  async function spend(tenant: string, dollars: number): Promise<void> {
    const usage = {
      'gen_ai.usage.input_tokens': 0,
      'gen_ai.usage.output_tokens': dollars * TOKENS_PER_DOLLAR,
      'tenant.id': tenant,
    };
    const body = buildTraces([{ spans: [chatSpan({ attributes: usage })] }]);
    assert.equal((await postOtlp(collector.ports.http, { body })).status, 200);
  }

  const told = (): Told[] => receiver.received.map(({ body }) => JSON.parse(body) as Told);
  const texts = (): string[] => told().map(({ text }) => text);
  const untilTold = (count: number): Promise<unknown> =>
    until(
      () => Promise.resolve(receiver.received.length),
      (length) => length >= count,
    );

  it('tell of $11 on $10 and of $6 on $5, and not of $9, of exactly $10 or of others', async () => {
    await spend('nine', 9);
    await spend('ten', 10);
    await spend('other', 1);
    await settled(collector);
    await spend('eleven', 11);
    await spend('five', 6);
    await untilTold(2);
    const said = texts().toSorted();
    assert.equal(said.length, 2);
    assert.match(said[0] ?? '', /Daily cost threshold exceeded: \$11\.00 > \$10\.00/);
    assert.match(said[1] ?? '', /Daily cost threshold exceeded: \$6\.00 > \$5\.00/);
  });

  it('do not repeat themselves within the hour, nor after a restart', async () => {
    await spend('eleven', 5);
    await settled(collector);
    const first = collector;
    const { dataDir, ports } = first;
    await first.end('SIGTERM');
    const second = await startCollector({ dataDir, ports, overlay: overlay() });
    collector = { ...second, dispose: () => second.end('SIGTERM').then(() => first.dispose()) };
    await spend('eleven', 1);
    // What is raised later is told later: once it is there, nothing else was.
    await spend('late', 12);
    await untilTold(3);
    assert.match(texts()[2] ?? '', /\$12\.00 > \$10\.00/);
    assert.equal(receiver.received.length, 3);
  });

  it('are listed, acknowledged and ignored beside it', async () => {
    const { alerts } = await getApi<Listed>(collector, '/api/v1/alerts?tenant=eleven');
    assert.deepEqual(
      alerts.map(({ name, state }) => `${name} ${state}`),
      ['budget/default/100 firing'],
    );
    const acked = await spanmeterBeside(collector, 'alert', 'ack', alerts[0]?.id ?? '', '--note', 'mine');
    assert.equal(acked.code, 0, acked.stderr);
    const url = `http://127.0.0.1:${collector.ports.api}/api/v1/alerts/${alerts[0]?.id}/ignore`;
    const ignored = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"note":"known"}',
    });
    assert.equal(ignored.status, 200);
    const listed = await getApi<Listed>(collector, '/api/v1/alerts?state=ignored');
    assert.deepEqual(
      listed.alerts.map(({ tenant }) => tenant),
      ['eleven'],
    );
  });
});
