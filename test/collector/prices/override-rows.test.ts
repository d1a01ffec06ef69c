import assert from 'node:assert/strict';
import { OverrideRows, type OverrideRow } from '@spanmeter/collector/dist/prices/override-rows.js';

function discountOf(model: string, prices: object): OverrideRow {
  return {
    id: '1',
    tenant_id: '',
    kind: 'discount',
    provider: 'openai',
    model,
    valid_from: null,
    valid_to: null,
    prices: JSON.stringify(prices),
  };
}

describe('a discount in the database', () => {
  it('is left out where its column names a model that the entry does not, instead of being for all', async () => {
    const { overrides, skipped } = await new OverrideRows().read([discountOf('gpt-4o', { multiply: '0.5' })]);
    assert.deepEqual(overrides.operator.discounts, []);
    assert.match(skipped[0]?.reason ?? '', /prices\.models/);
    for (const row of [
      discountOf('*', { multiply: '0.5' }),
      discountOf('gpt-4o', { multiply: '0.5', models: ['gpt-4o'] }),
    ]) {
      const read = await new OverrideRows().read([row]);
      assert.deepEqual(read.skipped, []);
      assert.equal(read.overrides.operator.discounts.length, 1);
    }
  });
});
