import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import net from 'node:net';
import { gzipSync } from 'node:zlib';
import { Refusal } from '@spanmeter/collector/dist/pipeline/refusal.js';
import { AUTHENTICATOR, startReceiver } from './harness.ts';
import type { Harness, HarnessSettings } from './harness.ts';
import { readPartialSuccess, readStatus, traces, tracesJson } from './wire.ts';

const PROTOBUF = 'application/x-protobuf';
const MIB = 1024 * 1024;

interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

interface Sent {
  path?: string;
  method?: string;
  headers?: Record<string, string>;
  body?: Uint8Array | string;
  agent?: http.Agent;
}

describe('OTLP over HTTP', () => {
  let running: Harness[] = [];

  async function start(settings: HarnessSettings = {}): Promise<Harness> {
    const harness = await startReceiver(settings);
    running.push(harness);
    return harness;
  }

  afterEach(async () => {
    for (const harness of running) {
      harness.records.release();
      await harness.stop();
    }
    running = [];
  });

  async function send(
    { url }: Harness,
    { path = '/v1/traces', method = 'POST', headers = {}, body = '', agent }: Sent,
  ): Promise<Reply> {
    const request = http.request(`${url}${path}`, {
      method,
      headers: { 'content-type': PROTOBUF, ...headers },
      ...(agent === undefined ? {} : { agent }),
    });
    request.on('error', () => {});
    request.end(body);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
  }

  /** The reply is an error in protobuf with this HTTP and gRPC code. */
  function assertRefused(reply: Reply, status: number, code: number, message: RegExp): void {
    assert.equal(reply.status, status);
    assert.equal(reply.headers['content-type'], PROTOBUF);
    const read = readStatus(reply.body);
    assert.equal(read.code, code);
    assert.match(read.message, message);
  }

  it('takes protobuf, answers an empty message, and counts the spans', async () => {
    const harness = await start();
    const reply = await send(harness, { body: traces(3) });
    assert.equal(reply.status, 200);
    assert.equal(reply.headers['content-type'], PROTOBUF);
    assert.equal(reply.body.length, 0);
    assert.equal(harness.records.all.length, 1);
    assert.equal(harness.records.all[0]!.totalSpans, 3);
    assert.equal(harness.records.all[0]!.offsets.length, 18);
    assert.equal(
      harness.metrics.value('otelcol_receiver_accepted_spans', { receiver: 'otlp', transport: 'http' }),
      3,
    );
  });

  it('takes JSON with parameters in its content type, and answers JSON', async () => {
    const harness = await start();
    const reply = await send(harness, {
      headers: { 'content-type': 'Application/JSON; charset=utf-8' },
      body: tracesJson(),
    });
    assert.deepEqual(
      [reply.status, reply.headers['content-type'], reply.body.toString()],
      [200, 'application/json', '{}'],
    );
    assert.equal(harness.records.all.length, 1);
  });

  it('takes gzip', async () => {
    const harness = await start();
    const body = traces(2000);
    const reply = await send(harness, { headers: { 'content-encoding': 'gzip' }, body: gzipSync(body) });
    assert.equal(reply.status, 200);
    assert.deepEqual(Buffer.from(harness.records.all[0]!.body), Buffer.from(body));
  });

  it('takes chunked bodies', async () => {
    const harness = await start();
    const request = http.request(`${harness.url}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': PROTOBUF },
    });
    const body = traces(10);
    request.write(body.subarray(0, 100));
    request.end(body.subarray(100));
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.resume();
    assert.equal(response.statusCode, 200);
    assert.equal(harness.records.all[0]!.totalSpans, 10);
  });

  it('takes 10,000 spans in one request', async () => {
    const harness = await start();
    assert.equal((await send(harness, { body: traces(10_000) })).status, 200);
    assert.equal(harness.metrics.value('otelcol_receiver_accepted_spans'), 10_000);
  });

  for (const [title, headers, body] of [
    ['an empty protobuf body', {}, ''],
    ['an empty gzip body', { 'content-encoding': 'gzip' }, ''],
    ['gzip of nothing', { 'content-encoding': 'gzip' }, gzipSync('')],
    ['an empty JSON object', { 'content-type': 'application/json' }, '{}'],
    ['an empty JSON body', { 'content-type': 'application/json' }, ''],
  ] as const) {
    it(`answers ${title} with success and journals nothing`, async () => {
      const harness = await start();
      const reply = await send(harness, { headers, body });
      assert.equal(reply.status, 200);
      assert.equal(harness.records.all.length, 0);
    });
  }

  it('journals nothing where no span is GenAI, and still answers success', async () => {
    const harness = await start();
    const reply = await send(harness, { body: traces(5, { attributes: { 'http.method': 'GET' } }) });
    assert.equal(reply.status, 200);
    assert.equal(reply.body.length, 0);
    assert.equal(harness.records.all.length, 0);
    assert.equal(harness.metrics.value('otelcol_receiver_accepted_spans'), 5);
    assert.equal(harness.metrics.value('spanmeter_receiver_skipped_spans'), 5);
  });

  it('journals every span where an exporter wants them all', async () => {
    const harness = await start({ door: { keep: 'all' } });
    await send(harness, { body: traces(5, { attributes: { 'http.method': 'GET' } }) });
    assert.equal(harness.records.all[0]!.totalSpans, 5);
    assert.equal(harness.records.all[0]!.offsets.length, 0);
  });

  it('answers partial success for spans with ids of the wrong length, and takes the others', async () => {
    const harness = await start();
    const body = Buffer.concat([traces(2), traces(1, { traceId: 'abcd' }), traces(1, { spanId: '' })]);
    const reply = await send(harness, { body });
    assert.equal(reply.status, 200);
    assert.equal(readPartialSuccess(reply.body)?.rejected, 2);
    assert.match(readPartialSuccess(reply.body)?.message ?? '', /2 of 4 spans/);
    assert.equal(harness.records.all[0]!.offsets.length, 12);
    assert.equal(harness.metrics.value('otelcol_receiver_accepted_spans'), 2);
    assert.equal(harness.metrics.value('otelcol_receiver_refused_spans'), 2);
  });

  it('refuses garbage with 400', async () => {
    const harness = await start();
    assertRefused(await send(harness, { body: 'these are not the bytes you look for' }), 400, 3, /./);
    assert.equal(harness.metrics.value('spanmeter_receiver_refused_requests', { code: 'invalid' }), 1);
    assert.equal(harness.records.all.length, 0);
  });

  it('refuses truncated protobuf with 400', async () => {
    const harness = await start();
    const body = traces(1);
    assertRefused(await send(harness, { body: body.subarray(0, body.length - 1) }), 400, 3, /./);
  });

  it('refuses JSON that is none with 400 in JSON', async () => {
    const harness = await start();
    const reply = await send(harness, {
      headers: { 'content-type': 'application/json' },
      body: '{"resourceSpans": [',
    });
    assert.equal(reply.status, 400);
    assert.equal(reply.headers['content-type'], 'application/json');
    assert.equal((JSON.parse(reply.body.toString()) as { code: number }).code, 3);
  });

  it('refuses logs that are posted to the path of traces with 400', async () => {
    const harness = await start();
    const { lengthDelimited, fixed64Field } = await import('../../support/otlp-builder.ts');
    const record = Buffer.concat([fixed64Field(1, 1n), lengthDelimited(9, Buffer.alloc(16, 1))]);
    const body = lengthDelimited(1, lengthDelimited(2, lengthDelimited(2, record)));
    assertRefused(await send(harness, { body }), 400, 3, /./);
  });

  it('refuses damaged and truncated gzip with 400', async () => {
    const harness = await start();
    const zipped = gzipSync(traces(100));
    for (const body of [zipped.subarray(0, zipped.length - 20), Buffer.from('not gzip at all')]) {
      assertRefused(
        await send(harness, { headers: { 'content-encoding': 'gzip' }, body }),
        400,
        3,
        /gzip data is damaged/,
      );
    }
  });

  it('refuses a gzip bomb with 413 and gives its memory back', async () => {
    const harness = await start();
    const bomb = gzipSync(Buffer.alloc(65 * MIB));
    assertRefused(
      await send(harness, { headers: { 'content-encoding': 'gzip' }, body: bomb }),
      413,
      8,
      /larger than 67108864 bytes/,
    );
    assert.equal(harness.metrics.value('spanmeter_receiver_refused_requests', { code: 'too_large' }), 1);
    assert.deepEqual(harness.metrics.gauges.get('spanmeter_receiver_in_flight_bytes')?.(), [
      { labels: { receiver: 'otlp' }, value: 0 },
    ]);
  });

  it('refuses a body of 65 MiB with 413 that its sender sees, with and without Content-Length', async () => {
    const harness = await start();
    const body = Buffer.alloc(65 * MIB, 1);
    const known = await send(harness, { headers: { 'content-length': String(body.length) }, body });
    assertRefused(known, 413, 8, /larger than/);
    assert.equal(readStatus(known.body).retryAfterMs, null);
    assertRefused(
      await send(harness, { headers: { 'transfer-encoding': 'chunked' }, body }),
      413,
      8,
      /larger than/,
    );
  });

  it('refuses by Content-Length before the body comes', async () => {
    const harness = await start({ http: { max_request_body_size: 1000 } });
    const request = http.request(`${harness.url}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': PROTOBUF, 'content-length': '1000000', expect: '100-continue' },
    });
    request.on('continue', () => assert.fail('the body was asked for'));
    request.on('error', () => {});
    request.flushHeaders();
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.resume();
    assert.equal(response.statusCode, 413);
    assert.equal(response.headers.connection, 'close');
    request.destroy();
  });

  it('asks for the body of a sender that waits for 100 Continue', async () => {
    const harness = await start();
    const body = traces(1);
    const request = http.request(`${harness.url}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': PROTOBUF, 'content-length': body.length, expect: '100-continue' },
    });
    request.on('continue', () => request.end(body));
    request.flushHeaders();
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.resume();
    assert.equal(response.statusCode, 200);
  });

  it('keeps the connection after refusing a small request', async () => {
    const harness = await start();
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    try {
      await send(harness, { agent, path: '/nowhere', body: 'x'.repeat(1000) });
      const socketsBefore = Object.values(agent.freeSockets).flat().length;
      const reply = await send(harness, { agent, body: traces(1) });
      assert.equal(socketsBefore, 1);
      assert.equal(reply.status, 200);
    } finally {
      agent.destroy();
    }
  });

  it('answers 404, 405 with Allow, 415 for types and 415 for encodings', async () => {
    const harness = await start();
    assertRefused(await send(harness, { path: '/v1/trace', body: traces(1) }), 404, 12, /\/v1\/traces/);
    const wrongMethod = await send(harness, { method: 'GET' });
    assertRefused(wrongMethod, 405, 12, /POST/);
    assert.equal(wrongMethod.headers.allow, 'POST');
    const wrongType = await send(harness, { headers: { 'content-type': 'text/plain' }, body: 'x' });
    assert.equal(wrongType.status, 415);
    assert.equal(wrongType.headers['content-type'], 'application/json');
    assert.equal((JSON.parse(wrongType.body.toString()) as { code: number }).code, 3);
    const wrongCoding = await send(harness, { headers: { 'content-encoding': 'zstd' }, body: 'x' });
    assertRefused(wrongCoding, 415, 3, /"zstd" is not supported/);
    assert.equal(wrongCoding.headers['accept-encoding'], 'gzip, identity');
  });

  it('reads the path without its query, and paths that are configured', async () => {
    const harness = await start({ http: { traces_url_path: '/otlp/traces' } });
    assert.equal((await send(harness, { path: '/otlp/traces?x=1', body: traces(1) })).status, 200);
    assert.equal((await send(harness, { path: '/v1/traces', body: traces(1) })).status, 404);
  });

  it('answers missing, wrong and unknowable keys and roles before the body has come', async () => {
    const harness = await start({ authenticator: AUTHENTICATOR });
    const early = async (headers: Record<string, string>): Promise<[number, string | undefined]> => {
      const request = http.request(`${harness.url}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': PROTOBUF, 'content-length': '100', ...headers },
      });
      request.on('error', () => {});
      request.flushHeaders();
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      response.resume();
      request.destroy();
      return [response.statusCode ?? 0, response.headers['retry-after']];
    };
    assert.deepEqual(await early({}), [401, undefined]);
    assert.deepEqual(await early({ authorization: 'Bearer sm_wrong' }), [401, undefined]);
    assert.deepEqual(await early({ 'x-api-key': 'sm_read' }), [403, undefined]);
    assert.deepEqual(await early({ 'x-api-key': 'sm_unknown' }), [503, '3']);
    assert.equal(
      harness.metrics.value('spanmeter_receiver_refused_requests', { code: 'unauthenticated' }),
      2,
    );
    assert.equal(
      (await send(harness, { headers: { authorization: 'Bearer sm_good' }, body: traces(1) })).status,
      200,
    );
    const { role, tenant, team, keyId } = harness.records.all[0]!.context;
    assert.deepEqual(
      { role, tenant, team, keyId },
      { role: 'ingest', tenant: 'acme', team: 'core', keyId: 'k1' },
    );
  });

  it('answers 503 with whole seconds of Retry-After and RetryInfo while the journal refuses', async () => {
    const harness = await start();
    harness.records.refusal = new Refusal('unavailable', 'the journal is full', { retryAfterMs: 1200 });
    const reply = await send(harness, { body: traces(4) });
    assertRefused(reply, 503, 14, /the journal is full/);
    assert.equal(reply.headers['retry-after'], '2');
    assert.equal(readStatus(reply.body).retryAfterMs, 1200);
    assert.equal(harness.metrics.value('otelcol_receiver_refused_spans'), 4);
    assert.equal(harness.metrics.value('otelcol_receiver_accepted_spans'), 0);
  });

  it('asks to send again, and says nothing of the cause, where something of ours fails', async () => {
    const harness = await start();
    harness.records.refusal = new Error('password=hunter2');
    const reply = await send(harness, { body: traces(4) });
    assertRefused(reply, 503, 14, /^the collector failed to take this request, send it again$/);
    assert.equal(harness.metrics.value('otelcol_receiver_failed_spans'), 4);
  });

  it('answers 429 with Retry-After over the limit of a tenant, and not to another tenant', async () => {
    const harness = await start({ door: { limits: { spansPerSecond: 10, bytesPerSecond: 0 } } });
    const as = (tenant: string): Promise<Reply> =>
      send(harness, { headers: { 'x-scope-orgid': tenant }, body: traces(100) });
    assert.equal((await as('a')).status, 200);
    const limited = await as('a');
    assertRefused(limited, 429, 8, /limit of tenant "a"/);
    assert.ok(Number(limited.headers['retry-after']) >= 1);
    assert.ok((readStatus(limited.body).retryAfterMs ?? 0) > 0);
    assert.equal((await as('b')).status, 200);
  });

  it('rejects all logs and metrics by partial success, in both encodings', async () => {
    const harness = await start();
    const { lengthDelimited, fixed64Field } = await import('../../support/otlp-builder.ts');
    const record = lengthDelimited(2, fixed64Field(1, 1n));
    const logs = lengthDelimited(1, lengthDelimited(2, record, record, record));
    const protobuf = await send(harness, { path: '/v1/logs', body: logs });
    assert.equal(protobuf.status, 200);
    assert.equal(readPartialSuccess(protobuf.body)?.rejected, 3);
    assert.match(readPartialSuccess(protobuf.body)?.message ?? '', /does not store log records/);
    const metrics = {
      resourceMetrics: [
        {
          scopeMetrics: [{ metrics: [{ name: 'm', sum: { dataPoints: [{ asInt: '1' }, { asInt: '2' }] } }] }],
        },
      ],
    };
    const json = await send(harness, {
      path: '/v1/metrics',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(metrics),
    });
    const { partialSuccess } = JSON.parse(json.body.toString()) as { partialSuccess: Record<string, string> };
    assert.equal(String(partialSuccess['rejectedDataPoints']), '2');
    assert.match(partialSuccess['errorMessage'] ?? '', /does not store metric data points/);
    assert.equal((await send(harness, { path: '/v1/logs', body: '' })).body.length, 0);
  });

  it('lets no answer leave before the record is durable', async () => {
    const harness = await start();
    harness.records.hold();
    let answered = 0;
    const replies = Array.from({ length: 5 }, async () => {
      const reply = await send(harness, { body: traces(1) });
      answered += 1;
      return reply;
    });
    await harness.records.arrived(5);
    // Another exchange on the same server has come and gone, so an answer that could leave would have left.
    await send(harness, { path: '/nowhere' });
    assert.equal(answered, 0);
    harness.records.release();
    assert.deepEqual(
      (await Promise.all(replies)).map(({ status }) => status),
      [200, 200, 200, 200, 200],
    );
  });

  it('takes nothing of a sender that disconnects midway, and goes on', async () => {
    const harness = await start();
    const { port } = new URL(harness.url);
    const socket = net.connect(Number(port), '127.0.0.1');
    await once(socket, 'connect');
    socket.write(
      'POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 1000\r\n\r\nabc',
    );
    await send(harness, { path: '/nowhere' });
    socket.resetAndDestroy();
    assert.equal((await send(harness, { body: traces(1) })).status, 200);
    assert.equal(harness.records.all.length, 1);
    await harness.stop();
    assert.deepEqual(harness.metrics.gauges.get('spanmeter_receiver_in_flight_bytes')?.(), [
      { labels: { receiver: 'otlp' }, value: 0 },
    ]);
  });

  it('ends requests that arrive too slowly, with an answer that lets an honest sender try again', async () => {
    const harness = await start({ http: { read_timeout: '100ms', read_header_timeout: '100ms' } });
    const { port } = new URL(harness.url);
    for (const start of [
      'POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-protobuf\r\ncontent-length: 1000\r\n\r\nabc',
      'POST /v1/traces HTTP/1.1\r\nhost',
    ]) {
      const socket = net.connect(Number(port), '127.0.0.1');
      socket.write(start);
      let text = '';
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
      await once(socket, 'close');
      assert.match(text, /^HTTP\/1\.1 503 Service Unavailable\r\nRetry-After: 1\r\n/);
    }
  });

  it('answers bytes that are not HTTP with 400', async () => {
    const harness = await start();
    const socket = net.connect(Number(new URL(harness.url).port), '127.0.0.1');
    socket.write('\u0016\u0003\u0001 hello\r\n\r\n');
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await once(socket, 'close');
    assert.match(text, /^HTTP\/1\.1 400 Bad Request/);
  });

  it('bounds the bytes of requests in memory and asks those beyond to come back', async () => {
    const harness = await start({ options: { max_in_flight_size: 64 * 1024 } });
    harness.records.hold();
    const first = send(harness, { body: traces(300) });
    await harness.records.arrived(1);
    const second = await send(harness, { body: traces(300) });
    assertRefused(second, 503, 14, /too many requests/);
    assert.equal(second.headers['retry-after'], '1');
    harness.records.release();
    assert.equal((await first).status, 200);
    assert.equal((await send(harness, { body: traces(300) })).status, 200);
  });

  it('refuses before reading while memory is short', async () => {
    const harness = await start({
      door: {
        admit() {
          throw new Refusal('unavailable', 'memory is short, send again later', { retryAfterMs: 1000 });
        },
      },
    });
    assertRefused(await send(harness, { body: traces(1) }), 503, 14, /memory is short/);
  });

  it('serves 100 keep-alive clients at once', async () => {
    const harness = await start();
    const agents = Array.from({ length: 100 }, () => new http.Agent({ keepAlive: true, maxSockets: 1 }));
    try {
      const statuses = await Promise.all(
        agents.map(async (agent) => {
          const own: number[] = [];
          for (let i = 0; i < 5; i++) own.push((await send(harness, { agent, body: traces(2) })).status);
          return own;
        }),
      );
      assert.deepEqual(new Set(statuses.flat()), new Set([200]));
      assert.equal(harness.records.all.length, 500);
      assert.equal(harness.metrics.value('otelcol_receiver_accepted_spans'), 1000);
    } finally {
      for (const agent of agents) agent.destroy();
    }
  });

  it('finishes what is under way when stopped, and then takes nothing more', async () => {
    const harness = await start();
    harness.records.hold();
    const agent = new http.Agent({ keepAlive: true });
    const held = send(harness, { agent, body: traces(1) });
    await harness.records.arrived(1);
    const stopped = harness.stop();
    harness.records.release();
    const reply = await held;
    assert.equal(reply.status, 200);
    assert.equal(reply.headers.connection, 'close');
    await stopped;
    agent.destroy();
    await assert.rejects(fetch(`${harness.url}/v1/traces`, { method: 'POST' }));
  });

  it('gives up at the deadline', async () => {
    const harness = await start();
    harness.records.hold();
    const held = send(harness, { body: traces(1) }).catch(() => 'cut');
    await harness.records.arrived(1);
    const deadline = new AbortController();
    const stopped = harness.receiver.stop(deadline.signal);
    deadline.abort();
    await stopped;
    const outcome = await Promise.race([held, new Promise((resolve) => setImmediate(() => resolve('cut')))]);
    assert.equal(outcome, 'cut');
  });

  it('names the port that is taken and the variable that moves it', async () => {
    const harness = await start();
    const { port } = new URL(harness.url);
    await assert.rejects(startReceiver({ http: { endpoint: `127.0.0.1:${port}` } }), {
      message: `OTLP/HTTP cannot listen on 127.0.0.1:${port}: another program has that port; set SPANMETER_OTLP_HTTP_ENDPOINT to another address (or its endpoint in the configuration)`,
    });
  });

  it('lets pages of allowed origins send, and no others', async () => {
    const harness = await start({
      http: { cors: { allowed_origins: ['https://*.example.com'], max_age: 60 } },
    });
    const preflight = (origin: string): Promise<Response> =>
      fetch(`${harness.url}/v1/traces`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST' },
      });
    const allowed = await preflight('https://app.example.com');
    assert.equal(allowed.status, 204);
    assert.equal(allowed.headers.get('access-control-allow-origin'), 'https://app.example.com');
    assert.equal(allowed.headers.get('access-control-max-age'), '60');
    assert.equal((await preflight('https://evil.com')).headers.get('access-control-allow-origin'), null);
    const refused = await send(harness, { headers: { origin: 'https://app.example.com' }, path: '/nowhere' });
    assert.equal(refused.headers['access-control-allow-origin'], 'https://app.example.com');
  });
});
