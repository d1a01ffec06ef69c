import * as units from '@grafana/grafana-foundation-sdk/units';
import { board } from '../board.ts';
import type { Board, RowSpec } from '../board.ts';
import type { PanelText } from '../description.ts';
import { ROLLUP, selection, SPEND_IN_RANGE, STEP } from '../filters.ts';
import { TO_TRACE, toApiNow, toBoard } from '../links.ts';
import { LIST_RATES, SAVED } from '../list-rates.ts';
import { OTHERS, OWN_CURVES } from '../model-curves.ts';
import { NOTES } from '../notes.ts';
import { BILLABLE_CALL, CALL, lastHours } from '../slices.ts';
import { every, literal, sql } from '../sql.ts';
import type { Sql } from '../sql.ts';
import { share, SUMS } from '../sums.ts';
import { fromSql } from '../targets.ts';

const r = ROLLUP;
const NO_CALL = 'no billable call in the range that the filters take';
const HOURS = 3;
const NO_RECENT_CALL = `no such call in the range's last ${HOURS} hours`;
const INPUT = sql`sum(${r.input_tokens})`;
const READ = sql`sum(${r.cache_read_tokens})`;
const WRITTEN = sql`sum(${r.cache_write_tokens})`;
const OUTPUT = sql`sum(${r.output_tokens})`;
const REASONING = sql`sum(${r.reasoning_tokens})`;

function text(shows: string, empty: string = NO_CALL, estimate?: string): PanelText {
  const base: PanelText = { shows, from: 'ledger', time: 'event', empty };
  return estimate === undefined ? base : { ...base, estimate };
}

const LIST_ESTIMATE =
  'An estimate at list prices of the newest price book; what was really saved is in /api/v1/whatif?no_cache=true.';

const TOTALS = sql`
  SELECT ${share(READ, INPUT)} AS "Input from the cache", ${READ} AS "Read from the cache",
    ${WRITTEN} AS "Written to the cache", ${share(READ, WRITTEN)} AS "Reads per write",
    ${share(REASONING, OUTPUT)} AS "Reasoning of output", ${share(OUTPUT, INPUT)} AS "Output per input",
    ${share(SUMS.errors, SUMS.calls)} AS "Failed"
  FROM ${r.$from}
  WHERE ${SPEND_IN_RANGE}
  HAVING sum(${r.calls}) > 0`;

const SAVINGS = sql`
  WITH use AS (
    SELECT ${r.provider} AS provider, ${r.model} AS model, ${READ} AS read, ${WRITTEN} AS written,
      ${SUMS.spend} AS spend
    FROM ${r.$from}
    WHERE ${SPEND_IN_RANGE}
    GROUP BY 1, 2
  ), list AS (
    ${LIST_RATES}
  )
  SELECT sum(${SAVED}) AS "Saved by the cache",
    sum(${SAVED}) / nullif(sum(use.spend) + sum(${SAVED}), 0) AS "Of what it would cost"
  FROM use JOIN list ON list.provider = use.provider AND list.model = use.model
  WHERE use.read + use.written > 0
  HAVING count(*) > 0`;

const FIGURES: RowSpec = {
  id: 100,
  title: 'In the range',
  panels: [
    {
      id: 1,
      title: 'Efficiency',
      text: text(
        'Part of the input tokens that came from the cache, tokens read and written, how often a written token was ' +
          'read (below 0.3 the cache hardly pays where writes cost more), part of the output that is reasoning, ' +
          'output tokens per input token, and failed calls.',
      ),
      drawing: 'tiles',
      width: 16,
      height: 5,
      unit: units.Short,
      targets: [fromSql(TOTALS)],
      fields: {
        'Input from the cache': { unit: units.PercentUnit, decimals: 1 },
        'Reads per write': { decimals: 2, thresholds: ['orange', [0.3, 'green']] },
        'Reasoning of output': { unit: units.PercentUnit, decimals: 1 },
        'Output per input': { decimals: 3 },
        Failed: { unit: units.PercentUnit, decimals: 2 },
      },
    },
    {
      id: 2,
      title: 'Saved by the cache',
      text: text(
        'What cached tokens would have cost more as plain input, less what writing them cost more. Below 0 the cache ' +
          'costs more than it saves.',
        'nothing was read from a cache nor written to one by a model of the price list',
        LIST_ESTIMATE,
      ),
      drawing: 'tiles',
      width: 8,
      height: 5,
      unit: units.Dollars,
      decimals: 2,
      targets: [fromSql(SAVINGS)],
      fields: { 'Of what it would cost': { unit: units.PercentUnit, decimals: 1 } },
    },
  ],
};

const SHARE_BY_PROVIDER = sql`
  SELECT ${STEP} AS time, ${r.provider} AS metric, ${share(READ, INPUT)} AS value
  FROM ${r.$from}
  WHERE ${SPEND_IN_RANGE}
  GROUP BY 1, 2
  HAVING ${INPUT} > 0
  ORDER BY 1`;

const TOKENS = sql`
  SELECT ${STEP} AS time, ${INPUT} - ${READ} - ${WRITTEN} AS "input",
    ${READ} AS "cache read", ${WRITTEN} AS "cache write", ${OUTPUT} - ${REASONING} AS "output",
    ${REASONING} AS "reasoning"
  FROM ${r.$from}
  WHERE ${SPEND_IN_RANGE}
  GROUP BY 1
  ORDER BY 1`;

/** A part of a whole per step, by model. */
function byModel(part: Sql, whole: Sql): Sql {
  return sql`
    WITH steps AS (
      SELECT ${STEP} AS time, ${r.model} AS metric, ${part} AS part, ${whole} AS whole, ${SUMS.calls} AS calls
      FROM ${r.$from}
      WHERE ${SPEND_IN_RANGE}
      GROUP BY 1, 2
    ), placed AS (
      SELECT metric, row_number() OVER (ORDER BY sum(calls) DESC, metric) AS place
      FROM steps
      GROUP BY 1
      HAVING sum(part) > 0
    )
    SELECT steps.time, CASE WHEN placed.place <= ${OWN_CURVES} THEN steps.metric ELSE ${literal(OTHERS)} END AS metric,
      sum(steps.part) / sum(steps.whole) AS value
    FROM steps JOIN placed ON placed.metric = steps.metric
    GROUP BY 1, 2
    HAVING sum(steps.whole) > 0
    ORDER BY 1`;
}

const COURSE: RowSpec = {
  id: 101,
  title: 'Course',
  panels: [
    {
      id: 3,
      title: 'Input from the cache by provider',
      text: text(
        'Part of the input tokens that came from the cache, per step. A fall is a changed prompt prefix.',
      ),
      drawing: 'lines',
      width: 12,
      height: 8,
      unit: units.PercentUnit,
      min: 0,
      minInterval: '15m',
      targets: [fromSql(SHARE_BY_PROVIDER, 'time_series')],
    },
    {
      id: 4,
      title: 'Tokens by kind',
      text: text('Tokens per step by disjoint kind: their sum is all tokens.'),
      drawing: 'bars',
      width: 12,
      height: 8,
      unit: units.Short,
      minInterval: '15m',
      targets: [fromSql(TOKENS, 'time_series')],
    },
    {
      id: 5,
      title: 'Input tokens per call by model',
      text: text(
        'Mean input of a call, cached tokens included, of the 10 models called most, and of all others together. A rise is a growing prompt.',
      ),
      drawing: 'lines',
      width: 12,
      height: 8,
      unit: units.Short,
      minInterval: '15m',
      targets: [fromSql(byModel(INPUT, SUMS.calls), 'time_series')],
    },
    {
      id: 6,
      title: 'Reasoning part of output by model',
      text: text(
        'Part of the output tokens that is reasoning, of the 10 models called most of those that reason, and of all others.',
        'no call reports reasoning tokens in the range',
      ),
      drawing: 'lines',
      width: 12,
      height: 8,
      unit: units.PercentUnit,
      min: 0,
      minInterval: '15m',
      targets: [fromSql(byModel(REASONING, OUTPUT), 'time_series')],
    },
  ],
};

const MODELS = sql`
  WITH use AS (
    SELECT ${r.model} AS model, ${r.provider} AS provider, ${share(READ, INPUT)} AS share, ${INPUT} AS input,
      ${READ} AS read, ${WRITTEN} AS written, ${SUMS.spend} AS spend, ${share(REASONING, OUTPUT)} AS reasoning
    FROM ${r.$from}
    WHERE ${SPEND_IN_RANGE}
    GROUP BY 1, 2
    HAVING sum(${r.calls}) > 0
    ORDER BY ${SUMS.spend} DESC, 1, 2
    LIMIT 50
  ), list AS (
    ${LIST_RATES}
  )
  SELECT use.model, use.provider, use.share, use.input, use.read, use.written,
    use.read / nullif(use.written, 0) AS reads_per_write, ${SAVED} AS saved, use.spend, use.reasoning
  FROM use LEFT JOIN list ON list.provider = use.provider AND list.model = use.model
  ORDER BY use.spend DESC, 1, 2`;

const RECENT = every(lastHours(HOURS), BILLABLE_CALL, selection(CALL));

const WASTED = sql`
  SELECT ${CALL.service_name} AS service, ${CALL.model} AS model, ${CALL.error_type} AS error_type,
    count(*) AS calls, sum(${CALL.effective_cost_usd}) AS cost_usd,
    sum(${CALL.input_tokens}) AS input_tokens, max(${CALL.started_at}) AS latest,
    (array_agg(${CALL.trace_id} ORDER BY ${CALL.started_at} DESC))[1] AS trace_id
  FROM ${CALL.$from}
  WHERE ${RECENT} AND ${CALL.error_type} IS NOT NULL
  GROUP BY 1, 2, 3
  ORDER BY 5 DESC NULLS LAST, 4 DESC, 1, 2, 3
  LIMIT 50`;

const TIERS = sql`
  SELECT CASE WHEN ${CALL.conditions} ->> 'batch' = 'true' THEN 'batch'
      ELSE coalesce(${CALL.conditions} ->> 'serviceTier', '(standard)') END AS tier,
    count(*) AS calls, sum(${CALL.effective_cost_usd}) AS cost_usd,
    count(*) / nullif(sum(count(*)) OVER (), 0) AS share
  FROM ${CALL.$from}
  WHERE ${RECENT}
  GROUP BY 1
  ORDER BY 3 DESC NULLS LAST, 1
  LIMIT 20`;

const LISTS: RowSpec = {
  id: 102,
  title: 'Where to save',
  panels: [
    {
      id: 7,
      title: 'Cache by model',
      text: text(
        'The 50 models that cost most: how much of their input is cached, how often a written token is read, and ' +
          'what the cache saved. A model opens what its calls would have cost without the cache.',
        NO_CALL,
        `"Saved" is an estimate. ${LIST_ESTIMATE}`,
      ),
      drawing: 'table',
      width: 24,
      height: 9,
      unit: units.Short,
      targets: [fromSql(MODELS)],
      fields: {
        model: {
          title: 'Model',
          links: [
            toBoard('models', 'Performance of this model', 'model'),
            toApiNow(
              'Today without the cache, call by call',
              '/api/v1/whatif?period=day&no_cache=true&group_by=provider,model',
            ),
          ],
        },
        provider: { title: 'Provider' },
        share: { title: 'Input from the cache', unit: units.PercentUnit, decimals: 1, gauge: true },
        input: { title: 'Input' },
        read: { title: 'Cache read' },
        written: { title: 'Cache write' },
        reads_per_write: { title: 'Reads per write', decimals: 2 },
        saved: { title: 'Saved', unit: units.Dollars, decimals: 4, thresholds: ['red', [0, 'green']] },
        spend: { title: 'Spend', unit: units.Dollars, decimals: 4 },
        reasoning: { title: 'Reasoning of output', unit: units.PercentUnit, decimals: 1 },
      },
    },
    {
      id: 8,
      title: `Paid for nothing in the range's last ${HOURS} hours`,
      text: text(
        'What failed calls cost, by service, model and error; where tokens were reported. The trace is the latest.',
        NO_RECENT_CALL,
      ),
      drawing: 'table',
      width: 24,
      height: 9,
      unit: units.Short,
      targets: [fromSql(WASTED)],
      fields: {
        service: { title: 'Service' },
        model: { title: 'Model' },
        error_type: { title: 'Error' },
        calls: { title: 'Calls' },
        cost_usd: { title: 'Cost', unit: units.Dollars, decimals: 6 },
        input_tokens: { title: 'Input tokens' },
        latest: { title: 'Latest' },
        trace_id: { title: 'Trace', links: [TO_TRACE] },
      },
    },
    {
      id: 9,
      title: `Service tiers of the range's last ${HOURS} hours`,
      text: text(
        'Calls and spend by service tier: batch and flex cost about half where an answer can wait.',
        NO_RECENT_CALL,
      ),
      drawing: 'table',
      width: 24,
      height: 6,
      unit: units.Short,
      targets: [fromSql(TIERS)],
      fields: {
        tier: { title: 'Tier' },
        calls: { title: 'Calls' },
        cost_usd: { title: 'Cost', unit: units.Dollars, decimals: 4 },
        share: { title: 'Share of calls', unit: units.PercentUnit, decimals: 1, gauge: true },
      },
    },
  ],
};

/** What caches save, what reasoning and failures cost, and where prompts grow. */
export const CACHE: Board = board({
  name: 'cache',
  title: 'Spanmeter / Cache and efficiency',
  description: 'What caches save, what reasoning and failures cost, and where prompts grow.',
  tags: ['finops', 'performance'],
  from: 'now-24h',
  unused: [],
  annotations: NOTES,
  rows: [FIGURES, COURSE, LISTS],
});
