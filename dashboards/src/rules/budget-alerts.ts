import type { AlertRule, RuleGroup } from './rule.ts';
import { burnRecords } from './recording-rules.ts';
import { BUDGET_LABELS, highest } from './series.ts';

const BY = BUDGET_LABELS.join(', ');
const LIMIT = highest(BUDGET_LABELS, 'genai_budget_limit_usd');
const SPENT = highest(BUDGET_LABELS, 'genai_budget_spent_usd');
const FORECAST = highest(BUDGET_LABELS, 'genai_budget_forecast_usd');
const HARD = `(${highest(BUDGET_LABELS, 'genai_budget_hard')} == 1)`;
const STEP = highest([...BUDGET_LABELS, 'threshold'], 'genai_budget_step_usd');
/** Spend beyond which a budget has an alert that says so; the others are about the way there. */
const USED_UP = `(${SPENT} > ${LIMIT} or (${SPENT} == ${LIMIT} and ${HARD}))`;

const WHOSE = 'Tenant {tenant|all tenants}, budget {budget} ({scope}{ scope_value})';
/** Over a restart of the collector, which serves no gauge meanwhile: nobody is told that it ended and began anew. */
const OVER_A_RESTART = '5m';
const DASHBOARD = { uid: 'spanmeter-budgets', variables: { tenant: 'tenant' } } as const;

/** Floors: below these amounts nobody wants to be told of a pace. */
const FAST_FLOOR_USD = 1;
const OVERRUN_FLOOR_USD = 1;

function burn(fast: { slow: '1h' | '6h'; quick: '5m' | '30m'; factor: number }): string {
  const { ratio, usd } = burnRecords(fast.slow);
  return [
    ratio,
    `and ${burnRecords(fast.quick).ratio} > ${fast.factor}`,
    `and ${usd} > ${FAST_FLOOR_USD}`,
    `unless ${SPENT} >= ${LIMIT}`,
  ].join('\n');
}

const EXCEEDED: AlertRule = {
  name: 'GenAIBudgetExceeded',
  severity: 'warning',
  value: `${SPENT}\nunless ${HARD}`,
  comparison: '>',
  bound: 'genai_budget_limit_usd',
  labels: BUDGET_LABELS,
  unit: 'usd',
  for: '0s',
  keepFiringFor: OVER_A_RESTART,
  summary: 'A soft budget is overspent.',
  description: `{$period} cost threshold exceeded: {$value} > {$bound}. ${WHOSE}.`,
  dashboard: DASHBOARD,
  meaning: 'The spend of a soft budget is above its limit. Exactly the limit does not fire.',
};

const EXHAUSTED: AlertRule = {
  name: 'GenAIBudgetExhausted',
  severity: 'critical',
  value: `${SPENT}\nand ${HARD}`,
  comparison: '>=',
  bound: 'genai_budget_limit_usd',
  labels: BUDGET_LABELS,
  unit: 'usd',
  for: '0s',
  keepFiringFor: OVER_A_RESTART,
  summary: 'A hard budget is used up: guards refuse further calls.',
  description: `{$period} limit reached: {$value} of {$bound}; guarded calls are refused. ${WHOSE}.`,
  dashboard: DASHBOARD,
  meaning: 'The spend of a hard budget has reached its limit, so that guards refuse calls.',
};

const THRESHOLD: AlertRule = {
  name: 'GenAIBudgetThreshold',
  severity: 'warning',
  value: [
    `(0 * ${STEP} + on (${BY}) group_left () ${SPENT})`,
    'and (',
    `  topk by (${BY}) (1, ${STEP} < on (${BY}) group_left () ${SPENT})`,
    // A step up to the limit says less than the alert of the limit itself.
    '  unless (',
    `    ${STEP} <= on (${BY}) group_left () ${LIMIT}`,
    `    and on (${BY}) ${USED_UP}`,
    '  )',
    ')',
  ].join('\n'),
  comparison: '>',
  bound: 'genai_budget_step_usd',
  labels: [...BUDGET_LABELS, 'threshold'],
  unit: 'usd',
  for: '0s',
  summary: 'A budget is beyond one of its steps.',
  description: `{$period} cost threshold exceeded: {$value} > {$bound} ({threshold}% of the limit). ${WHOSE}.`,
  dashboard: DASHBOARD,
  meaning:
    'The spend is beyond a step of its budget; one alert, for the highest. Steps up to the limit give way once the ' +
    'limit itself is exceeded.',
};

const BURN_FAST: AlertRule = {
  name: 'GenAIBudgetBurnFast',
  severity: 'critical',
  value: burn({ slow: '1h', quick: '5m', factor: 14.4 }),
  comparison: '>',
  bound: 14.4,
  labels: BUDGET_LABELS,
  unit: 'factor',
  for: '2m',
  keepFiringFor: '5m',
  summary: 'A budget is being spent at a runaway pace.',
  description: `Spending {$value} times as fast as the budget allows, over 1 hour and still in the last 5 minutes. ${WHOSE}.`,
  dashboard: DASHBOARD,
  meaning:
    'Over 1 hour and over 5 minutes live spend is above 14.4 times the even pace (2 % of a month, 60 % of a day in ' +
    'an hour), above $1, and the budget is not used up yet.',
};

const BURN_SLOW: AlertRule = {
  ...BURN_FAST,
  name: 'GenAIBudgetBurnSlow',
  severity: 'warning',
  value: burn({ slow: '6h', quick: '30m', factor: 6 }),
  bound: 6,
  for: '5m',
  keepFiringFor: '15m',
  summary: 'A budget has been spent much too fast for hours.',
  description: `Spending {$value} times as fast as the budget allows, over 6 hours and still in the last 30 minutes. ${WHOSE}.`,
  meaning:
    'As GenAIBudgetBurnFast, over 6 hours and 30 minutes at 6 times the even pace (5 % of a month in 6 hours).',
};

const FORECAST_OVERRUN: AlertRule = {
  name: 'GenAIBudgetForecastOverrun',
  severity: 'warning',
  value: [
    FORECAST,
    `and ${FORECAST} > 1.05 * ${LIMIT}`,
    `and ${FORECAST} - ${LIMIT} > ${OVERRUN_FLOOR_USD}`,
    `and ${SPENT} > 0.05 * ${LIMIT}`,
    `unless ${SPENT} >= ${LIMIT}`,
  ].join('\n'),
  comparison: '>',
  bound: 'genai_budget_limit_usd',
  labels: BUDGET_LABELS,
  unit: 'usd',
  for: '30m',
  keepFiringFor: '30m',
  summary: 'A budget is expected to be overspent by the end of its period.',
  description: `{$period} spend is expected to end at {$value}, above the limit of {$bound}. ${WHOSE}.`,
  dashboard: DASHBOARD,
  meaning:
    'For 30 minutes the expected spend at the end of the period is over 5 % and over $1 above the limit, and at least ' +
    '5 % of it are spent. Ends once the limit is really exceeded.',
};

const ANOMALY: AlertRule = {
  name: 'GenAISpendAnomaly',
  severity: 'warning',
  value: highest(['tenant', 'model', 'service_name'], 'genai_spend_anomaly_usd'),
  comparison: '>',
  bound: 0,
  labels: ['tenant', 'model', 'service_name'],
  unit: 'usd',
  for: '0s',
  keepFiringFor: '1h',
  summary: 'An hour cost far more than that hour of the week usually does.',
  description:
    'The last whole hour cost {$value} more than usual: tenant {tenant}, model {model|unknown}, service {service_name|unknown}.',
  dashboard: { uid: 'spanmeter-tenant', variables: { tenant: 'tenant', model: 'model' } },
  meaning:
    'The collector found an hour whose spend stands out from the same hour of past weeks, above its own floor.',
};

/** Alerts of money: what was spent, and what will be. */
export const BUDGET_ALERTS: RuleGroup<AlertRule> = {
  name: 'spanmeter-budgets',
  rules: [EXHAUSTED, EXCEEDED, THRESHOLD, BURN_FAST, BURN_SLOW, FORECAST_OVERRUN, ANOMALY],
};
