import assert from 'node:assert/strict';
import { startAnthropicStandIn, startOpenaiStandIn, type StandIn } from '../support/provider/index.ts';
import { runApp } from '../support/app.ts';
import { chatSpan } from '../support/chat-span.ts';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { sumOf } from '../support/exposition-parser.ts';
import { buildTraces, type BuilderAttributes, type BuilderSpan } from '../support/otlp-builder.ts';
import { postOtlp } from '../support/otlp-client.ts';
import { query } from '../support/query.ts';
import { genAiMetrics, getApi, settled, spanmeterBeside } from '../support/running-collector.ts';

const SECRET = 'the harbour woke before the town';

interface Row {
  readonly name: string;
  readonly cost_status: string;
  readonly usage_source: string;
  readonly usage: unknown;
  readonly cost_usd: string | null;
  readonly method: string | null;
}

const ROWS = `SELECT feature AS name, cost_status, usage_source, usage, cost_usd::text,
  attributes->>'spanmeter.usage.estimate' AS method FROM spanmeter.calls ORDER BY feature`;

function unreported(feature: string, attributes: BuilderAttributes): BuilderSpan {
  const usage = { 'gen_ai.usage.input_tokens': undefined, 'gen_ai.usage.output_tokens': undefined };
  return chatSpan({ attributes: { ...usage, 'spanmeter.feature': feature, ...attributes } });
}

/** Far over `max_value_bytes`, and of the kind that tokenizers are slowest on. */
const HOSTILE = 'a'.repeat(1_000_000);

const SPANS: readonly BuilderSpan[] = [
  chatSpan({ attributes: { 'spanmeter.feature': 'a reported' } }),
  unreported('b content', {
    'gen_ai.input.messages': JSON.stringify([{ role: 'user', parts: [{ type: 'text', content: SECRET }] }]),
    'gen_ai.output.messages': JSON.stringify([
      { role: 'assistant', parts: [{ type: 'text', content: SECRET }] },
    ]),
  }),
  unreported('c structured', {
    'gen_ai.input.messages': [{ role: 'user', parts: [{ type: 'text', content: SECRET }] }],
    'gen_ai.output.messages': [{ role: 'assistant', parts: [{ type: 'text', content: SECRET }] }],
  }),
  unreported('d characters', {
    'spanmeter.usage.estimate.input_characters': 440,
    'spanmeter.usage.estimate.output_characters': 44,
  }),
  unreported('e nothing', {}),
  unreported('f hostile', { 'gen_ai.prompt.0.content': HOSTILE, 'gen_ai.completion.0.content': SECRET }),
  unreported('g hostile keys', {
    ...Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`gen_ai.prompt.${i}.content`, SECRET])),
    'gen_ai.completion.0.content': SECRET,
  }),
];

/** Streams of both SDKs, one whole and one that the app leaves; neither provider tells all usage then. */
const app = (openai: string, anthropic: string): string => `
  import OpenAI from 'openai';
  import Anthropic from '@anthropic-ai/sdk';
  import { withAttribution } from '@spanmeter/instrumentation';
  const messages = [{ role: 'user', content: ${JSON.stringify(SECRET)} }];
  const gpt = new OpenAI({ apiKey: 'none', baseURL: ${JSON.stringify(`${openai}/v1`)} });
  const claude = new Anthropic({ apiKey: 'none', baseURL: ${JSON.stringify(anthropic)} });
  const slow = { headers: { 'x-stand-in': JSON.stringify({ chunks: 50, chunkDelayMs: 5, usage: { input: 450 } }) } };
  await withAttribution({ feature: 'h openai stream' }, async () => {
    for await (const _ of await gpt.chat.completions.create({ model: 'gpt-4o', messages, stream: true }));
  });
  await withAttribution({ feature: 'i anthropic break' }, async () => {
    let seen = 0;
    for await (const _ of await claude.messages.create(
      { model: 'claude-haiku-4-5', max_tokens: 99, messages, stream: true }, slow)) if (++seen === 5) break;
  });
`;

describe('estimates of missing usage, end to end', function () {
  let openai: StandIn;
  let anthropic: StandIn;
  const collectors: CollectorProcess[] = [];

  before(async () => {
    [openai, anthropic] = await Promise.all([startOpenaiStandIn(), startAnthropicStandIn()]);
  });
  after(async () => {
    await Promise.all([openai?.close(), anthropic?.close(), ...collectors.map((one) => one.dispose())]);
  });

  const collectorWith = async (mode: string | null): Promise<CollectorProcess> => {
    const overlay = mode === null ? '' : `processors:\n  cost:\n    estimate_missing_usage: ${mode}\n`;
    const collector = await startCollector(overlay === '' ? {} : { overlay });
    collectors.push(collector);
    const answer = await postOtlp(collector.ports.http, { body: buildTraces([{ spans: SPANS }]) });
    assert.equal(answer.status, 200, answer.body.toString());
    const { code, stderr } = await runApp(app(openai.url, anthropic.url), {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.ports.http}`,
    });
    assert.equal(code, 0, stderr);
    await settled(collector);
    return collector;
  };
  const rowsOf = (collector: CollectorProcess): Promise<Row[]> => query<Row>(collector.databaseUrl(), ROWS);

  it('are not made by default: such calls are missing_usage and cost nothing known', async () => {
    const collector = await collectorWith(null);
    const [reported, ...others] = await rowsOf(collector);
    assert.equal(reported?.cost_usd, '0.003500000000');
    assert.equal(others.length, 8);
    for (const row of others) {
      const partial = row.name.startsWith('i ');
      const source = partial ? 'reported' : 'missing';
      assert.deepEqual(
        [row.cost_status, row.usage_source, row.cost_usd, row.method],
        ['missing_usage', source, null, null],
        row.name,
      );
    }
    assert.equal(sumOf(await genAiMetrics(collector), 'genai_estimated_calls_total'), 0);
    const { stdout } = await spanmeterBeside(collector, 'report');
    assert.ok(!stdout.includes('estimated'), stdout);
  });

  describe('where they are asked for', () => {
    let collector: CollectorProcess;
    before(async () => {
      collector = await collectorWith('content');
    });

    it('are priced and marked, each by its method, and leave what is not known unpriced', async () => {
      const rows = await rowsOf(collector);
      const content = { input: '13', output: '6' };
      const expected: Record<string, readonly unknown[]> = {
        'a reported': ['priced', 'reported', { input: '1000', output: '100' }, null],
        'b content': ['priced', 'estimated', content, 'tokenizer:o200k_base'],
        'c structured': ['priced', 'estimated', content, 'tokenizer:o200k_base'],
        'd characters': ['priced', 'estimated', { input: '100', output: '10' }, 'characters'],
        'e nothing': ['missing_usage', 'missing', null, null],
        'f hostile': ['priced', 'estimated', rows[5]?.usage, rows[5]?.method],
        'g hostile keys': ['missing_usage', 'missing', null, null],
        'h openai stream': ['priced', 'estimated', { input: '8', output: '14' }, 'characters'],
        'i anthropic break': ['priced', 'estimated', { input: '450', output: '6' }, 'characters'],
      };
      assert.deepEqual(
        Object.fromEntries(
          rows.map((row) => [row.name, [row.cost_status, row.usage_source, row.usage, row.method]]),
        ),
        expected,
      );
      // 100 x 2.50 and 10 x 10 USD per million.
      assert.equal(rows[3]?.cost_usd, '0.000350000000');
    });

    it('are the same in rows, rollups, API, Prometheus and the report, apart from what was counted', async () => {
      const url = collector.databaseUrl();
      const [rows] = await query<{ calls: number; cost: string }>(
        url,
        `SELECT count(*)::int AS calls, sum(cost_usd)::text AS cost FROM spanmeter.calls WHERE usage_source = 'estimated'`,
      );
      const [rollups] = await query<{ calls: number; cost: string }>(
        url,
        'SELECT sum(estimated_calls)::int AS calls, sum(estimated_cost_usd)::text AS cost FROM spanmeter.spend_rollup',
      );
      assert.equal(rows?.calls, 6);
      assert.deepEqual(rollups, rows);
      const { today } = await getApi<{ today: Record<string, unknown> }>(collector, '/api/v1/summary');
      assert.deepEqual([today['estimated_calls'], today['estimated_cost_usd']], [6, rows?.cost]);
      assert.deepEqual([today['calls'], today['unpriced_calls']], [9, 2]);
      const { calls } = await getApi<{ calls: { usage_source: string }[] }>(collector, '/api/v1/calls');
      assert.equal(calls.filter((call) => call.usage_source === 'estimated').length, 6);
      const metrics = await genAiMetrics(collector);
      assert.equal(sumOf(metrics, 'genai_estimated_calls_total'), 6);
      assert.ok(Math.abs(sumOf(metrics, 'genai_estimated_cost_usd_total') - Number(rows?.cost)) < 1e-9);
      const { stdout, code } = await spanmeterBeside(collector, 'report');
      assert.equal(code, 0);
      assert.match(stdout, /\nof which estimated: 0\.\d+ USD in 6 calls\n/);
      const exact = /of which estimated: (\S+) USD/.exec(stdout)?.[1] ?? '';
      assert.equal(Number(exact), Number(rows?.cost));
      assert.match(stdout, /\n\+ 2 calls without a price\n/);
    });

    it('keep nothing of what was said in any row, letter or log line', async () => {
      const url = collector.databaseUrl();
      const [found] = await query<{ calls: number; letters: number }>(
        url,
        `SELECT (SELECT count(*)::int FROM spanmeter.calls AS c WHERE c::text ~ 'harbour|aaaa') AS calls,
          (SELECT count(*)::int FROM spanmeter.dead_letters) AS letters`,
      );
      assert.deepEqual(found, { calls: 0, letters: 0 });
      const log = collector.lines.join('\n');
      assert.ok(!log.includes('harbour') && !log.includes('aaaa'), 'the log holds content');
    });
  });
});
