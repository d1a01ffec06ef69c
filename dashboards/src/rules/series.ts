import { OWN_METRICS } from '@spanmeter/processors';
import type { MetricName, OwnMetricName } from '@spanmeter/processors';
import { bucketsOf, countOf, definitionOf, metric, sumBy } from '../promql.ts';
import type { Matcher } from '../promql.ts';

/** Scrape jobs, as `prometheus.yml` names them. */
export const JOBS = { metrics: 'spanmeter', own: 'spanmeter-collector' } as const;

type SeriesName = MetricName | OwnMetricName;
type Matchers = Readonly<Record<string, Matcher>>;

/** Labels of every budget metric. */
export const BUDGET_LABELS: readonly string[] = ['tenant', 'budget', 'scope', 'scope_value', 'period'];

/** A selector. Throws on a label that the metric never has, which would select nothing for ever. */
export function series(name: SeriesName, matchers: Matchers = {}): string {
  return metric(name, matchers).text;
}

interface Look {
  /** How long ago the window, or the moment, ends. */
  readonly offset?: string;
  readonly matchers?: Matchers;
}

/** Growth of a counter within a window, over all collectors, by some of its labels. */
export function increaseBy(
  by: readonly string[],
  name: SeriesName,
  window: string,
  { offset, matchers }: Look = {},
): string {
  const growth = `increase(${series(name, matchers)}[${window}]${ago(offset)})`;
  return sumBy(by, { text: growth, labels: definitionOf(name).labels }).text;
}

/**
 * As `increaseBy`, and a series that is new in the window counts with its first value, which `increase` takes for where
 * it began: the first loss of a kind must not go unseen. Only where its target was scraped before the window, or the
 * first scrape by a new Prometheus would look like a loss. `up` has exactly the labels of the target, whichever these
 * are, so that all others are ignored.
 */
export function increaseFromNothing(
  by: readonly string[],
  name: SeriesName,
  window: string,
  matchers: Matchers = {},
): string {
  const one = series(name, matchers);
  const { labels } = definitionOf(name);
  const job = Object.hasOwn(OWN_METRICS, name) ? JOBS.own : JOBS.metrics;
  const scraped = `${metric('up', { job }).text} offset ${window} == 1`;
  const fresh = `(${one} unless ${one} offset ${window}) and ignoring (${labels.join(', ')}) (${scraped})`;
  return sumBy(by, { text: `increase(${one}[${window}]) > 0 or ${fresh}`, labels }).text;
}

/** A gauge that every collector serves alike, of whichever collector knows most. */
export function highest(by: readonly string[], name: MetricName, { offset, matchers }: Look = {}): string {
  const text = `${series(name, matchers)}${ago(offset)}`;
  const known = definitionOf(name).labels;
  const unknown = by.find((label) => !known.includes(label));
  if (unknown !== undefined) throw new Error(`${name} has no label ${unknown}`);
  return by.length === 0 ? `max(${text})` : `max by (${by.join(', ')}) (${text})`;
}

/** A quantile of a histogram over a window, by some of its labels. */
export function quantileBy(
  by: readonly string[],
  quantile: number,
  name: MetricName,
  window: string,
  { offset, matchers }: Look = {},
): string {
  const buckets = bucketsOf(metric(name, matchers));
  const rates = { text: `rate(${buckets.text}[${window}]${ago(offset)})`, labels: buckets.labels };
  return `histogram_quantile(${quantile}, ${sumBy([...by, 'le'], rates).text})`;
}

/** Observations of a histogram within a window. */
export function observationsBy(by: readonly string[], name: MetricName, window: string): string {
  const counted = countOf(metric(name));
  return sumBy(by, { text: `increase(${counted.text}[${window}])`, labels: counted.labels }).text;
}

function ago(offset: string | undefined): string {
  return offset === undefined ? '' : ` offset ${offset}`;
}
