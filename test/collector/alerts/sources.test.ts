import assert from 'node:assert/strict';
import { anomalyOccurrence } from '@spanmeter/collector/dist/alerts/anomaly-occurrence.js';
import { heardAgain, silentTenants } from '@spanmeter/collector/dist/alerts/silent-tenants.js';
import { pricedAgain, unpricedModels } from '@spanmeter/collector/dist/alerts/unpriced-models.js';
import { pico } from './budget-states.ts';
import { channel, KeptAlerts } from './kept-alerts.ts';
import { storeRollups } from './rollup-rows.ts';

const WEEK_MS = 7 * 86_400_000;

describe('what alerts are raised of', function () {
  let kept: KeptAlerts;

  before(async function () {
    kept = await KeptAlerts.open();
  });
  after(() => kept?.close());
  beforeEach(async () => {
    await kept.clear();
    kept.at('2026-11-21T12:00:00Z');
  });

  const states = async (): Promise<string[]> =>
    (await kept.alerts()).map((row) => `${row.tenant_id} ${row.name} ${row.state}`);

  async function lookForUnpriced(): Promise<void> {
    const store = kept.store([channel('ops')]);
    await store.raise(await unpricedModels(kept.pool, kept.now.toISOString()));
    await store.clear('unpriced_model', await pricedAgain(kept.pool));
    await store.sweep();
  }

  async function lookForSilence(): Promise<string[]> {
    const found = await silentTenants(kept.pool, WEEK_MS, kept.now.toISOString());
    await kept.store([channel('ops')]).raise(found);
    return found.map(({ tenantId }) => tenantId).toSorted();
  }

  it('is a model without a price: once a day for each tenant, provider and model', async () => {
    await storeRollups(kept.pool, [
      { at: '2026-11-21T11:50:00Z', calls: 2 },
      { at: '2026-11-21T11:30:00Z' },
      { at: '2026-11-21T11:50:00Z', tenant: 'globex', provider: 'azure', status: 'unpriced_dimension' },
      { at: '2026-11-21T11:50:00Z', model: 'gpt-4o', status: 'priced' },
      { at: '2026-11-21T11:50:00Z', model: 'no-usage', status: 'missing_usage' },
      { at: '2026-11-21T05:00:00Z', model: 'long-ago' },
    ]);
    await lookForUnpriced();
    await lookForUnpriced();
    assert.deepEqual((await states()).toSorted(), [
      'acme unpriced_model/openai/gpt-new firing',
      'globex unpriced_model/azure/gpt-new firing',
    ]);
    const told = (await kept.alerts()).map(({ summary }) => summary);
    assert.ok(told.includes('No price for openai/gpt-new: what 3 calls cost is not known'), told.join('\n'));
    assert.ok(told.includes('No price for azure/gpt-new: what 1 call cost is not known'), told.join('\n'));
    assert.equal((await kept.notifications()).length, 2);
    kept.at('2026-11-22T09:00:00Z');
    await storeRollups(kept.pool, [{ at: '2026-11-22T09:00:00Z' }]);
    await lookForUnpriced();
    assert.equal((await kept.notifications()).length, 3);
    assert.equal((await states()).filter((state) => state.endsWith('firing')).length, 1);
  });

  it('ends when the calls of a model were corrected, or only priced ones came since', async () => {
    await storeRollups(kept.pool, [
      { at: '2026-11-21T11:30:00Z' },
      { at: '2026-11-21T11:30:00Z', model: 'next' },
      { at: '2026-11-21T11:30:00Z', model: 'still' },
    ]);
    await lookForUnpriced();
    await storeRollups(kept.pool, [
      { at: '2026-11-21T11:30:00Z', calls: -1 },
      { at: '2026-11-21T11:30:00Z', status: 'priced' },
      { at: '2026-11-21T11:45:00Z', model: 'next', status: 'priced' },
      { at: '2026-11-21T11:30:00Z', model: 'still', status: 'priced' },
    ]);
    await lookForUnpriced();
    assert.deepEqual((await states()).toSorted(), [
      'acme unpriced_model/openai/gpt-new resolved',
      'acme unpriced_model/openai/next resolved',
      'acme unpriced_model/openai/still firing',
    ]);
    await storeRollups(kept.pool, [{ at: '2026-11-21T12:00:00Z', model: 'next' }]);
    await lookForUnpriced();
    assert.ok((await states()).includes('acme unpriced_model/openai/next firing'));
  });

  it('is bounded in what one tenant can make of it', async () => {
    const models = Array.from({ length: 30 }, (_, at) => ({
      at: '2026-11-21T11:50:00Z',
      model: `made-up-${at}`,
    }));
    await storeRollups(kept.pool, [...models, { at: '2026-11-21T11:50:00Z', tenant: 'globex' }]);
    await lookForUnpriced();
    const tenants = (await kept.alerts()).map((row) => row.tenant_id);
    assert.deepEqual([tenants.filter((id) => id === 'acme').length, tenants.includes('globex')], [20, true]);
  });

  it('is a tenant that was heard of in the 30 days before and not for a week', async () => {
    await storeRollups(kept.pool, [
      { tenant: 'lively', at: '2026-11-21T11:45:00Z', status: 'priced' },
      { tenant: 'just heard', at: '2026-11-14T12:00:00Z', status: 'priced' },
      { tenant: `o'silent 🙂`, at: '2026-11-14T11:30:00Z', status: 'missing_usage' },
      { tenant: 'only duplicates since', at: '2026-11-13T00:00:00Z', status: 'priced' },
      { tenant: 'only duplicates since', at: '2026-11-21T00:00:00Z', status: 'duplicate' },
      { tenant: 'gone', at: '2026-10-01T00:00:00Z', status: 'priced' },
      { tenant: 'never paid', at: '2026-11-01T00:00:00Z', status: 'not_billable' },
    ]);
    await kept.pool.query(`INSERT INTO spanmeter.tenants (id) VALUES ('without a call')`);
    assert.deepEqual(await lookForSilence(), [`o'silent 🙂`, 'only duplicates since']);
    assert.deepEqual(await lookForSilence(), [`o'silent 🙂`, 'only duplicates since']);
    const told = (await kept.alerts()).map(({ summary }) => summary);
    assert.ok(
      told.includes(`No call of tenant o'silent 🙂 for 7 days: the last was at 2026-11-14T11:30Z`),
      told.join('\n'),
    );
    assert.equal((await kept.notifications()).length, 2);
  });

  it('ends when the tenant is heard of again', async () => {
    const store = kept.store([]);
    await storeRollups(kept.pool, [
      { tenant: 'a', at: '2026-11-10T00:00:00Z', status: 'priced' },
      { tenant: 'b', at: '2026-11-10T00:00:00Z', status: 'priced' },
    ]);
    await lookForSilence();
    await storeRollups(kept.pool, [
      { tenant: 'a', at: '2026-11-21T11:45:00Z', status: 'priced' },
      { tenant: 'b', at: '2026-11-21T11:45:00Z', status: 'duplicate' },
    ]);
    assert.equal(await store.end('silent_tenant', await heardAgain(kept.pool)), 1);
    assert.deepEqual((await states()).toSorted(), [
      'a silent_tenant/calls resolved',
      'b silent_tenant/calls firing',
    ]);
    kept.at('2026-12-01T00:00:00Z');
    assert.deepEqual(await lookForSilence(), ['a', 'b']);
    assert.equal((await states()).filter((state) => state.startsWith('a ')).length, 2);
  });

  it('is an hour of unusual spend, which stands until the hour after it has passed', async () => {
    const store = kept.store([channel('ops')]);
    const anomaly = anomalyOccurrence({
      tenantId: 'acme',
      model: 'gpt-4o',
      serviceName: 'check\nout',
      hourStartMs: Date.parse('2026-11-21T11:00:00Z'),
      spentPicoUsd: pico('12.5'),
      expectedPicoUsd: pico('2.1'),
      excessPicoUsd: pico('10.4'),
    });
    assert.equal(
      anomaly.summary,
      'Unusual spend on gpt-4o by check out: $12.50 in the hour from 2026-11-21 11:00 UTC, $2.10 expected',
    );
    await store.raise([anomaly]);
    await store.raise([anomaly]);
    assert.equal((await kept.notifications()).length, 1);
    assert.equal(await store.sweep(), 0);
    kept.at('2026-11-21T13:00:00Z');
    assert.equal(await store.sweep(), 1);
  });
});
