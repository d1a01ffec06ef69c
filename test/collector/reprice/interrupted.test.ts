import assert from 'node:assert/strict';
import { Client } from 'pg';
import {
  actReprice,
  interruptedRun,
  prepareReprice,
  type Pricing,
  type RunRequest,
} from '@spanmeter/collector/dist/reprice/reprice.js';
import { type FreshDatabase, freshDatabase } from '../../support/database.ts';
import { pricingOf } from '../../support/reprice-lab.ts';

const HALF = { discounts: [{ provider: '*', multiply: '0.5' }], prices: [], deployments: [] };
const DOUBLE = { discounts: [{ provider: '*', multiply: '2' }], prices: [], deployments: [] };

function requestOf(pricing: Pricing): RunRequest {
  const selection = {
    from: '2026-01-01T00:00:00.000000Z',
    to: '2027-01-01T00:00:00.000000Z',
    tenant: null,
    model: null,
  };
  return { selection, pricing, reason: 'test', actor: 'test' };
}

describe('an interrupted reprice', () => {
  let database: FreshDatabase;
  let client: Client;

  beforeEach(async () => {
    database = await freshDatabase();
    client = new Client({ connectionString: database.url });
    await client.connect();
    await prepareReprice(client);
  });
  afterEach(async () => {
    await client.end();
    await database.drop();
  });

  it('is not continued where the same prices are those of other tenants by now', async () => {
    const before = requestOf(pricingOf({ tenants: { acme: HALF, other: DOUBLE } }));
    const after = requestOf(pricingOf({ tenants: { acme: DOUBLE, other: HALF } }));
    await actReprice(client, before, null);
    // As a process that was killed leaves it.
    await client.query(`UPDATE spanmeter.reprice_runs SET state = 'running', finished_at = NULL`);
    assert.notEqual(await interruptedRun(client, before), null);
    assert.equal(await interruptedRun(client, after), null);
  });
});
