import * as units from '@grafana/grafana-foundation-sdk/units';
import { board } from '../board.ts';
import type { Board, RowSpec } from '../board.ts';
import { burnRate, END, FORECAST, LIMIT, ofBudgets, SPENT, USED } from '../budget-gauges.ts';
import type { PanelText } from '../description.ts';
import { filtered, inRange, ofTenants } from '../filters.ts';
import { toBoard } from '../links.ts';
import { NOTES } from '../notes.ts';
import { aggregate, increase, maxBy, metric, promql, sumBy, topk } from '../promql.ts';
import type { Expression } from '../promql.ts';
import { TIME_PX } from '../panels.ts';
import { columns, sql } from '../sql.ts';
import { fromMetrics, fromSql } from '../targets.ts';
import { joined } from '../transformations.ts';

/** Most budgets that a table or curve shows, those used most. */
/** Width of a column of few characters: this table has many columns. */
const SHORT_PX = 72;
const MOST = 100;
const CURVES = 20;
const NO_BUDGET = 'no budget holds for the chosen tenants, or Prometheus does not scrape the collector';

function gauges(shows: string, empty: string = NO_BUDGET, time: PanelText['time'] = 'now'): PanelText {
  return { shows, from: 'metrics', time, estimate: 'Exact: read from the ledger.', empty };
}

/** Of the budgets that are used most alone. */
function ofMost(expression: Expression): Expression {
  return promql`${expression} and ${topk(MOST, USED)}`;
}

function counted(condition: Expression): Expression {
  return promql`${aggregate('count', [], condition)} or vector(0)`;
}

const HARD = ofBudgets('genai_budget_hard');
const UNPRICED = ofBudgets('genai_budget_unpriced_calls');
const NAMES = '{{tenant}} {{budget}} {{scope_value}}';

const FIGURES: RowSpec = {
  id: 100,
  title: 'Now',
  panels: [
    {
      id: 1,
      title: 'Budgets',
      text: gauges(
        'How many budgets hold, are over their limit, are above 80 percent of it, are expected to end above it, and ' +
          'are incomplete because calls of theirs have no price.',
      ),
      drawing: 'tiles',
      width: 24,
      height: 4,
      unit: units.Short,
      decimals: 0,
      targets: [
        fromMetrics(aggregate('count', [], LIMIT), { legend: 'Budgets', instant: true }),
        fromMetrics(counted(promql`${USED} > 1`), { legend: 'Over the limit', instant: true }),
        fromMetrics(counted(promql`${USED} > 0.8`), { legend: 'Above 80 %', instant: true }),
        fromMetrics(counted(promql`${FORECAST} > ${LIMIT}`), {
          legend: 'Expected to end over',
          instant: true,
        }),
        fromMetrics(counted(promql`${UNPRICED} > 0`), { legend: 'Incomplete', instant: true }),
      ],
    },
    {
      id: 2,
      title: 'Budgets as they stand',
      text: gauges(
        `The ${MOST} budgets that are used most: limit, spend and expected spend of the period. "Burn" is how many ` +
          'times faster than the limit allows it was spent: at 1 it lasts exactly for its period. "Without a price": ' +
          'above 0 the spend is incomplete. A tenant opens its chargeback.',
      ),
      drawing: 'table',
      width: 24,
      height: 11,
      unit: units.Short,
      targets: [
        fromMetrics(topk(MOST, USED), { table: true }),
        fromMetrics(ofMost(SPENT), { table: true }),
        fromMetrics(ofMost(LIMIT), { table: true }),
        fromMetrics(ofMost(FORECAST), { table: true }),
        fromMetrics(ofMost(burnRate(1)), { table: true }),
        fromMetrics(ofMost(burnRate(6)), { table: true }),
        fromMetrics(ofMost(burnRate(24)), { table: true }),
        fromMetrics(ofMost(promql`${END} * 1000`), { table: true }),
        fromMetrics(ofMost(HARD), { table: true }),
        fromMetrics(ofMost(UNPRICED), { table: true }),
      ],
      transformations: joined({
        tenant: 'Tenant',
        budget: 'Budget',
        scope: 'Scope',
        scope_value: 'Of',
        period: 'Period',
        'Value #A': 'Used',
        'Value #B': 'Spent',
        'Value #C': 'Limit',
        'Value #D': 'Expected',
        'Value #E': 'Burn 1h',
        'Value #F': 'Burn 6h',
        'Value #G': 'Burn 24h',
        'Value #H': 'Ends',
        'Value #I': 'At the limit',
        'Value #J': 'Without a price',
      }),
      fields: {
        Tenant: { links: [toBoard('tenant', 'Chargeback', 'tenant')] },
        Period: { width: SHORT_PX },
        Scope: { width: SHORT_PX },
        Used: {
          unit: units.PercentUnit,
          decimals: 1,
          width: SHORT_PX,
          thresholds: ['green', [0.8, 'orange'], [1, 'red']],
        },
        Spent: { unit: units.Dollars, decimals: 4 },
        Limit: { unit: units.Dollars, decimals: 2 },
        Expected: { unit: units.Dollars, decimals: 2 },
        'Burn 1h': { decimals: 2, width: SHORT_PX, thresholds: ['text', [6, 'orange'], [14.4, 'red']] },
        'Burn 6h': { decimals: 2, width: SHORT_PX, thresholds: ['text', [3, 'orange'], [6, 'red']] },
        'Burn 24h': { decimals: 2, width: SHORT_PX, thresholds: ['text', [1, 'orange'], [3, 'red']] },
        Ends: { unit: units.DatetimeISO, width: TIME_PX },
        'At the limit': { width: SHORT_PX + 15, names: { '0': 'warns', '1': 'refuses' } },
        'Without a price': { width: SHORT_PX + 30, thresholds: ['text', [1, 'orange']] },
      },
    },
  ],
};

const COURSE: RowSpec = {
  id: 101,
  title: 'Course',
  panels: [
    {
      id: 3,
      title: 'Used',
      text: gauges(
        `Spend as a part of the limit, for the ${CURVES} budgets that are used most. A fall to 0 is a new period.`,
        NO_BUDGET,
        'ingest',
      ),
      drawing: 'lines',
      width: 12,
      height: 9,
      unit: units.PercentUnit,
      min: 0,
      targets: [fromMetrics(topk(CURVES, USED), { legend: NAMES })],
    },
    {
      id: 4,
      title: 'Burn rate',
      text: gauges(
        'How many times faster than the limit allows budgets were spent in the last hour and the last 6 hours. 14.4 ' +
          'over an hour and 6 over six are what pages.',
        NO_BUDGET,
        'ingest',
      ),
      drawing: 'lines',
      width: 12,
      height: 9,
      unit: units.Short,
      min: 0,
      targets: [
        fromMetrics(topk(CURVES, burnRate(1)), { legend: `${NAMES} 1h` }),
        fromMetrics(topk(CURVES, burnRate(6)), { legend: `${NAMES} 6h` }),
      ],
    },
    {
      id: 5,
      title: 'Expected spend of the period',
      text: {
        ...gauges(
          `Expected spend at the period's end as a part of the limit, for the ${CURVES} highest.`,
          'no budget has a forecast yet: there are too few calls, or Prometheus does not scrape the collector',
          'ingest',
        ),
        estimate: 'An estimate: the forecast.',
      },
      drawing: 'lines',
      width: 12,
      height: 9,
      unit: units.PercentUnit,
      min: 0,
      targets: [fromMetrics(topk(CURVES, promql`${FORECAST} / ${LIMIT}`), { legend: NAMES })],
    },
    {
      id: 6,
      title: 'Unusual spend',
      text: {
        ...gauges(
          'Spend of the last whole hour beyond what that hour of the week usually costs, by tenant, model and service.',
          'nothing stands out',
          'ingest',
        ),
        estimate: 'An estimate: against a robust baseline of the same hours.',
      },
      drawing: 'bars',
      width: 12,
      height: 9,
      unit: units.Dollars,
      targets: [
        fromMetrics(
          topk(
            CURVES,
            maxBy(['tenant', 'model', 'service_name'], filtered('genai_spend_anomaly_usd', {}, ['tenant'])),
          ),
          { legend: '{{tenant}} {{model}} {{service_name}}' },
        ),
      ],
    },
  ],
};

const a = columns('alerts', 'a');
const ALERTS = sql`
  SELECT ${a.started_at} AS time, ${a.tenant_id} AS tenant, ${a.severity} AS severity, ${a.state} AS state,
    ${a.kind} AS kind, ${a.summary} AS summary, ${a.resolved_at} AS resolved_at,
    ${a.state_changed_by} AS state_changed_by, ${a.note} AS note
  FROM ${a.$from}
  WHERE ${inRange(a.started_at)} AND ${ofTenants(a.tenant_id)}
  ORDER BY ${a.started_at} DESC, ${a.id} DESC
  LIMIT 200`;

const n = columns('notifications', 'n');
const NOTIFICATIONS = sql`
  SELECT ${n.channel} AS channel, ${n.kind} AS kind, ${n.outcome} AS outcome, count(*) AS notifications,
    max(${n.attempts}) AS most_attempts, max(${n.created_at}) AS latest,
    (array_agg(${n.last_error} ORDER BY ${n.created_at} DESC)
      FILTER (WHERE ${n.last_error} IS NOT NULL))[1] AS last_error
  FROM ${n.$from}
  WHERE ${inRange(n.created_at)} AND ${ofTenants(n.tenant_id)}
  GROUP BY 1, 2, 3
  ORDER BY 4 DESC, 1, 2, 3
  LIMIT 100`;

const b = columns('budgets', 'b');
const CONFIGURED = sql`
  SELECT CASE ${b.tenant_id} WHEN '' THEN '(operator)' ELSE ${b.tenant_id} END AS tenant, ${b.id} AS id,
    ${b.name} AS name, ${b.scope} AS scope, ${b.scope_value} AS scope_value, ${b.period} AS period,
    ${b.limit_usd} AS limit_usd, array_to_string(${b.thresholds}, ', ') AS thresholds, ${b.hard} AS hard,
    ${b.enabled} AS enabled, ${b.timezone} AS timezone, ${b.created_by} AS created_by, ${b.updated_at} AS updated_at
  FROM ${b.$from}
  WHERE ${b.tenant_id} = '' OR ${ofTenants(b.tenant_id)}
  ORDER BY ${b.updated_at} DESC, 1, 2
  LIMIT 500`;

const s = columns('budget_spend', 's');
const OF_PERSONS = sql`
  SELECT ${s.tenant_id} AS tenant, ${b.name} AS budget, ${b.scope} AS scope, ${b.scope_value} AS scope_value,
    ${s.spent_usd} AS spent, ${b.limit_usd} AS limit_usd, ${s.spent_usd} / ${b.limit_usd} AS used,
    ${s.calls} AS calls, ${s.unpriced_calls} AS unpriced_calls, ${s.period_end} AS period_end
  FROM ${s.$from} JOIN ${b.$from} ON ${b.tenant_id} = ${s.tenant_id} AND ${b.id} = ${s.budget_id}
  WHERE ${s.period_end} > now() AND ${ofTenants(s.tenant_id)}
  ORDER BY 7 DESC, 1, 2
  LIMIT 100`;

const l = columns('audit_log', 'l');
const EDITS = sql`
  SELECT ${l.at} AS time, ${l.actor} AS actor, ${l.action} AS action, ${l.tenant_id} AS tenant, ${l.target} AS target,
    ${l.detail}::text AS detail
  FROM ${l.$from}
  WHERE ${inRange(l.at)} AND ${l.action} LIKE 'budget.%'
  ORDER BY ${l.at} DESC, ${l.id} DESC
  LIMIT 100`;

function ledger(shows: string, empty: string, time: PanelText['time'] = 'now'): PanelText {
  return { shows, from: 'ledger', time, empty };
}

const HISTORY: RowSpec = {
  id: 102,
  title: 'Alerts and settings',
  panels: [
    {
      id: 7,
      title: 'Alerts',
      text: ledger('The newest 200 alerts that began in the range.', 'no alert began in the range', 'event'),
      drawing: 'table',
      width: 24,
      height: 9,
      unit: units.Short,
      targets: [fromSql(ALERTS)],
      fields: {
        time: { title: 'Began' },
        tenant: { title: 'Tenant', links: [toBoard('tenant', 'Chargeback', 'tenant')] },
        severity: { title: 'Severity' },
        state: { title: 'State' },
        kind: { title: 'Kind' },
        summary: { title: 'Summary', width: 480 },
        resolved_at: { title: 'Resolved' },
        state_changed_by: { title: 'By' },
        note: { title: 'Note' },
      },
    },
    {
      id: 8,
      title: 'Notifications',
      text: ledger(
        'Notifications made in the range by channel, kind and outcome. "dropped" was put off and then no longer true.',
        'no notification was made in the range: nothing fired, or no channel is configured',
        'event',
      ),
      drawing: 'table',
      width: 24,
      height: 8,
      unit: units.Short,
      targets: [fromSql(NOTIFICATIONS)],
      fields: {
        channel: { title: 'Channel' },
        kind: { title: 'Kind' },
        outcome: { title: 'Outcome' },
        notifications: { title: 'Notifications' },
        most_attempts: { title: 'Most attempts' },
        latest: { title: 'Latest', width: TIME_PX },
        last_error: { title: 'Last error' },
      },
    },
    {
      id: 9,
      title: 'Notifications over time',
      text: {
        shows: 'Notifications per step, by channel and outcome.',
        from: 'metrics',
        time: 'ingest',
        empty: 'no channel is configured, or Prometheus does not scrape the collector',
      },
      drawing: 'bars',
      width: 24,
      height: 8,
      unit: units.Short,
      targets: [
        fromMetrics(sumBy(['channel', 'outcome'], increase(metric('genai_notifications_total'))), {
          legend: '{{channel}} {{outcome}}',
        }),
      ],
    },
    {
      id: 10,
      title: 'Budgets of users, sessions and agents',
      text: ledger(
        'The 100 budgets of single users, sessions and agents that are used most in their current period.',
        'no budget is about a user, a session or an agent, or none of them spent in its period',
      ),
      drawing: 'table',
      width: 24,
      height: 8,
      unit: units.Short,
      targets: [fromSql(OF_PERSONS)],
      fields: {
        tenant: { title: 'Tenant' },
        budget: { title: 'Budget' },
        scope: { title: 'Scope' },
        scope_value: { title: 'Of' },
        spent: { title: 'Spent', unit: units.Dollars, decimals: 4 },
        limit_usd: { title: 'Limit', unit: units.Dollars, decimals: 2 },
        used: { title: 'Used', unit: units.PercentUnit, decimals: 1, gauge: true },
        calls: { title: 'Calls' },
        unpriced_calls: { title: 'Without a price' },
        period_end: { title: 'Ends', width: TIME_PX },
      },
    },
    {
      id: 11,
      title: 'Settings',
      text: ledger(
        'Every budget, those of the operator included, as it is configured: the newest 500 changed first.',
        'there is no budget at all',
      ),
      drawing: 'table',
      width: 24,
      height: 9,
      unit: units.Short,
      targets: [fromSql(CONFIGURED)],
      fields: {
        tenant: { title: 'Tenant' },
        id: { title: 'Id' },
        name: { title: 'Name' },
        scope: { title: 'Scope' },
        scope_value: { title: 'Of' },
        period: { title: 'Period' },
        limit_usd: { title: 'Limit', unit: units.Dollars, decimals: 2 },
        thresholds: { title: 'Steps' },
        hard: { title: 'Refuses' },
        enabled: { title: 'Enabled' },
        timezone: { title: 'Time zone' },
        created_by: { title: 'Made by' },
        updated_at: { title: 'Changed', width: TIME_PX },
      },
    },
    {
      id: 12,
      title: 'Changes of budgets',
      text: ledger(
        'Who changed which budget in the range, and how.',
        'no budget was changed in the range',
        'event',
      ),
      drawing: 'table',
      width: 24,
      height: 7,
      unit: units.Short,
      targets: [fromSql(EDITS)],
      fields: {
        time: { title: 'When' },
        actor: { title: 'Who' },
        action: { title: 'What' },
        tenant: { title: 'Tenant' },
        target: { title: 'Budget' },
        detail: { title: 'Detail', width: 600 },
      },
    },
  ],
};

/** Every budget, how it is used, what is expected of it, and what was said about it. */
export const BUDGETS: Board = board({
  name: 'budgets',
  title: 'Spanmeter / Budgets',
  description: 'Budgets, burn rates, forecasts, unusual spend, alerts and notifications.',
  tags: ['finops', 'alerts'],
  from: 'now-24h',
  unused: ['environment', 'team', 'provider', 'model'],
  annotations: NOTES,
  rows: [FIGURES, COURSE, HISTORY],
});
