import type { Counter, Host } from '../../pipeline/component.ts';

/** What a sender counts, by the id of its exporter. */
export interface SenderCounters {
  readonly sent: Counter;
  readonly failed: Counter;
  readonly dropped: Counter;
  readonly retries: Counter;
  readonly bytes: Counter;
}

/** Registers the counters of a sender; senders of several exporters share them. */
export function makeSenderCounters({ metrics }: Host): SenderCounters {
  const own = ['exporter'];
  const why = ['exporter', 'reason'];
  return {
    sent: metrics.counter('otelcol_exporter_sent_spans', 'Spans that the destination took.', own),
    failed: metrics.counter('otelcol_exporter_send_failed_spans', 'Spans given up for good.', own),
    dropped: metrics.counter('spanmeter_exporter_dropped_spans_total', 'Spans given up, by reason.', why),
    retries: metrics.counter(
      'spanmeter_exporter_retries_total',
      'Attempts that failed and are repeated.',
      why,
    ),
    bytes: metrics.counter('spanmeter_exporter_sent_bytes_total', 'Bytes taken, as compressed.', own),
  };
}

/** Shows a sender's counters, at 0, so that no rate misses the first event; statuses of HTTP come as they happen. */
export function showSender(counters: SenderCounters, exporter: string): void {
  for (const counter of [counters.sent, counters.failed, counters.bytes]) counter.add(0, { exporter });
  counters.dropped.add(0, { exporter, reason: 'partial_success' });
  for (const reason of ['connection', 'timeout']) counters.retries.add(0, { exporter, reason });
}
