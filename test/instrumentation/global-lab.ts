import { context, metrics, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
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

export interface GlobalLab {
  spans(): ReadableSpan[];
  metrics(): Promise<Map<string, Points>>;
  close(): Promise<void>;
}

/** Providers and contexts for the whole process, as an app sets them up; `close` takes them away. */
export function globalLab(sampler?: Sampler): GlobalLab {
  const spans = new InMemorySpanExporter();
  const tracers = new NodeTracerProvider({
    ...(sampler === undefined ? {} : { sampler }),
    spanProcessors: [new SimpleSpanProcessor(spans)],
  });
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const meters = new MeterProvider({ readers: [reader] });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(tracers);
  metrics.setGlobalMeterProvider(meters);
  return {
    spans: () => spans.getFinishedSpans(),
    async metrics() {
      await reader.forceFlush();
      const scopes = exporter.getMetrics().at(-1)?.scopeMetrics ?? [];
      return new Map(
        scopes.flatMap((scope) =>
          scope.metrics.map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints as Points] as const),
        ),
      );
    },
    async close() {
      context.disable();
      trace.disable();
      metrics.disable();
      await Promise.all([tracers.shutdown(), meters.shutdown()]);
    },
  };
}
