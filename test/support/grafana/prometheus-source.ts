import type { Field, Frame } from '@spanmeter/dashboards/dist/preview/frame.js';
import type { PrometheusRequest } from '@spanmeter/dashboards/dist/expand/interval.js';

type Labels = Readonly<Record<string, string>>;
type Point = readonly [seconds: number, value: string];

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data: { readonly resultType: string; readonly result: unknown };
}

interface Series {
  readonly metric: Labels;
  readonly value?: Point;
  readonly values?: readonly Point[];
}

function legend(format: string | undefined, labels: Labels): string | undefined {
  if (format === undefined || format === '' || format === '__auto') {
    const rest = Object.entries(labels).filter(([name]) => name !== '__name__');
    return rest.length === 1 ? rest[0]![1] : undefined;
  }
  return format.replace(/\{\{\s*([^}]+?)\s*\}\}/g, (_, name: string) => labels[name] ?? '');
}

const number = (text: string): number =>
  text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text);

/** How an answer is wanted. */
export interface PrometheusAsk {
  readonly refId: string;
  readonly request: PrometheusRequest;
  readonly instant: boolean;
  /** `table` gives rows, one a series; else a column a series. */
  readonly format: string;
  readonly legendFormat?: string | undefined;
  readonly toMs: number;
  /** The panel's only query: its value's column is then not named after it. */
  readonly alone: boolean;
}

/** Grafana's Prometheus data source. */
export class PrometheusSource {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async run(ask: PrometheusAsk): Promise<Frame> {
    const { request, instant, refId, toMs } = ask;
    const series = instant
      ? await this.#get('query', { query: request.expr, time: String(toMs / 1_000) })
      : await this.#get('query_range', {
          query: request.expr,
          start: String(request.startMs / 1_000),
          end: String(request.endMs / 1_000),
          step: String(request.stepMs / 1_000),
        });
    if (instant && ask.format === 'table')
      return { refId, fields: tableOf(series, toMs, ask.alone ? '' : refId) };
    return { refId, fields: columnsOf(series, ask) };
  }

  /** Values of `label_values(metric, label)` and `query_result(…)`, as a variable lists them. */
  async variable(query: string, fromMs: number, toMs: number): Promise<readonly string[]> {
    const labels = /^label_values\((?:(.+),\s*)?(\w+)\)$/s.exec(query.trim());
    if (labels !== null) {
      const [, metric, label = ''] = labels;
      const range = { start: String(fromMs / 1_000), end: String(toMs / 1_000) };
      const selector = metric === undefined ? {} : { 'match[]': metric };
      const answer = await this.#ask(`label/${label}/values`, { ...range, ...selector });
      return answer.data as unknown as readonly string[];
    }
    const result = /^query_result\((.+)\)$/s.exec(query.trim());
    if (result === null) throw new Error(`a variable's query that is not known here: ${query}`);
    const series = await this.#get('query', { query: result[1]!, time: String(toMs / 1_000) });
    return series.map(({ metric, value }) => {
      const { __name__: name = '', ...rest } = metric;
      const text = Object.entries(rest).map(([key, one]) => `${key}="${one}"`);
      return `${name}{${text.join(',')}} ${value?.[1] ?? ''}`;
    });
  }

  /** Names of all metrics that have series. */
  async metricNames(): Promise<ReadonlySet<string>> {
    const answer = await this.#ask('label/__name__/values', {});
    return new Set(answer.data as unknown as readonly string[]);
  }

  async #get(path: string, parameters: Readonly<Record<string, string>>): Promise<readonly Series[]> {
    const { data } = await this.#ask(path, parameters);
    if (data.resultType === 'scalar') return [{ metric: {}, value: data.result as Point }];
    return data.result as readonly Series[];
  }

  async #ask(path: string, parameters: Readonly<Record<string, string>>): Promise<Answer> {
    const body = new URLSearchParams(parameters);
    const answer = path.startsWith('label/')
      ? await fetch(`${this.#url}/api/v1/${path}?${body.toString()}`)
      : await fetch(`${this.#url}/api/v1/${path}`, { method: 'POST', body });
    const read = (await answer.json()) as Answer;
    if (read.status !== 'success') throw new Error(read.error ?? `status ${answer.status}`);
    return read;
  }
}

function tableOf(series: readonly Series[], toMs: number, refId: string): Field[] {
  const names = [...new Set(series.flatMap(({ metric }) => Object.keys(metric)))].toSorted((a, b) =>
    a < b ? -1 : 1,
  );
  const text = (name: string): Field => ({
    name,
    type: 'string',
    values: series.map(({ metric }) => metric[name] ?? null),
  });
  const values = series.map(({ value }) => number(value?.[1] ?? 'NaN'));
  return [
    { name: 'Time', type: 'time', values: series.map(() => toMs) },
    ...names.map(text),
    { name: refId === '' ? 'Value' : `Value #${refId}`, type: 'number', values },
  ];
}

function columnsOf(series: readonly Series[], { legendFormat }: PrometheusAsk): Field[] {
  const points = series.map(({ value, values }) => values ?? (value === undefined ? [] : [value]));
  const axis = [...new Set(points.flatMap((list) => list.map(([at]) => at)))].toSorted((a, b) => a - b);
  const columns = series.map(({ metric }, index): Field => {
    const byTime = new Map(points[index]!.map(([at, value]) => [at, number(value)]));
    const { __name__: name = 'Value', ...labels } = metric;
    const title = legend(legendFormat, metric);
    return {
      name,
      type: 'number',
      labels,
      values: axis.map((at) => byTime.get(at) ?? null),
      ...(title !== undefined && { legend: title }),
    };
  });
  return [{ name: 'time', type: 'time', values: axis.map((at) => at * 1_000) }, ...columns];
}
