import * as units from '@grafana/grafana-foundation-sdk/units';
import { board } from '../board.ts';
import type { Board, RowSpec } from '../board.ts';
import type { PanelText } from '../description.ts';
import { ROLLUP, selection, SPEND_IN_RANGE } from '../filters.ts';
import { cellOf, toApi, toBoard } from '../links.ts';
import { NOTES } from '../notes.ts';
import { BILLABLE_CALL, CALL, lastHours } from '../slices.ts';
import { every, sql } from '../sql.ts';
import { asFilter, dayText, LOCAL_DATE, share, shown, spendByClock, SUMS, WITH_TENANT } from '../sums.ts';
import { USED } from '../budget-gauges.ts';
import { topk } from '../promql.ts';
import { fromMetrics, fromSql } from '../targets.ts';
import { matrix, sorted } from '../transformations.ts';

const r = ROLLUP;
const NO_CALL = 'no billable call in the range that the filters take';
/** Hours of single calls that are read: users and conversations are in no rollup. */
const HOURS = 3;
const NO_RECENT_CALL = `no billable call in the range's last ${HOURS} hours`;

function text(shows: string, empty: string = NO_CALL): PanelText {
  return { shows, from: 'ledger', time: 'event', empty };
}

const TOTALS = sql`
  SELECT
    ${SUMS.spend} AS "Spend",
    ${SUMS.calls} AS "Calls",
    ${SUMS.tokens} AS "Tokens",
    ${share(SUMS.spend, SUMS.calls)} AS "Per call",
    ${SUMS.unpricedCalls} AS "Calls without a price",
    ${share(SUMS.unattributedSpend, SUMS.spend)} AS "Spend without a team",
    ${share(SUMS.estimatedSpend, SUMS.spend)} AS "Estimated"
  FROM ${r.$from}
  WHERE ${SPEND_IN_RANGE}
  HAVING sum(${r.calls}) > 0`;

/** Most teams that a bar is stacked of; the sum of the others is one more, so that a day is whole. */
const MOST_TEAMS = 15;

const BY_DAY = sql`
  WITH spend AS (
    SELECT zone, bucket, dimension, cost_usd FROM ${spendByClock(shown(r.team))}
  ), most AS (
    SELECT dimension FROM spend GROUP BY 1 ORDER BY sum(cost_usd) DESC, 1 LIMIT ${MOST_TEAMS}
  )
  SELECT ${dayText(sql`(bucket AT TIME ZONE zone)::date`)} AS day, coalesce(most.dimension, '(others)') AS team,
    sum(cost_usd) AS cost_usd
  FROM spend LEFT JOIN most ON most.dimension = spend.dimension
  GROUP BY 1, 2
  ORDER BY 1, 2`;

const BY_HOUR = sql`
  SELECT to_char(bucket AT TIME ZONE zone, 'ID Dy') AS weekday, to_char(bucket AT TIME ZONE zone, 'HH24') AS hour,
    sum(cost_usd) AS cost_usd
  FROM ${spendByClock(sql`0`)}
  GROUP BY 1, 2
  ORDER BY 2, 1`;

const FIGURES: RowSpec = {
  id: 100,
  title: 'Spend',
  panels: [
    {
      id: 1,
      title: 'Spend and use',
      text: text(
        'What the chosen tenants spent in the range. "Calls without a price" are in no amount; "Estimated" is the ' +
          'part of the spend whose tokens the sender did not report.',
      ),
      drawing: 'tiles',
      width: 24,
      height: 4,
      unit: units.Short,
      targets: [fromSql(TOTALS)],
      fields: {
        Spend: { unit: units.Dollars, decimals: 2 },
        'Per call': { unit: units.Dollars, decimals: 5 },
        'Calls without a price': { thresholds: ['green', [1, 'orange']] },
        'Spend without a team': { unit: units.PercentUnit, decimals: 1 },
        Estimated: { unit: units.PercentUnit, decimals: 1 },
      },
    },
    {
      id: 2,
      title: "Spend by day of the tenant's time zone",
      text: text(
        "Spend per calendar day of each tenant's own time zone, stacked by the 15 teams that spend most.",
      ),
      drawing: 'columns',
      width: 16,
      height: 9,
      unit: units.Dollars,
      targets: [fromSql(BY_DAY)],
      transformations: [matrix('team', 'day', 'cost_usd')],
    },
    {
      id: 3,
      title: 'Budgets used',
      text: {
        shows: 'Spend of the current period as a part of the limit, for the 15 budgets that are used most.',
        from: 'metrics',
        time: 'now',
        estimate: 'Exact: read from the ledger.',
        empty: 'no budget holds for the chosen tenants, or Prometheus does not scrape the collector',
      },
      drawing: 'levels',
      width: 8,
      height: 9,
      unit: units.PercentUnit,
      min: 0,
      max: 1,
      thresholds: ['green', [0.8, 'orange'], [1, 'red']],
      targets: [
        fromMetrics(topk(15, USED), {
          legend: '{{tenant}} {{budget}} {{scope_value}}',
          instant: true,
        }),
      ],
    },
    {
      id: 4,
      title: "Spend by weekday and hour of the tenant's time zone",
      text: text('Spend of each hour of the week, by the clock of each tenant: when it is spent.'),
      drawing: 'table',
      width: 24,
      height: 8,
      unit: units.Dollars,
      decimals: 2,
      heat: true,
      targets: [fromSql(BY_HOUR)],
      transformations: [matrix('hour', 'weekday', 'cost_usd'), sorted('weekday\\hour')],
    },
  ],
};

const INVOICE = sql`
  SELECT ${r.tenant_id} AS tenant, ${dayText(LOCAL_DATE)} AS day, ${r.provider} AS provider, ${r.model} AS model,
    ${SUMS.calls} AS calls,
    sum(${r.input_tokens}) - sum(${r.cache_read_tokens}) - sum(${r.cache_write_tokens}) AS uncached_input,
    sum(${r.cache_read_tokens}) AS cache_read, sum(${r.cache_write_tokens}) AS cache_write,
    sum(${r.output_tokens}) AS output, ${SUMS.spend} AS cost_usd,
    ${share(SUMS.spend, sql`(sum(${r.input_tokens}) + sum(${r.output_tokens}))`)} * 1000000 AS per_million,
    ${SUMS.unpricedCalls} AS unpriced_calls
  FROM ${WITH_TENANT}
  WHERE ${SPEND_IN_RANGE}
  GROUP BY 1, ${LOCAL_DATE}, 3, 4
  HAVING sum(${r.calls}) > 0
  ORDER BY ${LOCAL_DATE} DESC, 10 DESC, 1, 3, 4
  LIMIT 500`;

const TEAMS = sql`
  SELECT ${r.tenant_id} AS tenant, ${asFilter(r.team)} AS team, ${shown(r.feature)} AS feature,
    ${SUMS.spend} AS spend, ${share(SUMS.spend, sql`sum(${SUMS.spend}) OVER ()`)} AS share, ${SUMS.calls} AS calls
  FROM ${r.$from}
  WHERE ${SPEND_IN_RANGE}
  GROUP BY 1, 2, 3
  HAVING sum(${r.calls}) > 0
  ORDER BY 4 DESC, 1, 2, 3
  LIMIT 50`;

const BILL: RowSpec = {
  id: 101,
  title: 'Bill',
  panels: [
    {
      id: 5,
      title: 'Invoice lines',
      text: text(
        "Tenant, day of the tenant's time zone, provider and model: calls, tokens by kind and amount, the newest 500 " +
          'lines. "USD per 1M" is the mean over all tokens. Output has the reasoning tokens in it. A day opens all ' +
          "its lines as CSV, from the collector's API.",
      ),
      drawing: 'table',
      width: 24,
      height: 11,
      unit: units.Short,
      targets: [fromSql(INVOICE)],
      fields: {
        tenant: { title: 'Tenant', links: [toBoard('tenant', 'This tenant alone', 'tenant')] },
        day: {
          title: 'Day',
          links: [
            toApi(
              'The range as CSV',
              `/api/v1/spend?group_by=day,provider,model&format=csv&tenant=${cellOf('tenant')}`,
            ),
          ],
        },
        provider: { title: 'Provider' },
        model: { title: 'Model', links: [toBoard('models', 'Performance of this model', 'model')] },
        calls: { title: 'Calls' },
        uncached_input: { title: 'Input, not cached' },
        cache_read: { title: 'Cache read' },
        cache_write: { title: 'Cache write' },
        output: { title: 'Output' },
        cost_usd: { title: 'Amount', unit: units.Dollars, decimals: 6 },
        per_million: { title: 'USD per 1M', unit: units.Dollars, decimals: 3 },
        unpriced_calls: { title: 'Without a price', thresholds: ['text', [1, 'orange']] },
      },
    },
    {
      id: 6,
      title: 'Teams and features',
      text: text('The 50 teams and features that spend most; (none) is spend that nobody is named for.'),
      drawing: 'table',
      width: 24,
      height: 9,
      unit: units.Short,
      targets: [fromSql(TEAMS)],
      fields: {
        tenant: { title: 'Tenant' },
        team: {
          title: 'Team',
          names: { '': '(none)' },
          links: [toBoard('tenant', 'This team alone', 'team')],
        },
        feature: { title: 'Feature' },
        spend: { title: 'Spend', unit: units.Dollars, decimals: 4, gauge: true },
        share: { title: 'Share', unit: units.PercentUnit, decimals: 1 },
        calls: { title: 'Calls' },
      },
    },
  ],
};

const RECENT = every(lastHours(HOURS), BILLABLE_CALL, selection(CALL));
const SPEND = sql`sum(${CALL.effective_cost_usd})`;

const PER_HEAD = sql`
  SELECT count(DISTINCT ${CALL.user_id}) AS "Users",
    count(DISTINCT ${CALL.conversation_id}) AS "Conversations",
    sum(${CALL.effective_cost_usd}) FILTER (WHERE ${CALL.user_id} IS NOT NULL)
      / nullif(count(DISTINCT ${CALL.user_id}), 0) AS "Per user",
    sum(${CALL.effective_cost_usd}) FILTER (WHERE ${CALL.conversation_id} IS NOT NULL)
      / nullif(count(DISTINCT ${CALL.conversation_id}), 0) AS "Per conversation"
  FROM ${CALL.$from}
  WHERE ${RECENT}
  HAVING count(*) > 0`;

const USERS = sql`
  SELECT ${CALL.tenant_id} AS tenant, ${shown(CALL.user_id)} AS user_id, ${SPEND} AS spend, count(*) AS calls,
    max(${CALL.started_at}) AS last_call
  FROM ${CALL.$from}
  WHERE ${RECENT}
  GROUP BY 1, 2
  ORDER BY 3 DESC NULLS LAST, 1, 2
  LIMIT 50`;

const HEADS: RowSpec = {
  id: 102,
  title: 'Per head',
  panels: [
    {
      id: 8,
      title: `Users and conversations of the range's last ${HOURS} hours`,
      text: text('How many there were, and what one of them cost on average.', NO_RECENT_CALL),
      drawing: 'tiles',
      width: 12,
      height: 9,
      unit: units.Short,
      targets: [fromSql(PER_HEAD)],
      fields: {
        'Per user': { unit: units.Dollars, decimals: 4 },
        'Per conversation': { unit: units.Dollars, decimals: 4 },
      },
    },
    {
      id: 9,
      title: `Users of the range's last ${HOURS} hours`,
      text: text('The 50 users who cost most. A user opens the whole range as CSV.', NO_RECENT_CALL),
      drawing: 'table',
      width: 12,
      height: 9,
      unit: units.Short,
      targets: [fromSql(USERS)],
      fields: {
        tenant: { title: 'Tenant' },
        user_id: {
          title: 'User',
          links: [
            toApi(
              'All users of the range as CSV',
              `/api/v1/spend?group_by=user&format=csv&tenant=${cellOf('tenant')}`,
            ),
          ],
        },
        spend: { title: 'Spend', unit: units.Dollars, decimals: 4, gauge: true },
        calls: { title: 'Calls' },
        last_call: { title: 'Last call' },
      },
    },
  ],
};

/** What a tenant owes, and for what. */
export const TENANT: Board = board({
  name: 'tenant',
  title: 'Spanmeter / Tenant chargeback',
  description: 'What a tenant spent, on which day of its own time zone, by team, feature, model and user.',
  tags: ['finops', 'chargeback'],
  from: 'now-2d',
  unused: [],
  annotations: NOTES,
  rows: [FIGURES, BILL, HEADS],
});
