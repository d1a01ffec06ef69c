import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { Refusal } from '@spanmeter/collector/dist/pipeline/refusal.js';
import { startReceiver } from './harness.ts';
import type { Harness, HarnessSettings } from './harness.ts';
import { assertRefused, send } from './http-client.ts';
import { traces } from './wire.ts';

describe('the OTLP/HTTP server', () => {
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

  it('takes nothing from a page that pointed its own name at this address, and all else from anybody', async () => {
    const harness = await start({ http: { cors: { allowed_origins: ['https://app.example.com'] } } });
    const statusWith = async (headers: Record<string, string>): Promise<number> =>
      (await send(harness, { headers, body: traces(1) })).status;
    const rebound = { host: 'rebound.evil.test', origin: 'http://rebound.evil.test' };
    assert.equal(await statusWith(rebound), 403);
    assert.equal(await statusWith({ ...rebound, origin: 'null' }), 403);
    assert.equal(await statusWith({ ...rebound, 'content-type': 'text/plain' }), 403);
    assert.equal(await statusWith({ origin: 'http://evil.test', 'content-type': 'text/plain' }), 415);
    assert.equal(harness.records.all.length, 0);
    assert.equal(await statusWith({ ...rebound, origin: 'https://app.example.com' }), 200);
    assert.equal(await statusWith({ host: 'collector.internal' }), 200, 'a sender that is no page');
    assert.equal(await statusWith({ host: 'localhost', origin: 'https://behind.proxy.test' }), 200);
  });

  it('asks pages for a key and not for a name, where keys are configured', async () => {
    const harness = await start({
      authenticator: {
        authenticate: () => Promise.resolve({ role: 'ingest', tenant: 'a', team: null, keyId: 'k' }),
      },
    });
    const headers = { host: 'spend.example.com', origin: 'https://spend.example.com' };
    assert.equal((await send(harness, { headers, body: traces(1) })).status, 200);
  });

  it('says that headers are too long, and ends the connection', async () => {
    const { url } = await start();
    const socket = net.connect(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write(`POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'a'.repeat(32_768)}\r\n\r\n`);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    assert.match(answer, /^HTTP\/1\.1 431 /);
    assert.match(answer, /the headers are too long/);
  });
});
