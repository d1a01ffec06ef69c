import * as units from '@grafana/grafana-foundation-sdk/units';
import { board } from '../board.ts';
import type { Board, RowSpec } from '../board.ts';
import {
  BILLABLE,
  filtered,
  inRangeOrBefore,
  RANGE_FROM,
  ROLLUP,
  selection,
  SPEND_IN_RANGE,
  STEP,
} from '../filters.ts';
import { NOTES } from '../notes.ts';
import { toBoard } from '../links.ts';
import { CURVES_TEXT, modelCurves } from '../model-curves.ts';
import { maxBy, promql, rate, sumBy } from '../promql.ts';
import { every, sql } from '../sql.ts';
import { EXPENSIVE_CALLS } from '../slices.ts';
import { asFilter, dayText, share, shown, spendByClock, SUMS } from '../sums.ts';
import { fromMetrics, fromSql } from '../targets.ts';
import { matrix } from '../transformations.ts';

const r = ROLLUP;
const NO_CALL = 'no billable call in the range that the filters take';

const NOW = sql`FILTER (WHERE ${r.bucket_start} >= ${RANGE_FROM})`;
const BEFORE = sql`FILTER (WHERE ${r.bucket_start} < ${RANGE_FROM})`;
const BOTH = every(inRangeOrBefore(r.bucket_start), BILLABLE, selection(r));

const TOTALS = sql`
  SELECT
    ${SUMS.spend} AS "Spend",
    ${SUMS.calls} AS "Calls",
    ${SUMS.tokens} AS "Tokens",
    ${share(SUMS.spend, SUMS.calls)} AS "Per call",
    ${share(SUMS.spend, SUMS.tokens)} * 1000000 AS "Per 1M tokens",
    ${SUMS.unpricedCalls} AS "Calls without a price",
    1 - ${share(SUMS.unpricedCalls, SUMS.calls)} AS "Calls with a price",
    1 - ${share(SUMS.unattributedSpend, SUMS.spend)} AS "Spend with a team"
  FROM ${r.$from}
  WHERE ${SPEND_IN_RANGE}
  HAVING sum(${r.calls}) > 0`;

const CHANGE = sql`
  SELECT
    sum(${r.cost_usd}) ${BEFORE} AS "Spend before",
    coalesce(sum(${r.cost_usd}) ${NOW}, 0) - coalesce(sum(${r.cost_usd}) ${BEFORE}, 0) AS "Change",
    sum(${r.cost_usd}) ${NOW} / nullif(sum(${r.cost_usd}) ${BEFORE}, 0) - 1 AS "Change in percent"
  FROM ${r.$from}
  WHERE ${BOTH}
  HAVING sum(${r.calls}) > 0`;

const SPENT = filtered('genai_spend_usd', { period: 'day' });
const SPENT_MONTH = filtered('genai_spend_usd', { period: 'month' });
const MONTH = sumBy([], maxBy(['tenant'], SPENT_MONTH));
const SECONDS_OF_MONTH = promql`(day_of_month() - 1) * 86400 + hour() * 3600 + minute() * 60`;
/** The month's spend, were the rest of it as the part that is over; months of UTC. */
const AT_THIS_PACE = promql`${MONTH} * days_in_month() * 86400 / (${SECONDS_OF_MONTH} > 0)`;

const FIGURES: RowSpec = {
  id: 100,
  title: 'Spend',
  panels: [
    {
      id: 1,
      title: 'Spend and use',
      text: {
        shows:
          'What the calls of the range cost and used. "Calls without a price" are in no amount: at 0 the spend is ' +
          'complete. Tokens are input and output, cached and reasoning ones included.',
        from: 'ledger',
        time: 'event',
        empty: NO_CALL,
      },
      drawing: 'tiles',
      width: 24,
      height: 4,
      unit: units.Short,
      targets: [fromSql(TOTALS)],
      fields: {
        Spend: { unit: units.Dollars, decimals: 2 },
        'Per call': { unit: units.Dollars, decimals: 5 },
        'Per 1M tokens': { unit: units.Dollars, decimals: 2 },
        'Calls without a price': { thresholds: ['green', [1, 'orange']] },
        'Calls with a price': { unit: units.PercentUnit, decimals: 1 },
        'Spend with a team': { unit: units.PercentUnit, decimals: 1 },
      },
    },
    {
      id: 2,
      title: 'Against the time before',
      text: {
        shows: 'Spend of the equally long time before the range, and by how much the range is above it.',
        from: 'ledger',
        time: 'event',
        empty: 'no billable call in the range nor in the time before it',
      },
      drawing: 'tiles',
      width: 12,
      height: 4,
      unit: units.Dollars,
      decimals: 2,
      targets: [fromSql(CHANGE)],
      fields: { 'Change in percent': { unit: units.PercentUnit, decimals: 1 } },
    },
    {
      id: 3,
      title: 'Today and this month',
      text: {
        shows:
          "Spend of the current day and month in each tenant's own time zone, all tenants together. Of the filters " +
          'only the tenant applies. "At its pace" is the whole month, were the rest of it as the part that is over; ' +
          "each budget's forecast, on the dashboard of budgets, knows weekdays.",
        from: 'metrics',
        time: 'now',
        estimate: 'Exact: read from the ledger once a minute; the pace is an estimate.',
        empty: 'no collector has been scraped, or no tenant has a call this month',
      },
      drawing: 'tiles',
      width: 12,
      height: 4,
      unit: units.Dollars,
      decimals: 2,
      targets: [
        fromMetrics(sumBy([], maxBy(['tenant'], SPENT)), { legend: 'Today', instant: true }),
        fromMetrics(MONTH, { legend: 'This month', instant: true }),
        fromMetrics(AT_THIS_PACE, { legend: 'This month at its pace', instant: true }),
      ],
    },
  ],
};

const BY_PROVIDER = sql`
  SELECT ${STEP} AS time, ${r.provider} AS metric, ${SUMS.spend} AS value
  FROM ${r.$from}
  WHERE ${SPEND_IN_RANGE}
  GROUP BY 1, 2
  ORDER BY 1`;

const BY_DAY = sql`
  SELECT ${dayText(sql`(bucket AT TIME ZONE zone)::date`)} AS day, dimension AS provider, sum(cost_usd) AS cost_usd
  FROM ${spendByClock(r.provider)}
  GROUP BY 1, 2
  ORDER BY 1, 2`;

const COURSE: RowSpec = {
  id: 101,
  title: 'Course',
  panels: [
    {
      id: 4,
      title: 'Spend by provider',
      text: {
        shows: 'Spend per step, stacked by provider. A step is at least a quarter of an hour.',
        from: 'ledger',
        time: 'event',
        empty: NO_CALL,
      },
      drawing: 'bars',
      width: 12,
      height: 9,
      unit: units.Dollars,
      minInterval: '15m',
      targets: [fromSql(BY_PROVIDER, 'time_series')],
    },
    {
      id: 5,
      title: "Spend by day of the tenant's time zone",
      text: {
        shows: "Spend per calendar day, stacked by provider; a day is that of each tenant's own time zone.",
        from: 'ledger',
        time: 'event',
        empty: NO_CALL,
      },
      drawing: 'columns',
      width: 12,
      height: 9,
      unit: units.Dollars,
      targets: [fromSql(BY_DAY)],
      transformations: [matrix('provider', 'day', 'cost_usd')],
    },
    {
      id: 6,
      title: 'Spend rate by model',
      text: {
        shows:
          `USD per hour as the collector counts it, ${CURVES_TEXT}: what is being spent now. Calls that arrive over ` +
          '15 minutes late are not in it.',
        from: 'metrics',
        time: 'ingest',
        empty: 'no priced call was committed in the range, or Prometheus does not scrape the collector',
      },
      drawing: 'lines',
      width: 12,
      height: 8,
      unit: units.Dollars,
      targets: modelCurves(
        (by, grown) => promql`${sumBy(by, grown(filtered('genai_cost_usd_total')))} * 3600`,
      ),
    },
    {
      id: 7,
      title: 'Calls by outcome',
      text: {
        shows: 'Billable calls per second, by whether they failed.',
        from: 'metrics',
        time: 'ingest',
        empty: 'no billable call was committed in the range, or Prometheus does not scrape the collector',
      },
      drawing: 'lines',
      width: 12,
      height: 8,
      unit: units.RequestsPerSecond,
      targets: [
        fromMetrics(sumBy(['outcome'], rate(filtered('genai_calls_total'))), { legend: '{{outcome}}' }),
      ],
    },
  ],
};

const TOP = {
  spend: { title: 'Spend', unit: units.Dollars, decimals: 4, gauge: true },
  share: { title: 'Share', unit: units.PercentUnit, decimals: 1 },
  calls: { title: 'Calls', unit: units.Short },
  tokens: { title: 'Tokens', unit: units.Short },
  per_call: { title: 'Per call', unit: units.Dollars, decimals: 5 },
};

const MODELS = sql`
  SELECT ${r.model} AS model, ${r.provider} AS provider, ${SUMS.spend} AS spend,
    ${share(SUMS.spend, sql`sum(${SUMS.spend}) OVER ()`)} AS share,
    ${SUMS.calls} AS calls, ${SUMS.tokens} AS tokens, ${share(SUMS.spend, SUMS.calls)} AS per_call,
    ${share(SUMS.errors, SUMS.calls)} AS errors
  FROM ${r.$from}
  WHERE ${SPEND_IN_RANGE}
  GROUP BY 1, 2
  HAVING sum(${r.calls}) > 0
  ORDER BY 3 DESC, 1
  LIMIT 20`;

const TENANTS = sql`
  SELECT ${r.tenant_id} AS tenant, ${SUMS.spend} AS spend,
    ${share(SUMS.spend, sql`sum(${SUMS.spend}) OVER ()`)} AS share, ${SUMS.calls} AS calls
  FROM ${r.$from}
  WHERE ${SPEND_IN_RANGE}
  GROUP BY 1
  HAVING sum(${r.calls}) > 0
  ORDER BY 2 DESC, 1
  LIMIT 20`;

const FEATURES = sql`
  SELECT ${asFilter(r.team)} AS team, ${shown(r.feature)} AS feature, ${SUMS.spend} AS spend,
    ${share(SUMS.spend, sql`sum(${SUMS.spend}) OVER ()`)} AS share, ${SUMS.calls} AS calls
  FROM ${r.$from}
  WHERE ${SPEND_IN_RANGE}
  GROUP BY 1, 2
  HAVING sum(${r.calls}) > 0
  ORDER BY 3 DESC, 1, 2
  LIMIT 20`;

const MOVERS = sql`
  SELECT tenant, model, spend - before AS change, spend, before
  FROM (
    SELECT ${r.tenant_id} AS tenant, ${r.model} AS model,
      coalesce(sum(${r.cost_usd}) ${NOW}, 0) AS spend, coalesce(sum(${r.cost_usd}) ${BEFORE}, 0) AS before
    FROM ${r.$from}
    WHERE ${BOTH}
    GROUP BY 1, 2
  ) m
  WHERE spend <> before
  ORDER BY abs(spend - before) DESC, 1, 2
  LIMIT 20`;

const LISTS: RowSpec = {
  id: 102,
  title: 'Who and what',
  panels: [
    {
      id: 8,
      title: 'Models',
      text: {
        shows: 'The 20 models that cost most. A model opens its performance.',
        from: 'ledger',
        time: 'event',
        empty: NO_CALL,
      },
      drawing: 'table',
      width: 24,
      height: 9,
      unit: units.Short,
      targets: [fromSql(MODELS)],
      fields: {
        ...TOP,
        model: { title: 'Model', links: [toBoard('models', 'Performance of this model', 'model')] },
        provider: {
          title: 'Provider',
          links: [toBoard('models', 'Performance of this provider', 'provider')],
        },
        errors: { title: 'Failed', unit: units.PercentUnit, decimals: 1 },
      },
    },
    {
      id: 9,
      title: 'Tenants',
      text: {
        shows: 'The 20 tenants that spend most. A tenant opens its chargeback.',
        from: 'ledger',
        time: 'event',
        empty: NO_CALL,
      },
      drawing: 'table',
      width: 12,
      height: 9,
      unit: units.Short,
      targets: [fromSql(TENANTS)],
      fields: { ...TOP, tenant: { title: 'Tenant', links: [toBoard('tenant', 'Chargeback', 'tenant')] } },
    },
    {
      id: 10,
      title: 'Teams and features',
      text: {
        shows: 'The 20 teams and features that spend most; (none) is spend that nobody is named for.',
        from: 'ledger',
        time: 'event',
        empty: NO_CALL,
      },
      drawing: 'table',
      width: 12,
      height: 9,
      unit: units.Short,
      targets: [fromSql(FEATURES)],
      fields: {
        ...TOP,
        team: { title: 'Team', names: { '': '(none)' }, links: [toBoard('tenant', 'Chargeback', 'team')] },
        feature: { title: 'Feature' },
      },
    },
    {
      id: 11,
      title: 'Biggest movers',
      text: {
        shows: 'Tenants and models whose spend differs most from the equally long time before the range.',
        from: 'ledger',
        time: 'event',
        empty: 'no tenant and model spent more or less than in the time before',
      },
      drawing: 'table',
      width: 24,
      height: 9,
      unit: units.Dollars,
      decimals: 4,
      targets: [fromSql(MOVERS)],
      fields: {
        tenant: { title: 'Tenant', links: [toBoard('tenant', 'Chargeback', 'tenant')] },
        model: { title: 'Model', links: [toBoard('models', 'Performance of this model', 'model')] },
        change: { title: 'Change', thresholds: ['green', [0, 'orange']] },
        spend: { title: 'Now' },
        before: { title: 'Before' },
      },
    },
    EXPENSIVE_CALLS,
  ],
};

/** What everything costs, who spends it and what changed. */
export const OVERVIEW: Board = board({
  name: 'overview',
  title: 'Spanmeter / Overview',
  description: 'What LLM calls cost, who spends it and what changed. Money is exact and from the ledger.',
  tags: ['finops'],
  from: 'now-24h',
  unused: [],
  annotations: NOTES,
  rows: [FIGURES, COURSE, LISTS],
});
