import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { Client, compressionAlgorithms, credentials, Metadata, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { Refusal } from '@spanmeter/collector/dist/pipeline/refusal.js';
import { AUTHENTICATOR, startReceiver } from './harness.ts';
import type { Harness, HarnessSettings } from './harness.ts';
import { readPartialSuccess, readStatus, traces } from './wire.ts';

const TRACES = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
const LOGS = '/opentelemetry.proto.collector.logs.v1.LogsService/Export';
const CHECK = '/grpc.health.v1.Health/Check';
const WATCH = '/grpc.health.v1.Health/Watch';
const MIB = 1024 * 1024;
const same = (message: Buffer): Buffer => message;

describe('OTLP over gRPC', () => {
  let running: Harness[] = [];
  let clients: Client[] = [];

  async function start(settings: HarnessSettings = {}): Promise<Harness> {
    const harness = await startReceiver(settings);
    running.push(harness);
    return harness;
  }

  afterEach(async () => {
    for (const client of clients) client.close();
    for (const harness of running) {
      harness.records.release();
      await harness.stop();
    }
    [running, clients] = [[], []];
  });

  function connect({ grpcAddress }: Harness, options: Record<string, number> = {}): Client {
    const client = new Client(grpcAddress, credentials.createInsecure(), {
      'grpc.max_send_message_length': -1,
      'grpc.use_local_subchannel_pool': 1,
      ...options,
    });
    clients.push(client);
    return client;
  }

  async function call(
    client: Client,
    path: string,
    body: Uint8Array,
    headers: Record<string, string> = {},
  ): Promise<Buffer> {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, same, same, Buffer.from(body), metadata, (error, answer) => {
        if (error === null) resolve(answer!);
        else reject(error);
      });
    });
  }

  async function failure(
    client: Client,
    path: string,
    body: Uint8Array,
    headers?: Record<string, string>,
  ): Promise<ServiceError> {
    return call(client, path, body, headers).then(
      () => assert.fail('the call succeeded'),
      (error: ServiceError) => error,
    );
  }

  /** The status in the trailers agrees with the call's, and this is its RetryInfo. */
  function retryInfo(error: ServiceError): number | null {
    const [details] = error.metadata.get('grpc-status-details-bin');
    const read = readStatus(details as Buffer);
    assert.equal(read.code, error.code);
    assert.equal(read.message, error.details);
    return read.retryAfterMs;
  }

  it('takes spans, answers an empty message, and counts them', async () => {
    const harness = await start();
    assert.equal((await call(connect(harness), TRACES, traces(3), { 'x-scope-orgid': 'acme' })).length, 0);
    assert.equal(harness.records.all[0]!.totalSpans, 3);
    assert.equal(harness.records.all[0]!.context.declaredTenant, 'acme');
    assert.equal(
      harness.metrics.value('otelcol_receiver_accepted_spans', { receiver: 'otlp', transport: 'grpc' }),
      3,
    );
  });

  it('takes gzip, 10,000 spans and empty requests', async () => {
    const harness = await start();
    const client = connect(harness, { 'grpc.default_compression_algorithm': compressionAlgorithms.gzip });
    assert.equal((await call(client, TRACES, traces(10_000))).length, 0);
    assert.equal((await call(client, TRACES, new Uint8Array())).length, 0);
    assert.equal(harness.records.all.length, 1);
    assert.equal(harness.metrics.value('otelcol_receiver_accepted_spans'), 10_000);
  });

  it('answers partial success for impossible ids, and rejects all logs', async () => {
    const harness = await start();
    const client = connect(harness);
    const body = Buffer.concat([traces(1), traces(1, { traceId: 'ab' })]);
    assert.equal(readPartialSuccess(await call(client, TRACES, body))?.rejected, 1);
    const { lengthDelimited, fixed64Field } = await import('../../support/otlp-builder.ts');
    const record = lengthDelimited(2, fixed64Field(1, 1n));
    const logs = await call(client, LOGS, lengthDelimited(1, lengthDelimited(2, record, record, record)));
    assert.equal(readPartialSuccess(logs)?.rejected, 3);
    assert.match(readPartialSuccess(logs)?.message ?? '', /does not store log records/);
  });

  it('refuses garbage with INVALID_ARGUMENT and no RetryInfo', async () => {
    const harness = await start();
    const error = await failure(connect(harness), TRACES, Buffer.from('garbage, garbage'));
    assert.equal(error.code, status.INVALID_ARGUMENT);
    assert.equal(retryInfo(error), null);
    assert.equal(
      harness.metrics.value('spanmeter_receiver_refused_requests', { transport: 'grpc', code: 'invalid' }),
      1,
    );
  });

  it('refuses messages over the limit, before and after decompression, with RESOURCE_EXHAUSTED', async () => {
    const harness = await start();
    const large = await failure(connect(harness), TRACES, Buffer.alloc(65 * MIB));
    assert.equal(large.code, status.RESOURCE_EXHAUSTED);
    const bomb = await rawCall(harness, gzipSync(Buffer.alloc(65 * MIB)));
    assert.equal(bomb, String(status.RESOURCE_EXHAUSTED));
    assert.equal(harness.records.all.length, 0);
    assert.equal((await call(connect(harness), TRACES, traces(1))).length, 0);
  });

  /** One gzip message by hand, since the client's library would refuse to make it. Answers grpc-status. */
  async function rawCall({ grpcAddress }: Harness, zipped: Buffer): Promise<string> {
    const session = http2.connect(`http://${grpcAddress}`);
    session.on('error', () => {});
    try {
      const stream = session.request({
        ':method': 'POST',
        ':path': TRACES,
        'content-type': 'application/grpc',
        te: 'trailers',
        'grpc-encoding': 'gzip',
      });
      stream.on('error', () => {});
      const prefix = Buffer.alloc(5);
      prefix.writeUInt8(1, 0);
      prefix.writeUInt32BE(zipped.length, 1);
      let found = '';
      stream.on('trailers', (headers) => (found = String(headers['grpc-status'])));
      stream.on('response', (headers) => (found = String(headers['grpc-status'] ?? found)));
      stream.resume();
      stream.end(Buffer.concat([prefix, zipped]));
      await once(stream, 'close');
      return found;
    } finally {
      session.destroy();
    }
  }

  it('answers missing, wrong and unknowable keys and roles', async () => {
    const harness = await start({ authenticator: AUTHENTICATOR });
    const client = connect(harness);
    const missing = await failure(client, TRACES, traces(1));
    assert.equal(missing.code, status.UNAUTHENTICATED);
    assert.equal(retryInfo(missing), null);
    assert.equal(
      (await failure(client, TRACES, traces(1), { authorization: 'Bearer sm_x' })).code,
      status.UNAUTHENTICATED,
    );
    assert.equal(
      (await failure(client, TRACES, traces(1), { 'x-api-key': 'sm_read' })).code,
      status.PERMISSION_DENIED,
    );
    const unknowable = await failure(client, TRACES, traces(1), { 'x-api-key': 'sm_unknown' });
    assert.equal(unknowable.code, status.UNAVAILABLE);
    assert.equal(retryInfo(unknowable), 2500);
    const large = await failure(client, TRACES, Buffer.alloc(10 * MIB));
    assert.equal(large.code, status.UNAUTHENTICATED);
    assert.equal(harness.records.all.length, 0);
    await call(client, TRACES, traces(1), { 'x-api-key': 'sm_good' });
    assert.equal(harness.records.all[0]!.context.keyId, 'k1');
  });

  it('answers UNAVAILABLE with RetryInfo while the journal refuses', async () => {
    const harness = await start();
    harness.records.refusal = new Refusal('unavailable', 'the journal is full', { retryAfterMs: 1500 });
    const error = await failure(connect(harness), TRACES, traces(2));
    assert.equal(error.code, status.UNAVAILABLE);
    assert.equal(error.details, 'the journal is full');
    assert.equal(retryInfo(error), 1500);
    assert.equal(harness.metrics.value('otelcol_receiver_refused_spans', { transport: 'grpc' }), 2);
  });

  it('answers RESOURCE_EXHAUSTED with RetryInfo over the limit of a tenant', async () => {
    const harness = await start({ door: { limits: { spansPerSecond: 0, bytesPerSecond: 100 } } });
    const client = connect(harness);
    await call(client, TRACES, traces(100));
    const error = await failure(client, TRACES, traces(1));
    assert.equal(error.code, status.RESOURCE_EXHAUSTED);
    assert.ok((retryInfo(error) ?? 0) > 0);
  });

  it('bounds the bytes of requests in memory', async () => {
    const harness = await start({ options: { max_in_flight_size: 64 * 1024 } });
    const client = connect(harness);
    harness.records.hold();
    const first = call(client, TRACES, traces(300));
    await harness.records.arrived(1);
    const error = await failure(client, TRACES, traces(300));
    assert.equal(error.code, status.UNAVAILABLE);
    assert.equal(retryInfo(error), 1000);
    harness.records.release();
    assert.equal((await first).length, 0);
  });

  it('lets no answer leave before the record is durable', async () => {
    const harness = await start();
    const client = connect(harness);
    harness.records.hold();
    let answered = false;
    const held = call(client, TRACES, traces(1)).then(() => (answered = true));
    await harness.records.arrived(1);
    await call(client, CHECK, new Uint8Array());
    assert.equal(answered, false);
    harness.records.release();
    await held;
  });

  it('answers UNIMPLEMENTED for what it does not have', async () => {
    const harness = await start();
    assert.equal((await failure(connect(harness), '/x.Y/Z', new Uint8Array())).code, status.UNIMPLEMENTED);
  });

  it('tells its health, without a key, and by service', async () => {
    let serving = true;
    const harness = await start({ authenticator: AUTHENTICATOR, serving: () => serving });
    const client = connect(harness);
    assert.deepEqual([...(await call(client, CHECK, new Uint8Array()))], [8, 1]);
    const name = Buffer.from('opentelemetry.proto.collector.trace.v1.TraceService');
    assert.deepEqual(
      [...(await call(client, CHECK, Buffer.concat([Buffer.from([10, name.length]), name])))],
      [8, 1],
    );
    assert.equal((await failure(client, CHECK, Buffer.from([10, 1, 120]))).code, status.NOT_FOUND);
    serving = false;
    assert.deepEqual([...(await call(client, CHECK, new Uint8Array()))], [8, 2]);
  });

  it('lets health be watched, and ends the watch when it stops', async () => {
    const harness = await start();
    const watch = connect(harness).makeServerStreamRequest(WATCH, same, same, Buffer.alloc(0));
    const seen: number[][] = [];
    watch.on('data', (message: Buffer) => seen.push([...message]));
    await once(watch, 'data');
    const ended = once(watch, 'end');
    await harness.stop();
    await ended;
    assert.deepEqual(seen, [
      [8, 1],
      [8, 2],
    ]);
  });

  it('finishes what is under way when stopped', async () => {
    const harness = await start();
    harness.records.hold();
    const held = call(connect(harness), TRACES, traces(1));
    await harness.records.arrived(1);
    const stopped = harness.stop();
    harness.records.release();
    assert.equal((await held).length, 0);
    await stopped;
  });

  it('names the port that is taken and the variable that moves it', async () => {
    const harness = await start();
    await assert.rejects(startReceiver({ grpc: { endpoint: harness.grpcAddress } }), {
      message: `OTLP/gRPC cannot listen on ${harness.grpcAddress}: another program has that port; set SPANMETER_OTLP_GRPC_ENDPOINT to another address (or its endpoint in the configuration)`,
    });
  });
});
