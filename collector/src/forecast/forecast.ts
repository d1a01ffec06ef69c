import type { BudgetState } from '../budgets/budget.ts';

/** `model`: from history by the time-series library; `run_rate`: this period's mean, where history is too short. */
export type ForecastMethod = 'model' | 'run_rate';

/** Expected spend at the end of a budget's period, with the bounds of an 80 % interval. */
export interface BudgetForecast {
  readonly expectedPicoUsd: bigint;
  readonly lowPicoUsd: bigint;
  readonly highPicoUsd: bigint;
  /** When the limit is expected to be reached, within the period; null where it is not. Past where it was. */
  readonly exhaustedAtMs: number | null;
  readonly method: ForecastMethod;
}

/** Forecasts of all budgets, from memory; made anew every few minutes. */
export interface BudgetForecasts {
  /** Null before the first round, and where there is nothing to go by. Never below what is spent already. */
  of(state: BudgetState): BudgetForecast | null;
}
