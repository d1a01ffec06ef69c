import assert from 'node:assert/strict';
import { createAlertKeeper, type AlertKeeper } from '@spanmeter/collector/dist/alerts/alert-keeper.js';
import type { AnomalySource, SpendAnomaly } from '@spanmeter/collector/dist/anomalies/anomaly.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';
import type { Pool, PoolClient } from 'pg';
import { until } from '../../support/until.ts';
import { budgetState, FakeBudgets, pico } from './budget-states.ts';
import { channel, KeptAlerts } from './kept-alerts.ts';

/** Periods that hold now, by the database's clock. */
const TODAY = new Date().toISOString().slice(0, 10) + 'T00:00:00Z';
const NEXT_WEEK = new Date(Date.now() + 7 * 86_400_000).toISOString();
const NOW = { start: TODAY, end: NEXT_WEEK };

describe('the keeper of alerts', function () {
  let kept: KeptAlerts;
  let watch: FakeBudgets;
  let lines: string[];
  const running: AlertKeeper[] = [];

  before(async function () {
    kept = await KeptAlerts.open();
  });
  after(() => kept?.close());
  beforeEach(async () => {
    await kept.clear();
    watch = new FakeBudgets();
    lines = [];
  });
  afterEach(async () => {
    for (const keeper of running.splice(0)) await keeper.stop();
  });

  function keep(
    pool: Pick<Pool, 'connect' | 'query'> = kept.pool,
    anomalies: AnomalySource | null = null,
  ): AlertKeeper {
    const keeper = createAlertKeeper({
      pool,
      channels: [channel('ops')],
      options: { minIntervalMs: 3_600_000, silentAfterMs: 0, unpricedModels: true, maxAlerts: 1_000 },
      budgets: watch,
      anomalies,
      log: { ...SILENT_LOG, info: (_fields, message) => lines.push(message) },
    });
    keeper.start();
    running.push(keeper);
    return keeper;
  }

  const untilTold = (count: number): Promise<string[]> =>
    until(
      () => kept.outbox(),
      (rows) => rows.length >= count,
    );

  it('puts a crossing into the outbox, and says so in the log', async () => {
    keep();
    watch.set(budgetState({ spent: '9', ...NOW }));
    watch.set(budgetState({ spent: '11', ...NOW }), budgetState({ spent: '10', tenant: 'globex', ...NOW }));
    assert.deepEqual(await untilTold(1), ['ops firing pending']);
    assert.deepEqual(lines, ['alert: Daily cost threshold exceeded: $11.00 > $10.00']);
  });

  it('tells once of what several collectors see, and nothing again after a restart', async () => {
    const first = keep();
    keep();
    watch.set(budgetState({ spent: '11', ...NOW }));
    await untilTold(1);
    await first.stop();
    keep();
    watch.set(budgetState({ spent: '12', ...NOW }), budgetState({ spent: '11', tenant: 'globex', ...NOW }));
    await untilTold(2);
    assert.deepEqual(
      (await kept.notifications()).map((row) => row.tenant_id),
      ['acme', 'globex'],
    );
  });

  it('tells of a crossing that happened while the database was away', async () => {
    let away = true;
    let refused = 0;
    const pool = {
      connect(): Promise<PoolClient> {
        if (!away) return kept.pool.connect();
        refused++;
        return Promise.reject(new Error('Connection terminated'));
      },
      query: kept.pool.query.bind(kept.pool),
    } as Pick<Pool, 'connect' | 'query'>;
    keep(pool);
    watch.set(budgetState({ spent: '11', ...NOW }));
    await until(
      () => Promise.resolve(refused),
      (count) => count >= 2,
    );
    watch.set(budgetState({ spent: '13', ...NOW }));
    away = false;
    await untilTold(1);
    assert.equal((await kept.alerts())[0]?.summary, 'Daily cost threshold exceeded: $13.00 > $10.00');
  });

  it('raises what the search for unusual spend finds', async () => {
    let found: (anomaly: SpendAnomaly) => void = () => undefined;
    keep(kept.pool, {
      onAnomaly(listener) {
        found = listener;
        return () => undefined;
      },
    });
    const hourStartMs = Math.floor(Date.now() / 3_600_000) * 3_600_000;
    const amounts = { spentPicoUsd: pico('12'), expectedPicoUsd: pico('2'), excessPicoUsd: pico('10') };
    for (const serviceName of ['a', 'b', 'a'])
      found({ tenantId: 'acme', model: 'm', serviceName, hourStartMs, ...amounts });
    await untilTold(2);
    assert.deepEqual(
      (await kept.alerts()).map(({ name }) => name),
      ['spend_anomaly/m/a', 'spend_anomaly/m/b'],
    );
  });
});
