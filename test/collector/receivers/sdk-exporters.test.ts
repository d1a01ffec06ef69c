import assert from 'node:assert/strict';
import { Metadata } from '@grpc/grpc-js';
import { SpanKind } from '@opentelemetry/api';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtoExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import type { SpanExporter } from '@opentelemetry/sdk-trace-node';
import { Refusal } from '@spanmeter/collector/dist/pipeline/refusal.js';
import { AUTHENTICATOR, startReceiver } from './harness.ts';
import type { Harness } from './harness.ts';

const SPANS = 20;
const HEADERS = { 'x-api-key': 'sm_good' };

const EXPORTERS: readonly [title: string, make: (harness: Harness, gzip: boolean) => SpanExporter][] = [
  [
    'HTTP with protobuf',
    ({ url }, gzip) =>
      new ProtoExporter({ url: `${url}/v1/traces`, headers: HEADERS, compression: coding(gzip) }),
  ],
  [
    'HTTP with JSON',
    ({ url }, gzip) =>
      new JsonExporter({ url: `${url}/v1/traces`, headers: HEADERS, compression: coding(gzip) }),
  ],
  [
    'gRPC',
    ({ grpcAddress }, gzip) => {
      const metadata = new Metadata();
      metadata.set('x-api-key', 'sm_good');
      return new GrpcExporter({ url: `http://${grpcAddress}`, metadata, compression: coding(gzip) });
    },
  ],
];

function coding(gzip: boolean): CompressionAlgorithm {
  return gzip ? CompressionAlgorithm.GZIP : CompressionAlgorithm.NONE;
}

/** Makes spans with the SDK and sends them as one batch. */
async function emit(exporter: SpanExporter): Promise<void> {
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'shop' }),
    spanProcessors: [new BatchSpanProcessor(exporter, { maxExportBatchSize: SPANS })],
  });
  const tracer = provider.getTracer('test', '1.0.0');
  for (let i = 0; i < SPANS; i++) {
    const span = tracer.startSpan('chat gpt-4o', { kind: SpanKind.CLIENT });
    span.setAttributes({ 'gen_ai.operation.name': 'chat', 'gen_ai.usage.input_tokens': 450 + i });
    span.end();
  }
  await provider.forceFlush();
  await provider.shutdown();
}

describe('the exporters of the OpenTelemetry SDK', () => {
  for (const [title, make] of EXPORTERS) {
    for (const gzip of [false, true]) {
      it(`deliver over ${title}${gzip ? ', gzipped' : ''}`, async () => {
        const harness = await startReceiver({ authenticator: AUTHENTICATOR });
        try {
          await emit(make(harness, gzip));
          const [record] = harness.records.all;
          assert.equal(harness.records.all.length, 1);
          assert.equal(record?.totalSpans, SPANS);
          assert.equal(record?.offsets.length, SPANS * 6);
          assert.equal(record?.context.tenant, 'acme');
          assert.ok(Buffer.from(record.body).includes('gen_ai.usage.input_tokens'));
        } finally {
          await harness.stop();
        }
      });
    }

    // The gRPC exporter of the JS SDK has no retries of its own.
    if (title === 'gRPC') continue;

    it(`send again over ${title} once the journal takes their spans`, async () => {
      const harness = await startReceiver({ authenticator: AUTHENTICATOR });
      try {
        const append = harness.records.append.bind(harness.records);
        let refusals = 0;
        harness.records.append = async (record) => {
          refusals += 1;
          if (refusals === 1) throw new Refusal('unavailable', 'the journal is full', { retryAfterMs: 10 });
          return append(record);
        };
        await emit(make(harness, false));
        assert.equal(refusals, 2);
        assert.equal(harness.records.all.length, 1);
      } finally {
        await harness.stop();
      }
    });
  }
});
