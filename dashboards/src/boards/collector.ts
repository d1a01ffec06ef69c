import * as units from '@grafana/grafana-foundation-sdk/units';
import { board } from '../board.ts';
import type { Board, RowSpec } from '../board.ts';
import { columns, sql } from '../sql.ts';
import { fromMetrics, fromSql } from '../targets.ts';
import type { PanelText } from '../description.ts';
import { inRange } from '../filters.ts';
import {
  aggregate,
  countOf,
  matching,
  maxBy,
  metric,
  not,
  promql,
  quantile,
  rate,
  sumBy,
  sumOf,
} from '../promql.ts';
import type { Expression } from '../promql.ts';
import { joined } from '../transformations.ts';

const NOT_SCRAPED = 'Prometheus does not scrape the collector';
/** The jobs of our scrape file: the GenAI metrics and the collector's own. */
const JOBS = matching('spanmeter|spanmeter-collector');

function own(shows: string, empty: string = NOT_SCRAPED, time: PanelText['time'] = 'ingest'): PanelText {
  return { shows, from: 'metrics', time, estimate: "The collector's own counts.", empty };
}

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
      text: own('Requests per second that the journal or the memory limiter did not take.'),
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
      text: own(
        'Calls per second that were inserted, or were already there.',
        `nothing was written, or ${NOT_SCRAPED}`,
      ),
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
        fromMetrics(sumBy(['reason'], rate(metric('spanmeter_journal_damaged_total'))), {
          legend: 'damaged {{reason}}',
        }),
        fromMetrics(sumBy(['exporter', 'reason'], rate(metric('spanmeter_journal_gap_records_total'))), {
          legend: 'gap {{exporter}} {{reason}}',
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
        `no otlp_http exporter is configured or has sent anything, or ${NOT_SCRAPED}`,
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

const API = metric('spanmeter_http_request_duration_seconds');
const API_FAILED = metric('spanmeter_http_request_duration_seconds', { status: matching('5..') });

const ANSWERED: RowSpec = {
  id: 103,
  title: 'Query API and process',
  panels: [
    {
      id: 17,
      title: 'API requests',
      text: own('Requests per second to the query API, by route.', `nobody asked the API, or ${NOT_SCRAPED}`),
      drawing: 'lines',
      width: 8,
      height: 8,
      unit: units.RequestsPerSecond,
      targets: [
        fromMetrics(sumBy(['route'], rate(countOf(API))), { legend: '{{route}}' }),
        fromMetrics(sumBy(['route', 'status'], rate(countOf(API_FAILED))), {
          legend: '{{route}} {{status}}',
        }),
      ],
    },
    {
      id: 18,
      title: 'API duration, 95th percentile',
      text: own(
        'Time within which 95 of 100 requests are answered, by route; and the mean.',
        `nobody asked the API, or ${NOT_SCRAPED}`,
      ),
      drawing: 'lines',
      width: 8,
      height: 8,
      unit: units.Seconds,
      targets: [
        fromMetrics(quantile(0.95, ['route'], API), { legend: '{{route}}' }),
        fromMetrics(promql`${sumBy([], rate(sumOf(API)))} / ${sumBy([], rate(countOf(API)))}`, {
          legend: 'mean',
        }),
      ],
    },
    {
      id: 19,
      title: 'Event loop delay',
      text: own('99 of 100 turns of each thread wait no longer; over 0.1 s answers are late.'),
      drawing: 'lines',
      width: 8,
      height: 8,
      unit: units.Seconds,
      targets: [
        fromMetrics(maxBy(['instance', 'thread'], metric('nodejs_eventloop_lag_p99_seconds')), {
          legend: '{{instance}} {{thread}}',
        }),
      ],
    },
    {
      id: 20,
      title: 'Memory',
      text: own('Resident memory of the process, and the JavaScript heap of each thread.'),
      drawing: 'lines',
      width: 8,
      height: 8,
      unit: units.BytesIEC,
      targets: [
        fromMetrics(maxBy(['instance'], metric('otelcol_process_memory_rss')), {
          legend: '{{instance}} resident',
        }),
        fromMetrics(maxBy(['instance', 'thread'], metric('nodejs_heap_size_used_bytes')), {
          legend: '{{instance}} heap {{thread}}',
        }),
      ],
    },
    {
      id: 21,
      title: 'Processor time',
      text: own('Cores in use by the process, user and system.'),
      drawing: 'lines',
      width: 8,
      height: 8,
      unit: units.Short,
      decimals: 2,
      targets: [
        fromMetrics(sumBy(['instance'], rate(metric('otelcol_process_cpu_seconds'))), {
          legend: '{{instance}}',
        }),
      ],
    },
    {
      id: 22,
      title: 'Scrapes',
      text: own(
        'How long Prometheus waits for the metrics, by endpoint: the GenAI metrics grow with their series.',
      ),
      drawing: 'lines',
      width: 8,
      height: 8,
      unit: units.Seconds,
      targets: [
        fromMetrics(maxBy(['job', 'instance'], metric('scrape_duration_seconds', { job: JOBS })), {
          legend: '{{job}} {{instance}}',
        }),
      ],
    },
    {
      id: 23,
      title: 'Series',
      text: own('Samples of a scrape, by endpoint.'),
      drawing: 'lines',
      width: 8,
      height: 8,
      unit: units.Short,
      targets: [
        fromMetrics(maxBy(['job', 'instance'], metric('scrape_samples_scraped', { job: JOBS })), {
          legend: '{{job}} {{instance}}',
        }),
      ],
    },
    {
      id: 24,
      title: 'Versions',
      text: own('What is running, and for how long.', NOT_SCRAPED, 'now'),
      drawing: 'table',
      width: 8,
      height: 8,
      unit: units.Short,
      targets: [
        fromMetrics(
          promql`${maxBy(['instance', 'version', 'node'], metric('spanmeter_build_info', { job: 'spanmeter-collector' }))} * on (instance) group_left () ${maxBy(['instance'], metric('otelcol_process_uptime'))}`,
          { table: true },
        ),
      ],
      transformations: joined({ instance: 'Collector', version: 'Version', node: 'Node', Value: 'Runs for' }),
      fields: { 'Runs for': { unit: units.Seconds } },
    },
    {
      id: 25,
      title: 'Age of API keys',
      text: own(
        'The oldest keys in force; over 90 days they should be rotated.',
        `no key is in force, or ${NOT_SCRAPED}`,
        'now',
      ),
      drawing: 'table',
      width: 8,
      height: 8,
      unit: units.Seconds,
      targets: [
        fromMetrics(
          promql`topk(50, time() - ${maxBy(['tenant', 'key_id'], metric('genai_key_created_timestamp_seconds', { key_id: not('') }))})`,
          { table: true },
        ),
      ],
      transformations: joined({ tenant: 'Tenant', key_id: 'Key', Value: 'Age' }),
      fields: { Age: { thresholds: ['text', [7_776_000, 'orange']] } },
    },
  ],
};

const c = columns('journal_cursors', 'c');
const CURSORS = sql`
  SELECT ${c.exporter} AS exporter, ${c.journal_id}::text AS journal, ${c.sequence} AS sequence,
    ${c.spans_done} AS spans_done, ${c.updated_at} AS updated_at,
    extract(epoch FROM now() - ${c.updated_at})::float8 AS since
  FROM ${c.$from}
  ORDER BY ${c.updated_at} DESC
  LIMIT 100`;

const SIZES = sql`
  SELECT coalesce(parent.relname, own.relname)::text AS name, sum(pg_total_relation_size(own.oid)) AS bytes,
    sum(greatest(own.reltuples, 0))::float8 AS row_estimate, count(*) FILTER (WHERE own.relispartition) AS partitions
  FROM pg_class own
    LEFT JOIN pg_inherits i ON i.inhrelid = own.oid
    LEFT JOIN pg_class parent ON parent.oid = i.inhparent
  WHERE own.relnamespace = 'spanmeter'::regnamespace AND own.relkind = 'r'
  GROUP BY 1
  ORDER BY 2 DESC, 1
  LIMIT 50`;

const p = columns('reprice_runs', 'p');
const RUNS = sql`
  SELECT ${p.started_at} AS time, ${p.state} AS state, ${p.actor} AS actor, ${p.reason} AS reason,
    ${p.calls_looked_at} AS looked_at, ${p.calls_changed} AS changed, ${p.increase_usd} AS increase_usd,
    ${p.decrease_usd} AS decrease_usd, ${p.finished_at} AS finished_at, ${p.id}::text AS run
  FROM ${p.$from}
  WHERE ${inRange(p.started_at)}
  ORDER BY ${p.started_at} DESC
  LIMIT 50`;

const DATABASE: RowSpec = {
  id: 104,
  title: 'Database',
  panels: [
    {
      id: 26,
      title: 'Tables',
      text: {
        shows:
          'Bytes of each table with its indexes and partitions, and how many rows PostgreSQL believes it has.',
        from: 'ledger',
        time: 'now',
        estimate: 'Bytes are exact; rows are an estimate.',
        empty: 'the schema is not there',
      },
      drawing: 'table',
      width: 12,
      height: 8,
      unit: units.Short,
      targets: [fromSql(SIZES)],
      fields: {
        name: { title: 'Table' },
        bytes: { title: 'Size', unit: units.BytesIEC, gauge: true },
        row_estimate: { title: 'Rows, about' },
        partitions: { title: 'Partitions' },
      },
    },
    {
      id: 27,
      title: 'Ways through the journals',
      text: {
        shows: 'How far each exporter has come in each journal, and when it last moved.',
        from: 'ledger',
        time: 'now',
        empty: 'no collector has stored anything yet',
      },
      drawing: 'table',
      width: 12,
      height: 8,
      unit: units.Short,
      targets: [fromSql(CURSORS)],
      fields: {
        exporter: { title: 'Exporter' },
        journal: { title: 'Journal' },
        sequence: { title: 'Request' },
        spans_done: { title: 'Spans done' },
        updated_at: { title: 'Moved' },
        since: { title: 'Ago', unit: units.Seconds },
      },
    },
    {
      id: 28,
      title: 'Reprice runs',
      text: {
        shows:
          'Runs of `spanmeter reprice` that began in the range: how far they came and what they changed.',
        from: 'ledger',
        time: 'ingest',
        empty: 'nobody repriced in the range',
      },
      drawing: 'table',
      width: 24,
      height: 7,
      unit: units.Short,
      targets: [fromSql(RUNS)],
      fields: {
        time: { title: 'Began' },
        state: { title: 'State' },
        actor: { title: 'Who' },
        reason: { title: 'Reason' },
        looked_at: { title: 'Looked at' },
        changed: { title: 'Changed' },
        increase_usd: { title: 'Raised', unit: units.Dollars, decimals: 6 },
        decrease_usd: { title: 'Lowered', unit: units.Dollars, decimals: 6 },
        finished_at: { title: 'Finished' },
        run: { title: 'Run' },
      },
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
