import { formatPico } from '@spanmeter/processors';
import type { BudgetPeriod, BudgetScope, BudgetState, BudgetStep } from '../budgets/budget.ts';
import { oneLine } from './occurrence.ts';

const MAX_DECIMALS = 12;
const MAX_SCOPE_VALUE_BYTES = 256;

/** An amount with so many decimals, rounded half up; in 1e-12 USD. */
function rounded(pico: bigint, decimals: number): bigint {
  const unit = 10n ** BigInt(MAX_DECIMALS - decimals);
  return ((pico + unit / 2n) / unit) * unit;
}

function dollars(pico: bigint, decimals: number): string {
  const [whole = '0', fraction = ''] = formatPico(rounded(pico, decimals)).split('.');
  return `$${whole}.${fraction.replace(/0+$/, '').padEnd(2, '0')}`;
}

/** Two decimals, and more where two would show nothing. The amount is in 1e-12 USD and not negative. */
export function usdText(pico: bigint): string {
  let decimals = 2;
  const isShown = (): boolean => pico === 0n || rounded(pico, decimals) > 0n;
  while (decimals < MAX_DECIMALS && !isShown()) decimals++;
  return dollars(pico, decimals);
}

/** `$12.50 > $10.00`: two decimals, and more where two would show nothing, or would not show that it is more. */
export function exceeds(spent: bigint, limit: bigint): string {
  let decimals = 2;
  const isShown = (): boolean =>
    rounded(spent, decimals) > rounded(limit, decimals) && rounded(limit, decimals) > 0n;
  while (decimals < MAX_DECIMALS && !isShown()) decimals++;
  return `${dollars(spent, decimals)} > ${dollars(limit, decimals)}`;
}

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
