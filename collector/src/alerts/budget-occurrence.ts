import { formatPico } from '@spanmeter/processors';
import { levelOf, stepBeyond, type BudgetState, type BudgetStep } from '../budgets/budget.ts';
import type { AlertSeverity } from './alert.ts';
import { budgetText } from './budget-text.ts';
import type { Occurrence } from './occurrence.ts';

/** The step to tell of: the highest that spend is beyond, of which the limit itself is always one. */
export function stepToTell(state: BudgetState): BudgetStep | null {
  const step = stepBeyond(state);
  if (levelOf(state) !== 'exceeded') return step;
  const limit = { percent: '100', picoUsd: state.budget.limitPicoUsd };
  return step === null || step.picoUsd < limit.picoUsd ? limit : step;
}

function severityOf(state: BudgetState): AlertSeverity {
  return levelOf(state) === 'exceeded' && state.budget.hard ? 'critical' : 'warning';
}

/** Tells a tenant's own budget from an operator's of the same id, and one period from another that begins with it. */
function occasionOf({ budget, tenantId, bounds }: BudgetState): string {
  const own = budget.tenantId !== '' && budget.tenantId === tenantId ? 'own ' : '';
  return `${own}${budget.period} ${new Date(bounds.startMs).toISOString()}`;
}

/** One budget in one period: what has one alert at a time. */
export function budgetSeries(state: BudgetState): string {
  return `budget/${state.budget.id} ${occasionOf(state)}`;
}

/** What is to be told of a budget as it stands; null while no step is exceeded. */
export function budgetOccurrence(state: BudgetState): Occurrence | null {
  const step = stepToTell(state);
  if (step === null) return null;
  const { budget, tenantId, scope, bounds, unpricedCalls } = state;
  return {
    tenantId,
    kind: 'budget',
    subject: `${budget.id}/${step.percent}`,
    occasion: occasionOf(state),
    severity: severityOf(state),
    summary: budgetText(state, step),
    detail: {
      budget: budget.id,
      budget_name: budget.name,
      scope,
      scope_value: budget.scopeValue,
      period: budget.period,
      period_start: new Date(bounds.startMs).toISOString(),
      period_end: new Date(bounds.endMs).toISOString(),
      timezone: state.timezone,
      limit_usd: formatPico(budget.limitPicoUsd),
      percent: step.percent,
      step_usd: formatPico(step.picoUsd),
      spent_usd: formatPico(state.spentPicoUsd),
      unpriced_calls: unpricedCalls,
      complete: unpricedCalls === 0,
      hard: budget.hard,
    },
    endsAtMs: bounds.endMs,
    series: { key: budgetSeries(state), rank: Number(step.percent) },
  };
}
