import assert from 'node:assert/strict';
import { dailySummaryOption } from '@spanmeter/collector/dist/alerts/channel-options.js';
import { SILENT_LOG, SILENT_METRICS } from '@spanmeter/collector/dist/pipeline/silent.js';
import { openDelivery, type Delivery } from '@spanmeter/collector/dist/service/delivery.js';
import { freshDatabase, sql, type FreshDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';
import { startReceiver, type WebhookReceiver } from '../../support/webhook-receiver.ts';
import { channels, notify, settled } from '../alerts/outbox-lab.ts';

describe('delivery in the collector', function () {
  let database: FreshDatabase;
  let receiver: WebhookReceiver;
  let delivery: Delivery | null = null;

  function open(summary: object = {}, ownerUrl = database.url): Delivery {
    delivery = openDelivery({
      ownerUrl,
      channels: channels({ ops: { type: 'webhook', url: receiver.url } }),
      summary: dailySummaryOption.parse(summary),
      dashboards: null,
      log: SILENT_LOG,
      metrics: SILENT_METRICS,
    });
    delivery.start();
    return delivery;
  }

  before(async () => {
    database = await freshDatabase();
  });
  after(() => database.drop());
  beforeEach(async () => {
    receiver = await startReceiver();
  });
  afterEach(async () => {
    await delivery?.stop(AbortSignal.timeout(5_000));
    await receiver.close();
  });

  it('sends what was written before it started, and what is committed from then on', async () => {
    await notify(database, { summary: 'before' });
    open();
    await settled(database);
    await notify(database, { summary: 'after' });
    await settled(database);
    assert.deepEqual(
      receiver.received.map(({ body }) => (JSON.parse(body) as { text: string }).text),
      ['before', 'after'],
    );
  });

  it('sums yesterday up and posts it', async () => {
    await sql(database.url, `INSERT INTO spanmeter.tenants (id) VALUES ('acme')`);
    await sql(
      database.url,
      `INSERT INTO spanmeter.spend_rollup (tenant_id, bucket_start, provider, model, operation, service_name,
         cost_status, dimensions_hash, journal_id, calls, errors, input_tokens, cache_read_tokens, cache_write_tokens,
         output_tokens, reasoning_tokens, cost_usd, reported_cost_usd)
       SELECT 'acme', date_trunc('day', now(), 'UTC') - interval '1 hour', 'openai', 'gpt-4o', 'chat', 's', 'priced',
         '\\x00', '00000000-0000-0000-0000-000000000000', 4, 0, 0, 0, 0, 0, 0, 12.5, 0`,
    );
    open({ at: '00:00' });
    await until(
      () => Promise.resolve(receiver.received.length),
      (count) => count === 2,
    );
    const bodies = receiver.received.map(
      ({ body }) => JSON.parse(body) as { tenant: string; kind: string; summary: { spend_usd: string } },
    );
    assert.deepEqual(
      bodies.map(({ tenant, kind, summary }) => `${tenant} ${kind} ${summary.spend_usd}`).toSorted(),
      [' summary 12.500000000000', 'acme summary 12.500000000000'],
    );
  });

  it('starts and stops where the database is away', async () => {
    const stopping = open({ at: '00:00' }, 'postgres://nobody@127.0.0.1:1/none').stop(
      AbortSignal.timeout(5_000),
    );
    delivery = null;
    await stopping;
  });
});
