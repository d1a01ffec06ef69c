import { METRIC_CATALOGUE, METRIC_NAMES, OWN_METRICS, OWN_METRIC_NAMES } from '@spanmeter/processors';
import type { MetricName, OwnMetricName } from '@spanmeter/processors';

/** Metrics that Prometheus itself writes of every target. */
export const SCRAPE_METRICS = ['up', 'scrape_duration_seconds', 'scrape_samples_scraped'] as const;
/** Any metric that a dashboard or rule may read. */
export type KnownMetric = MetricName | OwnMetricName | (typeof SCRAPE_METRICS)[number];

/** Every metric that a dashboard or rule may read. */
export const KNOWN_METRICS: readonly KnownMetric[] = [
  ...METRIC_NAMES,
  ...OWN_METRIC_NAMES,
  ...SCRAPE_METRICS,
];

/** An expression, and the labels that its series have. */
export interface Expression {
  readonly text: string;
  readonly labels: readonly string[];
  /** Whether operators join it, so that it needs parentheses within others. */
  readonly compound?: boolean;
}

/** Series of one metric. */
export interface Selector extends Expression {
  readonly metric: KnownMetric;
  readonly type: 'counter' | 'gauge' | 'histogram';
}

/** What a label has to be: a text, or a pattern written by {@link matching} and its like. */
export type Matcher = string | { readonly operator: '=' | '!=' | '=~' | '!~'; readonly value: string };

/** Labels that every series gets by the scrape. */
const TARGET_LABELS: readonly string[] = ['job', 'instance'];
/** Of which a dashboard never asks: their cardinality has no bound. */
const FORBIDDEN_LABELS: readonly string[] = ['user', 'user_id', 'session', 'session_id', 'trace_id'];

/** Takes the labels that match the RE2 pattern; it is written between backticks, where nothing is escaped. */
export function matching(pattern: string): Matcher {
  return { operator: '=~', value: pattern };
}

/** Takes the labels that are not this text. */
export function not(text: string): Matcher {
  return { operator: '!=', value: text };
}

/** Type and labels of a metric. */
export function definitionOf(name: KnownMetric): {
  type: 'counter' | 'gauge' | 'histogram';
  labels: readonly string[];
} {
  const own = Object.hasOwn(OWN_METRICS, name) ? OWN_METRICS[name as OwnMetricName] : undefined;
  if (own !== undefined) return own;
  const found = METRIC_CATALOGUE.find((metric) => metric.name === name);
  if (found !== undefined) {
    return { type: found.type, labels: [...found.labels, ...(found.optionalLabels ?? [])] };
  }
  if (!(SCRAPE_METRICS as readonly string[]).includes(name)) throw new Error(`no metric is called ${name}`);
  return { type: 'gauge', labels: [] };
}

function matcherText(label: string, matcher: Matcher): string {
  const { operator, value } = typeof matcher === 'string' ? { operator: '=', value: matcher } : matcher;
  const pattern = operator === '=~' || operator === '!~';
  return `${label}${operator}${pattern ? `\`${value}\`` : JSON.stringify(value)}`;
}

function requireLabels(wanted: readonly string[], known: readonly string[], what: string): void {
  for (const label of wanted) {
    if (FORBIDDEN_LABELS.includes(label)) throw new Error(`${what}: ${label} is no label for a dashboard`);
    if (!known.includes(label)) throw new Error(`${what} has no label ${label}, only ${known.join(', ')}`);
  }
}

/** Series of a metric. Throws where it has no such label. Histograms are read by {@link quantile} and its like. */
export function metric(name: KnownMetric, matchers: Readonly<Record<string, Matcher>> = {}): Selector {
  const { type, labels } = definitionOf(name);
  const known = [...labels, ...TARGET_LABELS];
  requireLabels(Object.keys(matchers), known, name);
  const inside = Object.entries(matchers).map(([label, matcher]) => matcherText(label, matcher));
  return {
    metric: name,
    type,
    labels: known,
    text: inside.length === 0 ? name : `${name}{${inside.join(', ')}}`,
  };
}

function part(selector: Selector, suffix: 'bucket' | 'sum' | 'count'): Selector {
  if (selector.type !== 'histogram') throw new Error(`${selector.metric} is no histogram`);
  const labels = suffix === 'bucket' ? [...selector.labels, 'le'] : selector.labels;
  const text = `${selector.metric}_${suffix}${selector.text.slice(selector.metric.length)}`;
  return { ...selector, type: 'counter', labels, text };
}

/** The observations of a histogram, as a counter. */
export function countOf(selector: Selector): Selector {
  return part(selector, 'count');
}

/** The sum of a histogram's observations, as a counter. */
export function sumOf(selector: Selector): Selector {
  return part(selector, 'sum');
}

/** The cumulative buckets of a histogram, with the label `le`. */
export function bucketsOf(selector: Selector): Selector {
  return part(selector, 'bucket');
}

function overTime(
  name: string,
  types: readonly Selector['type'][],
  selector: Selector,
  window: string,
): Expression {
  if (!types.includes(selector.type)) {
    throw new Error(`${name}() is not for ${selector.metric}, which is a ${selector.type}`);
  }
  return { text: `${name}(${selector.text}[${window}])`, labels: selector.labels };
}

/** Growth per second of a counter. Throws for any other. */
export function rate(selector: Selector, window = '$__rate_interval'): Expression {
  return overTime('rate', ['counter'], selector, window);
}

/** Growth of a counter in the window. Throws for any other. */
export function increase(selector: Selector, window = '$__rate_interval'): Expression {
  return overTime('increase', ['counter'], selector, window);
}

/** Growth of a counter over the dashboard's whole range, the same at each step. Throws for any other. */
export function increaseOfRange(selector: Selector): Expression {
  const { labels, text } = increase(selector, '$__range');
  return { labels, text: text.replace(/\)$/, ' @ end())') };
}

/** The least value of a gauge in the window. Throws for any other. */
export function least(selector: Selector, window: string): Expression {
  return overTime('min_over_time', ['gauge'], selector, window);
}

/** `sum by`, `max by` and so on. Throws where the series have no such label. */
export function aggregate(
  name: 'sum' | 'max' | 'min' | 'avg' | 'count',
  by: readonly string[],
  expression: Expression,
): Expression {
  requireLabels(by, expression.labels, expression.text);
  const clause = by.length === 0 ? '' : ` by (${by.join(', ')})`;
  return { text: `${name}${clause} (${expression.text})`, labels: by };
}

/** `sum by`: for counters, which each collector counts by itself. */
export function sumBy(by: readonly string[], expression: Expression): Expression {
  return aggregate('sum', by, expression);
}

/** `max by`: for gauges of the ledger, which every collector exports alike. */
export function maxBy(by: readonly string[], expression: Expression): Expression {
  return aggregate('max', by, expression);
}

/** A quantile of a histogram over the window, across collectors. */
export function quantile(
  q: number,
  by: readonly string[],
  selector: Selector,
  window = '$__rate_interval',
): Expression {
  return quantileOf(q, by, rate(bucketsOf(selector), window));
}

/** A quantile of what buckets grew by. */
export function quantileOf(q: number, by: readonly string[], buckets: Expression): Expression {
  return { text: `histogram_quantile(${q}, ${sumBy(['le', ...by], buckets).text})`, labels: by };
}

/** The greatest series of an expression. */
export function topk(count: number, expression: Expression): Expression {
  return { text: `topk(${count}, ${expression.text})`, labels: expression.labels };
}

/** Joins expressions by PromQL's own operators, each a whole by itself; the labels are those of the first. */
export function promql(texts: TemplateStringsArray, ...values: readonly (Expression | number)[]): Expression {
  const show = (value: Expression | number | undefined): string => {
    if (typeof value !== 'object') return String(value);
    return value.compound === true ? `(${value.text})` : value.text;
  };
  const text = texts.reduce((left, right, index) => `${left}${show(values[index - 1])}${right}`);
  const first = values.find((value) => typeof value === 'object');
  return { text: text.trim(), labels: typeof first === 'object' ? first.labels : [], compound: true };
}
