import * as units from '@grafana/grafana-foundation-sdk/units';
import type { RowSpec } from '../board.ts';
import { filtered, inRange, ofTenants, ROLLUP, selection, stepOf } from '../filters.ts';
import { toApiNow, toBoard } from '../links.ts';
import { increase, maxBy, metric, promql, sumBy, topk } from '../promql.ts';
import { CALL, lastHours } from '../slices.ts';
import { columns, every, sql } from '../sql.ts';
import { fromMetrics, fromSql } from '../targets.ts';
import { joined } from '../transformations.ts';
import { ledger, metrics } from './data-quality-texts.ts';

const r = ROLLUP;

/** When a call was over: a span is sent at its end, so that only what comes after that is lag. */
const ENDED = sql`${CALL.started_at} + make_interval(secs => coalesce(${CALL.duration_ms}, 0) / 1000.0)`;
const LAG = sql`greatest(0, extract(epoch FROM ${CALL.received_at} - (${ENDED})))::float8`;

const LAGS = sql`
  SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY lag) AS "p50",
    percentile_cont(0.95) WITHIN GROUP (ORDER BY lag) AS "p95", max(lag) AS "Longest"
  FROM (
    SELECT ${LAG} AS lag
    FROM ${CALL.$from}
    WHERE ${every(lastHours(1), selection(CALL))}
  ) l
  HAVING count(*) > 0`;

const a = columns('cost_adjustments', 'a');
const CORRECTIONS = sql`
  SELECT ${a.run_id} AS run, ${a.reason} AS reason, min(${a.created_at}) AS began, max(${a.created_at}) AS ended,
    count(*) AS calls, sum(${a.delta_usd}) AS delta_usd,
    sum(${a.delta_usd}) FILTER (WHERE ${a.delta_usd} > 0) AS raised,
    sum(${a.delta_usd}) FILTER (WHERE ${a.delta_usd} < 0) AS lowered
  FROM ${a.$from}
  WHERE ${inRange(a.created_at)} AND ${ofTenants(a.tenant_id)}
  GROUP BY 1, 2
  ORDER BY 3 DESC, 1, 2
  LIMIT 50`;

/** By when they were made: the counter of corrections begins with its first one, which no increase sees. */
const CORRECTED = sql`
  SELECT ${stepOf(a.created_at)} AS time, CASE WHEN ${a.delta_usd} > 0 THEN 'raised' ELSE 'lowered' END AS metric,
    sum(${a.delta_usd}) AS value
  FROM ${a.$from}
  WHERE ${inRange(a.created_at)} AND ${ofTenants(a.tenant_id)} AND ${a.delta_usd} <> 0
  GROUP BY 1, 2
  ORDER BY 1`;

const d = columns('dead_letters', 'd');
const DEAD = sql`
  SELECT ${d.tenant_id} AS tenant, ${d.reason} AS reason, count(*) AS letters, max(${d.received_at}) AS latest,
    (array_agg(${d.detail} ORDER BY ${d.received_at} DESC))[1] AS detail
  FROM ${d.$from}
  WHERE ${inRange(d.received_at)} AND ${ofTenants(d.tenant_id)}
  GROUP BY 1, 2
  ORDER BY 3 DESC, 1, 2
  LIMIT 100`;

const DRIFT = sql`
  WITH bounds AS (
    SELECT date_bin('15 minutes', $__timeTo()::timestamptz, 'epoch') - interval '1 hour' AS since,
      date_bin('15 minutes', $__timeTo()::timestamptz, 'epoch') AS until
  ), raw AS (
    SELECT coalesce(sum(${CALL.effective_cost_usd}), 0) AS spend, count(*) AS spans
    FROM ${CALL.$from}, bounds
    WHERE ${CALL.started_at} >= bounds.since AND ${CALL.started_at} < bounds.until AND ${selection(CALL)}
  ), summed AS (
    SELECT coalesce(sum(${r.cost_usd}), 0) AS spend, coalesce(sum(${r.calls}), 0) AS spans
    FROM ${r.$from}, bounds
    WHERE ${r.bucket_start} >= bounds.since AND ${r.bucket_start} < bounds.until AND ${selection(r)}
  )
  SELECT raw.spend AS "By the rows", summed.spend AS "By the rollups", summed.spend - raw.spend AS "Drift",
    (summed.spans - raw.spans)::float8 AS "Drift of spans"
  FROM raw, summed
  WHERE raw.spans > 0 OR summed.spans <> 0`;

const LATE = filtered('genai_late_cost_usd_total');
const LAST_CALL = filtered('genai_tenant_last_call_timestamp_seconds');

/** What came late, was lost or was corrected. */
export const TIMES: RowSpec = {
  id: 103,
  title: 'Late, lost and corrected',
  panels: [
    {
      id: 10,
      title: "From a call's end to the collector, range's last hour",
      text: ledger(
        "How long after its end a call reached the collector, by the sender's clock: half, 95 of 100, and all of them.",
        "no call in the range's last hour",
      ),
      drawing: 'tiles',
      width: 12,
      height: 5,
      unit: units.Seconds,
      targets: [fromSql(LAGS)],
    },
    {
      id: 11,
      title: 'Rows against rollups, last whole hour of the range',
      text: ledger(
        'Spend of four quarter-hours by the rows with their corrections, and by the rollups that every other panel ' +
          'reads. The drift is 0, whatever happened; anything else is a fault of Spanmeter.',
        'no span in that hour',
      ),
      drawing: 'tiles',
      width: 12,
      height: 5,
      unit: units.Dollars,
      decimals: 6,
      targets: [fromSql(DRIFT)],
      fields: {
        Drift: { thresholds: ['red', [0, 'green'], [0.000001, 'red']] },
        'Drift of spans': { unit: units.Short, decimals: 0, thresholds: ['red', [0, 'green'], [1, 'red']] },
      },
    },
    {
      id: 12,
      title: 'Late spend',
      text: metrics(
        'USD per step of calls that began over 15 minutes before they were committed: in the ledger at their time, ' +
          'and in no rate.',
        'no call came over 15 minutes late in the range, or Prometheus does not scrape the collector',
      ),
      drawing: 'bars',
      width: 8,
      height: 8,
      unit: units.Dollars,
      targets: [fromMetrics(sumBy(['service_name'], increase(LATE)), { legend: '{{service_name}}' })],
    },
    {
      id: 13,
      title: 'Corrections',
      text: ledger(
        'USD per step by which corrections, such as a reprice, raised or lowered stored costs, by when they were made. ' +
          'Of the filters only the tenant applies.',
        'no cost was corrected in the range',
        'ingest',
      ),
      drawing: 'bars',
      width: 8,
      height: 8,
      unit: units.Dollars,
      minInterval: '15m',
      targets: [fromSql(CORRECTED, 'time_series')],
    },
    {
      id: 14,
      title: 'Sampled calls',
      text: metrics(
        'Calls per step whose span says that it stands for more than one: what was sampled away is in no sum.',
        'no span says that it was sampled, or Prometheus does not scrape the collector',
      ),
      drawing: 'bars',
      width: 8,
      height: 8,
      unit: units.Short,
      targets: [
        fromMetrics(sumBy(['service_name'], increase(filtered('genai_sampled_calls_total'))), {
          legend: '{{service_name}}',
        }),
      ],
    },
    {
      id: 15,
      title: 'Correction runs',
      text: ledger(
        'Runs that corrected calls, by when they did.',
        'nothing was corrected in the range',
        'ingest',
      ),
      drawing: 'table',
      width: 24,
      height: 8,
      unit: units.Short,
      targets: [fromSql(CORRECTIONS)],
      fields: {
        run: {
          title: 'Run',
          links: [toApiNow('Its corrections', '/api/v1/adjustments?run_id=${__value.raw:percentencode}')],
        },
        reason: { title: 'Reason' },
        began: { title: 'Began' },
        ended: { title: 'Ended' },
        calls: { title: 'Corrections' },
        delta_usd: { title: 'Change', unit: units.Dollars, decimals: 6 },
        raised: { title: 'Raised', unit: units.Dollars, decimals: 6 },
        lowered: { title: 'Lowered', unit: units.Dollars, decimals: 6 },
      },
    },
    {
      id: 16,
      title: 'Dead letters',
      text: ledger(
        'Spans that could not become calls, by tenant and reason; `spanmeter deadletter` lists and replays them.',
        'no span of the range became a dead letter',
        'ingest',
      ),
      drawing: 'table',
      width: 24,
      height: 8,
      unit: units.Short,
      targets: [fromSql(DEAD)],
      fields: {
        tenant: { title: 'Tenant' },
        reason: { title: 'Reason' },
        letters: { title: 'Letters' },
        latest: { title: 'Latest' },
        detail: { title: 'Detail of the latest' },
      },
    },
    {
      id: 17,
      title: 'Last call of tenants',
      text: metrics(
        'The 50 tenants that have been silent longest.',
        'no tenant has made a call, or Prometheus does not scrape the collector',
        'now',
      ),
      drawing: 'table',
      width: 8,
      height: 8,
      unit: units.Seconds,
      targets: [fromMetrics(topk(50, promql`time() - ${maxBy(['tenant'], LAST_CALL)}`), { table: true })],
      transformations: joined({ tenant: 'Tenant', Value: 'Silent for' }),
      fields: { Tenant: { links: [toBoard('tenant', 'Chargeback', 'tenant')] } },
    },
    {
      id: 18,
      title: 'Labels folded into "other"',
      text: metrics(
        'Label sets that the cap on series folded into "other", by metric: metrics then tell models apart no more, ' +
          'the ledger always does.',
        'nothing was folded, or Prometheus does not scrape the collector',
        'ingest',
      ),
      drawing: 'lines',
      width: 8,
      height: 8,
      unit: units.Short,
      targets: [
        fromMetrics(sumBy(['metric'], increase(metric('genai_metrics_label_overflow_total'))), {
          legend: '{{metric}}',
        }),
      ],
    },
    {
      id: 19,
      title: 'Age of the price book',
      text: metrics(
        'Since when the newest price book in use was made.',
        'Prometheus does not scrape the collector',
        'now',
      ),
      drawing: 'tiles',
      width: 8,
      height: 8,
      unit: units.Seconds,
      thresholds: ['green', [2_592_000, 'orange'], [7_776_000, 'red']],
      targets: [
        fromMetrics(promql`time() - ${maxBy([], metric('genai_price_book_timestamp_seconds'))}`, {
          legend: 'Age',
          instant: true,
        }),
      ],
    },
  ],
};
