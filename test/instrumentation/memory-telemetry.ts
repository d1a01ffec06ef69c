import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type DataPoint,
  type Histogram,
} from '@opentelemetry/sdk-metrics';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
  type Sampler,
} from '@opentelemetry/sdk-trace-node';

export type Points = (DataPoint<number> | DataPoint<Histogram>)[];

/** Spans and metrics that stay in this process, until they are asked for. */
export interface MemoryTelemetry {
  readonly tracerProvider: NodeTracerProvider;
  readonly meterProvider: MeterProvider;
  readonly spans: () => ReadableSpan[];
  readonly metrics: () => Promise<Map<string, Points>>;
  readonly shutdown: () => Promise<void>;
}

/** Providers whose metrics are collected just when they are asked for. */
export function memoryTelemetry(sampler?: Sampler): MemoryTelemetry {
  const spans = new InMemorySpanExporter();
  const tracerProvider = new NodeTracerProvider({
    ...(sampler === undefined ? {} : { sampler }),
    spanProcessors: [new SimpleSpanProcessor(spans)],
  });
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  return {
    tracerProvider,
    meterProvider,
    spans: () => spans.getFinishedSpans(),
    metrics: async () => {
      await reader.forceFlush();
      const scopes = exporter.getMetrics().at(-1)?.scopeMetrics ?? [];
      return new Map(
        scopes.flatMap((scope) =>
          scope.metrics.map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints as Points] as const),
        ),
      );
    },
    shutdown: async () => {
      await Promise.all([tracerProvider.shutdown(), meterProvider.shutdown()]);
    },
  };
}
