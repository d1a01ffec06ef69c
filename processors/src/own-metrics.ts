/**
 * Metrics of the collector's own endpoint (8888) that dashboards and rules read, with their labels. A test holds it
 * to what a running collector serves. `needs` names what must be configured; without it every collector
 * serves the metric.
 */
export const OWN_METRICS = {
  otelcol_receiver_accepted_spans: { type: 'counter', labels: ['receiver', 'transport'] },
  otelcol_receiver_refused_spans: { type: 'counter', labels: ['receiver', 'transport'] },
  otelcol_receiver_failed_spans: { type: 'counter', labels: ['receiver', 'transport'] },
  spanmeter_receiver_skipped_spans: { type: 'counter', labels: ['receiver', 'transport'] },
  spanmeter_receiver_refused_requests: { type: 'counter', labels: ['receiver', 'transport', 'code'] },
  spanmeter_receiver_in_flight_bytes: { type: 'gauge', labels: ['receiver'] },
  otelcol_processor_memory_limiter_refused_requests: { type: 'counter', labels: ['processor'] },
  otelcol_exporter_queue_size: { type: 'gauge', labels: ['exporter'] },
  otelcol_exporter_sent_spans: { type: 'counter', labels: ['exporter'], needs: 'otlp_http' },
  otelcol_exporter_send_failed_spans: { type: 'counter', labels: ['exporter'], needs: 'otlp_http' },
  spanmeter_exporter_dropped_spans_total: {
    type: 'counter',
    labels: ['exporter', 'reason'],
    needs: 'otlp_http',
  },
  spanmeter_exporter_retries_total: { type: 'counter', labels: ['exporter', 'reason'], needs: 'otlp_http' },
  spanmeter_journal_size_bytes: { type: 'gauge', labels: [] },
  spanmeter_journal_limit_bytes: { type: 'gauge', labels: [] },
  spanmeter_journal_appended_records_total: { type: 'counter', labels: [] },
  spanmeter_journal_appended_spans_total: { type: 'counter', labels: [] },
  spanmeter_journal_refused_total: { type: 'counter', labels: ['reason'] },
  spanmeter_journal_damaged_total: { type: 'counter', labels: ['reason'] },
  spanmeter_journal_gap_records_total: { type: 'counter', labels: ['exporter', 'reason'] },
  spanmeter_journal_unreadable_records_total: { type: 'counter', labels: [] },
  spanmeter_journal_pending_spans: { type: 'gauge', labels: ['exporter'] },
  spanmeter_journal_pending_bytes: { type: 'gauge', labels: ['exporter'] },
  spanmeter_journal_oldest_pending_timestamp_seconds: { type: 'gauge', labels: ['exporter'] },
  spanmeter_processor_oversized_attributes_total: { type: 'counter', labels: [] },
  spanmeter_ledger_rows_total: { type: 'counter', labels: ['outcome'] },
  spanmeter_ledger_batches_total: { type: 'counter', labels: ['route'] },
  spanmeter_ledger_dead_letters_total: { type: 'counter', labels: ['reason'] },
  spanmeter_ledger_retries_total: { type: 'counter', labels: ['exporter'] },
  spanmeter_ledger_cursor_reports_total: { type: 'counter', labels: ['exporter', 'found'] },
  spanmeter_ledger_commit_seconds: { type: 'histogram', labels: [] },
  spanmeter_maintenance_failures_total: { type: 'counter', labels: [] },
  spanmeter_price_overrides: { type: 'gauge', labels: ['state'] },
  spanmeter_price_reloads_total: { type: 'counter', labels: ['source', 'outcome'] },
  spanmeter_price_files_valid: { type: 'gauge', labels: [], needs: 'prices_file' },
  spanmeter_worker_up: { type: 'gauge', labels: [] },
  spanmeter_metric_read_errors_total: { type: 'counter', labels: ['metric'] },
  nodejs_eventloop_lag_p50_seconds: { type: 'gauge', labels: ['thread'] },
  nodejs_eventloop_lag_p99_seconds: { type: 'gauge', labels: ['thread'] },
  nodejs_eventloop_lag_max_seconds: { type: 'gauge', labels: ['thread'] },
  nodejs_heap_size_used_bytes: { type: 'gauge', labels: ['thread'] },
  otelcol_process_uptime: { type: 'counter', labels: [] },
  otelcol_process_cpu_seconds: { type: 'counter', labels: [] },
  otelcol_process_memory_rss: { type: 'gauge', labels: [] },
} as const;

/** A metric of the collector's own endpoint. */
export type OwnMetricName = keyof typeof OWN_METRICS;

/** Every name of {@link OWN_METRICS}. */
export const OWN_METRIC_NAMES: readonly OwnMetricName[] = Object.keys(OWN_METRICS) as OwnMetricName[];
