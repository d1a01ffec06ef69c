import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { chatSpan, CHAT_COST } from '../support/chat-span.ts';
import type { CollectorProcess } from '../support/collector-process.ts';
import { sumOf } from '../support/exposition-parser.ts';
import { buildTraces, type BuilderGroup } from '../support/otlp-builder.ts';
import { exportGrpc, postOtlp } from '../support/otlp-client.ts';
import { buildTracesJson } from '../support/otlp-json.ts';
import { query } from '../support/query.ts';
import { genAiMetrics, ownMetrics, settled } from '../support/running-collector.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

/** Every kind of value and id that JSON writes differently. */
function groups(): BuilderGroup[] {
  const traceId = randomBytes(16).toString('hex');
  const start = BigInt(Date.now()) * 1_000_000n + 123_456n;
  const spans = [
    chatSpan({ traceId, spanId: 'a1'.repeat(8), startUnixNano: start, endUnixNano: start + 1_234_567_891n }),
    chatSpan({
      traceId,
      spanId: 'b2'.repeat(8),
      parentSpanId: 'a1'.repeat(8),
      statusCode: 2,
      traceState: 'ot=th:8',
      startUnixNano: start,
      endUnixNano: start + 1n,
      attributes: {
        'gen_ai.usage.input_tokens': 2n ** 53n - 1n,
        'gen_ai.usage.output_tokens': 2n ** 53n,
        'gen_ai.response.time_to_first_chunk': 0.25,
        'gen_ai.request.stream': true,
        'gen_ai.response.finish_reasons': ['stop', 'length'],
        'gen_ai.conversation.id': 'ünïcode "quoted" \\ \u2028 🙂',
        'user.id': 12345,
      },
    }),
    chatSpan({
      traceId,
      spanId: 'c3'.repeat(8),
      startUnixNano: 0n,
      endUnixNano: start,
      attributes: { 'gen_ai.request.model': 'o3', 'gen_ai.usage.reasoning.output_tokens': 40 },
    }),
  ];
  const resource = { 'service.name': 'shop', 'deployment.environment.name': 'test', 'team.id': 'payments' };
  return [{ resource, scope: { name: 'tests', version: '1.2.3' }, spans }];
}

/** The same calls sent in other ways, or twice. */
export function describeSameCalls(running: () => CollectorProcess): void {
  const rowsOf = async (tenant: string): Promise<Record<string, unknown>[]> =>
    query(
      running().databaseUrl(),
      'SELECT * FROM spanmeter.calls WHERE tenant_id = $1 ORDER BY span_id, started_at',
      [tenant],
    );

  describe('the same calls', () => {
    it('are the same rows as protobuf, as JSON with int64 as text or number, in gzip and over gRPC', async () => {
      const { ports } = running();
      const sent = groups();
      const protobuf = buildTraces(sent);
      // A number in JSON cannot hold nanoseconds, so that the times are text in both.
      const numbers = buildTracesJson(sent, 'number').replaceAll(
        /"(startTimeUnixNano|endTimeUnixNano)":\d+/g,
        '"$1":""',
      );
      const times = buildTracesJson(sent).match(/"(?:start|end)TimeUnixNano":"\d+"/g)!;
      const numbersJson = numbers.replaceAll(/"(?:start|end)TimeUnixNano":""/g, () => times.shift()!);
      const ways: Record<string, () => Promise<number>> = {
        protobuf: async () => (await post('protobuf', {}, protobuf)).status,
        gzip: async () => (await post('gzip', { 'content-encoding': 'gzip' }, gzipSync(protobuf))).status,
        'json-text': async () => (await post('json-text', JSON_TYPE, buildTracesJson(sent))).status,
        'json-number': async () => (await post('json-number', JSON_TYPE, numbersJson)).status,
        'json-upper': async () =>
          (await post('json-upper', JSON_TYPE, upperIds(buildTracesJson(sent)))).status,
        grpc: async () =>
          (await exportGrpc(ports.grpc, protobuf, { 'x-scope-orgid': 'same-grpc' })).code === 0 ? 200 : 0,
        'grpc-gzip': async () =>
          (await exportGrpc(ports.grpc, protobuf, { 'x-scope-orgid': 'same-grpc-gzip' }, 'traces', true))
            .code === 0
            ? 200
            : 0,
      };
      async function post(way: string, headers: Record<string, string>, body: Uint8Array | string) {
        return postOtlp(ports.http, { headers: { ...headers, 'x-scope-orgid': `same-${way}` }, body });
      }
      for (const send of Object.values(ways)) assert.equal(await send(), 200);
      await settled(running());
      const stored = await rowsOf('same-protobuf');
      assert.deepEqual(
        stored.map((row) => [row['cost_status'], row['cost_usd']]),
        [
          ['priced', CHAT_COST],
          ['invalid_usage', null],
          ['priced', '0.002800000000'],
        ],
      );
      const comparable = (rows: Record<string, unknown>[]): unknown[] =>
        rows.map(({ tenant_id: _tenant, received_at: _received, ...rest }) => rest);
      for (const way of Object.keys(ways))
        assert.deepEqual(comparable(await rowsOf(`same-${way}`)), comparable(stored), way);
    });

    it('keep what is left of text that JSON breaks: lone surrogates, NUL and bytes that are no UTF-8', async () => {
      const { ports } = running();
      const user = (text: string): string =>
        buildTracesJson([{ spans: [chatSpan({ attributes: { 'user.id': 'MARK' } })] }]).replace('MARK', text);
      const bodies = [user('a\\ud800b'), user('a\\u0000b'), Buffer.from(user('a\xffb'), 'latin1')];
      for (const [index, body] of bodies.entries()) {
        const headers = { ...JSON_TYPE, 'x-scope-orgid': `json-text-${index}` };
        assert.equal((await postOtlp(ports.http, { headers, body })).status, 200);
      }
      await settled(running());
      const stored = await Promise.all(bodies.map((_, index) => rowsOf(`json-text-${index}`)));
      assert.deepEqual(
        stored.map(([row]) => [row?.['user_id'], row?.['cost_usd']]),
        ['a\ufffdb', 'ab', 'a\ufffdb'].map((text) => [text, CHAT_COST]),
      );
    });

    it('are one row each and are counted once, however often they are sent', async () => {
      const collector = running();
      const headers = { 'x-scope-orgid': 'twice' };
      const body = buildTraces([{ spans: [chatSpan(), chatSpan(), chatSpan()] }]);
      const before = await ownMetrics(collector);
      // At once, so that copies meet in one batch, and again when the first are stored.
      const atOnce = await Promise.all(
        [1, 2, 3].map(() => postOtlp(collector.ports.http, { headers, body })),
      );
      await settled(collector);
      const first = await rowsOf('twice');
      const again = await postOtlp(collector.ports.http, { headers, body });
      await settled(collector);
      assert.deepEqual(
        [...atOnce, again].map(({ status }) => status),
        [200, 200, 200, 200],
      );
      const after = await rowsOf('twice');
      assert.deepEqual(after, first);
      assert.deepEqual(
        after.map((row) => [row['cost_status'], row['cost_usd']]),
        Array.from({ length: 3 }, () => ['priced', CHAT_COST]),
      );
      const [rollup] = await query<{ calls: string; cost: string }>(
        collector.databaseUrl(),
        'SELECT sum(calls)::text AS calls, sum(cost_usd)::text AS cost FROM spanmeter.spend_rollup WHERE tenant_id = $1',
        ['twice'],
      );
      assert.deepEqual(rollup, { calls: '3', cost: '0.010500000000' });
      const [own, exposed] = [await ownMetrics(collector), await genAiMetrics(collector)];
      const by = (name: string, labels: Record<string, string> = {}): number =>
        sumOf(own, name, labels) - sumOf(before, name, labels);
      assert.equal(by('otelcol_receiver_accepted_spans'), 12);
      assert.equal(by('spanmeter_ledger_rows_total', { outcome: 'inserted' }), 3);
      assert.equal(by('spanmeter_ledger_rows_total', { outcome: 'already_there' }), 9);
      assert.equal(sumOf(exposed, 'genai_calls_total', { tenant: 'twice' }), 3);
      assert.equal(sumOf(exposed, 'genai_cost_usd_total', { tenant: 'twice' }), 0.0105);
    });

    it('are two calls where two tenants send the same ids', async () => {
      const collector = running();
      const body = buildTraces([{ spans: [chatSpan()] }]);
      for (const tenant of ['both-a', 'both-b']) {
        await postOtlp(collector.ports.http, { headers: { 'x-scope-orgid': tenant }, body });
      }
      await settled(collector);
      for (const tenant of ['both-a', 'both-b']) {
        const [row, ...more] = await rowsOf(tenant);
        assert.deepEqual([row?.['cost_status'], row?.['cost_usd'], more.length], ['priced', CHAT_COST, 0]);
      }
    });
  });
}

function upperIds(json: string): string {
  return json.replaceAll(
    /"((?:trace|span|parentSpan)Id)":"([0-9a-f]+)"/g,
    (_, name: string, id: string) => `"${name}":"${id.toUpperCase()}"`,
  );
}
