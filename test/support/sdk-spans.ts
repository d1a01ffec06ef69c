import { SpanKind } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace-node';
import { formatPicoUsd } from './settled-calls.ts';

/** gpt-4o-mini, in 1e-12 USD per token. */
const INPUT_PICO = 150_000n;
const OUTPUT_PICO = 600_000n;

/** Response ids differ between calls, as the providers' do: equal ones would be one call told twice. */
let responses = 0;

export interface SdkSpans {
  readonly tenant: string;
  readonly calls: number;
  /** Spans in a request at most. */
  readonly batch: number;
  /** Spans that are no calls, one after each call, where wanted. */
  readonly others?: boolean;
}

/** Makes calls with the OpenTelemetry SDK, sends them, and returns what they cost, exactly. */
export async function emitSdkSpans(exporter: SpanExporter, spans: SdkSpans): Promise<string> {
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'shop', 'tenant.id': spans.tenant }),
    spanProcessors: [
      new BatchSpanProcessor(exporter, {
        maxExportBatchSize: spans.batch,
        maxQueueSize: 2 * spans.calls + 1,
      }),
    ],
  });
  const tracer = provider.getTracer('shop', '1.0.0');
  let pico = 0n;
  for (let index = 0; index < spans.calls; index++) {
    const input = 100 + index;
    const output = 7 * index;
    const span = tracer.startSpan('chat gpt-4o-mini', {
      kind: SpanKind.CLIENT,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'openai',
        'gen_ai.request.model': 'gpt-4o-mini',
        'gen_ai.response.id': `response-${process.pid}-${(responses += 1)}`,
        'gen_ai.usage.input_tokens': input,
        'gen_ai.usage.output_tokens': output,
      },
    });
    span.end();
    if (spans.others === true) tracer.startSpan('GET /cart').end();
    pico += BigInt(input) * INPUT_PICO + BigInt(output) * OUTPUT_PICO;
  }
  await provider.forceFlush();
  await provider.shutdown();
  return formatPicoUsd(pico);
}
