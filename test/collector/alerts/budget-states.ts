import { parsePico } from '@spanmeter/processors';
import type { BudgetWatch } from '@spanmeter/collector/dist/budgets/budget-watch.js';
import type { Budget, BudgetScope, BudgetState } from '@spanmeter/collector/dist/budgets/budget.js';

/** What a test says of a budget; the rest is a daily limit of 10 USD of every tenant, warned of at the limit alone. */
export interface GivenState {
  readonly tenant?: string;
  readonly id?: string;
  readonly owner?: string;
  readonly limit?: string;
  readonly spent: string;
  /** Parts of the limit. */
  readonly steps?: readonly number[];
  readonly hard?: boolean;
  readonly period?: Budget['period'];
  readonly scope?: BudgetScope;
  readonly scopeValue?: string | null;
  readonly start?: string;
  readonly end?: string;
  readonly unpriced?: number;
}

/** Exact amount in 1e-12 USD. */
export function pico(usd: string): bigint {
  return parsePico(usd)!;
}

/** A budget as it stands. */
export function budgetState(given: GivenState): BudgetState {
  const { tenant = 'acme', owner = '', limit = '10', steps = [1], start = '2026-11-21T00:00:00Z' } = given;
  const scope = given.scope ?? 'each';
  const startMs = Date.parse(start);
  const endMs = given.end === undefined ? startMs + 86_400_000 : Date.parse(given.end);
  const limitPicoUsd = pico(limit);
  return {
    budget: {
      tenantId: owner,
      id: given.id ?? 'default',
      name: 'Default daily budget',
      scope,
      scopeValue: given.scopeValue ?? null,
      period: given.period ?? 'day',
      startsOn: given.period === 'custom' ? start.slice(0, 10) : null,
      endsOn: given.period === 'custom' ? new Date(endMs - 1).toISOString().slice(0, 10) : null,
      timezone: null,
      limitPicoUsd,
      steps: steps.map((part) => ({
        percent: String(Math.round(part * 10_000) / 100),
        picoUsd: (limitPicoUsd * BigInt(Math.round(part * 10_000))) / 10_000n,
      })),
      hard: given.hard ?? false,
      enabled: true,
      createdAtMs: 0,
    },
    tenantId: tenant,
    scope: scope === 'each' ? 'tenant' : scope,
    timezone: 'UTC',
    bounds: { startMs, endMs },
    spentPicoUsd: pico(given.spent),
    unpricedCalls: given.unpriced ?? 0,
  };
}

/** Budgets that a test moves. */
export class FakeBudgets implements BudgetWatch {
  readonly #states = new Map<string, BudgetState>();
  readonly #listeners = new Set<(changed: readonly BudgetState[]) => void>();

  states(tenant: string | null): readonly BudgetState[] {
    return [...this.#states.values()].filter((state) => tenant === null || state.tenantId === tenant);
  }

  onChange(listener: (changed: readonly BudgetState[]) => void): () => void {
    this.#listeners.add(listener);
    if (this.#states.size > 0) listener([...this.#states.values()]);
    return () => this.#listeners.delete(listener);
  }

  set(...states: readonly BudgetState[]): void {
    for (const state of states) {
      this.#states.set(JSON.stringify([state.tenantId, state.budget.tenantId, state.budget.id]), state);
    }
    for (const listener of this.#listeners) listener(states);
  }

  remove(): void {
    this.#states.clear();
  }
}
