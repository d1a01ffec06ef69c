import type { RecordingRule, RuleGroup } from './rule.ts';
import { BUDGET_LABELS, highest, increaseBy, quantileBy, series } from './series.ts';

const SECONDS = { '5m': 300, '30m': 1_800, '1h': 3_600, '6h': 21_600 } as const;
/** Windows that burn rates are looked at in. */
export type BurnWindow = keyof typeof SECONDS;
const DAY_SECONDS = 86_400;

/** Names of what is recorded per budget and window. */
export function burnRecords(window: BurnWindow): { readonly usd: string; readonly ratio: string } {
  return { usd: `budget:genai_live_spend_usd:sum${window}`, ratio: `budget:genai_burn:ratio${window}` };
}

/** Latest call of a tenant, remembered over restarts of the collector. */
export const LAST_CALL = 'tenant:genai_last_call_timestamp_seconds:max';
const SERVED_LAST_CALL = highest(['tenant'], 'genai_tenant_last_call_timestamp_seconds');
const RECORDED_LAST_CALL = `max by (tenant) (max_over_time(${LAST_CALL}[1h]))`;
/** Calls so far by provider and model; history tells which model is new. */
export const MODEL_CALLS = 'model:genai_calls:sum';

/**
 * Spend of a budget within a window. A budget's gauge goes by the ledger, so it also jumps where calls of hours ago
 * arrive at last; live counters leave these out, but know no budgets. So it is the smaller of the two: the growth of
 * the gauge within the budget's period, at most what its tenant spent live.
 */
function burnRules(window: BurnWindow): RecordingRule[] {
  const spent = 'genai_budget_spent_usd';
  const start = 'genai_budget_period_start_timestamp_seconds';
  const growth = `budget:genai_budget_spent_usd:delta${window}`;
  const live = `tenant:genai_cost_usd:increase${window}`;
  const { usd, ratio } = burnRecords(window);
  const seconds = SECONDS[window];
  const ago = { offset: window };
  return [
    {
      record: live,
      // Without a tenant: of all, for the operator's budgets, whose tenant is empty.
      expr: `${increaseBy(['tenant'], 'genai_cost_usd_total', window)}\nor\n${increaseBy([], 'genai_cost_usd_total', window)}`,
    },
    {
      record: growth,
      expr: [
        `${highest(BUDGET_LABELS, spent)} - (`,
        `  ${highest(BUDGET_LABELS, spent, ago)}`,
        `  and (${highest(BUDGET_LABELS, start)} == ${highest(BUDGET_LABELS, start, ago)})`,
        ')',
        'or',
        // All of it, where the period began within the window. A budget that was just made has no growth yet.
        `(${highest(BUDGET_LABELS, spent)} and (${highest(BUDGET_LABELS, start)} > time() - ${seconds}))`,
      ].join('\n'),
    },
    {
      record: usd,
      expr: [
        `(${growth} < on (tenant) group_left () ${live})`,
        'or',
        `(0 * ${growth} + on (tenant) group_left () ${live})`,
      ].join('\n'),
    },
    {
      record: ratio,
      // 1 is the pace that spends the limit exactly by the end of the period.
      expr: [
        usd,
        '/',
        `(${highest(BUDGET_LABELS, 'genai_budget_limit_usd')} * ${seconds}`,
        `  / (${highest(BUDGET_LABELS, 'genai_budget_period_end_timestamp_seconds')} - ${highest(BUDGET_LABELS, start)}))`,
      ].join('\n'),
    },
  ];
}

const LEDGER: RuleGroup<RecordingRule> = {
  name: 'spanmeter-ledger',
  rules: [
    {
      record: 'budget:genai_budget_limit_usd:max',
      expr: highest(BUDGET_LABELS, 'genai_budget_limit_usd'),
    },
    {
      record: 'budget:genai_budget_spent_usd:max',
      expr: highest(BUDGET_LABELS, 'genai_budget_spent_usd'),
    },
    {
      record: 'budget:genai_budget_used:ratio',
      expr: 'budget:genai_budget_spent_usd:max / (budget:genai_budget_limit_usd:max > 0)',
    },
    { record: 'tenant:genai_spend_usd:max', expr: highest(['tenant', 'period'], 'genai_spend_usd') },
  ],
};

const CALLS: RuleGroup<RecordingRule> = {
  name: 'spanmeter-calls',
  interval: '30s',
  rules: [
    { record: MODEL_CALLS, expr: `sum by (provider, model) (${series('genai_calls_total')})` },
    {
      record: 'provider_model:genai_calls:rate5m',
      expr: `sum by (provider, model, outcome) (rate(${series('genai_calls_total')}[5m]))`,
    },
    {
      record: 'provider_model:genai_cost_usd:rate5m',
      expr: `sum by (provider, model) (rate(${series('genai_cost_usd_total')}[5m]))`,
    },
    {
      record: 'provider_model:genai_call_duration_seconds:p95_5m',
      expr: quantileBy(['provider', 'model'], 0.95, 'genai_call_duration_seconds', '5m'),
    },
    {
      record: 'provider_model:genai_time_to_first_token_seconds:p95_5m',
      expr: quantileBy(['provider', 'model'], 0.95, 'genai_time_to_first_token_seconds', '5m'),
    },
    {
      record: LAST_CALL,
      // A collector that starts anew knows only tenants that called since, and these perhaps by calls that come late:
      // the later of what is recorded and what is served, recorded on and on for 31 days.
      expr: [
        `((${SERVED_LAST_CALL} > ${RECORDED_LAST_CALL}) or ${RECORDED_LAST_CALL} or ${SERVED_LAST_CALL})`,
        `> time() - ${31 * DAY_SECONDS}`,
      ].join('\n'),
    },
  ],
};

/** Everything that is recorded. Burn rates are what alerts read; the others make dashboards of one's own quick. */
export const RECORDING_GROUPS: readonly RuleGroup<RecordingRule>[] = [
  LEDGER,
  { name: 'spanmeter-burn', interval: '30s', rules: (['5m', '30m', '1h', '6h'] as const).flatMap(burnRules) },
  CALLS,
];
