import { createRequire } from 'node:module';
import { defaultResource, detectResources, envDetector } from '@opentelemetry/resources';
import { NodeTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-node';
import { AttributionSpanProcessor } from './attribution.ts';
import { DeliveryProcessor } from './delivery.ts';
import { OtlpSender } from './otlp-sender.ts';
import { onSdkSeen } from './sdk-seen.ts';

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What `register` started: where it can be flushed, if the spans go out through our own delivery. */
export interface StartedSdk {
  readonly delivery: DeliveryProcessor | undefined;
}

/**
 * Starts an OpenTelemetry SDK from the standard `OTEL_*` variables. Traces go out by OTLP/HTTP unless they
 * say otherwise; metrics and logs only where they ask for them. What plain traces need is 50 ms of loading;
 * the full SDK, which takes 200 ms, is loaded only for variables that only it understands.
 */
export function startSdk(env: Environment): StartedSdk {
  const protocol =
    env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] || env['OTEL_EXPORTER_OTLP_PROTOCOL'] || 'http/protobuf';
  const exporters = env['OTEL_TRACES_EXPORTER'] || 'otlp';
  const ours = exporters === 'otlp' && (protocol === 'http/protobuf' || protocol === 'http/json');
  const delivery = ours ? createDelivery(protocol, env) : undefined;
  if (delivery !== undefined && !needsFullSdk(env)) startTraces(delivery);
  else startFullSdk(delivery, env);
  return { delivery };
}

function createDelivery(protocol: 'http/protobuf' | 'http/json', env: Environment): DeliveryProcessor {
  const sender = new OtlpSender(protocol);
  void sender.prepare().catch(() => undefined);
  onSdkSeen(() => sender.load());
  const batch = positive(env['OTEL_BSP_MAX_EXPORT_BATCH_SIZE']);
  return new DeliveryProcessor(sender, {
    maxQueueSize: positive(env['OTEL_BSP_MAX_QUEUE_SIZE']) ?? 2048,
    batchSize: batch ?? 50,
    delayMs: positive(env['OTEL_BSP_SCHEDULE_DELAY']) ?? 1000,
    maxRequestSpans: batch ?? 512,
  });
}

function positive(value: string | undefined): number | undefined {
  const number = Number(value);
  return value !== undefined && Number.isFinite(number) && number > 0 ? number : undefined;
}

const FULL_SDK_VARIABLES = ['OTEL_PROPAGATORS', 'OTEL_NODE_RESOURCE_DETECTORS', 'OTEL_CONFIG_FILE'];

function needsFullSdk(env: Environment): boolean {
  const signals = [env['OTEL_METRICS_EXPORTER'], env['OTEL_LOGS_EXPORTER']];
  return (
    signals.some((value) => value !== undefined && value !== '' && value !== 'none') ||
    FULL_SDK_VARIABLES.some((name) => env[name] !== undefined && env[name] !== '')
  );
}

/** No propagator: trace headers would otherwise leave with requests to the providers. */
function startTraces(delivery: DeliveryProcessor): void {
  const provider = new NodeTracerProvider({
    // Process arguments and host ids are left out: they cost time, and arguments hold secrets.
    resource: defaultResource().merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new AttributionSpanProcessor(), delivery],
  });
  provider.register({ propagator: null });
}

function startFullSdk(delivery: DeliveryProcessor | undefined, env: Environment): void {
  const require = createRequire(import.meta.url);
  const { NodeSDK } = require('@opentelemetry/sdk-node') as typeof import('@opentelemetry/sdk-node');
  process.env['OTEL_METRICS_EXPORTER'] ||= 'none';
  process.env['OTEL_LOGS_EXPORTER'] ||= 'none';
  const processors: SpanProcessor[] = delivery === undefined ? [] : [delivery];
  const sdk = new NodeSDK({
    ...(delivery === undefined ? {} : { spanProcessors: [new AttributionSpanProcessor(), ...processors] }),
    ...(env['OTEL_NODE_RESOURCE_DETECTORS'] ? {} : { resourceDetectors: [envDetector] }),
    ...(env['OTEL_PROPAGATORS'] ? {} : { textMapPropagator: null }),
  });
  sdk.start();
}
