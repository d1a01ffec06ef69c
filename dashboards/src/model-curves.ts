import { filtered } from './filters.ts';
import { increaseOfRange, promql, rate, sumBy, topk } from './promql.ts';
import type { Expression, Selector } from './promql.ts';
import { fromMetrics } from './targets.ts';
import type { Target } from './targets.ts';

/** Models that have a curve of their own; with more of them nobody finds one. */
export const OWN_CURVES = 10;
/** What a panel says of them. */
export const CURVES_TEXT: string = `of the ${OWN_CURVES} models that cost most in the range, and of all others together`;
/** Name of the curve of all others. */
export const OTHERS = '(others)';

/** The same models at each step, so that no curve comes and goes. */
const DEAREST: Expression = topk(
  OWN_CURVES,
  sumBy(['model'], increaseOfRange(filtered('genai_cost_usd_total'))),
);

/** A figure by labels, of the counters that `grown` turns into growth per second. */
type Figure = (by: readonly string[], grown: (counter: Selector) => Expression) => Expression;

/** A curve for each of the dearest models, and one of what all other models are together: a sum, or a ratio of sums. */
export function modelCurves(figure: Figure, exemplars = false): readonly Target[] {
  const own = promql`${figure(['model'], rate)} and on (model) ${DEAREST}`;
  const others = figure([], (counter) => promql`${rate(counter)} unless on (model) ${DEAREST}`);
  return [fromMetrics(own, { legend: '{{model}}', exemplars }), fromMetrics(others, { legend: OTHERS })];
}
