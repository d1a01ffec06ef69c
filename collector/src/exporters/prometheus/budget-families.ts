import { metricNamed, type MetricName } from '@spanmeter/processors';
import type { BudgetState } from '../../budgets/budget.ts';
import { escapeLabelValue } from './labels.ts';

/** Budgets as they stand, from memory. */
export interface BudgetGauges {
  readonly states: readonly BudgetState[];
  /** Expected spend at the end of the period in 1e-12 USD; null where nothing is known. */
  readonly forecastOf: (state: BudgetState) => bigint | null;
}

const PICO_PER_USD = 1e12;
const MS_PER_SECOND = 1_000;
/** Series that are written before the event loop gets a turn. */
const SLICE_SERIES = 500;

function usd(pico: bigint): number {
  return Number(pico) / PICO_PER_USD;
}

/** One value per budget, or none. */
type Read = (state: BudgetState, gauges: BudgetGauges) => number | null;

const FAMILIES: readonly (readonly [MetricName, Read])[] = [
  ['genai_budget_limit_usd', ({ budget }) => usd(budget.limitPicoUsd)],
  ['genai_budget_spent_usd', ({ spentPicoUsd }) => usd(spentPicoUsd)],
  [
    'genai_budget_forecast_usd',
    (state, { forecastOf }) => {
      const expected = forecastOf(state);
      return expected === null ? null : usd(expected);
    },
  ],
  ['genai_budget_hard', ({ budget }) => (budget.hard ? 1 : 0)],
  ['genai_budget_unpriced_calls', ({ unpricedCalls }) => unpricedCalls],
  ['genai_budget_period_start_timestamp_seconds', ({ bounds }) => bounds.startMs / MS_PER_SECOND],
  ['genai_budget_period_end_timestamp_seconds', ({ bounds }) => bounds.endMs / MS_PER_SECOND],
];

const NO_TEXT: ReadonlyMap<string, string> = new Map();

/** The gauges of budgets. Never folded: a budget that is not shown would be one that never warns. */
export class BudgetFamilies {
  /** Rendered labels by tenant and budget, as of the latest scrape. */
  #texts: ReadonlyMap<string, string> = NO_TEXT;

  /** The text in pieces; each blocks the loop for one slice only. */
  *render(gauges: BudgetGauges): Generator<string> {
    const labels: string[] = [];
    const texts = new Map<string, string>();
    for (const state of gauges.states) {
      const key = `${state.tenantId}\u0000${state.budget.tenantId}\u0000${state.budget.id}`;
      const known = this.#texts.get(key);
      const own = labelsOf(state, known);
      texts.set(key, own);
      labels.push(own);
      if (labels.length % SLICE_SERIES === 0) yield '';
    }
    this.#texts = texts;
    for (const [name, read] of FAMILIES) yield* family(name, gauges, labels, read);
    yield* steps(gauges, labels);
  }
}

/** The rendered labels; `known` where they are still those of the budget. */
function labelsOf({ budget, tenantId, scope }: BudgetState, known: string | undefined): string {
  const { id, scopeValue, period } = budget;
  // What follows the tenant and the id may be changed, and is cheap to compare.
  const changing = `scope="${scope}",scope_value="${escapeLabelValue(scopeValue ?? '')}",period="${period}"`;
  if (known !== undefined && known.endsWith(`",${changing}`)) return known;
  return `tenant="${escapeLabelValue(tenantId)}",budget="${escapeLabelValue(id)}",${changing}`;
}

function header(name: MetricName): string {
  return `# HELP ${name} ${metricNamed(name).help}\n# TYPE ${name} gauge\n`;
}

function* family(
  name: MetricName,
  gauges: BudgetGauges,
  labels: readonly string[],
  read: Read,
): Generator<string> {
  let piece = header(name);
  let left = SLICE_SERIES;
  for (const [index, state] of gauges.states.entries()) {
    const value = read(state, gauges);
    if (value !== null) piece += `${name}{${labels[index] ?? ''}} ${value}\n`;
    if (--left > 0) continue;
    yield piece;
    piece = '';
    left = SLICE_SERIES;
  }
  if (piece !== '') yield piece;
}

function* steps({ states }: BudgetGauges, labels: readonly string[]): Generator<string> {
  const name = 'genai_budget_step_usd';
  let piece = header(name);
  let left = SLICE_SERIES;
  for (const [index, { budget }] of states.entries()) {
    for (const { percent, picoUsd } of budget.steps) {
      piece += `${name}{${labels[index] ?? ''},threshold="${percent}"} ${usd(picoUsd)}\n`;
      left--;
    }
    if (left > 0) continue;
    yield piece;
    piece = '';
    left = SLICE_SERIES;
  }
  if (piece !== '') yield piece;
}
