import assert from 'node:assert/strict';
import { gunzipSync } from 'node:zlib';
import { createOtlpHttpSender, otlpHttp } from '@spanmeter/collector/dist/exporters/otlp-http.js';
import type { OtlpHttpSender } from '@spanmeter/collector/dist/exporters/otlp-http.js';
import { createLogger } from '@spanmeter/collector/dist/telemetry/log.js';
import { createSelfMetrics } from '@spanmeter/collector/dist/telemetry/self-metrics.js';
import { parseExposition, sumOf, valueOf } from '../../support/exposition-parser.ts';
import { lengthDelimited, varintField } from '../../support/otlp-builder.ts';
import { answerOk, startOtlpSink } from '../../support/otlp-sink.ts';
import type { OtlpSink, SinkAnswer } from '../../support/otlp-sink.ts';

const BODY = Buffer.from('not looked into by the sender'.repeat(50));
const NEVER = new AbortController().signal;

describe('the sender of otlp_http', () => {
  const sinks: OtlpSink[] = [];
  const senders: OtlpHttpSender[] = [];

  async function startSink(answer?: SinkAnswer, port?: number): Promise<OtlpSink> {
    const sink = await startOtlpSink(answer, port);
    sinks.push(sink);
    return sink;
  }

  /** A sender whose waits are only written down, unless `onSleep` does something. */
  function makeSender(url: string, input: Record<string, unknown> = {}, onSleep: () => unknown = () => {}) {
    const lines: string[] = [];
    const waits: number[] = [];
    const clock = { nowMs: Date.UTC(2026, 10, 21) };
    const metrics = createSelfMetrics();
    const log = createLogger({ level: 'debug', destination: { write: (line: string) => lines.push(line) } });
    const options = otlpHttp.options.parse({ endpoint: url, ...input });
    const sender = createOtlpHttpSender(
      options,
      { id: 'otlp_http/test', log, metrics },
      {
        now: () => clock.nowMs,
        random: () => 0.5,
        async sleep(ms) {
          waits.push(ms);
          clock.nowMs += ms;
          await onSleep();
        },
      },
    );
    senders.push(sender);
    const scraped = async () => parseExposition(await metrics.render());
    return { sender, lines, waits, clock, scraped };
  }

  afterEach(async () => {
    for (const sender of senders.splice(0)) sender.close();
    await Promise.all(sinks.splice(0).map((sink) => sink.stop()));
  });

  it('posts gzipped protobuf to /v1/traces with the configured headers', async () => {
    const sink = await startSink();
    const { sender, scraped } = makeSender(`${sink.url}/base/`, { headers: { 'X-Api-Key': 'top-secret' } });
    await sender.send(BODY, NEVER, 7);
    const [request] = sink.requests;
    assert.equal(request?.method, 'POST');
    assert.equal(request.url, '/base/v1/traces');
    assert.equal(request.headers['content-type'], 'application/x-protobuf');
    assert.equal(request.headers['content-encoding'], 'gzip');
    assert.equal(request.headers['content-length'], String(request.body.length));
    assert.equal(request.headers['x-api-key'], 'top-secret');
    assert.ok(request.body.length < BODY.length);
    assert.deepEqual(gunzipSync(request.body), BODY);
    const families = await scraped();
    assert.equal(valueOf(families, 'otelcol_exporter_sent_spans', { exporter: 'otlp_http/test' }), 7);
    assert.equal(valueOf(families, 'otelcol_exporter_in_flight_requests'), 0);
  });

  it('sends the bytes as they are without compression, to traces_endpoint as it is', async () => {
    const sink = await startSink();
    const { sender } = makeSender(sink.url, { compression: 'none', traces_endpoint: `${sink.url}/custom` });
    await sender.send(BODY, NEVER);
    assert.equal(sink.requests[0]?.url, '/custom');
    assert.equal(sink.requests[0].headers['content-encoding'], undefined);
    assert.deepEqual(sink.requests[0].body, BODY);
  });

  for (const status of [400, 401, 404, 413, 500, 501]) {
    it(`drops what is answered with ${status}, counts it and goes on`, async () => {
      const sink = await startSink((response, index) => {
        if (index > 0) return answerOk(response);
        return response
          .writeHead(status, { 'content-type': 'text/plain' })
          .end('because sm_0123456789abcdef');
      });
      const { sender, scraped, lines, waits } = makeSender(sink.url);
      await sender.send(BODY, NEVER, 5);
      await sender.send(BODY, NEVER, 2);
      assert.equal(sink.requests.length, 2);
      assert.deepEqual(waits, []);
      const families = await scraped();
      const reason = `http_${status}`;
      assert.equal(valueOf(families, 'spanmeter_exporter_dropped_spans_total', { reason }), 5);
      assert.equal(valueOf(families, 'otelcol_exporter_send_failed_spans'), 5);
      assert.equal(valueOf(families, 'otelcol_exporter_sent_spans'), 2);
      assert.match(lines[0]!, new RegExp(`it answered ${status}: because sm_\\[REDACTED\\]`));
    });
  }

  it('logs the same refusal once a minute, with how many were held back', async () => {
    const sink = await startSink((response) => response.writeHead(400).end());
    const { sender, lines, clock } = makeSender(sink.url);
    for (let index = 0; index < 5; index++) await sender.send(BODY, NEVER, 1);
    assert.equal(lines.length, 1);
    clock.nowMs += 60_000;
    await sender.send(BODY, NEVER, 1);
    assert.equal(lines.length, 2);
    assert.match(lines[1]!, /"not_logged_since":4/);
  });

  it('does not follow a redirect', async () => {
    const target = await startSink();
    const sink = await startSink((response) => response.writeHead(307, { location: target.url }).end());
    const { sender, scraped } = makeSender(sink.url);
    await sender.send(BODY, NEVER, 3);
    assert.equal(target.requests.length, 0);
    assert.equal(
      valueOf(await scraped(), 'spanmeter_exporter_dropped_spans_total', { reason: 'redirect' }),
      3,
    );
  });

  for (const status of [429, 502, 503, 504]) {
    it(`sends the same bytes again after ${status}, with growing waits`, async () => {
      const sink = await startSink((response, index) =>
        index < 3 ? response.writeHead(status).end() : answerOk(response),
      );
      const { sender, waits, scraped, lines } = makeSender(sink.url);
      await sender.send(BODY, NEVER, 4);
      assert.deepEqual(waits, [5_000, 7_500, 11_250]);
      assert.equal(sink.requests.length, 4);
      for (const { body } of sink.requests) assert.deepEqual(gunzipSync(body), BODY);
      const families = await scraped();
      assert.equal(valueOf(families, 'spanmeter_exporter_retries_total', { reason: `http_${status}` }), 3);
      assert.equal(valueOf(families, 'otelcol_exporter_sent_spans'), 4);
      assert.equal(sumOf(families, 'spanmeter_exporter_dropped_spans_total'), 0);
      assert.match(lines.at(-1)!, /takes spans again/);
      assert.deepEqual(sender.state(), { failures: 0, lastError: null });
    });
  }

  it('waits as long as Retry-After says, in seconds or as a date, but not for days', async () => {
    const answers = ['17', 'Sat, 21 Nov 2026 00:01:17 GMT', '86400', '0', 'soon'];
    const sink = await startSink((response, index) => {
      const after = answers[index];
      return after === undefined
        ? answerOk(response)
        : response.writeHead(503, { 'retry-after': after }).end();
    });
    const { sender, waits } = makeSender(sink.url);
    await sender.send(BODY, NEVER);
    assert.deepEqual(waits, [17_000, 60_000, 300_000, 16_875, 25_312.5]);
  });

  it('waits for a destination that is not there yet', async () => {
    const gone = await startOtlpSink();
    await gone.stop();
    let attempts = 0;
    const states: number[] = [];
    const made = makeSender(gone.url, {}, async () => {
      states.push(made.sender.state().failures);
      if (++attempts === 3) await startSink(answerOk, gone.port);
    });
    await made.sender.send(BODY, NEVER, 6);
    assert.deepEqual(states, [1, 2, 3]);
    const families = await made.scraped();
    assert.equal(valueOf(families, 'spanmeter_exporter_retries_total', { reason: 'connection' }), 3);
    assert.equal(valueOf(families, 'otelcol_exporter_sent_spans'), 6);
  });

  it('gives up on a slow answer after the timeout, and tries again', async () => {
    const sink = await startSink((response, index) => {
      if (index > 0) answerOk(response);
    });
    const { sender, scraped } = makeSender(sink.url, { timeout: '40ms' });
    await sender.send(BODY, NEVER, 1);
    assert.equal(sink.requests.length, 2);
    assert.equal(valueOf(await scraped(), 'spanmeter_exporter_retries_total', { reason: 'timeout' }), 1);
  });

  it('tries again where the connection closes before an answer', async () => {
    const sink = await startSink((response, index) =>
      index === 0 ? response.socket?.destroy() : answerOk(response),
    );
    const { sender, scraped } = makeSender(sink.url);
    await sender.send(BODY, NEVER, 1);
    assert.equal(sink.requests.length, 2);
    assert.equal(valueOf(await scraped(), 'otelcol_exporter_sent_spans'), 1);
  });

  it('counts a 200 as sent even where its body breaks off, hangs, is too long or is garbage', async () => {
    const sink = await startSink((response, index) => {
      if (index === 0) {
        response.writeHead(200, { 'content-length': '100' });
        response.write('half');
        setImmediate(() => response.socket?.destroy());
      } else if (index === 1) {
        response.writeHead(200, { 'content-length': '100' }).write('half');
      } else if (index === 2) {
        response.writeHead(200).end(Buffer.alloc(1_000_000));
      } else {
        response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end('\u00ff\u00ff garbage');
      }
    });
    const { sender, waits, scraped } = makeSender(sink.url, { timeout: '40ms' });
    for (let index = 0; index < 4; index++) await sender.send(BODY, NEVER, 1);
    assert.equal(sink.requests.length, 4);
    assert.deepEqual(waits, []);
    assert.equal(valueOf(await scraped(), 'otelcol_exporter_sent_spans'), 4);
  });

  it('counts and logs what a partial success rejects, in protobuf and JSON, and never sends it again', async () => {
    const partial = lengthDelimited(1, varintField(1, 3), lengthDelimited(2, Buffer.from('too old')));
    const sink = await startSink((response, index) =>
      index === 0
        ? response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end(partial)
        : response
            .writeHead(200, { 'content-type': 'application/json' })
            .end('{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too young"}}'),
    );
    const { sender, scraped, lines, clock } = makeSender(sink.url);
    await sender.send(BODY, NEVER, 10);
    clock.nowMs += 60_000;
    await sender.send(BODY, NEVER, 10);
    assert.equal(sink.requests.length, 2);
    const families = await scraped();
    assert.equal(valueOf(families, 'otelcol_exporter_sent_spans'), 15);
    assert.equal(
      valueOf(families, 'spanmeter_exporter_dropped_spans_total', { reason: 'partial_success' }),
      5,
    );
    assert.match(lines[0]!, /"rejected":3,"said":"too old"/);
    assert.match(lines[1]!, /"rejected":2,"said":"too young"/);
  });

  it('gives up by max_elapsed_time, and at once where retries are off', async () => {
    const sink = await startSink((response) => response.writeHead(503).end());
    const bounded = makeSender(sink.url, { retry_on_failure: { max_elapsed_time: '20s' } });
    await bounded.sender.send(BODY, NEVER, 8);
    assert.deepEqual(bounded.waits, [5_000, 7_500]);
    const dropped = 'spanmeter_exporter_dropped_spans_total';
    assert.equal(valueOf(await bounded.scraped(), dropped, { reason: 'max_elapsed_time' }), 8);
    const single = makeSender(sink.url, { retry_on_failure: { enabled: false } });
    await single.sender.send(BODY, NEVER, 8);
    assert.deepEqual(single.waits, []);
    assert.equal(valueOf(await single.scraped(), dropped, { reason: 'retry_disabled' }), 8);
  });

  it('stops with the reason of its signal: before, while it waits for an answer, and between attempts', async () => {
    const reason = new Error('shutting down');
    const silent = await startSink(() => controller.abort(reason));
    const controller = new AbortController();
    await assert.rejects(makeSender(silent.url).sender.send(BODY, controller.signal), reason);
    await assert.rejects(makeSender(silent.url).sender.send(BODY, controller.signal), reason);
    assert.equal(silent.requests.length, 1);
    const busy = await startSink((response) => response.writeHead(503).end());
    const between = new AbortController();
    const options = otlpHttp.options.parse({ endpoint: busy.url });
    const metrics = createSelfMetrics();
    const log = createLogger({
      level: 'debug',
      destination: { write: () => between.abort(reason) },
    });
    const sender = createOtlpHttpSender(options, { id: 'otlp_http', log, metrics });
    senders.push(sender);
    await assert.rejects(sender.send(BODY, between.signal), reason);
    assert.equal(busy.requests.length, 1);
  });

  it('keeps the connection between requests, and does not wait where it turns out closed', async () => {
    const ports = new Set<number | undefined>();
    const sink = await startSink((response, index) => {
      ports.add(response.socket?.remotePort);
      if (index === 2) response.socket?.destroy();
      else answerOk(response);
    });
    const { sender, waits, scraped } = makeSender(sink.url);
    for (let index = 0; index < 4; index++) await sender.send(BODY, NEVER);
    assert.equal(sink.requests.length, 5);
    assert.equal(ports.size, 2);
    assert.deepEqual(waits, []);
    assert.equal(sumOf(await scraped(), 'spanmeter_exporter_retries_total'), 0);
  });
});

describe('the options of otlp_http', () => {
  it('have the defaults of the Go collector, in milliseconds and bytes', () => {
    const options = otlpHttp.options.parse({ endpoint: 'http://localhost:4318' });
    assert.equal(options.timeout, 30_000);
    assert.equal(options.compression, 'gzip');
    assert.deepEqual(options.retry_on_failure, {
      enabled: true,
      initial_interval: 5_000,
      max_interval: 30_000,
      multiplier: 1.5,
      max_elapsed_time: 0,
    });
    assert.equal(options.max_lag.bytes, 512 * 2 ** 20);
    assert.equal(options.start_at, 'head');
    const odd = otlpHttp.options.parse({
      endpoint: 'https://x',
      timeout: '1m30s',
      max_lag: { bytes: '2 GiB', age: '1.5h' },
    });
    assert.deepEqual([odd.timeout, odd.max_lag.bytes, odd.max_lag.age], [90_000, 2 ** 31, 5_400_000]);
  });

  it('never print the value of a header', () => {
    const options = otlpHttp.options.parse({ endpoint: 'http://x', headers: { 'x-api-key': 'top-secret' } });
    assert.ok(!JSON.stringify(options).includes('top-secret'));
    assert.equal(options.headers['x-api-key']?.reveal(), 'top-secret');
  });

  const wrong: readonly Record<string, unknown>[] = [
    {},
    { endpoint: 'localhost:4318' },
    { endpoint: 'ftp://x' },
    { endpoint: 'http://user:password@x' },
    { endpoint: 'http://x', timeout: '30' },
    { endpoint: 'http://x', timeout: 'soon' },
    { endpoint: 'http://x', compression: 'zstd' },
    { endpoint: 'http://x', headers: { 'bad name': 'x' } },
    { endpoint: 'http://x', headers: { 'x-line': 'a\nb' } },
    { endpoint: 'http://x', headers: { 'Content-Type': 'text/plain' } },
    { endpoint: 'http://x', max_lag: { bytes: '1 GB' } },
    { endpoint: 'http://x', retry_on_failure: { multiplier: 0.5 } },
    { endpoint: 'http://x', sending_queue: {} },
  ];
  for (const input of wrong) {
    it(`refuse ${JSON.stringify(input)}`, () => {
      assert.equal(otlpHttp.options.safeParse(input).success, false);
    });
  }
});
