import type { BudgetState } from './budget.ts';

/** Budgets as they stand after the latest commit, from memory. */
export interface BudgetWatch {
  /** Of one tenant, its row budgets and the operator's `each` included; null is all, the operator's too. */
  states(tenant: string | null): readonly BudgetState[];
  /**
   * Called after every commit, correction or change of budgets with the states that differ from before, and once with
   * all of them when they were first read. Returns what ends it.
   */
  onChange(listener: (changed: readonly BudgetState[]) => void): () => void;
}
