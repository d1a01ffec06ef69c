import type { Budget, BudgetState } from '@spanmeter/collector/dist/budgets/budget.js';

const USD = 1_000_000_000_000n;

const DAILY: Budget = {
  tenantId: '',
  id: 'default',
  name: 'Default',
  scope: 'each',
  scopeValue: null,
  period: 'day',
  startsOn: null,
  endsOn: null,
  timezone: null,
  limitPicoUsd: 10n * USD,
  steps: [
    { percent: '62.5', picoUsd: 6_250_000_000_000n },
    { percent: '100', picoUsd: 10n * USD },
  ],
  hard: false,
  enabled: true,
  createdAtMs: 0,
};

/** The default daily budget of a tenant at 12.50 of 10 USD, with what a test wants changed. */
export function buildState(
  tenantId: string,
  changes: Partial<BudgetState> = {},
  budget: Partial<Budget> = {},
): BudgetState {
  return {
    budget: { ...DAILY, ...budget },
    tenantId,
    scope: 'tenant',
    timezone: 'UTC',
    bounds: { startMs: 1_790_000_000_000, endMs: 1_790_086_400_000 },
    spentPicoUsd: 12n * USD + USD / 2n,
    unpricedCalls: 3,
    ...changes,
  };
}
