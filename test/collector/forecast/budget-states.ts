import type { Budget, BudgetState } from '@spanmeter/collector/dist/budgets/budget.js';

/** What a test says of a budget; the rest is a soft budget of 10 USD a month of its tenant. */
export type GivenState = Partial<Omit<BudgetState, 'budget'>> & { readonly budget?: Partial<Budget> };

/** November 2026 in UTC. */
export const NOVEMBER = {
  startMs: Date.parse('2026-11-01T00:00:00Z'),
  endMs: Date.parse('2026-12-01T00:00:00Z'),
};

export function usd(amount: number): bigint {
  return BigInt(Math.round(amount * 1e6)) * 1_000_000n;
}

export function stateOf({ budget, ...given }: GivenState): BudgetState {
  return {
    budget: {
      tenantId: given.tenantId ?? 'acme',
      id: 'monthly',
      name: 'Monthly',
      scope: 'tenant',
      scopeValue: null,
      period: 'month',
      startsOn: null,
      endsOn: null,
      timezone: null,
      limitPicoUsd: usd(10),
      steps: [],
      hard: false,
      enabled: true,
      createdAtMs: 0,
      ...budget,
    },
    tenantId: 'acme',
    scope: 'tenant',
    timezone: 'UTC',
    bounds: NOVEMBER,
    spentPicoUsd: 0n,
    unpricedCalls: 0,
    ...given,
  };
}
