import assert from 'node:assert/strict';
import { budgetOccurrence } from '@spanmeter/collector/dist/alerts/budget-occurrence.js';
import { exceeds, usdText } from '@spanmeter/collector/dist/alerts/usd-text.js';
import { budgetState, pico, type GivenState } from './budget-states.ts';

function told(given: GivenState): string | null {
  return budgetOccurrence(budgetState(given))?.summary ?? null;
}

const USUAL = [0.5, 0.8, 1];

describe('the text of a budget alert', () => {
  for (const [given, text] of [
    [{ spent: '12.50' }, 'Daily cost threshold exceeded: $12.50 > $10.00'],
    [{ spent: '8.40', steps: USUAL }, 'Daily cost threshold exceeded: $8.40 > $8.00 (80% of $10.00)'],
    [{ spent: '6', limit: '5' }, 'Daily cost threshold exceeded: $6.00 > $5.00'],
    [{ spent: '10.004' }, 'Daily cost threshold exceeded: $10.004 > $10.00'],
    [{ spent: '10.000000000001' }, 'Daily cost threshold exceeded: $10.000000000001 > $10.00'],
    [{ spent: '0.004', limit: '0.003' }, 'Daily cost threshold exceeded: $0.004 > $0.003'],
    [
      { spent: '1000000000000000', limit: '10' },
      'Daily cost threshold exceeded: $1,000,000,000,000,000.00 > $10.00',
    ],
    [{ spent: '21', steps: [1, 2] }, 'Daily cost threshold exceeded: $21.00 > $20.00 (200% of $10.00)'],
    [
      { spent: '12.5', unpriced: 3 },
      'Daily cost threshold exceeded: $12.50 > $10.00 (at least: 3 calls have no price)',
    ],
    [
      { spent: '8.4', steps: USUAL, unpriced: 1 },
      'Daily cost threshold exceeded: $8.40 > $8.00 (80% of $10.00; at least: 1 call has no price)',
    ],
    [
      { spent: '12.5', scope: 'team', scopeValue: 'payments', owner: 'acme' },
      'Daily cost threshold exceeded for team payments: $12.50 > $10.00',
    ],
    [
      { spent: '12.5', scope: 'service_name', scopeValue: 'a\nb', period: 'week' },
      'Weekly cost threshold exceeded for service a b: $12.50 > $10.00',
    ],
    [
      { spent: '12.5', scope: 'all', tenant: '', period: 'month' },
      'Monthly cost threshold exceeded for all tenants: $12.50 > $10.00',
    ],
    [
      { spent: '12.5', period: 'custom', start: '2026-11-01T00:00:00Z', end: '2026-11-16T00:00:00Z' },
      'Cost threshold for 2026-11-01 to 2026-11-15 exceeded: $12.50 > $10.00',
    ],
  ] as const satisfies readonly (readonly [GivenState, string])[]) {
    it(`reads: ${text}`, () => assert.equal(told(given), text));
  }

  it('is none at the limit itself, nor below', () => {
    for (const spent of ['10', '9', '0']) assert.equal(told({ spent }), null);
    assert.equal(told({ spent: '5', steps: USUAL }), null);
  });

  it('is of the limit even where no step says so, and of the highest step that is exceeded', () => {
    assert.equal(told({ spent: '11', steps: [0.5] }), 'Daily cost threshold exceeded: $11.00 > $10.00');
    const subject = (spent: string): unknown =>
      budgetOccurrence(budgetState({ spent, steps: [0.5, 0.8, 1, 1.5] }))?.subject;
    assert.deepEqual(['5.01', '8.01', '10.01', '15.01'].map(subject), [
      'default/50',
      'default/80',
      'default/100',
      'default/150',
    ]);
  });

  it('is critical only where a hard limit itself is exceeded', () => {
    const severity = (given: GivenState): unknown => budgetOccurrence(budgetState(given))?.severity;
    assert.equal(severity({ spent: '9', steps: USUAL, hard: true }), 'warning');
    assert.equal(severity({ spent: '11', steps: USUAL, hard: true }), 'critical');
    assert.equal(severity({ spent: '11' }), 'warning');
  });

  it('never shows amounts that make it false, whatever they are', () => {
    let seed = 7n;
    const random = (): bigint => (seed = (seed * 6364136223846793005n + 1442695040888963407n) % 2n ** 64n);
    for (let round = 0; round < 2_000; round++) {
      const limit = (random() % 10n ** BigInt(1 + (round % 18))) + 1n;
      const spent = limit + 1n + (random() % 10n ** BigInt(round % 16));
      const [, left = '', right = ''] =
        /^\$(\S+) > \$(\S+)$/.exec(exceeds(spent, limit).replaceAll(',', '')) ?? [];
      assert.ok(pico(left) > pico(right) && pico(right) > 0n, `${spent} ${limit}: ${left} > ${right}`);
      assert.match(left, /^\d+\.\d{2,12}$/);
    }
  });

  it('shows two decimals of an amount, and more where two would show nothing', () => {
    for (const [amount, text] of [
      ['0', '$0.00'],
      ['0.004', '$0.004'],
      ['0.005', '$0.005'],
      ['0.000000000001', '$0.000000000001'],
      ['1', '$1.00'],
      ['2.345', '$2.34'],
      ['2.355', '$2.36'],
      ['1234567.8', '$1,234,567.80'],
    ] as const) {
      assert.equal(usdText(pico(amount)), text);
    }
    assert.equal(usdText(-pico('3.5')), '-$3.50');
  });
});
