import { context, metrics, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import type { Sampler } from '@opentelemetry/sdk-trace-node';
import { memoryTelemetry, type MemoryTelemetry } from './memory-telemetry.ts';

export interface GlobalLab extends Pick<MemoryTelemetry, 'spans' | 'metrics'> {
  close(): Promise<void>;
}

/** Providers and contexts for the whole process, as an app sets them up; `close` takes them away. */
export function globalLab(sampler?: Sampler): GlobalLab {
  const telemetry = memoryTelemetry(sampler);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(telemetry.tracerProvider);
  metrics.setGlobalMeterProvider(telemetry.meterProvider);
  return {
    spans: telemetry.spans,
    metrics: telemetry.metrics,
    async close() {
      context.disable();
      trace.disable();
      metrics.disable();
      await telemetry.shutdown();
    },
  };
}
