import assert from 'node:assert/strict';
import { Pool } from 'pg';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';
import { createKnownTenants } from '@spanmeter/collector/dist/service/known-tenants.js';
import { freshDatabase, sql, type FreshDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';

describe('the known tenants', function () {
  let database: FreshDatabase;
  let pool: Pool;

  before(async () => {
    database = await freshDatabase();
    pool = new Pool({ connectionString: database.url, max: 1 });
  });
  after(async () => {
    await pool.end();
    await database.drop();
  });

  it('are those of earlier runs, though the store was away at first, and those made while it runs', async () => {
    const known = new Set<string>();
    let failed = 0;
    await sql(database.url, `INSERT INTO spanmeter.tenants (id) VALUES ('earlier')`);
    await sql(database.url, 'ALTER TABLE spanmeter.tenants RENAME TO away');
    const following = createKnownTenants({
      pool,
      log: { ...SILENT_LOG, debug: () => void failed++ },
      learn: (ids) => ids.forEach((id) => known.add(id)),
      everyMs: 10,
    });
    following.start();
    try {
      await until(
        () => Promise.resolve(failed),
        (count) => count > 0,
      );
      await sql(database.url, 'ALTER TABLE spanmeter.away RENAME TO tenants');
      await until(
        () => Promise.resolve(known.has('earlier')),
        (has) => has,
      );
      await sql(database.url, `INSERT INTO spanmeter.tenants (id) VALUES ('made-meanwhile')`);
      await until(
        () => Promise.resolve(known.has('made-meanwhile')),
        (has) => has,
      );
      assert.deepEqual(known, new Set(['earlier', 'made-meanwhile']));
    } finally {
      following.stop();
    }
  });
});
