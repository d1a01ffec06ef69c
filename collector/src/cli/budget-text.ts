import { formatPico } from '@spanmeter/processors';
import type { Budget } from '../budgets/budget.ts';
import { amount, exactDecimals, printable, table, type CliContext } from './output.ts';

/** `all tenants`, `each tenant`, `team payments`: whose spend a budget holds. */
export function budgetSubject({ tenantId, scope, scopeValue }: Budget): string {
  if (scope === 'all') return 'all tenants';
  if (scope === 'each') return 'each tenant';
  if (scope === 'tenant') return `tenant ${tenantId}`;
  const what = scope === 'service_name' ? 'service' : scope;
  return `${what} ${scopeValue ?? ''} of ${tenantId === '' ? 'all tenants' : tenantId}`;
}

function periodOf({ period, startsOn, endsOn }: Budget): string {
  return period === 'custom' ? `${startsOn} to ${endsOn}` : period;
}

function limitOf({ limitPicoUsd }: Budget): string {
  const exact = formatPico(limitPicoUsd);
  return amount(exact, exactDecimals([exact]));
}

/** `500.00 USD per month (Europe/Rome), warned of at 50, 80, 100 %, hard`. */
export function budgetSentence(budget: Budget): string {
  const { period, timezone, steps, hard, enabled } = budget;
  const when = period === 'custom' ? `from ${periodOf(budget)}` : `per ${period}`;
  const percents = steps.map(({ percent }) => percent).join(', ');
  const zone = timezone === null ? '' : ` (${timezone})`;
  const state = `${hard ? 'hard' : 'soft'}${enabled ? '' : ', disabled'}`;
  return `${limitOf(budget)} USD ${when}${zone} for ${printable(budgetSubject(budget))}, warned of at ${percents} %, ${state}`;
}

/** Budgets as a table. */
export function budgetTable(
  budgets: readonly Budget[],
  context: Pick<CliContext, 'columns' | 'colours'>,
): string {
  if (budgets.length === 0) return 'No budgets.\n';
  const rows = budgets.map((budget) => [
    budget.id,
    budget.tenantId === '' ? '(operator)' : budget.tenantId,
    budgetSubject(budget),
    limitOf(budget),
    periodOf(budget),
    budget.timezone ?? "(tenant's)",
    budget.steps.map(({ percent }) => percent).join(','),
    `${budget.hard ? 'hard' : 'soft'}${budget.enabled ? '' : ', disabled'}`,
  ]);
  const titles = ['Id', 'Owner', 'Holds', 'Limit (USD)', 'Period', 'Zone', 'Steps (%)', 'Kind'];
  return table(
    titles.map((title) => ({
      title,
      align: title === 'Limit (USD)' ? 'right' : 'left',
      whole: title === 'Id',
    })),
    rows,
    context,
  );
}
