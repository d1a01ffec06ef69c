import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { AnthropicInstrumentation } from '@traceloop/instrumentation-anthropic';
import { BedrockInstrumentation } from '@traceloop/instrumentation-bedrock';
import { CohereInstrumentation } from '@traceloop/instrumentation-cohere';
import { GenAIInstrumentation } from '@traceloop/instrumentation-google-generativeai';
import { OpenAIInstrumentation } from '@traceloop/instrumentation-openai';
import { TogetherInstrumentation } from '@traceloop/instrumentation-together';
import { hookImports, processors, RESOURCE } from '../../rival.mjs';

hookImports(import.meta.url, ['@traceloop/instrumentation-openai']);
const provider = new NodeTracerProvider({
  resource: resourceFromAttributes(RESOURCE),
  spanProcessors: processors(new BatchSpanProcessor(new OTLPTraceExporter())),
});
provider.register();
registerInstrumentations({
  instrumentations: [
    new AnthropicInstrumentation(),
    new BedrockInstrumentation(),
    new CohereInstrumentation(),
    new GenAIInstrumentation(),
    new OpenAIInstrumentation(),
    new TogetherInstrumentation(),
  ],
});
