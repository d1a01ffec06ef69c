import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { get, request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';
import { BearerCheck } from '@spanmeter/collector/dist/telemetry/bearer.js';
import { isLoopback, requireEndpoint } from '@spanmeter/collector/dist/pipeline/endpoint.js';
import { Secret } from '@spanmeter/collector/dist/pipeline/secret.js';
import { createMetricsServer } from '@spanmeter/collector/dist/telemetry/server.js';
import type { MetricsServerOptions } from '@spanmeter/collector/dist/telemetry/server.js';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

function fetchRaw(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, headers, method }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end();
  });
}

async function* pieces(...texts: string[]): AsyncGenerator<string> {
  yield* texts;
}

function makeServer(changes: Partial<MetricsServerOptions> = {}) {
  return createMetricsServer({
    endpoint: '127.0.0.1:0',
    purpose: 'telemetry',
    variable: 'SPANMETER_TELEMETRY_ENDPOINT',
    log: SILENT_LOG,
    scrape: (format) => pieces('a 1\n', `# ${format}\n`),
    ...changes,
  });
}

const NOW = (): AbortSignal => AbortSignal.timeout(1_000);

describe('the metrics server', () => {
  it('answers /metrics in the text format, /other with 404 and POST with 405', async () => {
    const server = makeServer();
    await server.start();
    const { port } = server.address;
    const metrics = await fetchRaw(port, '/metrics?x=1');
    assert.equal(metrics.status, 200);
    assert.equal(metrics.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
    assert.equal(metrics.body.toString(), 'a 1\n# text\n');
    assert.equal((await fetchRaw(port, '/other')).status, 404);
    const posted = await fetchRaw(port, '/metrics', {}, 'POST');
    assert.equal(posted.status, 405);
    assert.equal(posted.headers.allow, 'GET, HEAD');
    const head = await fetchRaw(port, '/metrics', {}, 'HEAD');
    assert.deepEqual([head.status, head.body.length], [200, 0]);
    await server.stop(NOW());
  });

  it('compresses where the scraper takes gzip, and only there', async () => {
    const server = makeServer();
    await server.start();
    const { port } = server.address;
    const zipped = await fetchRaw(port, '/metrics', { 'accept-encoding': 'deflate, gzip;q=0.5' });
    assert.equal(zipped.headers['content-encoding'], 'gzip');
    assert.equal(gunzipSync(zipped.body).toString(), 'a 1\n# text\n');
    const plain = await fetchRaw(port, '/metrics', { 'accept-encoding': 'gzip;q=0, identity' });
    assert.equal(plain.headers['content-encoding'], undefined);
    assert.equal(plain.body.toString(), 'a 1\n# text\n');
    await server.stop(NOW());
  });

  it('answers in OpenMetrics where that is offered and asked for', async () => {
    const accept = 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3';
    for (const openMetrics of [true, false]) {
      const server = makeServer({ openMetrics });
      await server.start();
      const { headers, body } = await fetchRaw(server.address.port, '/metrics', { accept });
      assert.equal(/openmetrics/.test(headers['content-type'] ?? ''), openMetrics);
      assert.match(body.toString(), openMetrics ? /# openmetrics/ : /# text/);
      await server.stop(NOW());
    }
  });

  it('asks for the bearer token where one is configured', async () => {
    const server = makeServer({ bearer: { token: new Secret('scrape-me') } });
    await server.start();
    const { port } = server.address;
    for (const authorization of [undefined, 'Bearer wrong', 'Basic scrape-me', 'Bearer scrape-me-not']) {
      const refused = await fetchRaw(port, '/metrics', authorization === undefined ? {} : { authorization });
      assert.equal(refused.status, 401, authorization);
      assert.equal(refused.headers['www-authenticate'], 'Bearer');
      assert.ok(!refused.body.toString().includes('a 1'));
    }
    assert.equal((await fetchRaw(port, '/metrics', { authorization: 'Bearer scrape-me' })).status, 200);
    await server.stop(NOW());
  });

  it("serves tenants' figures without a token under names of this machine only, against DNS rebinding", async () => {
    const server = makeServer({ localHostsOnly: true });
    await server.start();
    try {
      const { port } = server.address;
      const statusAs = async (host: string): Promise<number> =>
        (await fetchRaw(port, '/metrics', { host })).status;
      for (const host of ['localhost', `127.0.0.1:${port}`, `[::1]:${port}`, 'spanmeter.localhost', '']) {
        assert.equal(await statusAs(host), 200, host);
      }
      for (const host of ['rebound.evil.test', `127.0.0.1.evil.test:${port}`, 'localhost.evil.test']) {
        assert.equal(await statusAs(host), 403, host);
      }
    } finally {
      await server.stop(NOW());
    }
  });

  it('reads the token from a file, and refuses to start without one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'spanmeter-'));
    const file = join(folder, 'token');
    await writeFile(file, 'from-file\n');
    const server = makeServer({ bearer: { file } });
    await server.start();
    const { port } = server.address;
    assert.equal((await fetchRaw(port, '/metrics', { authorization: 'Bearer from-file' })).status, 200);
    assert.equal((await fetchRaw(port, '/metrics', { authorization: 'Bearer else' })).status, 401);
    await server.stop(NOW());
    await writeFile(file, '\n');
    await assert.rejects(makeServer({ bearer: { file } }).start(), /holds no token/);
    await rm(folder, { recursive: true });
    await assert.rejects(makeServer({ bearer: { file } }).start(), /ENOENT/);
  });

  it('takes a replaced token from the file, and keeps the last one while the file cannot be read', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'spanmeter-'));
    const file = join(folder, 'token');
    await writeFile(file, 'first');
    let nowMs = 0;
    const check = new BearerCheck({ file }, () => nowMs);
    await check.load();
    await writeFile(file, 'second');
    assert.equal(await check.allows('Bearer second'), false, 'the file was read only just now');
    nowMs += 1_000;
    assert.equal(await check.allows('Bearer second'), true);
    assert.equal(await check.allows('Bearer first'), false);
    await rm(folder, { recursive: true });
    nowMs += 1_000;
    assert.equal(await check.allows('Bearer second'), true);
  });

  it('answers 500 when the scrape fails before it began, and breaks off when it fails later', async () => {
    const early = makeServer({
      // oxlint-disable-next-line require-yield -- it fails before it has anything
      async *scrape() {
        throw new Error('no metrics today');
      },
    });
    await early.start();
    const failed = await fetchRaw(early.address.port, '/metrics');
    assert.equal(failed.status, 500);
    assert.ok(!failed.body.toString().includes('no metrics today'));
    await early.stop(NOW());
    const late = makeServer({
      async *scrape() {
        yield 'a 1\n';
        throw new Error('no more');
      },
    });
    await late.start();
    await assert.rejects(fetchRaw(late.address.port, '/metrics'));
    await late.stop(NOW());
  });

  it('names its variable where the port is taken', async () => {
    const first = makeServer();
    await first.start();
    const second = makeServer({ endpoint: `127.0.0.1:${first.address.port}` });
    await assert.rejects(second.start(), /taken.*SPANMETER_TELEMETRY_ENDPOINT/);
    await second.stop(NOW());
    await first.stop(NOW());
    await first.stop(NOW());
  });

  it('stops at the deadline although a scrape hangs', async () => {
    let begun = (): void => {};
    const hanging = new Promise<void>((resolve) => (begun = resolve));
    const server = makeServer({
      async *scrape() {
        yield 'a 1\n';
        begun();
        await new Promise<never>(() => {});
      },
    });
    await server.start();
    const sent = get({ host: '127.0.0.1', port: server.address.port, path: '/metrics' });
    sent.on('error', () => {});
    sent.on('response', (response) => response.on('error', () => {}).resume());
    await hanging;
    await server.stop(AbortSignal.abort());
  });
});

describe('an endpoint', () => {
  it('is read as host and port', () => {
    assert.deepEqual(requireEndpoint('127.0.0.1:8889'), { host: '127.0.0.1', port: 8889 });
    assert.deepEqual(requireEndpoint('localhost:0'), { host: 'localhost', port: 0 });
    assert.deepEqual(requireEndpoint('[::1]:80'), { host: '::1', port: 80 });
    assert.deepEqual(requireEndpoint(':4318'), { host: '', port: 4318 });
    for (const wrong of [
      '',
      '8889',
      'localhost',
      'localhost:',
      'a:b',
      'a:70000',
      '::1:80',
      '[x]:80',
      'http://a:1',
    ]) {
      assert.throws(() => requireEndpoint(wrong), /is not an address to listen on/, wrong);
    }
  });

  it('is on loopback only where no other machine reaches it', () => {
    for (const host of ['127.0.0.1', '127.9.9.9', 'localhost', 'LOCALHOST', '::1'])
      assert.ok(isLoopback(host), host);
    for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.com', 'example.com']) {
      assert.ok(!isLoopback(host), host);
    }
  });
});
