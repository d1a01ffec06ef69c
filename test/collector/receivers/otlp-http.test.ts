import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { gzipSync } from 'node:zlib';
import { Refusal } from '@spanmeter/collector/dist/pipeline/refusal.js';
import { AUTHENTICATOR, startReceiver } from './harness.ts';
import type { Harness, HarnessSettings } from './harness.ts';
import { assertRefused, PROTOBUF, send } from './http-client.ts';
import type { Reply } from './http-client.ts';
import { readPartialSuccess, readStatus, traces, tracesJson } from './wire.ts';

const MIB = 1024 * 1024;

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
    const json = await send(harness, {
      headers: { 'content-type': 'application/json' },
      body: '{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"timeUnixNano": "1"}]}]}]}',
    });
    assert.equal(json.status, 400);
    assert.match(json.body.toString(), /a request with resourceLogs, sent to the path of traces/);
    assert.equal(harness.records.all.length, 0);
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
});
