import { formatPico } from '@spanmeter/processors';
import type { Budget, BudgetPeriod, BudgetScope } from './budget.ts';

/** [contract] A budget in JSON, of the API and of the command line. */
export interface BudgetJson {
  /** Null for the operator's. */
  readonly tenant: string | null;
  readonly id: string;
  readonly name: string;
  readonly scope: BudgetScope;
  readonly scope_value: string | null;
  readonly period: BudgetPeriod;
  readonly from: string | null;
  readonly to: string | null;
  readonly timezone: string | null;
  readonly limit_usd: string;
  /** Percent of the limit, ascending. */
  readonly steps: readonly string[];
  readonly hard: boolean;
  readonly enabled: boolean;
  readonly created_at: string;
}

/** A budget as the API and the command line tell it. */
export function budgetJson(budget: Budget): BudgetJson {
  return {
    tenant: budget.tenantId === '' ? null : budget.tenantId,
    id: budget.id,
    name: budget.name,
    scope: budget.scope,
    scope_value: budget.scopeValue,
    period: budget.period,
    from: budget.startsOn,
    to: budget.endsOn,
    timezone: budget.timezone,
    limit_usd: formatPico(budget.limitPicoUsd),
    steps: budget.steps.map(({ percent }) => percent),
    hard: budget.hard,
    enabled: budget.enabled,
    created_at: new Date(budget.createdAtMs).toISOString(),
  };
}
