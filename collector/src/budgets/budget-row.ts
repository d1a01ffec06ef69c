import { formatRational, parseDecimal, parsePico, type Rational } from '@spanmeter/processors';
import type { Budget, BudgetPeriod, BudgetScope, BudgetStep } from './budget.ts';

/** A row of `spanmeter.budgets` as `BUDGET_COLUMNS` reads it: numbers as text, since the driver's would be floats. */
export interface BudgetRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly name: string;
  readonly scope: string;
  readonly scope_value: string | null;
  readonly period: string;
  readonly starts_on: string | null;
  readonly ends_on: string | null;
  readonly timezone: string | null;
  readonly limit_usd: string;
  readonly thresholds: readonly string[];
  readonly hard: boolean;
  readonly enabled: boolean;
  readonly created_ms: number;
}

/** What to select from `spanmeter.budgets b` for `budgetOf`. */
export const BUDGET_COLUMNS = `b.tenant_id, b.id, b.name, b.scope, b.scope_value, b.period,
  to_char(b.starts_on, 'YYYY-MM-DD') AS starts_on, to_char(b.ends_on, 'YYYY-MM-DD') AS ends_on, b.timezone,
  b.limit_usd::text AS limit_usd, b.thresholds::text[] AS thresholds, b.hard, b.enabled,
  trunc(extract(epoch FROM b.created_at) * 1000)::float8 AS created_ms`;

/** A soft step at a part of the limit (0.8 is 80 percent): exact, floored to 1e-12 USD. */
export function stepAt(limitPicoUsd: bigint, { numerator, denominator }: Rational): BudgetStep {
  return {
    percent: formatRational({ numerator: numerator * 100n, denominator }),
    picoUsd: (limitPicoUsd * numerator) / denominator,
  };
}

/** Steps, the lowest first. */
export function ascending(steps: readonly BudgetStep[]): BudgetStep[] {
  return steps.toSorted((one, other) => Number(one.percent) - Number(other.percent));
}

/**
 * A budget as its row has it. The table's constraints keep scope, period and amounts readable; a limit that is not
 * throws, since no budget may be taken for another.
 */
export function budgetOf(row: BudgetRow): Budget {
  const limitPicoUsd = parsePico(row.limit_usd);
  if (limitPicoUsd === null)
    throw new RangeError(`the limit ${row.limit_usd} of budget ${row.id} is no amount`);
  const parts = row.thresholds.map(parseDecimal).filter((part) => part !== null);
  return {
    tenantId: row.tenant_id,
    id: row.id,
    name: row.name,
    scope: row.scope as BudgetScope,
    scopeValue: row.scope_value,
    period: row.period as BudgetPeriod,
    startsOn: row.starts_on,
    endsOn: row.ends_on,
    timezone: row.timezone,
    limitPicoUsd,
    steps: ascending(parts.map((part) => stepAt(limitPicoUsd, part))),
    hard: row.hard,
    enabled: row.enabled,
    createdAtMs: row.created_ms,
  };
}
