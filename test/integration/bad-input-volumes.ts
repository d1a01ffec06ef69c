import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chatSpan } from '../support/chat-span.ts';
import type { CollectorProcess } from '../support/collector-process.ts';
import { sumOf } from '../support/exposition-parser.ts';
import { buildTraces } from '../support/otlp-builder.ts';
import { postOtlp } from '../support/otlp-client.ts';
import { query } from '../support/query.ts';
import { genAiMetrics, settled } from '../support/running-collector.ts';

const MAX_SERIES = 10_000;
const SPANS = 10_000;
const MODELS = 20_000;

/** Input that is valid, and too much of it. */
export function describeVolumes(running: () => CollectorProcess): void {
  const send = async (tenant: string, body: Uint8Array): Promise<void> => {
    const answer = await postOtlp(running().ports.http, { headers: { 'x-scope-orgid': tenant }, body });
    assert.equal(answer.status, 200, answer.body.toString());
    assert.equal(answer.body.length, 0);
  };
  const rowsOf = <R extends object>(columns: string, tenant: string): Promise<R[]> =>
    query<R>(running().databaseUrl(), `SELECT ${columns} FROM spanmeter.calls WHERE tenant_id = $1`, [
      tenant,
    ]);

  describe('in great numbers', () => {
    it('10,000 spans in one request are 10,000 priced rows', async () => {
      await send('many-spans', buildTraces([{ spans: Array.from({ length: SPANS }, () => chatSpan()) }]));
      await settled(running());
      const rows = await rowsOf(
        'count(*)::text, sum(cost_usd)::text AS cost, min(cost_status), max(cost_status)',
        'many-spans',
      );
      assert.deepEqual(rows, [{ count: '10000', cost: '35.000000000000', min: 'priced', max: 'priced' }]);
      const exposed = await genAiMetrics(running());
      assert.equal(sumOf(exposed, 'genai_calls_total', { tenant: 'many-spans', outcome: 'ok' }), SPANS);
    });

    it('20,000 made-up models are all in PostgreSQL, and in Prometheus the rest of them is "other"', async () => {
      for (let from = 0; from < MODELS; from += MODELS / 2) {
        const spans = Array.from({ length: MODELS / 2 }, (_, index) =>
          chatSpan({ attributes: { 'gen_ai.request.model': `made-up-${from + index}` } }),
        );
        await send('many-models', buildTraces([{ spans }]));
      }
      await settled(running());
      const rows = await rowsOf(
        'count(*)::text, count(DISTINCT model)::text AS models, min(cost_status), max(cost_status), sum(cost_usd) AS cost',
        'many-models',
      );
      const status = 'unpriced_model';
      assert.deepEqual(rows, [{ count: '20000', models: '20000', min: status, max: status, cost: null }]);

      const labels = { tenant: 'many-models' };
      const exposed = await genAiMetrics(running());
      assert.equal(sumOf(exposed, 'genai_spans_total', { ...labels, cost_status: status }), MODELS);
      assert.equal(sumOf(exposed, 'genai_unpriced_tokens_total', labels), MODELS * 1100);
      assert.ok(sumOf(exposed, 'genai_spans_total', { ...labels, model: 'other' }) > 0);
      for (const { name, samples } of exposed.values())
        assert.ok(samples.length <= MAX_SERIES, `${name} has ${samples.length} series`);
      assert.ok(sumOf(exposed, 'genai_metrics_label_overflow_total', { metric: 'genai_spans_total' }) > 0);
    });

    it('another tenant keeps its own models in Prometheus after that', async () => {
      await send('beside-many', buildTraces([{ spans: [chatSpan()] }]));
      await settled(running());
      const exposed = await genAiMetrics(running());
      const labels = { tenant: 'beside-many', model: 'gpt-4o' };
      assert.equal(sumOf(exposed, 'genai_cost_usd_total', labels), 0.0035);
      assert.equal(sumOf(exposed, 'genai_tokens_total', labels), 1100);
    });

    it('tenant attributes of 3,000 bytes that begin alike stay two tenants, of 512 bytes at most', async () => {
      const name = `long-${'é'.repeat(1500)}`;
      const body = buildTraces(
        ['1', '2'].map((end) => ({ resource: { 'tenant.id': name + end }, spans: [chatSpan()] })),
      );
      const answer = await postOtlp(running().ports.http, { body });
      assert.equal(answer.status, 200);
      await settled(running());
      const exposed = await genAiMetrics(running());
      for (const end of ['1', '2']) {
        const digest = createHash('sha256')
          .update(name + end)
          .digest('hex')
          .slice(0, 16);
        const stored = `long-${'é'.repeat(245)}~${digest}`;
        assert.ok(Buffer.byteLength(stored) <= 512);
        assert.deepEqual(await rowsOf('cost_status, cost_usd', stored), [
          { cost_status: 'priced', cost_usd: '0.003500000000' },
        ]);
        assert.equal(sumOf(exposed, 'genai_calls_total', { tenant: stored }), 1);
      }
    });
  });
}
