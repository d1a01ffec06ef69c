import type { Pool } from 'pg';
import type { BudgetState } from '../budgets/budget.ts';
import { createBudgetForecasts, type RunningForecasts } from '../forecast/budget-forecasts.ts';
import { createTimeSeriesModel } from '../forecast/time-series-model.ts';
import type { Logger } from '../pipeline/component.ts';

/** Forecasts over the collector's own pool; `states` tells every budget as it stands. Started by the caller. */
export function openForecasts(
  pool: Pick<Pool, 'query'>,
  states: () => readonly BudgetState[],
  log: Logger,
): RunningForecasts {
  return createBudgetForecasts({
    query: async <R extends object>(text: string, values: readonly unknown[]) =>
      (await pool.query<R>(text, [...values])).rows,
    states,
    model: createTimeSeriesModel(log),
    log,
  });
}
