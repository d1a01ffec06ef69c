import assert from 'node:assert/strict';
import { request, type ClientRequest } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { OTLPTraceExporter as GrpcExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtoExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { CompressionAlgorithm } from '@opentelemetry/otlp-exporter-base';
import type { SpanExporter } from '@opentelemetry/sdk-trace-node';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { startFront, type Front } from '../support/front.ts';
import { startOtlpSink, type OtlpSink } from '../support/otlp-sink.ts';
import { emitSdkSpans } from '../support/sdk-spans.ts';
import { settledCalls } from '../support/settled-calls.ts';
import { until } from '../support/until.ts';

const CALLS = 200;
const BATCH = 64;
const IN_FLIGHT_BYTES = 1024 * 1024;

type HttpExporter = typeof ProtoExporter | typeof JsonExporter;
const HTTP: readonly [name: string, contentType: string, exporter: HttpExporter][] = [
  ['HTTP/protobuf', 'application/x-protobuf', ProtoExporter],
  ['HTTP/JSON', 'application/json', JsonExporter],
];

const coding = (gzip: boolean): CompressionAlgorithm =>
  gzip ? CompressionAlgorithm.GZIP : CompressionAlgorithm.NONE;

describe('the exporters of the OpenTelemetry SDK for JavaScript', function () {
  let collector: CollectorProcess;
  let front: Front;
  let backend: OtlpSink;

  before(async () => {
    backend = await startOtlpSink();
    const overlay = `
receivers: { otlp: { max_in_flight_size: ${IN_FLIGHT_BYTES} } }
exporters: { otlp_http: { endpoint: '${backend.url}' } }
service: { pipelines: { traces: { exporters: [postgres, prometheus, otlp_http] } } }
`;
    collector = await startCollector({ overlay });
    front = await startFront(collector.ports.http);
  });
  after(async () => {
    front?.close();
    await collector?.dispose();
    await backend?.stop();
  });
  beforeEach(() => {
    front.passed.length = 0;
    front.losing = 0;
    front.onPassed = () => {};
  });

  async function assertStored(exporter: SpanExporter, tenant: string): Promise<void> {
    const costUsd = await emitSdkSpans(exporter, { tenant, calls: CALLS, batch: BATCH, others: true });
    const stored = await settledCalls(collector);
    assert.deepEqual(stored[tenant], { calls: CALLS, costUsd, statuses: { priced: CALLS } });
  }

  for (const gzip of [false, true]) {
    const packed = gzip ? ', gzipped' : '';
    for (const [name, type, Exporter] of HTTP) {
      it(`have every call stored once at its exact cost over ${name}${packed}`, async () => {
        const exporter = new Exporter({ url: `${front.url}/v1/traces`, compression: coding(gzip) });
        await assertStored(exporter, `${name}${packed}`);
        const expected = { type, coding: gzip ? 'gzip' : undefined, status: 200 };
        assert.deepEqual(
          front.passed,
          Array.from({ length: Math.ceil((2 * CALLS) / BATCH) }, () => expected),
        );
      });
    }

    it(`have every call stored once at its exact cost over gRPC${packed}`, async () => {
      const url = `http://127.0.0.1:${collector.ports.grpc}`;
      await assertStored(new GrpcExporter({ url, compression: coding(gzip) }), `gRPC${packed}`);
    });
  }

  for (const [name, , Exporter] of HTTP) {
    it(`send again over ${name} what a busy collector answered with 503`, async () => {
      const holder = await occupy(collector.ports.http);
      front.onPassed = (status) => {
        if (status === 503) holder.destroy();
      };
      await assertStored(new Exporter({ url: `${front.url}/v1/traces` }), `${name}, busy`);
      const statuses = front.passed.map(({ status }) => status);
      assert.equal(statuses[0], 503);
      assert.equal(statuses.filter((status) => status === 200).length, Math.ceil((2 * CALLS) / BATCH));
    });

    it(`send again over ${name} what was taken but not acknowledged, and it counts once`, async () => {
      front.losing = 2;
      await assertStored(new Exporter({ url: `${front.url}/v1/traces` }), `${name}, lost answers`);
      assert.equal(front.passed.length, Math.ceil((2 * CALLS) / BATCH) + 2);
    });
  }

  it('have their spans passed on, calls with what they cost', async () => {
    const tenant = 'passed on';
    const countOf = (text: string): number =>
      backend.requests.reduce((sum, { body }) => sum + gunzipSync(body).toString().split(text).length - 1, 0);
    const othersBefore = countOf('GET /cart');
    await assertStored(new ProtoExporter({ url: `${front.url}/v1/traces` }), tenant);
    // Each call names its tenant here; the resource that named it is there once in a request.
    await until(
      () => Promise.resolve(countOf('GET /cart') - othersBefore),
      (others) => others >= CALLS,
    );
    assert.equal(countOf('GET /cart') - othersBefore, CALLS);
    assert.equal(countOf('spanmeter.tenant\u0012\u000b\n\tpassed on'), CALLS);
    assert.ok(countOf('spanmeter.cost.usd') >= CALLS);
  });

  /** Fills the collector's budget of bytes with a request that does not end; resolves once others get 503. */
  async function occupy(port: number): Promise<ClientRequest> {
    const headers = { 'content-type': 'application/x-protobuf' };
    const target = { host: '127.0.0.1', port, path: '/v1/traces', method: 'POST', headers };
    const holder = request(target);
    holder.on('error', () => {});
    // A request costs 4 KiB beside its body, so the next one does not fit.
    holder.write(Buffer.alloc(IN_FLIGHT_BYTES - 6 * 1024));
    for (;;) {
      const probe = await fetch(`http://127.0.0.1:${port}/v1/traces`, { method: 'POST', headers });
      await probe.arrayBuffer();
      if (probe.status === 503) return holder;
    }
  }
});
