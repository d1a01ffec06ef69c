/** What a metric follows: a part of Spanmeter that is not there exports none of its metrics. */
export type MetricSource = 'calls' | 'store' | 'budgets' | 'notifications' | 'keys' | 'api' | 'process';

/** Every metric's name, so that one that does not exist is a fault at compile time. */
export const METRIC_NAMES = [
  'genai_cost_usd_total',
  'genai_tokens_total',
  'genai_calls_total',
  'genai_spans_total',
  'genai_call_errors_total',
  'genai_call_duration_seconds',
  'genai_time_to_first_token_seconds',
  'genai_unpriced_calls_total',
  'genai_unpriced_tokens_total',
  'genai_late_cost_usd_total',
  'genai_unattributed_cost_usd_total',
  'genai_cost_difference_usd_total',
  'genai_estimated_cost_usd_total',
  'genai_estimated_calls_total',
  'genai_sampled_calls_total',
  'genai_tenant_last_call_timestamp_seconds',
  'genai_price_book_timestamp_seconds',
  'genai_metrics_label_overflow_total',
  'genai_cost_corrections_usd_total',
  'genai_spend_usd',
  'genai_ledger_oldest_pending_timestamp_seconds',
  'genai_database_size_bytes',
  'genai_database_capacity_bytes',
  'genai_budget_limit_usd',
  'genai_budget_spent_usd',
  'genai_budget_forecast_usd',
  'genai_budget_step_usd',
  'genai_budget_hard',
  'genai_budget_unpriced_calls',
  'genai_budget_period_start_timestamp_seconds',
  'genai_budget_period_end_timestamp_seconds',
  'genai_spend_anomaly_usd',
  'genai_notifications_total',
  'genai_key_created_timestamp_seconds',
  'spanmeter_http_request_duration_seconds',
  'spanmeter_build_info',
] as const;
export type MetricName = (typeof METRIC_NAMES)[number];

/** One metric, as the exporter, the documentation, the dashboards and the tests know it. */
export interface MetricDefinition {
  readonly name: MetricName;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Unit in UCUM or plain words; the name's suffix agrees with it. */
  readonly unit: string;
  readonly labels: readonly string[];
  /** Labels that exist by configuration only. */
  readonly optionalLabels?: readonly string[];
  /** Values that a label is limited to. */
  readonly values?: Readonly<Record<string, readonly string[]>>;
  /** Upper bounds of a histogram. */
  readonly buckets?: readonly number[];
  readonly source: MetricSource;
}

/** Labels of every metric of calls, valued exactly as the columns of `spanmeter.calls`. */
export const CALL_LABELS: readonly string[] = [
  'tenant',
  'provider',
  'model',
  'operation',
  'service_name',
  'environment',
];

/** Labels that metrics of calls get by configuration. */
export const OPTIONAL_CALL_LABELS: readonly string[] = ['team', 'feature'];

/** Disjoint kinds of tokens; their sum is all tokens. */
export const TOKEN_TYPES: readonly string[] = [
  'input',
  'cache_read',
  'cache_write',
  'output',
  'reasoning',
  'audio_input',
  'audio_output',
  'image',
];

/** Upper bounds of durations in seconds: 0.01 x 2^n, n = 0..16. */
export const DURATION_BUCKETS: readonly number[] = Array.from({ length: 17 }, (_, n) => 2 ** n / 100);

const BUDGET_LABELS: readonly string[] = ['tenant', 'budget', 'scope', 'scope_value', 'period'];

/** A counter of calls. */
function calls(
  name: MetricName,
  unit: string,
  help: string,
  labels: readonly string[] = [],
): MetricDefinition {
  return {
    name,
    type: 'counter',
    help,
    unit,
    labels: [...CALL_LABELS, ...labels],
    optionalLabels: OPTIONAL_CALL_LABELS,
    source: 'calls',
  };
}

function duration(name: MetricName, help: string): MetricDefinition {
  return {
    name,
    type: 'histogram',
    help,
    unit: 'seconds',
    labels: CALL_LABELS,
    optionalLabels: OPTIONAL_CALL_LABELS,
    buckets: DURATION_BUCKETS,
    source: 'calls',
  };
}

function gauge(
  name: MetricName,
  unit: string,
  help: string,
  labels: readonly string[],
  source: MetricSource,
): MetricDefinition {
  return { name, type: 'gauge', help, unit, labels, source };
}

const OF_CALLS: readonly MetricDefinition[] = [
  calls(
    'genai_cost_usd_total',
    'USD',
    'Cost of committed calls. For display; exact amounts are in the store.',
  ),
  {
    ...calls('genai_tokens_total', 'tokens', 'Tokens of committed calls by disjoint type.', ['token_type']),
    values: { token_type: TOKEN_TYPES },
  },
  {
    ...calls('genai_calls_total', 'calls', 'Committed billable calls by outcome.', ['outcome']),
    values: { outcome: ['ok', 'error'] },
  },
  calls('genai_spans_total', 'spans', 'Committed GenAI spans, billable or not, by cost status.', [
    'cost_status',
  ]),
  calls('genai_call_errors_total', 'calls', 'Committed calls that failed, by type of error.', ['error_type']),
  duration('genai_call_duration_seconds', 'Duration of committed calls.'),
  duration('genai_time_to_first_token_seconds', 'Time to the first token of streamed calls.'),
  calls('genai_unpriced_calls_total', 'calls', 'Billable calls without a cost, by the cost status.', [
    'reason',
  ]),
  calls('genai_unpriced_tokens_total', 'tokens', 'Tokens of billable calls without a cost.'),
  calls(
    'genai_late_cost_usd_total',
    'USD',
    'Cost of calls that began over 15 minutes before their commit; not in genai_cost_usd_total.',
  ),
  calls('genai_unattributed_cost_usd_total', 'USD', 'Cost of calls that no team is known for.'),
  calls(
    'genai_cost_difference_usd_total',
    'USD',
    'Absolute difference between the cost that emitters report and what the price book says, whichever is taken.',
  ),
  calls(
    'genai_estimated_cost_usd_total',
    'USD',
    'The part of genai_cost_usd_total and genai_late_cost_usd_total that goes by estimated tokens.',
  ),
  calls(
    'genai_estimated_calls_total',
    'calls',
    'The part of genai_calls_total whose tokens are estimates, priced or not.',
  ),
  calls('genai_sampled_calls_total', 'calls', 'Calls whose span says that it stands for more than one.'),
  gauge(
    'genai_tenant_last_call_timestamp_seconds',
    'seconds',
    'Start of the latest committed call of a tenant.',
    ['tenant'],
    'calls',
  ),
  gauge(
    'genai_price_book_timestamp_seconds',
    'seconds',
    'When the price book in use was made.',
    ['version'],
    'calls',
  ),
  {
    name: 'genai_metrics_label_overflow_total',
    type: 'counter',
    help: 'Label sets folded into "other" at the series cap, by metric.',
    unit: 'label sets',
    labels: ['metric'],
    source: 'calls',
  },
];

const OF_STORE: readonly MetricDefinition[] = [
  {
    ...calls(
      'genai_cost_corrections_usd_total',
      'USD',
      'By how much corrections of stored costs, such as a reprice, raised or lowered them.',
      ['direction'],
    ),
    source: 'store',
    values: { direction: ['up', 'down'] },
  },
  {
    ...gauge(
      'genai_spend_usd',
      'USD',
      "Spend of a tenant in the current period of its time zone, from the store's rollups.",
      ['tenant', 'period'],
      'store',
    ),
    values: { period: ['day', 'month'] },
  },
  gauge(
    'genai_ledger_oldest_pending_timestamp_seconds',
    'seconds',
    'When the oldest request that is journalled but not committed was received; 0 where none is.',
    [],
    'store',
  ),
  gauge('genai_database_size_bytes', 'bytes', 'Size of the database.', [], 'store'),
  gauge('genai_database_capacity_bytes', 'bytes', 'Room that the database has.', [], 'store'),
];

const OF_BUDGETS: readonly MetricDefinition[] = [
  gauge('genai_budget_limit_usd', 'USD', 'Limit of a budget.', BUDGET_LABELS, 'budgets'),
  gauge('genai_budget_spent_usd', 'USD', 'Spend against a budget in its period.', BUDGET_LABELS, 'budgets'),
  gauge(
    'genai_budget_step_usd',
    'USD',
    'Spend at which a budget warns, by its soft step in percent of the limit.',
    [...BUDGET_LABELS, 'threshold'],
    'budgets',
  ),
  gauge(
    'genai_budget_hard',
    'none',
    '1 where guards refuse calls once the limit is reached, 0 where they only warn.',
    BUDGET_LABELS,
    'budgets',
  ),
  gauge(
    'genai_budget_unpriced_calls',
    'calls',
    'Calls without a cost in the period: above 0, the spend is incomplete.',
    BUDGET_LABELS,
    'budgets',
  ),
  gauge('genai_budget_forecast_usd', 'USD', "Expected spend at the period's end.", BUDGET_LABELS, 'budgets'),
  gauge(
    'genai_budget_period_start_timestamp_seconds',
    'seconds',
    "Start of a budget's period.",
    BUDGET_LABELS,
    'budgets',
  ),
  gauge(
    'genai_budget_period_end_timestamp_seconds',
    'seconds',
    "End of a budget's period.",
    BUDGET_LABELS,
    'budgets',
  ),
  gauge(
    'genai_spend_anomaly_usd',
    'USD',
    'Spend of the last whole hour, or of the one under way, beyond what that hour of the week usually costs; only where it stands out.',
    ['tenant', 'model', 'service_name'],
    'budgets',
  ),
];

const OTHERS: readonly MetricDefinition[] = [
  {
    name: 'genai_notifications_total',
    type: 'counter',
    help: 'Notifications by channel and outcome: sent, failed (given up) or dropped (no news any more).',
    unit: 'notifications',
    labels: ['channel', 'outcome'],
    values: { outcome: ['sent', 'failed', 'dropped'] },
    source: 'notifications',
  },
  gauge(
    'genai_key_created_timestamp_seconds',
    'seconds',
    'When an API key was made.',
    ['tenant', 'key_id'],
    'keys',
  ),
  {
    name: 'spanmeter_http_request_duration_seconds',
    type: 'histogram',
    help: 'Duration of requests to the query API.',
    unit: 'seconds',
    labels: ['route', 'method', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    source: 'api',
  },
  gauge(
    'spanmeter_build_info',
    'none',
    'Always 1; the labels say what is running.',
    ['version', 'node'],
    'process',
  ),
];

/** Every metric of the GenAI endpoint. Names, labels and values are a contract. */
export const METRIC_CATALOGUE: readonly MetricDefinition[] = [
  ...OF_CALLS,
  ...OF_STORE,
  ...OF_BUDGETS,
  ...OTHERS,
];

/** The metric of that name; throws where there is none. */
export function metricNamed(name: MetricName): MetricDefinition {
  const found = METRIC_CATALOGUE.find((metric) => metric.name === name);
  if (found === undefined) throw new Error(`no metric is called ${name}`);
  return found;
}
