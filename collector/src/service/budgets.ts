import type { BudgetWatch } from '../budgets/budget-watch.ts';
import { followSpend } from '../budgets/follow-spend.ts';
import { Spending, type SpendCommit } from '../budgets/spending.ts';
import type { Database } from '../database/connect.ts';
import type { BudgetGauges } from '../exporters/prometheus/budget-families.ts';
import type { BudgetForecasts } from '../forecast/forecast.ts';
import type { Logger } from '../pipeline/component.ts';
import { connectWhenReady } from './listening-client.ts';

/** Spend against budgets in this collector, and who reads it. */
export interface Budgets {
  /** Follows the spend from its first reading on; its states are none before. */
  readonly watch: BudgetWatch;
  /** The same; null before the store was read for the first time. */
  read(): BudgetWatch | null;
  /** To be called with every commit of the ledger, in order. */
  committed(commit: SpendCommit): void;
  /** What gauges show. */
  gauges(): BudgetGauges;
  forecasts(): BudgetForecasts | null;
  /** Whoever makes forecasts; null, as at the start, is nobody. */
  forecastBy(forecasts: BudgetForecasts | null): void;
  start(): void;
  stop(): Promise<void>;
}

/** Starts nothing until `start`. */
export function createBudgets(database: Pick<Database, 'ownerUrl' | 'ready'>, log: Logger): Budgets {
  const spending = new Spending({ log });
  const follower = followSpend({
    spending,
    connect: () => connectWhenReady(database, 'spanmeter-budgets'),
    log,
  });
  let forecasts: BudgetForecasts | null = null;
  return {
    watch: spending,
    read: () => (spending.isRead ? spending : null),
    committed: (commit) => spending.committed(commit),
    gauges: () => ({
      states: spending.states(null),
      forecastOf: (state) => forecasts?.of(state)?.expectedPicoUsd ?? null,
    }),
    forecasts: () => forecasts,
    forecastBy: (source) => void (forecasts = source),
    start: () => follower.start(),
    stop: () => follower.stop(),
  };
}
