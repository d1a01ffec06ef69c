import * as units from '@grafana/grafana-foundation-sdk/units';
import { board } from '../board.ts';
import type { Board, RowSpec } from '../board.ts';
import { filtered } from '../filters.ts';
import { toBoard } from '../links.ts';
import { CURVES_TEXT, modelCurves } from '../model-curves.ts';
import { NOTES } from '../notes.ts';
import type { PanelText } from '../description.ts';
import {
  countOf,
  increase,
  matching,
  promql,
  quantile,
  quantileOf,
  rate,
  sumBy,
  sumOf,
  topk,
  bucketsOf,
} from '../promql.ts';
import type { Expression } from '../promql.ts';
import { fromMetrics } from '../targets.ts';
import { joined } from '../transformations.ts';

const CALLS = filtered('genai_calls_total');
const FAILED = filtered('genai_calls_total', { outcome: 'error' });
const SUCCEEDED = filtered('genai_calls_total', { outcome: 'ok' });
const DURATION = filtered('genai_call_duration_seconds');
const FIRST_TOKEN = filtered('genai_time_to_first_token_seconds');
const COST = filtered('genai_cost_usd_total');
const INPUT = filtered('genai_tokens_total', {
  token_type: matching('input|cache_read|cache_write|audio_input|image'),
});
const OUTPUT = filtered('genai_tokens_total', { token_type: matching('output|reasoning|audio_output') });
/** How providers and SDKs name it: a status, a code or a class. */
const LIMITED = filtered('genai_call_errors_total', {
  error_type: matching('(?i).*(429|529|rate.?limit|quota|throttl|overloaded|too.?many).*'),
});

/** Most curves of one panel, the highest at each step. */
const CURVES = 20;

const NO_CALL =
  'no call was committed in the range that the filters take, or Prometheus does not scrape the collector';
const NO_STREAM = 'no streamed call that tells its first token was committed in the range';
const NO_ERROR = 'no call failed in the range';

function text(shows: string, empty: string = NO_CALL): PanelText {
  return { shows, from: 'metrics', time: 'ingest', empty };
}

function ratio(part: Expression, whole: Expression): Expression {
  return promql`${part} / (${whole} > 0)`;
}

/** 0 where the part has no series yet: its label set exists from the first call on, a failure's does not. */
function orZero(part: Expression, whole: Expression): Expression {
  return promql`${part} or ${whole} * 0`;
}

/** Share of failed calls. */
function failures(by: readonly string[], over: (of: typeof CALLS) => Expression): Expression {
  const whole = sumBy(by, over(CALLS));
  return ratio(orZero(sumBy(by, over(FAILED)), whole), whole);
}

const wholeRange = (of: typeof CALLS): Expression => increase(of, '$__range');

const NOW: RowSpec = {
  id: 100,
  title: 'In the range',
  panels: [
    {
      id: 1,
      title: 'Calls per second',
      text: text('Billable calls per second.'),
      drawing: 'tiles',
      width: 6,
      height: 4,
      unit: units.RequestsPerSecond,
      targets: [fromMetrics(sumBy([], rate(CALLS)), { legend: 'Calls' })],
    },
    {
      id: 2,
      title: 'Failed calls',
      text: text('Share of billable calls that ended in an error.'),
      drawing: 'tiles',
      width: 6,
      height: 4,
      unit: units.PercentUnit,
      decimals: 2,
      thresholds: ['green', [0.02, 'orange'], [0.1, 'red']],
      targets: [fromMetrics(failures([], rate), { legend: 'Failed' })],
    },
    {
      id: 3,
      title: 'Duration, 95th percentile',
      text: text('Time within which 95 of 100 calls end. The greatest bound is 655 s.'),
      drawing: 'tiles',
      width: 6,
      height: 4,
      unit: units.Seconds,
      targets: [fromMetrics(quantile(0.95, [], DURATION), { legend: 'p95' })],
    },
    {
      id: 4,
      title: 'First token, 95th percentile',
      text: text('Time to the first token within which 95 of 100 streamed calls begin to answer.', NO_STREAM),
      drawing: 'tiles',
      width: 6,
      height: 4,
      unit: units.Seconds,
      targets: [fromMetrics(quantile(0.95, [], FIRST_TOKEN), { legend: 'p95' })],
    },
    {
      id: 5,
      title: 'Models compared',
      text: text(
        'Every model over the whole range: what a successful call costs beside how fast and how sound it is. A ' +
          'model opens what it cost, to the cent.',
      ),
      drawing: 'table',
      width: 24,
      height: 9,
      unit: units.Short,
      targets: [
        fromMetrics(topk(50, sumBy(['provider', 'model'], wholeRange(CALLS))), { table: true }),
        fromMetrics(failures(['provider', 'model'], wholeRange), { table: true }),
        fromMetrics(quantile(0.5, ['provider', 'model'], DURATION, '$__range'), { table: true }),
        fromMetrics(quantile(0.95, ['provider', 'model'], DURATION, '$__range'), { table: true }),
        fromMetrics(quantile(0.95, ['provider', 'model'], FIRST_TOKEN, '$__range'), { table: true }),
        fromMetrics(
          ratio(
            sumBy(['provider', 'model'], wholeRange(COST)),
            sumBy(['provider', 'model'], wholeRange(SUCCEEDED)),
          ),
          { table: true },
        ),
      ],
      transformations: joined({
        provider: 'Provider',
        model: 'Model',
        'Value #A': 'Calls',
        'Value #B': 'Failed',
        'Value #C': 'p50',
        'Value #D': 'p95',
        'Value #E': 'First token p95',
        'Value #F': 'USD per success',
      }),
      fields: {
        Model: { links: [toBoard('overview', 'Spend of this model', 'model')] },
        Calls: { decimals: 0 },
        Failed: {
          unit: units.PercentUnit,
          decimals: 2,
          thresholds: ['green', [0.02, 'orange'], [0.1, 'red']],
        },
        p50: { unit: units.Seconds },
        p95: { unit: units.Seconds },
        'First token p95': { unit: units.Seconds },
        'USD per success': { unit: units.Dollars, decimals: 6 },
      },
    },
  ],
};

const TRAFFIC: RowSpec = {
  id: 101,
  title: 'Traffic and errors',
  panels: [
    {
      id: 6,
      title: 'Calls by model',
      text: text(`Billable calls per second ${CURVES_TEXT}.`),
      drawing: 'bars',
      width: 12,
      height: 8,
      unit: units.RequestsPerSecond,
      targets: modelCurves((by, grown) => sumBy(by, grown(CALLS))),
    },
    {
      id: 7,
      title: 'Failed calls by provider',
      text: text('Share of billable calls that ended in an error, by provider.'),
      drawing: 'lines',
      width: 12,
      height: 8,
      unit: units.PercentUnit,
      min: 0,
      targets: [fromMetrics(failures(['provider'], rate), { legend: '{{provider}}' })],
    },
    {
      id: 8,
      title: 'Errors by type',
      text: text("Failed calls per second, by the spans' error type.", NO_ERROR),
      drawing: 'bars',
      width: 12,
      height: 8,
      unit: units.RequestsPerSecond,
      targets: [
        fromMetrics(sumBy(['error_type'], rate(filtered('genai_call_errors_total'))), {
          legend: '{{error_type}}',
        }),
      ],
    },
    {
      id: 9,
      title: 'Refused for too many calls',
      text: text(
        'Calls per second that providers refused because of rate limits, quotas or overload, by provider and model.',
        'no call was refused for that in the range',
      ),
      drawing: 'bars',
      width: 12,
      height: 8,
      unit: units.RequestsPerSecond,
      targets: [
        fromMetrics(topk(CURVES, sumBy(['provider', 'model'], rate(LIMITED))), {
          legend: '{{provider}} {{model}}',
        }),
      ],
    },
  ],
};

const SPEED: RowSpec = {
  id: 102,
  title: 'Speed',
  panels: [
    {
      id: 10,
      title: 'Duration',
      text: text('Half, 95 and 99 of 100 calls end within it. The points are calls with a trace to open.'),
      drawing: 'lines',
      width: 12,
      height: 8,
      unit: units.Seconds,
      targets: [
        fromMetrics(quantile(0.5, [], DURATION), { legend: 'p50' }),
        fromMetrics(quantile(0.95, [], DURATION), { legend: 'p95', exemplars: true }),
        fromMetrics(quantile(0.99, [], DURATION), { legend: 'p99' }),
      ],
    },
    {
      id: 11,
      title: 'Duration by model, 95th percentile',
      text: text(`Time within which 95 of 100 calls end, ${CURVES_TEXT}.`),
      drawing: 'lines',
      width: 12,
      height: 8,
      unit: units.Seconds,
      targets: modelCurves((by, grown) => quantileOf(0.95, by, grown(bucketsOf(DURATION))), true),
    },
    {
      id: 12,
      title: 'First token',
      text: text('Half and 95 of 100 streamed calls send their first token within it.', NO_STREAM),
      drawing: 'lines',
      width: 12,
      height: 8,
      unit: units.Seconds,
      targets: [
        fromMetrics(quantile(0.5, [], FIRST_TOKEN), { legend: 'p50' }),
        fromMetrics(quantile(0.95, [], FIRST_TOKEN), { legend: 'p95', exemplars: true }),
      ],
    },
    {
      id: 13,
      title: 'First token by model, 95th percentile',
      text: text(`Time to the first token of 95 of 100 streamed calls, ${CURVES_TEXT}.`, NO_STREAM),
      drawing: 'lines',
      width: 12,
      height: 8,
      unit: units.Seconds,
      targets: modelCurves((by, grown) => quantileOf(0.95, by, grown(bucketsOf(FIRST_TOKEN))), true),
    },
    {
      id: 14,
      title: 'Durations',
      text: text('How many calls took how long, per step.'),
      drawing: 'heatmap',
      width: 12,
      height: 9,
      unit: units.Seconds,
      targets: [
        fromMetrics(sumBy(['le'], increase(bucketsOf(DURATION))), { legend: '{{le}}', heatmap: true }),
      ],
    },
    {
      id: 15,
      title: 'Output tokens per second of call',
      text: text(
        'Output tokens, reasoning included, by the seconds that calls took: how fast a model writes, its waiting ' +
          `included; ${CURVES_TEXT}.`,
      ),
      drawing: 'lines',
      width: 12,
      height: 9,
      unit: units.Short,
      targets: modelCurves((by, grown) => ratio(sumBy(by, grown(OUTPUT)), sumBy(by, grown(sumOf(DURATION))))),
    },
  ],
};

const SIZE: RowSpec = {
  id: 103,
  title: 'Size and price',
  panels: [
    {
      id: 16,
      title: 'Input tokens per call',
      text: text(
        `Mean input tokens of a call, cached ones included, ${CURVES_TEXT}. A rise is a growing prompt.`,
      ),
      drawing: 'lines',
      width: 8,
      height: 8,
      unit: units.Short,
      targets: modelCurves((by, grown) => ratio(sumBy(by, grown(INPUT)), sumBy(by, grown(CALLS)))),
    },
    {
      id: 17,
      title: 'Output tokens per call',
      text: text(`Mean output tokens of a call, reasoning included, ${CURVES_TEXT}.`),
      drawing: 'lines',
      width: 8,
      height: 8,
      unit: units.Short,
      targets: modelCurves((by, grown) => ratio(sumBy(by, grown(OUTPUT)), sumBy(by, grown(CALLS)))),
    },
    {
      id: 18,
      title: 'Cost per successful call',
      text: text(
        `Cost of all calls by the number of those that succeeded: failures are paid too; ${CURVES_TEXT}.`,
      ),
      drawing: 'lines',
      width: 8,
      height: 8,
      unit: units.Dollars,
      decimals: 5,
      targets: modelCurves((by, grown) => ratio(sumBy(by, grown(COST)), sumBy(by, grown(SUCCEEDED)))),
    },
    {
      id: 19,
      title: 'Calls by operation',
      text: text('Calls per second with a known duration, by what was asked: chat, embeddings and so on.'),
      drawing: 'bars',
      width: 12,
      height: 8,
      unit: units.RequestsPerSecond,
      targets: [fromMetrics(sumBy(['operation'], rate(countOf(DURATION))), { legend: '{{operation}}' })],
    },
    {
      id: 20,
      title: 'Tokens by type',
      text: text('Tokens per second by disjoint type; their sum is all tokens.'),
      drawing: 'bars',
      width: 12,
      height: 8,
      unit: units.Short,
      targets: [
        fromMetrics(sumBy(['token_type'], rate(filtered('genai_tokens_total'))), {
          legend: '{{token_type}}',
        }),
      ],
    },
  ],
};

/** How fast and how sound models and providers are, and what that costs. */
export const MODELS: Board = board({
  name: 'models',
  title: 'Spanmeter / Models and providers',
  description: 'Traffic, errors, latency, speed and unit cost of models and providers, from Prometheus.',
  tags: ['performance'],
  from: 'now-6h',
  unused: ['team'],
  annotations: NOTES,
  rows: [NOW, TRAFFIC, SPEED, SIZE],
});
