// Preload: an OpenTelemetry SDK without any instrumentation, its context manager in use as any span would. On Node 20
// that costs every promise of the process, and SDKs that trace themselves begin to.
import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

new NodeTracerProvider().register();
context.with(ROOT_CONTEXT, () => undefined);
