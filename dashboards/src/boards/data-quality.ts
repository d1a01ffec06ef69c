import * as units from '@grafana/grafana-foundation-sdk/units';
import { board } from '../board.ts';
import type { Board, RowSpec } from '../board.ts';
import {
  BILLABLE,
  filtered,
  inRange,
  ROLLUP,
  selection,
  SPEND_IN_RANGE,
  STEP,
  UNPRICED,
} from '../filters.ts';
import { TO_TRACE, toApiNow, toBoard } from '../links.ts';
import { TIMES } from './data-quality-times.ts';
import { ledger, metrics } from './data-quality-texts.ts';
import { NOTES } from '../notes.ts';
import { increase, sumBy, topk } from '../promql.ts';
import { BILLABLE_CALL, CALL, lastHours } from '../slices.ts';
import { every, sql } from '../sql.ts';
import { share, shown, SUMS } from '../sums.ts';
import { fromMetrics, fromSql } from '../targets.ts';

const r = ROLLUP;
const NO_SPAN = 'no GenAI span in the range that the filters take';
/** Spans of every status, copies and those that nobody bills included. */
const SPANS_IN_RANGE = every(inRange(r.bucket_start), selection(r));

const TOTALS = sql`
  SELECT sum(${r.calls}) FILTER (WHERE ${BILLABLE}) AS "Billable calls",
    1 - ${share(SUMS.unpricedCalls, sql`sum(${r.calls}) FILTER (WHERE ${BILLABLE})`)} AS "With a price",
    coalesce(sum(${r.calls}) FILTER (WHERE ${r.cost_status} = 'missing_usage'), 0) AS "Without usage",
    coalesce(sum(${r.calls}) FILTER (WHERE ${r.cost_status} = 'duplicate'), 0) AS "Copies left out",
    coalesce(sum(${r.calls}) FILTER (WHERE ${r.cost_status} = 'not_billable'), 0) AS "Not billable",
    ${share(SUMS.estimatedSpend, SUMS.spend)} AS "Spend on estimates",
    ${share(SUMS.unattributedSpend, SUMS.spend)} AS "Spend without a team"
  FROM ${r.$from}
  WHERE ${SPANS_IN_RANGE}
  HAVING sum(${r.calls}) > 0`;

const BY_STATUS = sql`
  SELECT ${STEP} AS time, ${r.cost_status} AS metric, ${SUMS.calls} AS value
  FROM ${r.$from}
  WHERE ${SPANS_IN_RANGE}
  GROUP BY 1, 2
  ORDER BY 1`;

const FIGURES: RowSpec = {
  id: 100,
  title: 'How complete it is',
  panels: [
    {
      id: 1,
      title: 'Completeness',
      text: ledger(
        'How many of the billable calls have a price, and what was left out: calls without usage, copies of calls ' +
          'that another instrumentation told too, spans that nobody bills.',
        NO_SPAN,
      ),
      drawing: 'tiles',
      width: 24,
      height: 4,
      unit: units.Short,
      targets: [fromSql(TOTALS)],
      fields: {
        'With a price': {
          unit: units.PercentUnit,
          decimals: 2,
          thresholds: ['red', [0.95, 'orange'], [1, 'green']],
        },
        'Spend on estimates': { unit: units.PercentUnit, decimals: 1 },
        'Spend without a team': { unit: units.PercentUnit, decimals: 1 },
      },
    },
    {
      id: 2,
      title: 'Spans by cost status',
      text: ledger(
        'GenAI spans per step by what is known of their cost, copies and spans that nobody bills included. Corrections ' +
          'move a span from one status to another.',
        NO_SPAN,
      ),
      drawing: 'bars',
      width: 12,
      height: 8,
      unit: units.Short,
      minInterval: '15m',
      targets: [fromSql(BY_STATUS, 'time_series')],
    },
    {
      id: 3,
      title: 'Calls without a price, as they come',
      text: metrics(
        'Billable calls without a cost per step, by reason.',
        'every call that was committed in the range has a price, or Prometheus does not scrape the collector',
      ),
      drawing: 'bars',
      width: 12,
      height: 8,
      unit: units.Short,
      targets: [
        fromMetrics(sumBy(['reason'], increase(filtered('genai_unpriced_calls_total'))), {
          legend: '{{reason}}',
        }),
      ],
    },
  ],
};

const UNPRICED_MODELS = sql`
  SELECT ${r.model} AS model, ${r.provider} AS provider, ${r.cost_status} AS reason, ${SUMS.calls} AS calls,
    ${SUMS.tokens} AS tokens, count(DISTINCT ${r.tenant_id}) AS tenants, min(${r.bucket_start}) AS first_seen,
    max(${r.bucket_start}) AS last_seen
  FROM ${r.$from}
  WHERE ${SPEND_IN_RANGE} AND ${r.cost_status} IN ${UNPRICED}
  GROUP BY 1, 2, 3
  HAVING sum(${r.calls}) > 0
  ORDER BY 4 DESC, 1, 2, 3
  LIMIT 100`;

const UNATTRIBUTED = sql`
  SELECT ${r.service_name} AS service, ${shown(r.environment)} AS environment, ${SUMS.calls} AS calls,
    ${SUMS.spend} AS spend, coalesce(sum(${r.cost_usd}) FILTER (WHERE ${r.feature} IS NULL), 0) AS without_feature
  FROM ${r.$from}
  WHERE ${SPEND_IN_RANGE} AND ${r.team} IS NULL
  GROUP BY 1, 2
  HAVING sum(${r.calls}) > 0
  ORDER BY 4 DESC, 1, 2
  LIMIT 50`;

const COPIES = sql`
  SELECT ${r.service_name} AS service, ${r.provider} AS provider, ${r.cost_status} AS status, ${SUMS.calls} AS spans
  FROM ${r.$from}
  WHERE ${SPANS_IN_RANGE} AND ${r.cost_status} IN ('duplicate', 'not_billable')
  GROUP BY 1, 2, 3
  HAVING sum(${r.calls}) > 0
  ORDER BY 4 DESC, 1, 2, 3
  LIMIT 50`;

const GAPS: RowSpec = {
  id: 101,
  title: 'What is missing',
  panels: [
    {
      id: 4,
      title: 'Models without a price',
      text: ledger(
        'Models of calls whose cost is not known, why, and since when. An own price, then `spanmeter reprice`, puts ' +
          'them right. First and last seen are of the range, to the quarter-hour.',
        'every billable call of the range has a price',
      ),
      drawing: 'table',
      width: 24,
      height: 8,
      unit: units.Short,
      targets: [fromSql(UNPRICED_MODELS)],
      fields: {
        model: {
          title: 'Model',
          links: [
            toBoard('models', 'Performance of this model', 'model'),
            toApiNow('Its calls', '/api/v1/calls?model=${__value.raw:percentencode}'),
          ],
        },
        provider: { title: 'Provider' },
        reason: { title: 'Why' },
        calls: { title: 'Calls' },
        tokens: { title: 'Tokens' },
        tenants: { title: 'Tenants' },
        first_seen: { title: 'First seen' },
        last_seen: { title: 'Last seen' },
      },
    },
    {
      id: 5,
      title: 'Services without a team',
      text: ledger(
        'Services whose calls name no team, and what they spent; of that, without a feature too.',
        'every call of the range names its team',
      ),
      drawing: 'table',
      width: 12,
      height: 8,
      unit: units.Short,
      targets: [fromSql(UNATTRIBUTED)],
      fields: {
        service: { title: 'Service' },
        environment: { title: 'Environment' },
        calls: { title: 'Calls' },
        spend: { title: 'Spend', unit: units.Dollars, decimals: 4, gauge: true },
        without_feature: { title: 'Without a feature', unit: units.Dollars, decimals: 4 },
      },
    },
    {
      id: 6,
      title: 'Spans that are not counted',
      text: ledger(
        'Copies of billed calls and spans that nobody bills, by service: many copies are two instrumentations of the ' +
          'same calls.',
        'every GenAI span of the range is a billable call',
      ),
      drawing: 'table',
      width: 12,
      height: 8,
      unit: units.Short,
      targets: [fromSql(COPIES)],
      fields: {
        service: { title: 'Service' },
        provider: { title: 'Provider' },
        status: { title: 'Why' },
        spans: { title: 'Spans' },
      },
    },
  ],
};

const REPORTED = sql`
  SELECT ${r.provider} AS provider, ${r.model} AS model, ${SUMS.calls} AS calls,
    sum(${r.reported_cost_usd}) AS reported, ${SUMS.spend} AS spend
  FROM ${r.$from}
  WHERE ${SPEND_IN_RANGE} AND ${r.reported_cost_usd} <> 0
  GROUP BY 1, 2
  ORDER BY 4 DESC, 1, 2
  LIMIT 50`;

const SOURCES = sql`
  SELECT ${CALL.service_name} AS service, ${CALL.dialect} AS dialect, ${shown(CALL.scope_name)} AS scope,
    ${CALL.scope_version} AS version, count(*) AS calls,
    count(*) FILTER (WHERE ${CALL.usage_source} = 'missing') / count(*)::numeric AS without_usage,
    count(*) FILTER (WHERE ${CALL.usage_source} = 'estimated') / count(*)::numeric AS estimated,
    (array_agg(${CALL.trace_id} ORDER BY ${CALL.started_at} DESC))[1] AS trace_id
  FROM ${CALL.$from}
  WHERE ${every(lastHours(1), BILLABLE_CALL, selection(CALL))}
  GROUP BY 1, 2, 3, 4
  ORDER BY 6 DESC, 5 DESC, 1, 2, 3, 4
  LIMIT 50`;

const DIFFERENCE = filtered('genai_cost_difference_usd_total');

const DOUBTS: RowSpec = {
  id: 102,
  title: 'What may be wrong',
  panels: [
    {
      id: 7,
      title: 'Reported against computed',
      text: metrics(
        'By how many USD per step what senders report and what the price book says are apart, whichever is taken, ' +
          'by model: a rise means that prices, counts or discounts disagree.',
        'no sender reports a cost beside one that the price book knows, or Prometheus does not scrape the collector',
      ),
      drawing: 'bars',
      width: 12,
      height: 8,
      unit: units.Dollars,
      targets: [fromMetrics(topk(20, sumBy(['model'], increase(DIFFERENCE))), { legend: '{{model}}' })],
    },
    {
      id: 8,
      title: 'Reported costs',
      text: ledger(
        'Models of which senders report costs: what they report, and what the ledger holds for the same calls.',
        'no sender reported a cost in the range',
      ),
      drawing: 'table',
      width: 12,
      height: 8,
      unit: units.Short,
      targets: [fromSql(REPORTED)],
      fields: {
        provider: { title: 'Provider' },
        model: { title: 'Model' },
        calls: { title: 'Calls' },
        reported: { title: 'Reported', unit: units.Dollars, decimals: 6 },
        spend: { title: 'In the ledger', unit: units.Dollars, decimals: 6 },
      },
    },
    {
      id: 9,
      title: "Instrumentations of the range's last hour",
      text: ledger(
        'Which instrumentation told of the calls, and which part of them came without usage or had to be estimated. ' +
          'The trace is the latest.',
        "no billable call in the range's last hour",
      ),
      drawing: 'table',
      width: 24,
      height: 8,
      unit: units.Short,
      targets: [fromSql(SOURCES)],
      fields: {
        service: { title: 'Service' },
        dialect: { title: 'Dialect' },
        scope: { title: 'Instrumentation' },
        version: { title: 'Version' },
        calls: { title: 'Calls' },
        without_usage: { title: 'Without usage', unit: units.PercentUnit, decimals: 1 },
        estimated: { title: 'Estimated', unit: units.PercentUnit, decimals: 1 },
        trace_id: { title: 'Trace', links: [TO_TRACE] },
      },
    },
  ],
};

/** How far the figures can be trusted, and what to put right. */
export const DATA_QUALITY: Board = board({
  name: 'quality',
  title: 'Spanmeter / Data quality',
  description:
    'How far the figures can be trusted: what has no price, no team or no usage, what was late or lost.',
  tags: ['quality'],
  from: 'now-24h',
  unused: [],
  annotations: NOTES,
  rows: [FIGURES, GAPS, DOUBTS, TIMES],
});
