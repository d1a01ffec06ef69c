import { Registry } from 'prom-client';
import type { Metric, PrometheusContentType } from 'prom-client';

export type MetricType = 'counter' | 'gauge' | 'histogram';

/** One line of a family; `metricName` where it is not the family's own (`…_bucket`, `…_sum`, `…_count`). */
export interface MetricSample {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric with all its samples: plain data that crosses threads by structured clone. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly samples: readonly MetricSample[];
}

export type ExpositionFormat = 'text' | 'openmetrics';

/** Content types of the Prometheus text format 0.0.4 and of OpenMetrics 1.0. */
export const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  text: Registry.PROMETHEUS_CONTENT_TYPE,
  openmetrics: Registry.OPENMETRICS_CONTENT_TYPE,
};

/** In OpenMetrics a counter's family is named without the `_total` of its samples. */
export function openMetricsName(name: string, type: MetricType): string {
  return type === 'counter' ? name.replace(/_total$/, '') : name;
}

/**
 * Renders families with prom-client; ends with a newline, and without the `# EOF` of OpenMetrics, so that
 * texts can be joined. prom-client takes anything that answers `get()`, which is how plain data gets in.
 */
export async function renderFamilies(
  families: readonly MetricFamily[],
  format: ExpositionFormat = 'text',
): Promise<string> {
  if (families.length === 0) return '';
  const openMetrics = format === 'openmetrics';
  const registry = new Registry();
  // The typed constructor takes no content type; the setter's type follows the constructor's.
  if (openMetrics) registry.setContentType(CONTENT_TYPES.openmetrics as PrometheusContentType);
  for (const { name: ownName, help, type, samples } of families) {
    const name = openMetrics ? openMetricsName(ownName, type) : ownName;
    const values = samples.map(({ metricName, labels, value }) =>
      metricName === undefined ? { labels, value } : { metricName, labels, value },
    );
    const metric = {
      name,
      help,
      type,
      get: () => Promise.resolve({ name, help, type, values, aggregator: 'sum' }),
    };
    registry.registerMetric(metric as unknown as Metric);
  }
  const text = await registry.metrics();
  return openMetrics ? text.slice(0, -'# EOF\n'.length) : text;
}
