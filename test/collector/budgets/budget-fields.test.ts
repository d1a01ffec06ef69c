import assert from 'node:assert/strict';
import {
  budgetFaults,
  settingsOf,
  thresholdsOf,
  type BudgetRequest,
} from '@spanmeter/collector/dist/budgets/budget-fields.js';
import { budgetOf, type BudgetRow } from '@spanmeter/collector/dist/budgets/budget-row.js';

const REQUEST: BudgetRequest = {
  tenant: 'acme',
  id: 'acme-monthly',
  name: null,
  scope: 'tenant',
  scopeValue: null,
  period: 'month',
  from: null,
  to: null,
  timezone: null,
  limitUsd: '500',
  steps: ['50', '80', '100'],
  hard: false,
  enabled: true,
};

const CUSTOM = { period: 'custom', from: '2026-11-01', to: '2026-12-15' };

const ROW: BudgetRow = {
  tenant_id: 'acme',
  id: 'b',
  name: 'B',
  scope: 'tenant',
  scope_value: null,
  period: 'month',
  starts_on: null,
  ends_on: null,
  timezone: null,
  limit_usd: '10.000000000000',
  thresholds: ['0.5', '0.8', '1.0'],
  hard: false,
  enabled: true,
  created_ms: 0,
};

/** What is asked, and what each fault begins with. */
const BAD: readonly [string, Partial<BudgetRequest>, readonly string[]][] = [
  ['a limit of 0', { limitUsd: '0' }, ['limit_usd must be more than 0']],
  ['a limit of 0.000', { limitUsd: '0.000' }, ['limit_usd must be more than 0']],
  ['a negative limit', { limitUsd: '-5' }, ['limit_usd must be more than 0']],
  ['a limit that is no number', { limitUsd: 'NaN' }, ['limit_usd must be an amount']],
  ['an infinite limit', { limitUsd: 'Infinity' }, ['limit_usd must be an amount']],
  ['an empty limit', { limitUsd: '' }, ['limit_usd must be an amount']],
  ['a limit in dollars', { limitUsd: '$5' }, ['limit_usd must be an amount']],
  ['a limit with a comma', { limitUsd: '5,00' }, ['limit_usd must be an amount']],
  ['a limit of 1e16', { limitUsd: '1e16' }, ['limit_usd must be at most 1e15 USD']],
  [
    'a limit just over 1e15',
    { limitUsd: '1000000000000000.000000000001' },
    ['limit_usd must be at most 1e15'],
  ],
  ['a limit finer than money', { limitUsd: '0.0000000000001' }, ['limit_usd must have at most 12 decimals']],
  ['no step', { steps: [] }, ['steps must be 1 to 10 numbers']],
  [
    'eleven steps',
    { steps: Array.from({ length: 11 }, (_, at) => String(at + 1)) },
    ['steps must be 1 to 10'],
  ],
  ['a step of 0', { steps: ['0', '50'] }, ['steps must be 1 to 10 numbers of percent']],
  ['a step over 1000', { steps: ['1000.1'] }, ['steps must be 1 to 10 numbers of percent']],
  ['a step that is no number', { steps: ['half'] }, ['steps must be 1 to 10 numbers of percent']],
  ['a step with five decimals', { steps: ['33.33333'] }, ['steps must be 1 to 10 numbers of percent']],
  ['a step twice', { steps: ['50', '50.0'] }, ['steps must not have the same percent twice']],
  ['an id with capitals', { id: 'Acme' }, ['id must be 1 to 64']],
  ['an id of 65', { id: 'a'.repeat(65) }, ['id must be 1 to 64']],
  ['an id with a slash', { id: 'a/b' }, ['id must be 1 to 64']],
  ['an empty id', { id: '' }, ['id must be 1 to 64']],
  ['an id of two dots', { id: '..' }, ['id must be 1 to 64']],
  ['an id that the API has', { id: 'status' }, ['id must not be "status"']],
  ['an empty name', { name: ' ' }, ['name must have 1 to 300']],
  ['a name of 301', { name: 'é'.repeat(301) }, ['name must have 1 to 300']],
  ['a name with control characters', { name: 'a\u0007b' }, ['name must have 1 to 300']],
  ['an unknown scope', { scope: 'galaxy' }, ['scope must be one of all, each, tenant']],
  ['a team without a value', { scope: 'team' }, ['scope_value must be given with scope "team"']],
  ['a team with an empty value', { scope: 'team', scopeValue: '' }, ['scope_value must not be empty']],
  [
    'a value of 257 bytes',
    { scope: 'user', scopeValue: 'é'.repeat(129) },
    ['scope_value must have at most 256'],
  ],
  ['a value with NUL', { scope: 'user', scopeValue: 'a\0' }, ['scope_value must be valid text']],
  ['half a character', { scope: 'user', scopeValue: '\ud800' }, ['scope_value must be valid text']],
  ['a value for a tenant', { scopeValue: 'x' }, ['scope_value must not be given with scope "tenant"']],
  ['a tenant scope of nobody', { tenant: null }, ['tenant must be given']],
  ['all tenants of a tenant', { scope: 'all' }, ['tenant must not be given with scope "all"']],
  ['each tenant of a tenant', { scope: 'each' }, ['tenant must not be given with scope "each"']],
  ['a tenant over 512 bytes', { tenant: 'x'.repeat(513) }, ['tenant must have 1 to 512 bytes']],
  ['an empty tenant', { tenant: '' }, ['tenant must have 1 to 512 bytes']],
  ['an unknown period', { period: 'year' }, ['period must be one of day, week, month, custom']],
  ['a zone that does not exist', { timezone: 'Europe/Atlantis' }, ['timezone must be an IANA time zone']],
  ['an offset for a zone', { timezone: '+05:30' }, ['timezone must be an IANA time zone']],
  ['custom days without days', { period: 'custom' }, ['from must be given', 'to must be given']],
  ['custom days without an end', { ...CUSTOM, to: null }, ['to must be given with period "custom"']],
  ['days of a month', { ...CUSTOM, period: 'month' }, ['from must not be given', 'to must not be given']],
  ['days that end before they begin', { ...CUSTOM, to: '2026-10-31' }, ['to must not be before']],
  ['a day that does not exist', { ...CUSTOM, to: '2026-02-30' }, ['to must be a date']],
  ['over 10 years', { ...CUSTOM, to: '2036-11-02' }, ['to must be at most 10 years']],
];

describe('the fields of a budget', () => {
  const faultsOf = (changes: Partial<BudgetRequest>): string[] =>
    budgetFaults({ ...REQUEST, ...changes }).map(({ field, message }) => `${field} ${message}`);

  for (const [title, changes, expected] of BAD) {
    it(`refuse ${title} in a sentence`, () => {
      const faults = faultsOf(changes);
      assert.equal(faults.length, expected.length, faults.join('; '));
      expected.forEach((start, index) => assert.ok(faults[index]?.startsWith(start), faults[index]));
    });
  }

  it('tell everything that is wrong at once', () => {
    const fields = budgetFaults({
      ...REQUEST,
      id: 'NO',
      tenant: null,
      name: '',
      timezone: 'Mars/Olympus',
      limitUsd: '-1',
      steps: [],
      period: 'custom',
    }).map(({ field }) => field);
    assert.deepEqual(fields, ['id', 'name', 'timezone', 'limit_usd', 'steps', 'tenant', 'from', 'to']);
  });

  it('take what is at the edge', () => {
    const good: Partial<BudgetRequest>[] = [
      {},
      { limitUsd: '1e15' },
      { limitUsd: '0.000000000001' },
      { limitUsd: '.5' },
      { id: 'a'.repeat(64) },
      { name: '💶'.repeat(300) },
      { name: `"quoted" 'and' {braces}` },
      { steps: ['0.0001', '1000'] },
      { scope: 'user', scopeValue: 'é'.repeat(128) },
      { scope: 'model', scopeValue: `it's "x"\n` },
      { tenant: null, scope: 'each' },
      { tenant: null, scope: 'all' },
      { tenant: null, scope: 'team', scopeValue: 'a' },
      { timezone: 'Asia/Kathmandu' },
      { ...CUSTOM, to: '2026-11-01' },
      { ...CUSTOM, to: '2036-10-31' },
    ];
    for (const changes of good) assert.deepEqual(faultsOf(changes), [], JSON.stringify(changes));
  });

  it('become exact amounts, with steps floored to 1e-12 USD and in order', () => {
    const settings = settingsOf({ ...REQUEST, limitUsd: '0.000000000003', steps: ['100', '62.50', '50'] });
    assert.equal(settings.limitPicoUsd, 3n);
    assert.deepEqual(settings.steps, [
      { percent: '50', picoUsd: 1n },
      { percent: '62.5', picoUsd: 1n },
      { percent: '100', picoUsd: 3n },
    ]);
    assert.deepEqual(thresholdsOf(settings), ['0.5', '0.625', '1']);
    const largest = settingsOf({ ...REQUEST, limitUsd: '1e15', steps: ['33.3333'] });
    assert.equal(largest.limitPicoUsd, 10n ** 27n);
    assert.equal(largest.steps[0]?.picoUsd, 333_333n * 10n ** 21n);
  });

  it('name a provider as calls are stored with it', () => {
    const settings = settingsOf({ ...REQUEST, scope: 'provider', scopeValue: 'google' });
    assert.equal(settings.scopeValue, 'gcp.gemini');
    assert.equal(settingsOf({ ...REQUEST, scope: 'provider', scopeValue: 'mine' }).scopeValue, 'mine');
  });

  it('are read from a row as they were written', () => {
    const budget = budgetOf({
      ...ROW,
      limit_usd: '999999999999999.999999999999',
      thresholds: ['1.0', '0.123456'],
    });
    assert.equal(budget.limitPicoUsd, 999_999_999_999_999_999_999_999_999n);
    assert.deepEqual(
      budget.steps.map(({ percent }) => percent),
      ['12.3456', '100'],
    );
    assert.equal(budget.steps[0]?.picoUsd, 123_455_999_999_999_999_999_999_999n);
    assert.throws(() => budgetOf({ ...ROW, limit_usd: 'NaN' }), RangeError);
  });
});
