import type { BudgetPeriod, BudgetScope, BudgetState, BudgetStep } from '../budgets/budget.ts';
import { oneLine } from './occurrence.ts';
import { exceeds, usdText } from './usd-text.ts';

const MAX_SCOPE_VALUE_BYTES = 256;

const PERIODS: Readonly<Record<Exclude<BudgetPeriod, 'custom'>, string>> = {
  day: 'Daily',
  week: 'Weekly',
  month: 'Monthly',
};

const SCOPES: Readonly<Record<Exclude<BudgetScope, 'all' | 'each' | 'tenant'>, string>> = {
  team: 'team',
  feature: 'feature',
  service_name: 'service',
  environment: 'environment',
  provider: 'provider',
  model: 'model',
  key: 'key',
  user: 'user',
  session: 'session',
  agent: 'agent',
};

/** Whose spend it is, where that is not the whole tenant's. */
function scopeText({ budget, scope }: BudgetState): string {
  if (scope === 'tenant') return '';
  if (scope === 'all') return ' for all tenants';
  return ` for ${SCOPES[scope]} ${oneLine(budget.scopeValue ?? '', MAX_SCOPE_VALUE_BYTES)}`;
}

function whatText({ budget }: BudgetState): string {
  if (budget.period !== 'custom') return `${PERIODS[budget.period]} cost threshold`;
  return `Cost threshold for ${budget.startsOn ?? ''} to ${budget.endsOn ?? ''}`;
}

function notesOf({ budget, unpricedCalls }: BudgetState, step: BudgetStep): string {
  const notes: string[] = [];
  if (step.picoUsd !== budget.limitPicoUsd) notes.push(`${step.percent}% of ${usdText(budget.limitPicoUsd)}`);
  if (unpricedCalls > 0) {
    const calls = unpricedCalls === 1 ? '1 call has' : `${unpricedCalls} calls have`;
    notes.push(`at least: ${calls} no price`);
  }
  return notes.length === 0 ? '' : ` (${notes.join('; ')})`;
}

/** [contract] `Daily cost threshold exceeded: $12.50 > $10.00`, for people and for those who search mail for it. */
export function budgetText(state: BudgetState, step: BudgetStep): string {
  const amounts = exceeds(state.spentPicoUsd, step.picoUsd);
  return `${whatText(state)} exceeded${scopeText(state)}: ${amounts}${notesOf(state, step)}`;
}
