import assert from 'node:assert/strict';
import type { AttributeValue } from '@spanmeter/processors';
import { countSpend } from '@spanmeter/collector/dist/budgets/count-spend.js';
import { findDrift } from '@spanmeter/collector/dist/budgets/drift.js';
import { GPT_4O, groupOf, NOW_MS, spanOf } from '../../processors/spans.ts';
import { type FreshDatabase, freshDatabase, sql } from '../../support/database.ts';
import { callsOf, disagreements, pricingOf, repriceIn } from '../../support/reprice-lab.ts';
import { linesOf, makeBudget, SpendLab } from '../../support/spend-lab.ts';

const OWN: Record<string, AttributeValue> = { ...GPT_4O, 'gen_ai.request.model': 'own-model' };
const USER: Record<string, AttributeValue> = {
  'user.id': 'ann',
  'session.id': 's1',
  'gen_ai.agent.name': 'planner',
};

describe('corrections and budgets', function () {
  let database: FreshDatabase;
  let lab: SpendLab;

  beforeEach(async () => {
    database = await freshDatabase();
    lab = new SpendLab(database.url, () => NOW_MS);
  });
  afterEach(async () => {
    await lab.close();
    await database.drop();
  });

  const day = new Date(Math.floor(NOW_MS / 86_400_000) * 86_400_000).toISOString();

  it('move the spend of users, sessions and agents, and calls that get a price make it complete', async () => {
    for (const [scope, scope_value] of [
      ['user', 'ann'],
      ['session', 's1'],
      ['agent', 'planner'],
    ]) {
      await makeBudget(database.url, { id: scope, scope, scope_value });
      await lab.with((client) => countSpend(client, { tenantId: 'acme', id: String(scope) }));
    }
    const spans = [spanOf({ ...GPT_4O, ...USER }), spanOf({ ...OWN, ...USER }), spanOf(OWN)];
    await lab.refresh();
    await lab.write(callsOf([groupOf(spans, { declaredTenant: 'acme' })], pricingOf()));
    const before = ['user', 'session', 'agent'].map((id) => `acme ${id} ${day} 7500000000 1`);
    const shown = (states: Parameters<typeof linesOf>[0]): string[] =>
      linesOf(states).filter((line) => !line.includes(' default '));
    assert.deepEqual(shown(lab.spending.states('acme')), before.toSorted());

    const prices = ['gpt-4o', 'own-model'].map((model) => ({
      provider: 'openai',
      model,
      input_mtok: '10',
      output_mtok: '10',
    }));
    await repriceIn(database.url, pricingOf({ prices }), { pageCalls: 1 });
    await lab.refresh();
    const after = ['user', 'session', 'agent'].map((id) => `acme ${id} ${day} 30000000000 0`);
    assert.deepEqual(shown(lab.spending.states('acme')), after.toSorted());
    assert.equal(
      lab.spending.states('acme').find(({ budget }) => budget.id === 'default')?.spentPicoUsd,
      45_000_000_000n,
    );
    assert.deepEqual(await disagreements(database.url), []);
    const report = await lab.with((client) => findDrift(client, { from: null, to: null }, 10));
    assert.deepEqual([report.drifts, report.periods > 0], [[], true]);
  });

  it('touch no budget that was removed meanwhile, and count for one that was made since', async () => {
    await makeBudget(database.url, { scope: 'user', scope_value: 'ann' });
    await lab.write(
      callsOf([groupOf([spanOf({ ...GPT_4O, ...USER })], { declaredTenant: 'acme' })], pricingOf()),
    );
    await sql(database.url, `DELETE FROM budgets WHERE id = 'b1'`);
    await makeBudget(database.url, { id: 'b2', scope: 'user', scope_value: 'ann' });
    await lab.with((client) => countSpend(client, { tenantId: 'acme', id: 'b2' }));
    const prices = [{ provider: 'openai', model: 'gpt-4o', input_mtok: '1', output_mtok: '1' }];
    await repriceIn(database.url, pricingOf({ prices }));
    const rows = await sql(database.url, 'SELECT budget_id, spent_usd, calls FROM budget_spend');
    assert.deepEqual(rows, [{ budget_id: 'b2', spent_usd: '0.001500000000', calls: '1' }]);
  });
});
