import { AnthropicInstrumentation } from '@arizeai/openinference-instrumentation-anthropic';
import { BedrockInstrumentation } from '@arizeai/openinference-instrumentation-bedrock';
import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import { hookImports, processors, RESOURCE } from '../../rival.mjs';

hookImports(import.meta.url, [
  '@arizeai/openinference-instrumentation-anthropic',
  '@arizeai/openinference-instrumentation-bedrock',
  '@arizeai/openinference-instrumentation-openai',
]);
/** OpenInference's names beside those that the collector reads. */
const NAMES = {
  'llm.model_name': 'gen_ai.response.model',
  'embedding.model_name': 'gen_ai.response.model',
  'llm.system': 'gen_ai.provider.name',
  'llm.token_count.prompt': 'gen_ai.usage.input_tokens',
  'llm.token_count.completion': 'gen_ai.usage.output_tokens',
  'llm.token_count.prompt_details.cache_read': 'gen_ai.usage.cache_read.input_tokens',
  'llm.token_count.prompt_details.cache_write': 'gen_ai.usage.cache_write.input_tokens',
  'llm.token_count.completion_details.reasoning': 'gen_ai.usage.reasoning.output_tokens',
};
const OPERATIONS = { LLM: 'chat', EMBEDDING: 'embeddings' };

/** Adds the collector's names to what ends, and passes it on. */
class Translating extends BatchSpanProcessor {
  onEnd(span) {
    const { attributes } = span;
    const operation = OPERATIONS[attributes['openinference.span.kind']];
    if (operation !== undefined) attributes['gen_ai.operation.name'] = operation;
    for (const [from, to] of Object.entries(NAMES)) {
      if (attributes[from] !== undefined) attributes[to] = attributes[from];
    }
    super.onEnd(span);
  }
}

const provider = new NodeTracerProvider({
  resource: resourceFromAttributes(RESOURCE),
  spanProcessors: processors(new Translating(new OTLPTraceExporter())),
});
provider.register();
registerInstrumentations({
  instrumentations: [
    new AnthropicInstrumentation(),
    new BedrockInstrumentation(),
    new OpenAIInstrumentation(),
  ],
});
