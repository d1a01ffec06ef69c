import { filtered } from './filters.ts';
import type { KnownMetric } from './promql.ts';
import { aggregate, least, maxBy, promql } from './promql.ts';
import type { Expression, Matcher } from './promql.ts';

/** Labels that tell one budget of one tenant from another. */
export const BUDGET_LABELS: readonly string[] = ['tenant', 'budget', 'scope', 'scope_value', 'period'];

const SECONDS_PER_HOUR = 3_600;

/** A gauge of budgets as one collector says it: every one exports them all. */
export function ofBudgets(name: KnownMetric, more: Readonly<Record<string, Matcher>> = {}): Expression {
  return maxBy(BUDGET_LABELS, filtered(name, more));
}

export const LIMIT: Expression = ofBudgets('genai_budget_limit_usd');
export const SPENT: Expression = ofBudgets('genai_budget_spent_usd');
export const FORECAST: Expression = ofBudgets('genai_budget_forecast_usd');
const START = ofBudgets('genai_budget_period_start_timestamp_seconds');
export const END: Expression = ofBudgets('genai_budget_period_end_timestamp_seconds');

/** Spend as a part of the limit. */
export const USED: Expression = promql`${SPENT} / ${LIMIT}`;

/**
 * How many times faster than the limit allows a budget was spent in the last hours: at 1 it lasts exactly for its
 * period. Of a period that began within these hours it is all of its spend: what the gauge was in the period before
 * says nothing of this one. Within a period the gauge only rises, so that its least value is the first one known.
 */
export function burnRate(hours: number): Expression {
  const seconds = hours * SECONDS_PER_HOUR;
  const first = aggregate('min', BUDGET_LABELS, least(filtered('genai_budget_spent_usd'), `${hours}h`));
  const spent = promql`${SPENT} and ${START} > time() - ${seconds} or ${SPENT} - ${first}`;
  const allowed = promql`${LIMIT} / (${END} - ${START})`;
  return promql`clamp_min(${spent}, 0) / ${seconds} / ${allowed}`;
}
