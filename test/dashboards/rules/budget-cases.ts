import type { RuleCases } from './rule-case.ts';

const LABELS = { tenant: 'acme', budget: 'default', scope: 'tenant', period: 'day' };
const ACME = 'tenant="acme",budget="default",scope="tenant",period="day"';
const MONTH = 'tenant="acme",budget="m",scope="tenant",period="month"';
/** A day from its first second, as time in these tests begins at 0. */
const DAY = {
  [`genai_budget_period_start_timestamp_seconds{${ACME}}`]: '0x2000',
  [`genai_budget_period_end_timestamp_seconds{${ACME}}`]: '86400x2000',
};

function budget(limit: number, spent: string, hard = 0): Record<string, string> {
  return {
    ...DAY,
    [`genai_budget_limit_usd{${ACME}}`]: `${limit}x2000`,
    [`genai_budget_spent_usd{${ACME}}`]: spent,
    [`genai_budget_hard{${ACME}}`]: `${hard}x2000`,
    [`genai_budget_step_usd{${ACME},threshold="50"}`]: `${limit * 0.5}x2000`,
    [`genai_budget_step_usd{${ACME},threshold="80"}`]: `${limit * 0.8}x2000`,
    [`genai_budget_step_usd{${ACME},threshold="100"}`]: `${limit}x2000`,
  };
}

const WHOSE = 'Tenant acme, budget default (tenant).';

/** A budget of $100 a day that began at 0, of which a minute costs $0.02 until it costs $2. */
function runaway(spent: string, live: Record<string, string>): Record<string, string> {
  return { ...budget(100, spent), ...live };
}
const COST = 'genai_cost_usd_total{tenant="acme",provider="openai",model="gpt"}';
const LATE = 'genai_late_cost_usd_total{tenant="acme",provider="openai",model="gpt"}';

export const BUDGET_CASES: RuleCases = {
  GenAIBudgetExceeded: [
    {
      when: '$12.50 is spent of $10',
      series: budget(10, '12.5x10'),
      at: '1m',
      fires: [LABELS],
      says: `Daily cost threshold exceeded: $12.50 > $10.00. ${WHOSE}`,
    },
    { when: '$11 is spent of $10', series: budget(10, '11x10'), at: '1m', fires: [LABELS] },
    { when: '$6 is spent of $5', series: budget(5, '6x10'), at: '1m', fires: [LABELS] },
    { when: '$9 is spent of $10', series: budget(10, '9x10'), at: '1m', fires: [] },
    { when: 'exactly $10 is spent of $10', series: budget(10, '10x10'), at: '1m', fires: [] },
    {
      when: 'a fraction of a cent is over, which two decimals do not show',
      series: budget(10, '10.001x10'),
      at: '1m',
      fires: [LABELS],
      says: `Daily cost threshold exceeded: $10.001000 > $10.000000. ${WHOSE}`,
    },
    {
      when: 'the budget is hard, which has an alert of its own',
      series: budget(10, '11x10', 1),
      at: '1m',
      fires: [],
    },
    {
      when: 'another tenant is over',
      series: {
        ...budget(10, '3x10'),
        'genai_budget_limit_usd{tenant="it\'s",budget="b",scope="team",scope_value="a\\"b",period="week"}':
          '1x10',
        'genai_budget_spent_usd{tenant="it\'s",budget="b",scope="team",scope_value="a\\"b",period="week"}':
          '2x10',
      },
      at: '1m',
      fires: [{ tenant: "it's", budget: 'b', scope: 'team', scope_value: 'a"b', period: 'week' }],
      says: 'Weekly cost threshold exceeded: $2.00 > $1.00. Tenant it\'s, budget b (team a"b).',
    },
    {
      when: 'the operator’s budget of all tenants is over',
      series: {
        'genai_budget_limit_usd{budget="o",scope="all",period="month"}': '1000x10',
        'genai_budget_spent_usd{budget="o",scope="all",period="month"}': '1000.5x10',
      },
      at: '1m',
      fires: [{ budget: 'o', scope: 'all', period: 'month' }],
      says: 'Monthly cost threshold exceeded: $1000.50 > $1000.00. Tenant all tenants, budget o (all).',
    },
    { when: 'the next day has begun', series: budget(10, '11x10 0x20'), at: '18m', fires: [] },
    {
      when: 'the collector restarts, and its gauges are away for two minutes',
      series: Object.fromEntries(
        Object.entries(budget(10, '11x10')).map(([name, values]) => [
          name,
          `${values.split('x')[0]}x5 stale _x5`,
        ]),
      ),
      at: '8m',
      fires: [LABELS],
    },
    { when: 'the limit is 0 and something is spent', series: budget(0, '0.5x10'), at: '1m', fires: [LABELS] },
    { when: 'the limit is 0 and nothing is spent', series: budget(0, '0x10'), at: '1m', fires: [] },
  ],
  GenAIBudgetExhausted: [
    {
      when: 'a hard budget is spent exactly',
      series: budget(10, '10x10', 1),
      at: '1m',
      fires: [LABELS],
      says: `Daily limit reached: $10.000000 of $10.000000; guarded calls are refused. ${WHOSE}`,
    },
    { when: 'a hard budget is overspent', series: budget(10, '11x10', 1), at: '1m', fires: [LABELS] },
    { when: 'a cent of a hard budget is left', series: budget(10, '9.99x10', 1), at: '1m', fires: [] },
    { when: 'a soft budget is overspent', series: budget(10, '11x10'), at: '1m', fires: [] },
    {
      when: 'the collector restarts, and its gauges are away for two minutes',
      series: Object.fromEntries(
        Object.entries(budget(10, '11x10', 1)).map(([name, values]) => [
          name,
          `${values.split('x')[0]}x5 stale _x5`,
        ]),
      ),
      at: '8m',
      fires: [LABELS],
    },
    {
      when: 'its collector has been away for longer',
      series: budget(10, '11x5 stale _x20', 1),
      at: '20m',
      fires: [],
    },
  ],
  GenAIBudgetThreshold: [
    {
      when: '$8.40 is spent of $10',
      series: budget(10, '8.4x10'),
      at: '1m',
      fires: [{ ...LABELS, threshold: '80' }],
      says: `Daily cost threshold exceeded: $8.40 > $8.00 (80% of the limit). ${WHOSE}`,
    },
    {
      when: 'two steps are crossed at once, for the higher alone',
      series: budget(10, '0x1 9x10'),
      at: '3m',
      fires: [{ ...LABELS, threshold: '80' }],
    },
    {
      when: '$6 is spent of $10',
      series: budget(10, '6x10'),
      at: '1m',
      fires: [{ ...LABELS, threshold: '50' }],
    },
    { when: 'exactly a step is spent', series: budget(10, '5x10'), at: '1m', fires: [] },
    {
      when: 'exactly the limit of a soft budget is spent',
      series: budget(10, '10x10'),
      at: '1m',
      fires: [{ ...LABELS, threshold: '80' }],
    },
    {
      when: 'the limit itself is exceeded, which says more',
      series: budget(10, '11x10'),
      at: '1m',
      fires: [],
    },
    {
      when: 'a hard budget is used up, which says more',
      series: budget(10, '10x10', 1),
      at: '1m',
      fires: [],
    },
    {
      when: 'a step beyond the limit is crossed',
      series: { ...budget(10, '16x10'), [`genai_budget_step_usd{${ACME},threshold="150"}`]: '15x10' },
      at: '1m',
      fires: [{ ...LABELS, threshold: '150' }],
    },
  ],
  GenAIBudgetBurnFast: [
    {
      // $0.02 a minute, then $1.20 a minute: over $60 in the hour, of $100 a day.
      when: 'most of a day is spent in an hour',
      series: runaway('0+0.02x120 3.6+1.2x70', { [COST]: '0+0.02x120 3.6+1.2x70' }),
      at: '180m',
      fires: [LABELS],
    },
    {
      when: 'spend is even',
      series: runaway('0+0.07x600', { [COST]: '0+0.07x600' }),
      at: '300m',
      fires: [],
    },
    {
      when: 'calls of hours ago arrive at last, which only the ledger’s figure counts',
      series: runaway('0+0.02x120 70+0.02x70', { [COST]: '0+0.02x190', [LATE]: '0x120 70x70' }),
      at: '150m',
      fires: [],
    },
    {
      when: 'a collector restarts and counts from 0',
      series: runaway('10+0.02x300', { [COST]: '500+0.02x120 0+0.02x180' }),
      at: '150m',
      fires: [],
    },
    {
      when: 'a series is new and high at once, as of a Prometheus that was just started',
      series: runaway('_x120 70+0.01x70', { [COST]: '_x120 5000+0.01x70' }),
      at: '150m',
      fires: [],
    },
    {
      when: 'the pace is high, but a dollar an hour is not reached',
      series: {
        ...budget(1, '0+0.0001x120 0.013+0.0135x70'),
        [COST]: '0+0.0001x120 0.013+0.0135x70',
      },
      at: '180m',
      fires: [],
    },
    {
      when: 'the budget is exceeded already',
      series: runaway('60+0.02x120 101+1.2x70', { [COST]: '0+0.02x120 3.6+1.2x70' }),
      at: '180m',
      fires: [],
    },
    {
      when: 'it is over since more than five minutes',
      series: runaway('0+0.02x120 3.6+1.2x55 70x60', { [COST]: '0+0.02x120 3.6+1.2x55 70x60' }),
      at: '200m',
      fires: [],
    },
  ],
  GenAIBudgetBurnSlow: [
    {
      // $1000 a month of 30 days: $1.39 an hour is even; $12 an hour is over 6 times that.
      when: 'a month is spent at over six times its pace for six hours',
      every: '5m',
      series: {
        [`genai_budget_period_start_timestamp_seconds{${MONTH}}`]: '0x300',
        [`genai_budget_period_end_timestamp_seconds{${MONTH}}`]: '2592000x300',
        [`genai_budget_limit_usd{${MONTH}}`]: '1000x300',
        [`genai_budget_spent_usd{${MONTH}}`]: '0+1x300',
        [COST]: '0+1x300',
      },
      at: '12h',
      fires: [{ ...LABELS, budget: 'm', period: 'month' }],
      says:
        'Spending 8.6 times as fast as the budget allows, over 6 hours and still in the last 30 minutes. ' +
        'Tenant acme, budget m (tenant).',
    },
    {
      when: 'a month is spent at twice its pace',
      every: '5m',
      series: {
        [`genai_budget_period_start_timestamp_seconds{${MONTH}}`]: '0x300',
        [`genai_budget_period_end_timestamp_seconds{${MONTH}}`]: '2592000x300',
        [`genai_budget_limit_usd{${MONTH}}`]: '1000x300',
        [`genai_budget_spent_usd{${MONTH}}`]: '0+0.23x300',
        [COST]: '0+0.23x300',
      },
      at: '12h',
      fires: [],
    },
  ],
  GenAIBudgetForecastOverrun: [
    {
      when: '$14 are expected of $10',
      series: { ...budget(10, '4x60'), [`genai_budget_forecast_usd{${ACME}}`]: '14x60' },
      at: '40m',
      fires: [LABELS],
      says: `Daily spend is expected to end at $14.00, above the limit of $10.00. ${WHOSE}`,
    },
    {
      when: 'it is expected for a few minutes only',
      series: { ...budget(10, '4x60'), [`genai_budget_forecast_usd{${ACME}}`]: '9x20 14x40' },
      at: '40m',
      fires: [],
    },
    {
      when: '4 % more than the limit are expected',
      series: { ...budget(100, '40x60'), [`genai_budget_forecast_usd{${ACME}}`]: '104x60' },
      at: '40m',
      fires: [],
    },
    {
      when: 'less than a dollar too much is expected',
      series: { ...budget(1, '0.5x60'), [`genai_budget_forecast_usd{${ACME}}`]: '1.9x60' },
      at: '40m',
      fires: [],
    },
    {
      when: 'hardly anything is spent yet',
      series: { ...budget(10, '0.4x60'), [`genai_budget_forecast_usd{${ACME}}`]: '14x60' },
      at: '40m',
      fires: [],
    },
    {
      when: 'the limit is exceeded already, which has an alert of its own',
      series: { ...budget(10, '11x100'), [`genai_budget_forecast_usd{${ACME}}`]: '14x100' },
      at: '80m',
      fires: [],
    },
  ],
  GenAISpendAnomaly: [
    {
      when: 'an hour stands out',
      series: { 'genai_spend_anomaly_usd{tenant="acme",model="gpt",service_name="checkout"}': '12.3x10' },
      at: '1m',
      fires: [{ tenant: 'acme', model: 'gpt', service_name: 'checkout' }],
      says: 'The last whole hour cost $12.30 more than usual: tenant acme, model gpt, service checkout.',
    },
    {
      when: 'the hour is as usual',
      series: { 'genai_spend_anomaly_usd{tenant="acme",model="gpt",service_name="checkout"}': '0x10' },
      at: '1m',
      fires: [],
    },
  ],
};
