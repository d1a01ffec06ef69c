import assert from 'node:assert/strict';
import { createBudgetAlerts, type BudgetAlerts } from '@spanmeter/collector/dist/alerts/budget-alerts.js';
import type { Occurrence } from '@spanmeter/collector/dist/alerts/occurrence.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';
import { until } from '../../support/until.ts';
import { budgetState, FakeBudgets } from './budget-states.ts';

const STEPS = [0.5, 0.8, 1];

describe('alerts of budgets', () => {
  let watch: FakeBudgets;
  let batches: (readonly Occurrence[])[];
  let fail: boolean;
  let followed: BudgetAlerts;
  let warnings: object[];

  beforeEach(() => {
    watch = new FakeBudgets();
    batches = [];
    warnings = [];
    fail = false;
    followed = createBudgetAlerts({
      watch,
      raise(occurrences) {
        if (fail) return Promise.reject(new Error('the database is away'));
        batches.push(occurrences);
        return Promise.resolve();
      },
      log: { ...SILENT_LOG, warn: (fields) => warnings.push(fields) },
      debounceMs: 1,
      retryMs: 1,
    });
  });
  afterEach(() => followed.stop());

  const told = (): string[] =>
    batches
      .flat()
      .map(({ tenantId, subject, occasion }) => `${tenantId} ${subject} ${occasion.slice(0, 14)}`);
  const untilTold = (count: number): Promise<unknown> =>
    until(
      () => Promise.resolve(told().length),
      (length) => length >= count,
    );

  it('look at all states at the start, so that a crossing before a crash is told', async () => {
    watch.set(budgetState({ spent: '11' }), budgetState({ spent: '10', tenant: 'globex' }));
    assert.equal(followed.isKnown, false);
    followed.start();
    await untilTold(1);
    assert.deepEqual(told(), ['acme default/100 day 2026-11-21']);
    assert.equal(followed.isKnown, true);
  });

  it('join what comes close together, and tell of the highest step alone', async () => {
    followed.start();
    for (const spent of ['4', '6', '9', '11', '12']) watch.set(budgetState({ spent, steps: STEPS }));
    watch.set(budgetState({ spent: '6', tenant: 'globex', steps: STEPS }));
    await untilTold(2);
    assert.deepEqual(
      batches.map((batch) => batch.map(({ tenantId, subject }) => `${tenantId} ${subject}`)),
      [['acme default/100', 'globex default/50']],
    );
  });

  it('write nothing while a budget goes on spending within a step', async () => {
    followed.start();
    watch.set(budgetState({ spent: '11' }));
    await untilTold(1);
    for (const spent of ['12', '13', '14']) watch.set(budgetState({ spent }));
    watch.set(budgetState({ spent: '11', tenant: 'globex' }));
    await untilTold(2);
    assert.deepEqual(told(), ['acme default/100 day 2026-11-21', 'globex default/100 day 2026-11-21']);
    assert.equal(followed.standing().length, 2);
    assert.equal(followed.standing()[0]?.detail['spent_usd'], '14.000000000000');
  });

  it('lose nothing while the database is away, not even of a period that has ended', async () => {
    fail = true;
    followed.start();
    watch.set(budgetState({ spent: '6', steps: STEPS }));
    watch.set(budgetState({ spent: '11', steps: STEPS }));
    await until(
      () => Promise.resolve(warnings.length),
      (count) => count === 1,
    );
    watch.set(budgetState({ spent: '12', steps: STEPS }));
    watch.set(budgetState({ spent: '0', start: '2026-11-22T00:00:00Z', steps: STEPS }));
    watch.set(budgetState({ spent: '8.5', start: '2026-11-22T00:00:00Z', steps: STEPS }));
    watch.set(budgetState({ spent: '11', tenant: 'globex' }));
    watch.set(budgetState({ spent: '9', tenant: 'globex' }));
    assert.deepEqual(told(), []);
    fail = false;
    await untilTold(2);
    assert.deepEqual(told(), ['acme default/100 day 2026-11-21', 'acme default/80 day 2026-11-22']);
    assert.equal(batches.flat()[0]?.summary, 'Daily cost threshold exceeded: $12.00 > $10.00');
    assert.equal(warnings.length, 1);
  });

  it('tell of a step again once spend has fallen below it and come back', async () => {
    followed.start();
    for (const spent of ['11', '9', '11']) {
      watch.set(budgetState({ spent }));
      if (spent === '11') await untilTold(told().length + 1);
    }
    assert.equal(told().length, 2);
  });

  it("keep a tenant's own budget and the operator's of the same name apart", async () => {
    followed.start();
    watch.set(budgetState({ spent: '11' }), budgetState({ spent: '11', owner: 'acme', scope: 'tenant' }));
    await untilTold(2);
    const occasions = batches.flat().map(({ occasion }) => occasion);
    assert.deepEqual(occasions, ['day 2026-11-21T00:00:00.000Z', 'own day 2026-11-21T00:00:00.000Z']);
  });
});
