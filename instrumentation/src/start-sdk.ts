import { createRequire } from 'node:module';
import { defaultResource, detectResources, envDetector } from '@opentelemetry/resources';
import {
  ConsoleSpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { AttributionSpanProcessor } from './attribution.ts';
import { DeliveryProcessor } from './delivery.ts';
import { logDiagnostics } from './log-level.ts';
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
    said(env, 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL') ??
    said(env, 'OTEL_EXPORTER_OTLP_PROTOCOL') ??
    'http/protobuf';
  const exporters = (said(env, 'OTEL_TRACES_EXPORTER') ?? 'otlp').split(',').map((name) => name.trim());
  const isKnown =
    exporters.includes('otlp') && exporters.every((name) => name === 'otlp' || name === 'console');
  const ours = isKnown && (protocol === 'http/protobuf' || protocol === 'http/json');
  const delivery = ours ? createDelivery(protocol, env) : undefined;
  const processors: SpanProcessor[] =
    delivery === undefined ? [] : [new AttributionSpanProcessor(), delivery];
  if (ours && exporters.includes('console')) {
    processors.push(new SimpleSpanProcessor(new ConsoleSpanExporter()));
  }
  if (ours && !needsFullSdk(env)) {
    logDiagnostics(said(env, 'OTEL_LOG_LEVEL'));
    startTraces(processors);
  } else startFullSdk(processors, env);
  return { delivery };
}

/** 2048 spans with all the content that they may have would be ten times that. */
const MAX_QUEUE_BYTES = 64 * 1024 * 1024;
/** Encoding it holds the app up for some milliseconds, and receivers take it. */
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;

function createDelivery(protocol: 'http/protobuf' | 'http/json', env: Environment): DeliveryProcessor {
  const sender = new OtlpSender(protocol);
  void sender.prepare().catch(() => undefined);
  onSdkSeen(() => sender.load());
  const batch = positive(env['OTEL_BSP_MAX_EXPORT_BATCH_SIZE']);
  const maxQueueSize = positive(env['OTEL_BSP_MAX_QUEUE_SIZE']) ?? 2048;
  return new DeliveryProcessor(sender, {
    maxQueueSize,
    // A batch that the queue cannot hold would only leave by time, and what comes meanwhile would be lost.
    batchSize: Math.min(batch ?? 50, maxQueueSize),
    delayMs: positive(env['OTEL_BSP_SCHEDULE_DELAY']) ?? 1000,
    maxRequestSpans: batch ?? 512,
    maxQueueBytes: MAX_QUEUE_BYTES,
    maxRequestBytes: MAX_REQUEST_BYTES,
  });
}

/** What a variable says; undefined where it is not set, or blank. */
function said(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}

/** A whole number: of half a span there is no request, and none that would ever be over. */
function positive(value: string | undefined): number | undefined {
  const number = Math.floor(Number(value));
  return value !== undefined && Number.isFinite(number) && number > 0 ? number : undefined;
}

const FULL_SDK_VARIABLES = ['OTEL_PROPAGATORS', 'OTEL_NODE_RESOURCE_DETECTORS', 'OTEL_CONFIG_FILE'];

/** `none` unless set, other than in the SDK. */
const SIGNALS = ['OTEL_METRICS_EXPORTER', 'OTEL_LOGS_EXPORTER'];

function needsFullSdk(env: Environment): boolean {
  return (
    SIGNALS.some((name) => (said(env, name) ?? 'none') !== 'none') ||
    FULL_SDK_VARIABLES.some((name) => said(env, name) !== undefined)
  );
}

/** No propagator: trace headers would otherwise leave with requests to the providers. */
function startTraces(spanProcessors: SpanProcessor[]): void {
  const provider = new NodeTracerProvider({
    // Process arguments and host ids are left out: they cost time, and arguments hold secrets.
    resource: defaultResource().merge(detectResources({ detectors: [envDetector] })),
    spanProcessors,
  });
  provider.register({ propagator: null });
}

function startFullSdk(spanProcessors: SpanProcessor[], env: Environment): void {
  const require = createRequire(import.meta.url);
  const { NodeSDK } = require('@opentelemetry/sdk-node') as typeof import('@opentelemetry/sdk-node');
  const unset = SIGNALS.filter((name) => said(process.env, name) === undefined);
  const before = unset.map((name) => [name, process.env[name]] as const);
  // It reads them from there alone, while it starts; the app and its children are to find what was there.
  for (const name of unset) process.env[name] = 'none';
  try {
    const sdk = new NodeSDK({
      ...(spanProcessors.length === 0 ? {} : { spanProcessors }),
      ...(env['OTEL_NODE_RESOURCE_DETECTORS'] ? {} : { resourceDetectors: [envDetector] }),
      ...(env['OTEL_PROPAGATORS'] ? {} : { textMapPropagator: null }),
    });
    sdk.start();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  }
}
