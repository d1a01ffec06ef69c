import { AwsInstrumentation } from '@opentelemetry/instrumentation-aws-sdk';
import { OpenAIInstrumentation } from '@opentelemetry/instrumentation-openai';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace';
import { hookImports, processors, RESOURCE } from '../../rival.mjs';

hookImports(import.meta.url, ['@opentelemetry/instrumentation-openai']);
// Traces are what is compared.
process.env.OTEL_METRICS_EXPORTER = 'none';
process.env.OTEL_LOGS_EXPORTER = 'none';
const sdk = new NodeSDK({
  resource: resourceFromAttributes(RESOURCE),
  spanProcessors: processors(new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })),
  instrumentations: [new OpenAIInstrumentation(), new AwsInstrumentation()],
});
sdk.start();
