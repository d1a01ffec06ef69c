import assert from 'node:assert/strict';
import { chatSpan, CHAT_COST } from '../support/chat-span.ts';
import type { CollectorProcess } from '../support/collector-process.ts';
import { sumOf } from '../support/exposition-parser.ts';
import { loadTemplate } from '../support/load.ts';
import { buildTraces } from '../support/otlp-builder.ts';
import { postOtlp } from '../support/otlp-client.ts';
import { query } from '../support/query.ts';
import { genAiMetrics, getApi, settled, spanmeterBeside } from '../support/running-collector.ts';

const TENANT = 'summed';
const REQUESTS = 5;

interface Sums {
  readonly cost_usd: string;
  readonly calls: number;
  readonly unpriced_calls: number;
}

const usd = (pico: bigint): string =>
  `${pico / 10n ** 12n}.${(pico % 10n ** 12n).toString().padStart(12, '0')}`;

/** Every answer gives the sum of what was sent. */
export function describeSums(running: () => CollectorProcess): void {
  describe('and the sums of what was sent', () => {
    const sent = { calls: 0, pico: 0n };
    const unknownTrace = 'd1'.repeat(16);
    const unixMs = Date.now();
    const date = new Date(unixMs).toISOString().slice(0, 10);

    before(async () => {
      const { ports } = running();
      const headers = { 'x-scope-orgid': TENANT };
      const template = loadTemplate({
        spansPerRequest: 300,
        tenants: 3,
        services: 4,
        genAiShare: 0.5,
        attributes: 12,
      });
      for (let request = 0; request < REQUESTS; request++) {
        const answer = await postOtlp(ports.http, { headers, body: template.render(unixMs) });
        assert.equal(answer.status, 200);
        sent.calls += template.calls;
        sent.pico += template.costPicoUsd;
      }
      const start = BigInt(unixMs) * 1_000_000n;
      const times = { startUnixNano: start, endUnixNano: start + 1_500_000_000n, traceId: unknownTrace };
      const unknown = chatSpan({ ...times, attributes: { 'gen_ai.request.model': 'unheard' } });
      await postOtlp(ports.http, { headers, body: buildTraces([{ spans: [unknown, chatSpan(times)] }]) });
      const other = buildTraces([{ spans: [chatSpan({ startUnixNano: start })] }]);
      await postOtlp(ports.http, { headers: { 'x-scope-orgid': 'all-priced' }, body: other });
      sent.calls += 2;
      sent.pico += 3_500_000_000n;
      await settled(running());
    });

    const sql = async (text: string): Promise<unknown> =>
      (await query<{ answer: unknown }>(running().databaseUrl(), text, [TENANT]))[0]?.answer;

    it('are exact in SQL: rows, rollup and get_cost_summary', async () => {
      const cost = usd(sent.pico);
      assert.equal(
        await sql(
          `SELECT sum(cost_usd)::text || ' ' || count(*) AS answer FROM spanmeter.calls WHERE tenant_id = $1`,
        ),
        `${cost} ${sent.calls}`,
      );
      assert.equal(
        await sql(
          `SELECT sum(effective_cost_usd)::text AS answer FROM spanmeter.calls_effective WHERE tenant_id = $1`,
        ),
        cost,
      );
      assert.equal(
        await sql(
          `SELECT sum(cost_usd)::text || ' ' || sum(calls) AS answer FROM spanmeter.spend_rollup WHERE tenant_id = $1`,
        ),
        `${cost} ${sent.calls}`,
      );
      assert.equal(
        await sql(
          `SELECT sum(total_cost)::text || ' ' || sum(count) AS answer FROM spanmeter.get_cost_summary($1, '${date}', '${date}')`,
        ),
        `${cost} ${sent.calls}`,
      );
    });

    it('are exact in /api/v1/spend, whatever it is grouped by', async () => {
      for (const groups of [
        'provider',
        'model',
        'service_name,environment',
        'day',
        'user',
        'tenant,team,feature,key',
      ]) {
        const path = `/api/v1/spend?tenant=${TENANT}&from=${date}&to=${date}&group_by=${groups}`;
        const { rows, total } = await getApi<{ rows: Sums[]; total: Sums }>(running(), path);
        assert.equal(total.cost_usd, usd(sent.pico), groups);
        assert.deepEqual([total.calls, total.unpriced_calls], [sent.calls, 1], groups);
        const pico = rows.reduce((sum, row) => sum + BigInt(row.cost_usd.replace('.', '')), 0n);
        assert.equal(pico, sent.pico, groups);
        assert.equal(
          rows.reduce((sum, row) => sum + row.calls, 0),
          sent.calls,
          groups,
        );
      }
    });

    it('are the nearest number in /api/metrics, by provider as get_cost_summary has them', async () => {
      const path = `/api/metrics?tenant=${TENANT}&period=day&date=${date}`;
      const answer = await getApi<Record<string, unknown>>(running(), path);
      const summary = await query<{ service: string; cost: string; count: string }>(
        running().databaseUrl(),
        `SELECT service, total_cost::text AS cost, count::text FROM spanmeter.get_cost_summary($1, $2, $2)`,
        [TENANT, date],
      );
      assert.deepEqual(answer, {
        total_cost: Number(usd(sent.pico)),
        breakdown: summary.map(({ service, cost, count }) => ({
          service,
          cost: Number(cost),
          count: Number(count),
        })),
        usage_count: sent.calls,
        unpriced_count: 1,
        period: 'day',
      });
    });

    it('are shown call by call in /api/v1/calls', async () => {
      const path = `/api/v1/calls?tenant=${TENANT}&trace_id=${unknownTrace.toUpperCase()}`;
      const { calls, next_cursor } = await getApi<{ calls: Record<string, unknown>[]; next_cursor: unknown }>(
        running(),
        path,
      );
      assert.equal(next_cursor, null);
      const shown = calls.map(
        ({ tenant, trace_id, model, cost_status, cost_usd, duration_ms, input_tokens }) => ({
          tenant,
          trace_id,
          model,
          cost_status,
          cost_usd,
          duration_ms,
          input_tokens,
        }),
      );
      const same = { tenant: TENANT, trace_id: unknownTrace, duration_ms: 1500, input_tokens: 1000 };
      assert.deepEqual(
        shown.toSorted((a, b) => String(a.model).localeCompare(String(b.model))),
        [
          { ...same, model: 'gpt-4o', cost_status: 'priced', cost_usd: CHAT_COST },
          { ...same, model: 'unheard', cost_status: 'unpriced_model', cost_usd: null },
        ],
      );
    });

    it('add up page by page in /api/v1/calls', async () => {
      const seen = new Set<string>();
      let pico = 0n;
      let cursor: string | null = '';
      while (cursor !== null) {
        const after = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
        const page: {
          calls: { trace_id: string; span_id: string; cost_usd: string | null }[];
          next_cursor: string | null;
        } = await getApi(running(), `/api/v1/calls?tenant=${TENANT}&limit=200${after}`);
        for (const call of page.calls) {
          seen.add(`${call.trace_id}/${call.span_id}`);
          pico += BigInt((call.cost_usd ?? '0').replace('.', ''));
        }
        cursor = page.next_cursor;
      }
      assert.equal(seen.size, sent.calls);
      assert.equal(pico, sent.pico);
    });

    it('are to be seen in Prometheus', async () => {
      const exposed = await genAiMetrics(running());
      const cost = sumOf(exposed, 'genai_cost_usd_total', { tenant: TENANT });
      assert.ok(Math.abs(cost - Number(usd(sent.pico))) < 1e-9, String(cost));
      assert.equal(sumOf(exposed, 'genai_calls_total', { tenant: TENANT }), sent.calls);
    });

    it('are exact in the report, which ends with 3 under --strict where a call has no price', async () => {
      const args = ['report', '--tenant', TENANT, '--date', date, '--format', 'json'];
      const report = await spanmeterBeside(running(), ...args, '--strict');
      assert.equal(report.code, 3, report.stderr);
      assert.match(report.stderr, /\+ 1 call without a price/);
      const { total } = JSON.parse(report.stdout) as { total: Sums };
      assert.deepEqual([total.cost_usd, total.calls, total.unpriced_calls], [usd(sent.pico), sent.calls, 1]);
      const [lenient, priced] = await Promise.all([
        spanmeterBeside(running(), ...args),
        spanmeterBeside(running(), 'report', '--tenant', 'all-priced', '--date', date, '--strict'),
      ]);
      assert.equal(lenient.code, 0, lenient.stderr);
      assert.equal(priced.code, 0, priced.stderr);
      assert.match(priced.stdout, /0\.0035/);
    });
  });
}
