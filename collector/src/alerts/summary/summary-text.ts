import { parsePico } from '@spanmeter/processors';
import { bounded, oneLine } from '../delivery/message.ts';
import { usdText } from '../usd-text.ts';
import type { BudgetSpent, DailySummary, EarlierSpend, NamedSpend } from './daily-summary.ts';

const MAX_NAME = 80;

function name(text: string): string {
  return bounded(oneLine(text), MAX_NAME);
}

/** USD as people read it. Takes exact decimal text. */
function usd(text: string): string {
  return usdText(parsePico(text) ?? 0n);
}

function callsText(calls: number): string {
  return calls === 1 ? '1 call' : `${calls.toLocaleString('en-US')} calls`;
}

function earlierText(label: string, { spend_usd: spend, change_percent: change }: EarlierSpend): string {
  if (change === null) return `${label}: ${usd(spend)}.`;
  return `${label}: ${usd(spend)} (${change.startsWith('-') ? '' : '+'}${change}%).`;
}

/** What is not known is not nothing. */
function itemText({ name: title, spend_usd: spend, calls, unpriced_calls: unpriced }: NamedSpend): string {
  if (unpriced === 0) return `${name(title)} ${usd(spend)} (${callsText(calls)})`;
  if (unpriced >= calls) return `${name(title)} (${callsText(calls)} without a price)`;
  return `${name(title)} at least ${usd(spend)} (${callsText(calls)})`;
}

function namedText(label: string, named: readonly NamedSpend[]): string[] {
  if (named.length === 0) return [];
  return [`${label}: ${named.map(itemText).join(', ')}`];
}

function budgetText({ name: title, spent_usd: spent, limit_usd: limit, percent }: BudgetSpent): string {
  return `${name(title)} ${usd(spent)} of ${usd(limit)} (${percent}%)`;
}

/** A summary in a few lines, the first of which says the most. */
export function summaryText(summary: DailySummary): string {
  const who = summary.tenant === '' ? 'all tenants' : name(summary.tenant);
  const { unpriced_calls: unpriced, budgets } = summary;
  return [
    `Summary of ${summary.date} for ${who}: ${usd(summary.spend_usd)} in ${callsText(summary.calls)}.`,
    `${earlierText('Day before', summary.day_before)} ${earlierText('Same weekday a week before', summary.week_before)}`,
    ...(unpriced === 0 ? [] : [`Without a price: ${callsText(unpriced)}, so the spend is more than this.`]),
    ...namedText('Tenants', summary.top_tenants),
    ...namedText('Models', summary.top_models),
    ...namedText('Teams', summary.top_teams),
    ...(budgets.length === 0 ? [] : [`Budgets: ${budgets.map(budgetText).join(', ')}`]),
  ].join('\n');
}
