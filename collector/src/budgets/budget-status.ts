import { formatPico } from '@spanmeter/processors';
import type { BudgetForecast, BudgetForecasts } from '../forecast/forecast.ts';
import { levelOf, type BudgetState } from './budget.ts';

/** A budget as it stands, for JSON: amounts as exact decimal USD, instants as ISO 8601 in UTC. */
export interface BudgetStatus {
  /** The tenant whose spend it is; '' for the operator's budgets over all tenants. */
  readonly tenant: string;
  readonly id: string;
  readonly name: string;
  readonly scope: string;
  readonly scope_value: string | null;
  readonly period: string;
  readonly timezone: string;
  readonly period_start: string;
  readonly period_end: string;
  readonly limit_usd: string;
  readonly spent_usd: string;
  /** Never below 0. */
  readonly remaining_usd: string;
  /** Rounded down to two decimals. */
  readonly used_percent: number;
  readonly level: 'ok' | 'warning' | 'exceeded';
  readonly hard: boolean;
  readonly refuse: boolean;
  readonly complete: boolean;
  readonly unpriced_calls: number;
  readonly forecast: BudgetForecastStatus | null;
}

export interface BudgetForecastStatus {
  readonly expected_usd: string;
  readonly low_usd: string;
  readonly high_usd: string;
  readonly exhausted_at: string | null;
  readonly method: string;
}

function forecastStatus(forecast: BudgetForecast | null): BudgetForecastStatus | null {
  if (forecast === null) return null;
  const { expectedPicoUsd, lowPicoUsd, highPicoUsd, exhaustedAtMs, method } = forecast;
  return {
    expected_usd: formatPico(expectedPicoUsd),
    low_usd: formatPico(lowPicoUsd),
    high_usd: formatPico(highPicoUsd),
    exhausted_at: exhaustedAtMs === null ? null : new Date(exhaustedAtMs).toISOString(),
    method,
  };
}

/** Hundredths of a percent of the limit that are spent, rounded down. */
function usedParts({ spentPicoUsd, budget }: BudgetState): number {
  const parts = (spentPicoUsd * 10_000n) / budget.limitPicoUsd;
  // A JSON number would lose digits anyway.
  return Number(parts > 0n ? parts : 0n);
}

/** [contract] `refuse` is what guards go by: hard, and spent >= limit. */
export function budgetStatus(state: BudgetState, forecasts: BudgetForecasts | null): BudgetStatus {
  const { budget, tenantId, scope, timezone, bounds, spentPicoUsd, unpricedCalls } = state;
  const { limitPicoUsd } = budget;
  const left = limitPicoUsd > spentPicoUsd ? limitPicoUsd - spentPicoUsd : 0n;
  return {
    tenant: tenantId,
    id: budget.id,
    name: budget.name,
    scope,
    scope_value: budget.scopeValue,
    period: budget.period,
    timezone,
    period_start: new Date(bounds.startMs).toISOString(),
    period_end: new Date(bounds.endMs).toISOString(),
    limit_usd: formatPico(limitPicoUsd),
    spent_usd: formatPico(spentPicoUsd),
    remaining_usd: formatPico(left),
    used_percent: usedParts(state) / 100,
    level: levelOf(state),
    hard: budget.hard,
    refuse: budget.hard && spentPicoUsd >= limitPicoUsd,
    complete: unpricedCalls === 0,
    unpriced_calls: unpricedCalls,
    forecast: forecastStatus(forecasts?.of(state) ?? null),
  };
}

/** The most used first, then by tenant and id. */
export function byUse(states: readonly BudgetState[]): BudgetState[] {
  const used = new Map(states.map((state) => [state, usedParts(state)]));
  return states.toSorted(
    (a, b) =>
      (used.get(b) ?? 0) - (used.get(a) ?? 0) ||
      compare(a.tenantId, b.tenantId) ||
      compare(a.budget.id, b.budget.id),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
