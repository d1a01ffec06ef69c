import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { decodeRequest, spansOf, type Plain } from '../collector/otlp/oracle.ts';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { freshDatabase, type FreshDatabase } from '../support/database.ts';
import { freePorts } from '../support/free-port.ts';
import { OtlpSender } from '../support/load.ts';
import { assertQuiet, healthOf, ownMetric } from '../support/observe.ts';
import { buildSpan, buildTraces, type BuilderSpan } from '../support/otlp-builder.ts';
import { answerOk, startOtlpSink, type OtlpSink, type SinkAnswer } from '../support/otlp-sink.ts';
import { query } from '../support/query.ts';
import { until } from '../support/until.ts';

const REQUESTS = 20;
const TOKEN = 'Bearer a-token-that-no-log-may-hold';

const answer =
  (status: number) =>
  (response: ServerResponse): void =>
    void response.writeHead(status, { 'content-type': 'text/plain' }).end('no');

/** Breaks the connection within the answer, after the head said that more is to come. */
function closeHalfway(response: ServerResponse): void {
  response.writeHead(503, { 'content-length': '100' });
  response.write('half', () => response.destroy());
}

const ANSWERS: Readonly<Record<string, SinkAnswer>> = {
  sound: answerOk,
  slow: (response) => void setTimeout(() => answerOk(response), 60),
  ill: (response, index) => answer(index < 2 ? 503 : 200)(response),
  cut: (response, index) => (index < 2 ? closeHalfway(response) : answerOk(response)),
  broken: (response, index) => (index < 2 ? response.destroy() : answerOk(response)),
  picky: (response, index) => answer(index === 0 ? 400 : 200)(response),
  failing: (response, index) => answer(index === 0 ? 500 : 200)(response),
};

interface Sent {
  readonly body: Buffer;
  readonly plain: Buffer;
  readonly genAi: Buffer;
  readonly ids: readonly string[];
}

/** One request with a web span and a GenAI span under one resource. */
function request(index: number): Sent {
  const traceId = (index + 1).toString(16).padStart(32, 'a');
  const startUnixNano = BigInt(Date.now()) * 1_000_000n;
  const times = { startUnixNano, endUnixNano: startUnixNano + 5_000_000n };
  const web: BuilderSpan = {
    ...times,
    traceId,
    spanId: 'b'.repeat(16),
    name: 'GET /cart',
    attributes: { 'http.request.method': 'GET', 'http.response.status_code': 200 },
    events: [{ name: 'cache miss', timeUnixNano: startUnixNano }],
  };
  const call: BuilderSpan = {
    ...times,
    traceId,
    spanId: 'c'.repeat(16),
    parentSpanId: 'b'.repeat(16),
    name: 'chat claude-haiku-4-5',
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'anthropic',
      'gen_ai.request.model': 'claude-haiku-4-5',
      'gen_ai.response.id': `msg_${index}`,
      'gen_ai.usage.input_tokens': 450,
      'gen_ai.usage.output_tokens': 180,
    },
  };
  const resource = { 'service.name': 'shop', 'tenant.id': 'acme' };
  return {
    body: Buffer.from(buildTraces([{ resource, scope: { name: 'app' }, spans: [web, call] }])),
    plain: buildSpan(web),
    genAi: buildSpan(call),
    ids: [`${traceId}/${web.spanId}`, `${traceId}/${call.spanId}`],
  };
}

const bodiesOf = (sink: OtlpSink): Buffer[] => sink.requests.map(({ body }) => gunzipSync(body));
const hex = (bytes: unknown): string => String(bytes).replace('hex:', '');

/** Ids of all spans that came, in order, however often. */
function idsOf(bodies: readonly Buffer[]): string[] {
  return bodies.flatMap((body) =>
    spansOf(decodeRequest(body)).map(({ span }) => `${hex(span['traceId'])}/${hex(span['spanId'])}`),
  );
}

function attributeOf(span: Plain, wanted: string): unknown {
  const found = (span['attributes'] as { key: string; value: Plain }[]).find(({ key }) => key === wanted);
  return found?.value['stringValue'];
}

function overlay(destinations: Readonly<Record<string, number>>): string {
  const exporters = Object.entries(destinations).map(
    ([name, port]) => `  otlp_http/${name}:
    endpoint: http://127.0.0.1:${port}
    headers: { authorization: ${TOKEN} }
    max_request_bytes: 1KiB
    retry_on_failure: { initial_interval: 20ms, max_interval: 100ms }
    max_lag: { bytes: ${name === 'dead' ? '4KiB' : '512MiB'} }
`,
  );
  const ids = ['postgres', ...Object.keys(destinations).map((name) => `otlp_http/${name}`)];
  return `exporters:\n${exporters.join('')}service: { pipelines: { traces: { exporters: [${ids.join(', ')}] } } }\n`;
}

describe('a collector with destinations of every kind', function () {
  const sinks: Record<string, OtlpSink> = {};
  const sent = Array.from({ length: REQUESTS }, (_, index) => request(index));
  const allIds = sent.flatMap(({ ids }) => ids).toSorted();
  let database: FreshDatabase;
  let collector: CollectorProcess;
  let latePort: number;

  before(async () => {
    database = await freshDatabase();
    for (const [name, how] of Object.entries(ANSWERS)) sinks[name] = await startOtlpSink(how);
    const [dead, late] = (await freePorts(2)) as [number, number];
    latePort = late;
    const ports = Object.fromEntries(Object.entries(sinks).map(([name, { port }]) => [name, port]));
    collector = await startCollector({
      overlay: overlay({ ...ports, dead, late }),
      env: { DATABASE_URL: database.url },
    });
    const sender = new OtlpSender(collector.ports.http, 1);
    for (const { body } of sent) assert.equal(await sender.post(body), 200);
    sender.close();
  });
  after(async () => {
    await collector?.dispose();
    await Promise.all(Object.values(sinks).map((sink) => sink.stop()));
    await database?.drop();
  });

  const arrived = (name: string): Promise<string[]> =>
    until(
      () => Promise.resolve(idsOf(bodiesOf(sinks[name]!))),
      (ids) => new Set(ids).size >= allIds.length,
    );
  const metric = (name: string, exporter: string, ...more: string[]): Promise<number> =>
    ownMetric(collector, name, `exporter="otlp_http/${exporter}"`, ...more);

  it('stores every call, whatever its destinations do', async () => {
    const rows = await until(
      () => query<{ calls: string; cost: string }>(database.url, COUNT),
      ([row]) => Number(row?.calls) >= REQUESTS,
    );
    assert.deepEqual(rows, [{ calls: String(REQUESTS), cost: '0.027000000000' }]);
  });

  it('passes untouched spans on byte for byte, and GenAI spans with their cost', async () => {
    assert.deepEqual((await arrived('sound')).toSorted(), allIds);
    const bodies = bodiesOf(sinks['sound']!);
    const whole = Buffer.concat(bodies);
    for (const { plain, genAi } of sent) {
      assert.ok(whole.includes(plain), 'the web span is there as it was sent');
      assert.ok(whole.includes(genAi), 'the GenAI span begins as it was sent');
    }
    const spans = bodies.flatMap((body) => spansOf(decodeRequest(body)).map(({ span }) => span));
    const calls = spans.filter(({ name }) => name === 'chat claude-haiku-4-5');
    const [row] = await query<{ price_version: string }>(
      database.url,
      'SELECT DISTINCT price_version FROM spanmeter.calls',
    );
    for (const call of calls) {
      assert.equal(attributeOf(call, 'spanmeter.cost.usd'), '0.001350000000');
      assert.equal(attributeOf(call, 'spanmeter.cost.status'), 'priced');
      assert.equal(attributeOf(call, 'spanmeter.tenant'), 'acme');
      assert.equal(attributeOf(call, 'spanmeter.price.version'), row?.price_version);
    }
    assert.equal(sinks['sound']!.requests[0]!.headers.authorization, TOKEN);
  });

  for (const name of ['slow', 'ill', 'cut', 'broken']) {
    it(`has everything arrive at a destination that is ${name}`, async () => {
      const unique = new Set(await arrived(name));
      assert.deepEqual([...unique].toSorted(), allIds);
      if (name !== 'slow') assert.ok((await metric('spanmeter_exporter_retries_total', name)) >= 1);
      assert.equal(await metric('spanmeter_exporter_dropped_spans_total', name), 0);
    });
  }

  for (const [name, reason] of [
    ['picky', 'http_400'],
    ['failing', 'http_500'],
  ] as const) {
    it(`gives up and counts what is answered with ${reason}, and sends the rest`, async () => {
      await arrived(name);
      const [refused, ...taken] = bodiesOf(sinks[name]!);
      const dropped = idsOf([refused!]);
      assert.deepEqual([...dropped, ...idsOf(taken)].toSorted(), allIds, 'nothing is sent twice');
      const counted = await until(
        () => metric('spanmeter_exporter_dropped_spans_total', name, `reason="${reason}"`),
        (count) => count > 0,
      );
      assert.equal(counted, dropped.length);
    });
  }

  it('gives a destination that comes back everything that waited for it', async () => {
    await until(
      () => healthOf(collector),
      ({ exporters }) =>
        exporters.some(({ id, state }) => id === 'otlp_http/late' && state === 'unavailable'),
    );
    sinks['late'] = await startOtlpSink(answerOk, latePort);
    assert.deepEqual([...new Set(await arrived('late'))].toSorted(), allIds);
  });

  it('skips and counts what waits for a dead destination beyond its lag, and says that it is dead', async () => {
    const waiting = await until(
      async () => ({
        skipped: await metric('spanmeter_exporter_skipped_spans_total', 'dead', 'reason="max_lag_bytes"'),
        bytes: await metric('spanmeter_journal_pending_bytes', 'dead'),
      }),
      ({ bytes }) => bytes <= 4 * 1024,
    );
    assert.ok(waiting.skipped > 0 && waiting.skipped < allIds.length, JSON.stringify(waiting));
    const { code, exporters } = await healthOf(collector);
    const dead = exporters.find(({ id }) => id === 'otlp_http/dead');
    assert.deepEqual([code, dead?.state], [200, 'unavailable']);
    assert.match(dead?.message ?? '', /ECONNREFUSED/);
  });

  it('ends on SIGTERM without waiting for the dead one, and never told the token', async function () {
    // Less than what it gives itself to drain: waiting for the dead one would take all of that.
    this.timeout(20_000);
    assert.equal(await collector.end('SIGTERM'), 0);
    assertQuiet(collector, [TOKEN, new URL(database.url).password]);
  });
});

const COUNT = 'SELECT count(*) AS calls, sum(cost_usd)::text AS cost FROM spanmeter.calls';
