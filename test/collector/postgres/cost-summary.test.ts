import assert from 'node:assert/strict';
import { type FreshDatabase, freshDatabase, sql } from '../../support/database.ts';

describe('get_cost_summary', () => {
  let database: FreshDatabase;

  before(async function () {
    database = await freshDatabase();
    await sql(
      database.url,
      `INSERT INTO tenants (id, timezone) VALUES ('la', 'America/Los_Angeles'), ('np', 'Asia/Kathmandu')`,
    );
  });
  after(() => database.drop());
  afterEach(() => sql(database.url, 'TRUNCATE spend_rollup'));

  async function rollup(
    tenant: string,
    bucket: string,
    cost: string,
    status = 'priced',
    calls = 1,
  ): Promise<void> {
    await sql(
      database.url,
      `INSERT INTO spend_rollup SELECT $1, $2, 'openai', 'm', 'chat', 's', NULL, NULL, NULL, NULL, $4,
         sha256(random()::text::bytea), gen_random_uuid(), $5, 0, 0, 0, 0, 0, 0, $3, 0`,
      [tenant, bucket, cost, status, calls],
    );
  }

  async function summary(tenant: string, from: string, to: string): Promise<unknown[]> {
    return sql(database.url, 'SELECT * FROM get_cost_summary($1, $2, $3)', [tenant, from, to]);
  }

  it('counts both dates, in the zone of the tenant', async () => {
    // Midnight in Los Angeles is 08:00 UTC in January.
    await rollup('la', '2026-01-10T07:45:00Z', '1');
    await rollup('la', '2026-01-10T08:00:00Z', '2');
    await rollup('la', '2026-01-12T07:45:00Z', '4');
    await rollup('la', '2026-01-12T08:00:00Z', '8');
    assert.deepEqual(await summary('la', '2026-01-10', '2026-01-11'), [
      { service: 'openai', total_cost: '6.000000000000', count: '2' },
    ]);
  });

  it('forms days of zones that are 45 minutes off', async () => {
    await rollup('np', '2026-01-09T18:00:00Z', '1');
    await rollup('np', '2026-01-09T18:15:00Z', '2');
    assert.deepEqual(await summary('np', '2026-01-10', '2026-01-10'), [
      { service: 'openai', total_cost: '2.000000000000', count: '1' },
    ]);
  });

  it('counts the day of 25 hours as one day', async () => {
    await rollup('la', '2026-11-02T07:45:00Z', '1');
    await rollup('la', '2026-11-02T08:00:00Z', '2');
    assert.deepEqual(await summary('la', '2026-11-01', '2026-11-01'), [
      { service: 'openai', total_cost: '1.000000000000', count: '1' },
    ]);
  });

  it('counts calls without a price, and neither duplicates nor what is not billable', async () => {
    await rollup('elsewhere', '2026-01-10T12:00:00Z', '1.5');
    await rollup('elsewhere', '2026-01-10T12:00:00Z', '0', 'unpriced_model', 3);
    await rollup('elsewhere', '2026-01-10T12:00:00Z', '0', 'duplicate', 5);
    await rollup('elsewhere', '2026-01-10T12:00:00Z', '0', 'not_billable', 7);
    assert.deepEqual(await summary('elsewhere', '2026-01-10', '2026-01-10'), [
      { service: 'openai', total_cost: '1.500000000000', count: '4' },
    ]);
  });

  it('refuses a time zone that PostgreSQL does not know', async () => {
    await assert.rejects(
      sql(database.url, `INSERT INTO tenants (id, timezone) VALUES ('x', 'Mars/Olympus')`),
    );
  });
});
