import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { startAnthropicStandIn } from '@spanmeter/collector/dist/demo/providers/anthropic.js';
import { startOpenaiStandIn } from '@spanmeter/collector/dist/demo/providers/openai.js';
import type { StandIn } from '@spanmeter/collector/dist/demo/providers/stand-in.js';
import { runApp } from '../support/app.ts';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { query } from '../support/query.ts';
import { until } from '../support/until.ts';

interface Row {
  tenant_id: string;
  model: string;
  provider: string;
  operation: string;
  cost_usd: string | null;
  cost_status: string;
  service_name: string;
  team: string | null;
}

const ROWS = `SELECT tenant_id, model, provider, operation, cost_usd::text, cost_status, service_name, team
  FROM spanmeter.calls ORDER BY started_at`;

/** The five-line script of the README, with the stand-in's address. */
const anthropicCall = (url: string): string => `
  import Anthropic from '@anthropic-ai/sdk';
  const client = new Anthropic({ apiKey: 'none', baseURL: ${JSON.stringify(url)} });
  const usage = JSON.stringify({ usage: { input: 450, output: 180 } });
  await client.messages.create({ model: 'claude-haiku-4-5', max_tokens: 500,
    messages: [{ role: 'user', content: 'hi' }] }, { headers: { 'x-stand-in': usage } });
`;

const embeddingCall = (url: string): string => `
  import OpenAI from 'openai';
  const client = new OpenAI({ apiKey: 'none', baseURL: ${JSON.stringify(`${url}/v1`)} });
  const usage = JSON.stringify({ usage: { input: 1000 } });
  await client.embeddings.create({ model: 'text-embedding-3-large', input: 'hi' },
    { headers: { 'x-stand-in': usage } });
`;

describe('a call of a real SDK, end to end', function () {
  let collector: CollectorProcess;
  let anthropic: StandIn;
  let openai: StandIn;

  before(async () => {
    [collector, anthropic, openai] = await Promise.all([
      startCollector(),
      startAnthropicStandIn(),
      startOpenaiStandIn(),
    ]);
  });
  after(async () => {
    await Promise.all([collector?.dispose(), anthropic?.close(), openai?.close()]);
    if (collector !== undefined) await rm(collector.dataDir, { recursive: true, force: true });
  });

  const rows = (): Promise<Row[]> => query<Row>(collector.databaseUrl(), ROWS);
  const env = (): Record<string, string> => ({
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.ports.http}`,
    OTEL_SERVICE_NAME: 'checkout',
    OTEL_RESOURCE_ATTRIBUTES: 'tenant.id=acme,team.id=payments',
  });

  it('costs exactly what the price list says, in SQL, over HTTP and in Prometheus', async () => {
    const haiku = await runApp(anthropicCall(anthropic.url), env());
    assert.equal(haiku.code, 0, haiku.stderr);
    const embedding = await runApp(embeddingCall(openai.url), env());
    assert.equal(embedding.code, 0, embedding.stderr);

    const stored = await until(rows, (found) => found.length >= 2);
    const shared = { tenant_id: 'acme', cost_status: 'priced', service_name: 'checkout', team: 'payments' };
    assert.deepEqual(stored, [
      {
        ...shared,
        model: 'claude-haiku-4-5',
        provider: 'anthropic',
        operation: 'chat',
        cost_usd: '0.001350000000',
      },
      {
        ...shared,
        model: 'text-embedding-3-large',
        provider: 'openai',
        operation: 'embeddings',
        cost_usd: '0.000130000000',
      },
    ]);

    const api = `http://127.0.0.1:${collector.ports.api}`;
    const compatible = (await (await fetch(`${api}/api/metrics?period=day`)).json()) as Record<
      string,
      unknown
    >;
    assert.deepEqual(compatible, {
      total_cost: 0.00148,
      breakdown: [
        { service: 'anthropic', cost: 0.00135, count: 1 },
        { service: 'openai', cost: 0.00013, count: 1 },
      ],
      usage_count: 2,
      unpriced_count: 0,
      period: 'day',
    });

    const metrics = await (await fetch(`http://127.0.0.1:${collector.ports.prometheus}/metrics`)).text();
    const cost = metrics.split('\n').filter((line) => line.startsWith('genai_cost_usd_total{'));
    assert.equal(cost.length, 2, metrics);
    assert.ok(cost.some((line) => line.includes('model="claude-haiku-4-5"') && line.endsWith(' 0.00135')));

    const health = await fetch(`http://127.0.0.1:${collector.ports.health}/`);
    assert.equal(health.status, 200);
    const own = await (await fetch(`http://127.0.0.1:${collector.ports.telemetry}/metrics`)).text();
    assert.match(own, /^otelcol_receiver_accepted_spans(_total)?\{.*transport="http".*\} [1-9]/m);
  });

  it('starts its counters at 0 after a restart, so that the first increase is seen', async () => {
    assert.equal(await collector.end('SIGTERM'), 0);
    collector = await startCollector({ dataDir: collector.dataDir, ports: collector.ports });
    const read = async (): Promise<string[]> => {
      const text = await (await fetch(`http://127.0.0.1:${collector.ports.prometheus}/metrics`)).text();
      return text.split('\n').filter((line) => line.startsWith('genai_cost_usd_total{'));
    };
    const lines = await until(read, (found) => found.length >= 2);
    assert.ok(
      lines.every((line) => line.endsWith(' 0')),
      lines.join('\n'),
    );
  });
});
