import type { Expectation } from '../measure.ts';

/** Parts of the limits that are used, as bars. */
export function budgetsUsed(_limit: number): Expectation {
  return () => [];
}

export const BUDGETS: Readonly<Record<string, Expectation>> = {};
