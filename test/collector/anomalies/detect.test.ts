import assert from 'node:assert/strict';
import { Pool } from 'pg';
import { detectAnomalies } from '@spanmeter/collector/dist/anomalies/detect.js';
import { anomalyOptions } from '@spanmeter/collector/dist/anomalies/options.js';
import { createAnomalyWatch } from '@spanmeter/collector/dist/anomalies/watch.js';
import type { SpendAnomaly } from '@spanmeter/collector/dist/anomalies/anomaly.js';
import { readGauges } from '@spanmeter/collector/dist/exporters/prometheus/gauges.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';
import { freshDatabase, sql, type FreshDatabase } from '../../support/database.js';
import { storeRollups, type RollupRow } from '../../support/rollup-rows.js';

const OPTIONS = anomalyOptions.parse({});
const HOUR_MS = 3_600_000;
const NOW = new Date('2026-11-20T15:20:00Z');
/** The last whole hour. */
const LAST = Date.parse('2026-11-20T14:00:00Z');

/** Spend at the same UTC hour of the last `days` days, in two buckets. */
function history(
  row: Omit<RollupRow, 'at' | 'usd'>,
  usd: number,
  days: number,
  hour: number = LAST,
): RollupRow[] {
  return Array.from({ length: days }, (_, index) => index + 1).flatMap((back) =>
    [5, 50].map((minute) => ({
      ...row,
      usd: usd / 2,
      at: new Date(hour - back * 24 * HOUR_MS + minute * 60_000).toISOString(),
    })),
  );
}

const inHour = (row: Omit<RollupRow, 'at' | 'usd'>, usd: number, hourMs: number = LAST): RollupRow => ({
  ...row,
  usd,
  at: new Date(hourMs + 16 * 60_000).toISOString(),
});

describe('detection of anomalies', () => {
  let database: FreshDatabase;
  let pool: Pool;
  before(async () => {
    database = await freshDatabase();
    pool = new Pool({ connectionString: database.url, max: 2 });
  });
  after(async () => {
    await pool.end();
    await database.drop();
  });
  beforeEach(() => sql(database.url, 'TRUNCATE spanmeter.spend_rollup'));

  const found = (now = NOW, options = OPTIONS): Promise<readonly SpendAnomaly[]> =>
    detectAnomalies(pool, now, options);

  it('tells what the last whole hour cost beyond the usual, of the tenant, model and service alone', async () => {
    await storeRollups(database.url, [
      ...history({ tenant: 'acme' }, 10, 30),
      ...history({ tenant: 'acme', service: 'search' }, 10, 30),
      ...history({ tenant: 'beta' }, 10, 30),
      inHour({ tenant: 'acme' }, 60),
      inHour({ tenant: 'acme', service: 'search' }, 11),
      inHour({ tenant: 'beta' }, 12),
    ]);
    assert.deepEqual(await found(), [
      {
        tenantId: 'acme',
        model: 'claude-haiku-4-5',
        serviceName: 'checkout',
        hourStartMs: LAST,
        spentPicoUsd: 60_000_000_000_000n,
        expectedPicoUsd: 10_000_000_000_000n,
        excessPicoUsd: 50_000_000_000_000n,
      },
    ]);
  });

  it('tells of the hour under way before it is over', async () => {
    const hour = LAST + HOUR_MS;
    await storeRollups(database.url, [
      ...history({ tenant: 'acme' }, 10, 30, hour),
      inHour({ tenant: 'acme' }, 55, hour),
    ]);
    assert.deepEqual(
      (await found()).map(({ hourStartMs, excessPicoUsd }) => [hourStartMs, excessPicoUsd]),
      [[hour, 45_000_000_000_000n]],
    );
  });

  it('finds the first spend of a new model only above a higher floor', async () => {
    await storeRollups(database.url, [
      inHour({ tenant: 'acme', model: 'dear' }, 40),
      inHour({ tenant: 'acme', model: 'cheap' }, 20),
    ]);
    assert.deepEqual(
      (await found()).map(({ model }) => model),
      ['dear'],
    );
  });

  it('passes a daily job that runs at another hour, and finds one that costs three times as much', async () => {
    await storeRollups(database.url, [
      ...history({ tenant: 'acme', service: 'nightly' }, 40, 10, LAST - 3 * HOUR_MS),
      ...history({ tenant: 'acme', service: 'runaway' }, 40, 10, LAST - 3 * HOUR_MS),
      inHour({ tenant: 'acme', service: 'nightly' }, 42),
      inHour({ tenant: 'acme', service: 'runaway' }, 120),
    ]);
    assert.deepEqual(
      (await found()).map(({ serviceName }) => serviceName),
      ['runaway'],
    );
  });

  it("compares with the same hour on the wall of the tenant's zone across a change of clocks", async () => {
    await sql(database.url, `INSERT INTO spanmeter.tenants (id, timezone) VALUES ('rome', 'Europe/Rome')`);
    // Clocks went back on 25 October: ten on the wall was 8:00Z before, and is 9:00Z since.
    const now = new Date('2026-10-29T10:05:00Z');
    const rows = [1, 2, 3, 4].map((week) => ({
      tenant: 'rome',
      usd: 50,
      at: new Date(Date.parse('2026-10-29T08:10:00Z') - week * 168 * HOUR_MS).toISOString(),
    }));
    await storeRollups(database.url, [...rows, { tenant: 'rome', usd: 52, at: '2026-10-29T09:10:00Z' }]);
    assert.deepEqual(await found(now), []);
    await storeRollups(database.url, [{ tenant: 'rome', usd: 150, at: '2026-10-29T09:40:00Z' }]);
    assert.equal((await found(now))[0]?.expectedPicoUsd, 50_000_000_000_000n);
  });

  it('finds nothing where it is disabled', async () => {
    await storeRollups(database.url, [inHour({ tenant: 'acme' }, 400)]);
    assert.equal((await found()).length, 1);
    assert.deepEqual(await found(NOW, { ...OPTIONS, enabled: false }), []);
  });

  it('takes names as they are', async () => {
    const tenant = `o'"\\ü ${'x'.repeat(250)}`;
    await storeRollups(database.url, [inHour({ tenant, model: `m'); --` }, 400)]);
    assert.deepEqual(
      (await found()).map(({ tenantId, model }) => [tenantId, model]),
      [[tenant, `m'); --`]],
    );
  });

  it('tells listeners once, and again when the figures grow; gauges show the series once', async () => {
    const watch = createAnomalyWatch({ client: pool, options: OPTIONS, log: SILENT_LOG, now: () => NOW });
    const told: bigint[] = [];
    const end = watch.onAnomaly(({ spentPicoUsd }) => told.push(spentPicoUsd / 1_000_000_000_000n));
    await storeRollups(database.url, [
      inHour({ tenant: 'acme' }, 40),
      inHour({ tenant: 'acme' }, 200, LAST + HOUR_MS),
    ]);
    await watch.look();
    await watch.look();
    assert.deepEqual(told, [200n, 40n]);
    const gauges = readGauges(
      { anomalies: () => watch.current() },
      { foldedByMetric: new Map(), lastCallMsByTenant: new Map() },
    );
    assert.deepEqual(gauges.find(({ name }) => name === 'genai_spend_anomaly_usd')?.samples, [
      { labels: { tenant: 'acme', model: 'claude-haiku-4-5', service_name: 'checkout' }, value: 200 },
    ]);
    await storeRollups(database.url, [{ ...inHour({ tenant: 'acme' }, 7, LAST + HOUR_MS), team: 'more' }]);
    end();
    await watch.look();
    assert.deepEqual(told, [200n, 40n]);
  });

  it('shows nothing, and does not fail, while the database is away', async () => {
    const away = { query: () => Promise.reject(new Error('away')) };
    const watch = createAnomalyWatch({ client: away, options: OPTIONS, log: SILENT_LOG });
    await watch.look();
    assert.deepEqual(watch.current(), []);
  });
});
