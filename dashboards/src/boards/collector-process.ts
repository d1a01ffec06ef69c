import * as units from '@grafana/grafana-foundation-sdk/units';
import type { RowSpec } from '../board.ts';
import { countOf, matching, maxBy, metric, not, promql, quantile, rate, sumBy, sumOf } from '../promql.ts';
import { fromMetrics } from '../targets.ts';
import { joined } from '../transformations.ts';
import { JOBS, NOT_SCRAPED, own } from './collector-texts.ts';

const API = metric('spanmeter_http_request_duration_seconds');
const API_FAILED = metric('spanmeter_http_request_duration_seconds', { status: matching('5..') });

/** What the API answers, and what the process needs. */
export const ANSWERED: RowSpec = {
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
