import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { Pool } from 'pg';
import { rememberGauges, type Remembered, type Room } from '@spanmeter/collector/dist/service/remembered.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';
import { type FreshDatabase, freshDatabase } from '../../support/database.ts';
import { ownCall, SpendLab } from '../../support/spend-lab.ts';
import { until } from '../../support/until.ts';

const DAY_MS = 86_400_000;

describe('figures that gauges remember', function () {
  let database: FreshDatabase;
  let pool: Pool;

  before(async () => {
    database = await freshDatabase();
    pool = new Pool({ connectionString: database.url });
  });
  after(async () => {
    await pool.end();
    await database.drop();
  });

  async function read(room: Room): Promise<Remembered['sources']> {
    const remembered = rememberGauges(pool, SILENT_LOG, room);
    remembered.start();
    await until(
      () => Promise.resolve(remembered.sources.priceBooks?.length),
      () =>
        remembered.sources.databaseSizeBytes?.() !== null &&
        (remembered.sources.lastCalls?.().length ?? 0) > 0,
    );
    remembered.stop();
    return remembered.sources;
  }

  it('have the last call of every tenant of the last 30 days, to the millisecond', async () => {
    const nowMs = Date.now();
    const lab = new SpendLab(database.url, () => nowMs);
    const dated = (tenantId: string, ageMs: number, status: 'priced' | 'duplicate' = 'priced') =>
      ownCall(nowMs - ageMs, { tenantId, costStatus: status, costPicoUsd: status === 'priced' ? 1n : null });
    await lab.write([
      dated('silent', 8 * DAY_MS + 1234),
      dated('silent', 8 * DAY_MS + 60_000),
      dated('busy', 500),
      dated('ahead', -3_600_000),
      dated('twin', 500, 'duplicate'),
      dated('gone', 31 * DAY_MS),
    ]);
    await lab.close();
    const sources = await read({ capacityBytes: undefined, folder: null });
    const found = Object.fromEntries(
      (sources.lastCalls?.() ?? []).map((one) => [one.tenant, one.startedUnixMs]),
    );
    assert.deepEqual(Object.keys(found).toSorted(), ['ahead', 'busy', 'silent']);
    assert.equal(Math.round(found['silent'] ?? 0), nowMs - 8 * DAY_MS - 1234);
    assert.equal(Math.round(found['busy'] ?? 0), nowMs - 500);
    // Nobody has called in the future.
    assert.ok((found['ahead'] ?? Infinity) <= Date.now());
  });

  it('have the capacity that is configured, else that of the file system, else none', async () => {
    const configured = await read({ capacityBytes: 1_000_000, folder: tmpdir() });
    assert.equal(configured.databaseCapacityBytes?.(), 1_000_000);
    const seen = await read({ capacityBytes: undefined, folder: tmpdir() });
    assert.ok((seen.databaseCapacityBytes?.() ?? 0) > (seen.databaseSizeBytes?.() ?? Infinity));
    const unknown = await read({ capacityBytes: undefined, folder: null });
    assert.equal(unknown.databaseCapacityBytes?.(), null);
  });
});
