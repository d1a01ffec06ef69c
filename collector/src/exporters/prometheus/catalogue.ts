const HELP = {
  genai_cost_usd_total:
    'Cost of calls in USD, those of genai_late_cost_usd_total not included; for rates: exact sums are in the ledger.',
  genai_late_cost_usd_total: 'Cost in USD of calls that started over 15 minutes before they were stored.',
  genai_unattributed_cost_usd_total: 'Cost in USD of calls without a team, late ones included.',
  genai_cost_difference_usd_total:
    'Absolute difference in USD between our cost and the one that the span reported.',
  genai_tokens_total: 'Tokens of billable calls by disjoint type: the sum over the types is all tokens.',
  genai_calls_total: 'Billable calls of every cost status but duplicate and not_billable.',
  genai_spans_total: 'GenAI spans that were stored, by cost status.',
  genai_call_errors_total: 'Calls to a model that failed, also those that cost nothing.',
  genai_call_duration_seconds: 'Duration of billable calls.',
  genai_time_to_first_token_seconds: 'Time to the first token of billable calls that tell it.',
  genai_unpriced_calls_total: 'Billable calls whose cost is unknown, by cost status.',
  genai_unpriced_tokens_total: 'Tokens of billable calls whose cost is unknown.',
  genai_sampled_calls_total: 'Billable calls that stand for more because their spans were sampled.',
  genai_tenant_last_call_timestamp_seconds: 'When the newest billable call of the tenant started.',
  genai_spend_usd: 'What the tenant spent so far in its day or month, in USD; take max, not sum.',
  genai_price_book_timestamp_seconds: 'When the price book in use was made.',
  genai_key_created_timestamp_seconds: 'When the key was made.',
  genai_ledger_oldest_pending_timestamp_seconds:
    'When the oldest record that is not stored yet was received.',
  genai_database_size_bytes: 'Size of the database.',
  genai_metrics_label_overflow_total: 'Updates whose labels were folded into other, by metric.',
  spanmeter_build_info: 'Constant 1 with the versions of the collector and of Node.',
} as const;

/** A metric that this exporter has. */
export type MetricName = keyof typeof HELP;

/** The help text of a metric. */
export function helpOf(name: MetricName): string {
  return HELP[name];
}
