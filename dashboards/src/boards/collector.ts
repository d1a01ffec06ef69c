import * as units from '@grafana/grafana-foundation-sdk/units';
import { board } from '../board.ts';
import type { Board, RowSpec } from '../board.ts';
import { aggregate, maxBy, metric, promql, quantile, rate, sumBy } from '../promql.ts';
import type { Expression } from '../promql.ts';
import { fromMetrics } from '../targets.ts';
import { DATABASE } from './collector-database.ts';
import { ANSWERED } from './collector-process.ts';
import { JOBS, NOT_SCRAPED, own } from './collector-texts.ts';

/** How long ago an instant was, where it is one: 0 stands for none. */
function ageOf(instant: Expression): Expression {
  return promql`(time() - ${instant}) * (${instant} > bool 0)`;
}

const HEALTH: RowSpec = {
  id: 100,
  title: 'Health',
  panels: [
    {
      id: 1,
      title: 'Up',
      text: own('Whether Prometheus reaches the two endpoints of each collector.', NOT_SCRAPED, 'now'),
      drawing: 'tiles',
      width: 6,
      height: 4,
      unit: units.Short,
      names: { '0': 'down', '1': 'up' },
      thresholds: ['red', [1, 'green']],
      targets: [
        fromMetrics(aggregate('min', ['job', 'instance'], metric('up', { job: JOBS })), {
          legend: '{{job}} {{instance}}',
          instant: true,
        }),
      ],
    },
    {
      id: 2,
      title: 'Oldest request that waits',
      text: own(
        'How long the oldest journalled request has waited for the ledger. It is 0 where nothing waits.',
        NOT_SCRAPED,
        'now',
      ),
      drawing: 'tiles',
      width: 6,
      height: 4,
      unit: units.Seconds,
      thresholds: ['green', [60, 'orange'], [300, 'red']],
      targets: [
        fromMetrics(ageOf(maxBy([], metric('genai_ledger_oldest_pending_timestamp_seconds'))), {
          legend: 'Waits for',
          instant: true,
        }),
      ],
    },
    {
      id: 3,
      title: 'Journal used',
      text: own('Bytes of the journal by its bound; at 100 % requests are refused, and senders try again.'),
      drawing: 'tiles',
      width: 6,
      height: 4,
      unit: units.PercentUnit,
      decimals: 1,
      thresholds: ['green', [0.7, 'orange'], [0.9, 'red']],
      targets: [
        fromMetrics(
          promql`${maxBy(['instance'], metric('spanmeter_journal_size_bytes'))} / ${maxBy(
            ['instance'],
            metric('spanmeter_journal_limit_bytes'),
          )}`,
          { legend: '{{instance}}' },
        ),
      ],
    },
    {
      id: 4,
      title: 'Size of the database',
      text: own(
        'Bytes of the whole database.',
        'Prometheus does not scrape the collector, or it has no database',
        'now',
      ),
      drawing: 'tiles',
      width: 6,
      height: 4,
      unit: units.BytesIEC,
      targets: [fromMetrics(maxBy([], metric('genai_database_size_bytes')), { legend: 'Database' })],
    },
  ],
};

const RECEIVED: RowSpec = {
  id: 101,
  title: 'Received',
  panels: [
    {
      id: 5,
      title: 'Spans at the door',
      text: own(
        'Spans per second: taken, refused, kept out by a fault of the collector, and taken but wanted by no exporter.',
      ),
      drawing: 'lines',
      width: 12,
      height: 8,
      unit: units.Short,
      targets: [
        fromMetrics(sumBy(['transport'], rate(metric('otelcol_receiver_accepted_spans'))), {
          legend: 'taken {{transport}}',
        }),
        fromMetrics(sumBy(['transport'], rate(metric('otelcol_receiver_refused_spans'))), {
          legend: 'refused {{transport}}',
        }),
        fromMetrics(sumBy(['transport'], rate(metric('otelcol_receiver_failed_spans'))), {
          legend: 'failed {{transport}}',
        }),
        fromMetrics(sumBy(['transport'], rate(metric('spanmeter_receiver_skipped_spans'))), {
          legend: 'not wanted {{transport}}',
        }),
      ],
    },
    {
      id: 6,
      title: 'Refused requests',
      text: own(
        'Requests per second that were answered with an error, by code.',
        `no request was refused, or ${NOT_SCRAPED}`,
      ),
      drawing: 'bars',
      width: 12,
      height: 8,
      unit: units.RequestsPerSecond,
      targets: [
        fromMetrics(sumBy(['code'], rate(metric('spanmeter_receiver_refused_requests'))), {
          legend: '{{code}}',
        }),
      ],
    },
    {
      id: 7,
      title: 'GenAI spans made durable',
      text: own('GenAI spans and requests per second that the journal holds for sure.'),
      drawing: 'lines',
      width: 8,
      height: 7,
      unit: units.Short,
      targets: [
        fromMetrics(sumBy([], rate(metric('spanmeter_journal_appended_spans_total'))), { legend: 'spans' }),
        fromMetrics(sumBy([], rate(metric('spanmeter_journal_appended_records_total'))), {
          legend: 'requests',
        }),
      ],
    },
    {
      id: 8,
      title: 'Requests in memory',
      text: own('Bytes of requests that are being read, by receiver.'),
      drawing: 'lines',
      width: 8,
      height: 7,
      unit: units.BytesIEC,
      targets: [
        fromMetrics(maxBy(['instance', 'receiver'], metric('spanmeter_receiver_in_flight_bytes')), {
          legend: '{{instance}} {{receiver}}',
        }),
      ],
    },
    {
      id: 9,
      title: 'Refused for want of room',
      text: own(
        'Requests per second that the journal or the memory limiter did not take.',
        `there was room for every request, or ${NOT_SCRAPED}`,
      ),
      drawing: 'bars',
      width: 8,
      height: 7,
      unit: units.RequestsPerSecond,
      targets: [
        fromMetrics(sumBy(['reason'], rate(metric('spanmeter_journal_refused_total'))), {
          legend: 'journal {{reason}}',
        }),
        fromMetrics(sumBy(['processor'], rate(metric('otelcol_processor_memory_limiter_refused_requests'))), {
          legend: '{{processor}}',
        }),
      ],
    },
  ],
};

const STORED: RowSpec = {
  id: 102,
  title: 'Stored',
  panels: [
    {
      id: 10,
      title: 'Waiting for exporters',
      text: own('Journalled GenAI spans that an exporter has not done; it grows while the database is away.'),
      drawing: 'lines',
      width: 12,
      height: 8,
      unit: units.Short,
      targets: [
        fromMetrics(maxBy(['instance', 'exporter'], metric('spanmeter_journal_pending_spans')), {
          legend: '{{instance}} {{exporter}} spans',
        }),
        fromMetrics(maxBy(['instance', 'exporter'], metric('otelcol_exporter_queue_size')), {
          legend: '{{instance}} {{exporter}} requests',
        }),
      ],
    },
    {
      id: 11,
      title: 'Age of what waits',
      text: own('How long the oldest journalled request has waited, by exporter.'),
      drawing: 'lines',
      width: 12,
      height: 8,
      unit: units.Seconds,
      targets: [
        fromMetrics(
          ageOf(
            maxBy(['instance', 'exporter'], metric('spanmeter_journal_oldest_pending_timestamp_seconds')),
          ),
          { legend: '{{instance}} {{exporter}}' },
        ),
      ],
    },
    {
      id: 12,
      title: "Time of the ledger's transactions",
      text: own(
        'Half, 95 and 99 of 100 transactions end within it.',
        `nothing was written in the range, or ${NOT_SCRAPED}`,
      ),
      drawing: 'lines',
      width: 8,
      height: 8,
      unit: units.Seconds,
      targets: [
        fromMetrics(quantile(0.5, [], metric('spanmeter_ledger_commit_seconds')), { legend: 'p50' }),
        fromMetrics(quantile(0.95, [], metric('spanmeter_ledger_commit_seconds')), { legend: 'p95' }),
        fromMetrics(quantile(0.99, [], metric('spanmeter_ledger_commit_seconds')), { legend: 'p99' }),
      ],
    },
    {
      id: 13,
      title: 'Rows written',
      text: own('Calls per second that were inserted, or were already there.'),
      drawing: 'bars',
      width: 8,
      height: 8,
      unit: units.Short,
      targets: [
        fromMetrics(sumBy(['outcome'], rate(metric('spanmeter_ledger_rows_total'))), {
          legend: '{{outcome}}',
        }),
      ],
    },
    {
      id: 14,
      title: 'Faults on the way to the ledger',
      text: own(
        'Per second: batches that were tried again, dead letters by reason, damaged or missing parts of the journal, ' +
          'rounds of retention that failed.',
      ),
      drawing: 'bars',
      width: 8,
      height: 8,
      unit: units.Short,
      targets: [
        fromMetrics(sumBy(['exporter'], rate(metric('spanmeter_ledger_retries_total'))), {
          legend: 'retry {{exporter}}',
        }),
        fromMetrics(sumBy(['reason'], rate(metric('spanmeter_ledger_dead_letters_total'))), {
          legend: 'dead letter {{reason}}',
        }),
        fromMetrics(sumBy([], rate(metric('spanmeter_journal_damaged_total'))), { legend: 'damaged' }),
        fromMetrics(sumBy(['exporter'], rate(metric('spanmeter_journal_gap_records_total'))), {
          legend: 'gap {{exporter}}',
        }),
        fromMetrics(sumBy([], rate(metric('spanmeter_journal_unreadable_records_total'))), {
          legend: 'unreadable',
        }),
        fromMetrics(sumBy([], rate(metric('spanmeter_maintenance_failures_total'))), { legend: 'retention' }),
      ],
    },
    {
      id: 15,
      title: 'Forwarded spans',
      text: own(
        'Spans per second that the next OpenTelemetry destination took, and that were given up, by reason.',
        `no otlp_http exporter is configured, or ${NOT_SCRAPED}`,
      ),
      drawing: 'lines',
      width: 12,
      height: 8,
      unit: units.Short,
      targets: [
        fromMetrics(sumBy(['exporter'], rate(metric('otelcol_exporter_sent_spans'))), {
          legend: 'sent {{exporter}}',
        }),
        fromMetrics(sumBy(['exporter', 'reason'], rate(metric('spanmeter_exporter_dropped_spans_total'))), {
          legend: 'dropped {{exporter}} {{reason}}',
        }),
        fromMetrics(sumBy(['exporter', 'reason'], rate(metric('spanmeter_exporter_retries_total'))), {
          legend: 'retry {{exporter}} {{reason}}',
        }),
      ],
    },
    {
      id: 16,
      title: 'Own prices',
      text: own(
        'Price overrides of the database that are used, and those that are skipped because they cannot be.',
        NOT_SCRAPED,
        'now',
      ),
      drawing: 'lines',
      width: 12,
      height: 8,
      unit: units.Short,
      targets: [
        fromMetrics(maxBy(['state'], metric('spanmeter_price_overrides')), { legend: '{{state}}' }),
        fromMetrics(sumBy(['source', 'outcome'], rate(metric('spanmeter_price_reloads_total'))), {
          legend: 'reload {{source}} {{outcome}}',
        }),
      ],
    },
  ],
};

/** Whether the collector takes, keeps and stores everything. */
export const COLLECTOR: Board = board({
  name: 'collector',
  title: 'Spanmeter / Collector health',
  description: 'Whether the collector takes, keeps and stores everything, and what it needs for that.',
  tags: ['operations'],
  from: 'now-6h',
  unused: ['tenant', 'environment', 'team', 'provider', 'model'],
  annotations: [],
  rows: [HEALTH, RECEIVED, STORED, ANSWERED, DATABASE],
});
