import { isBillable, isUnpriced, usd } from '../oracle.ts';
import {
  counterOf,
  exactQuantile,
  figureOf,
  series,
  seriesOf,
  sums,
  table,
  tiles,
  check,
  type Expectation,
} from '../measure.ts';
import { rowsOf } from '@spanmeter/dashboards/dist/preview/frame.js';
import type { SentCall } from '../sent-calls.ts';
import * as f from './figures.ts';

const QUARTER_MS = 900_000;
const HOUR_MS = 3_600_000;
/** Spans of the same hour are late by about an hour; the clock of the database is the test's. */
const LAG = 0.05;

const counted = (seen: Parameters<Expectation>[0]): typeof seen.sent => f.billable(seen);
const reported = ({ sent }: Parameters<Expectation>[0]): typeof sent =>
  sent.where((call) => isBillable(call) && call.reported !== null);

export const DATA_QUALITY: Readonly<Record<string, Expectation>> = {
  '1/A': tiles({
    'Billable calls': f.count,
    'With a price': (calls) => 1 - calls.unpriced / calls.count,
    'Without usage': f.status('missing_usage'),
    'Copies left out': f.status('duplicate'),
    'Not billable': f.status('not_billable'),
    'Spend on estimates': () => 0,
    'Spend without a team': f.withoutTeam,
  }),
  '2/A': sums(
    ({ status }) => status,
    (calls) => calls.calls.length,
  ),
  '3/A': series({
    labels: { reason: ({ status }) => status },
    figure: f.unpriced,
    of: ({ live }) => live.where(isUnpriced),
  }),
  '4/A': table({
    keys: { model: f.model, provider: f.provider, reason: ({ status }) => status },
    figures: { calls: f.count, tokens: f.tokens, tenants: (calls) => calls.distinct(f.tenant) },
    of: f.unpricedCalls,
    limit: 100,
  }),
  '5/A': table({
    keys: { service: f.service, environment: f.environment },
    figures: {
      calls: f.count,
      spend: f.spend,
      without_feature: (calls) => calls.where(({ feature }) => feature === null).usd,
    },
    of: (seen) => counted(seen).where(({ team }) => team === null),
    limit: 50,
  }),
  '6/A': table({
    keys: { service: f.service, provider: f.provider, status: ({ status }) => status },
    figures: { spans: (calls) => calls.calls.length },
    of: ({ sent }) => sent.where((call) => !isBillable(call)),
    limit: 50,
  }),
  '7/A': series({
    labels: { model: f.model },
    figure: (calls) => calls.sum((call) => differs(call)),
  }),
  '8/A': table({
    keys: { provider: f.provider, model: f.model },
    figures: { reported: (calls) => usd(calls.calls.reduce((sum, one) => sum + (one.reported ?? 0n), 0n)) },
    of: reported,
    limit: 50,
  }),
  '9/A': table({
    keys: { service: f.service },
    figures: {
      calls: f.count,
      without_usage: (calls) => f.status('missing_usage')(calls) / calls.count,
    },
    of: (seen) => f.lastHours(1)({ ...seen, sent: counted(seen) }),
    limit: 50,
  }),
  '10/A': (seen) => {
    const calls = f.lastHours(1)(seen).calls;
    // History came in one go before the live calls; only the longest is known to a part of a second.
    const [row = {}] = rowsOf(seen.frame);
    const lags = calls.map((call) => (seen.nowMs - call.startedMs - call.durationMs) / 1_000);
    return [check('Longest', Number(row['Longest']), exactQuantile(1, lags), LAG)];
  },
  '11/A': (seen) => {
    const until = Math.floor(seen.toMs / QUARTER_MS) * QUARTER_MS;
    const hour = seen.all.between(until - HOUR_MS, until);
    return tiles(
      { 'By the rows': f.spend, 'By the rollups': f.spend, Drift: () => 0, 'Drift of spans': () => 0 },
      () => hour,
    )(seen);
  },
  '12/A': series({ labels: { service_name: f.service }, figure: f.spend, of: f.late }),
  // The first correction of a label set is where its counter begins, so that no increase sees it.
  '13/A': counterOf('genai_cost_corrections_usd_total{direction="up"}', ({ stack }) => usd(stack.corrected)),
  '14/A': series({
    labels: { service_name: f.service },
    figure: f.count,
    of: ({ live }) => live.where(({ sampled }) => sampled),
  }),
  '15/A': (seen) => {
    const [row = {}] = rowsOf(seen.frame);
    const { corrected, corrections } = seen.stack;
    return [
      check('calls', Number(row['calls']), corrections),
      check('delta_usd', Number(row['delta_usd']), usd(corrected)),
      check('raised', Number(row['raised']), usd(corrected)),
    ];
  },
  '16/A': (seen) => {
    const [row = {}] = rowsOf(seen.frame);
    return [check('letters', Number(row['letters']), seen.stack.faultsInAll)];
  },
  '17/A': series({
    labels: { tenant: f.tenant },
    figure: (calls) => Math.max(...calls.calls.map(({ startedMs }) => startedMs)) / 1_000,
    of: ({ all }) => all.where(isBillable),
    exact: true,
    sinceEnd: true,
    tolerance: 1e-3,
  }),
  // The new services' label sets, once for each family that is full by then.
  '18/A': (seen) =>
    seriesOf(seen.frame)
      .filter(([labels]) => labels['metric'] === 'genai_call_duration_seconds')
      .map(([, value]) => check('duration', value, seen.stack.newServices * seen.growth, 0.1)),
  '19/A': figureOf(
    'seconds since the book was made',
    async ({ stack, toMs }) => {
      const [row] = await stack.query<{ made: string }>(
        'SELECT extract(epoch FROM max(created_at))::text AS made FROM spanmeter.price_books',
      );
      return toMs / 1_000 - Number(row?.made);
    },
    0.2,
  ),
};

/** OpenRouter sells it at its vendor's price: 2,000 tokens in and 500 out, of which the sender says 12,345. */
const OPENROUTER_PICO = 10_000n * 1_000_000n;

/** By how much the sender's figure and ours are apart, in USD. */
function differs({ reported: theirs, cost, status }: SentCall): number {
  if (theirs === null || cost === null) return 0;
  const ours = status === 'reported' ? OPENROUTER_PICO : cost;
  return Math.abs(usd(theirs - ours));
}
