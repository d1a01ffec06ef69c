import assert from 'node:assert/strict';
import { startAnthropicStandIn, startOpenaiStandIn, type StandIn } from '../support/provider/index.ts';
import { startSink, type OtlpSink } from './otlp-sink.ts';
import { runApp } from './run-app.ts';

const OWN_SDK = `
import { NodeTracerProvider, SimpleSpanProcessor, InMemorySpanExporter } from '@opentelemetry/sdk-trace-node';
const exporter = new InMemorySpanExporter();
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
const spans = () => exporter.getFinishedSpans();
`;

const CLIENTS = `
import OpenAI from 'openai';
import Anthropic from '@anthropic-ai/sdk';
import { context, trace } from '@opentelemetry/api';
const messages = [{ role: 'user', content: 'hi' }];
const chat = (client = new OpenAI()) => client.chat.completions.create({ model: 'gpt-4o', messages });
const say = (options = {}) =>
  new Anthropic(options).messages.create({ model: 'claude-haiku-4-5', max_tokens: 9, messages });
`;

describe('hook and register beside an SDK of the app', () => {
  let openai: StandIn;
  let anthropic: StandIn;
  let sink: OtlpSink;

  beforeEach(async () => {
    [openai, anthropic, sink] = await Promise.all([
      startOpenaiStandIn(),
      startAnthropicStandIn(),
      startSink(),
    ]);
  });

  afterEach(async () => {
    await Promise.all([openai.close(), anthropic.close(), sink.close()]);
  });

  const run = async (body: string, entry: 'hook' | 'register' = 'hook', env = {}): Promise<unknown> => {
    const result = await runApp({
      code: `${OWN_SDK}${CLIENTS}${body}`,
      entry,
      env: {
        OPENAI_BASE_URL: `${openai.url}/v1`,
        ANTHROPIC_BASE_URL: anthropic.url,
        OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
        ...env,
      },
    });
    assert.equal(result.stderr, '');
    assert.equal(result.code, 0);
    return JSON.parse(result.stdout);
  };

  it('hook adds spans to an SDK that the app starts itself, and starts none', async () => {
    const shown = await run(`
      await chat();
      await say();
      console.log(JSON.stringify(spans().map((span) => [span.name, span.instrumentationScope.name])));`);
    assert.deepEqual(shown, [
      ['chat gpt-4o', '@spanmeter/instrumentation'],
      ['anthropic.messages.create', 'com.anthropic.sdk.typescript'],
    ]);
    assert.equal(sink.bodies.length, 0);
  });

  it("takes over where the Anthropic SDK's own tracing is off", async () => {
    const shown = await run(`
      await say({ openTelemetry: false });
      console.log(JSON.stringify(spans().map((span) => [span.name, span.instrumentationScope.name])));`);
    assert.deepEqual(shown, [['chat claude-haiku-4-5', '@spanmeter/instrumentation']]);
  });

  it('makes the call a child of the span around it', async () => {
    const shown = await run(`
      await trace.getTracer('app').startActiveSpan('outer', async (outer) => {
        await chat();
        outer.end();
      });
      const [call, outer] = spans();
      console.log(JSON.stringify(call.parentSpanContext.spanId === outer.spanContext().spanId));`);
    assert.equal(shown, true);
  });

  it('respects suppressed tracing', async () => {
    const shown = await run(`
      const { suppressTracing } = await import('@opentelemetry/core');
      await context.with(suppressTracing(context.active()), () => chat());
      console.log(JSON.stringify(spans().length));`);
    assert.equal(shown, 0);
  });

  it('steps back under the span of another instrumentation of the same SDK', async () => {
    const shown = await run(`
      const tracer = trace.getTracer('@opentelemetry/instrumentation-openai');
      await tracer.startActiveSpan('chat', { attributes: { 'gen_ai.operation.name': 'chat' } }, async (span) => {
        await chat();
        span.end();
      });
      console.log(JSON.stringify(spans().map((span) => span.instrumentationScope.name)));`);
    assert.deepEqual(shown, ['@opentelemetry/instrumentation-openai']);
  });

  it('holds calls that it steps back from to budgets, and keeps baggage from them', async () => {
    const shown = await run(`
      const { propagation, createContextKey } = await import('@opentelemetry/api');
      const { suppressTracing } = await import('@opentelemetry/core');
      const { startBudgetGuard } = await import('@spanmeter/instrumentation');
      const rival = (body) => trace.getTracer('@opentelemetry/instrumentation-openai')
        .startActiveSpan('chat', { attributes: { 'gen_ai.operation.name': 'chat' } }, body);
      const seen = [];
      const client = new OpenAI({ fetch: (...args) => {
        seen.push(propagation.getBaggage(context.active()) === undefined);
        return fetch(...args);
      } });
      const baggage = propagation.createBaggage({ secret: { value: 'plan' } });
      const ways = [rival, (body) => context.with(suppressTracing(context.active()), body)];
      for (const way of ways) {
        await context.with(propagation.setBaggage(context.active(), baggage), () => way(() => chat(client)));
      }
      // Nobody tells it of budgets, so that it refuses every call.
      startBudgetGuard({ url: 'http://127.0.0.1:9', fail: 'closed' });
      for (const way of ways) await way(() => chat(client)).catch(({ name }) => seen.push(name));
      console.log(JSON.stringify(seen));`);
    assert.deepEqual(shown, [true, true, 'BudgetUnknownError', 'BudgetUnknownError']);
  });

  it('reads the provider from the host and the kind of client', async () => {
    const shown = await run(`
      const { AzureOpenAI } = await import('openai');
      const fetch = async () => new Response('{}', { headers: { 'content-type': 'application/json' } });
      for (const host of ['openrouter.ai/api', 'api.groq.com/openai', 'api.deepseek.com', 'api.x.ai',
        'api.mistral.ai', 'llm.example.com', 'bedrock-runtime.us-east-1.amazonaws.com/openai']) {
        await chat(new OpenAI({ baseURL: 'https://' + host + '/v1', fetch }));
      }
      delete process.env.OPENAI_BASE_URL;
      await chat(new AzureOpenAI({ endpoint: 'https://proxy.example.com', apiVersion: '1', apiKey: 'x', fetch }));
      console.log(JSON.stringify(spans().map(({ attributes }) =>
        [attributes['server.address'], attributes['gen_ai.provider.name'], attributes['server.port']].join(' '))));`);
    assert.deepEqual(shown, [
      'openrouter.ai openrouter 443',
      'api.groq.com groq 443',
      'api.deepseek.com deepseek 443',
      'api.x.ai x_ai 443',
      'api.mistral.ai mistral_ai 443',
      'llm.example.com openai 443',
      'bedrock-runtime.us-east-1.amazonaws.com aws.bedrock 443',
      'proxy.example.com azure.ai.openai 443',
    ]);
  });

  it('records duration and tokens of all calls, native ones too, with a meter provider set later', async () => {
    const shown = await run(`
      const { MeterProvider, InMemoryMetricExporter, PeriodicExportingMetricReader } =
        await import('@opentelemetry/sdk-metrics');
      const { metrics } = await import('@opentelemetry/api');
      const out = new InMemoryMetricExporter(1);
      const reader = new PeriodicExportingMetricReader({ exporter: out, exportIntervalMillis: 1e6 });
      metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
      await chat();
      await say();
      await reader.forceFlush();
      const found = out.getMetrics()[0].scopeMetrics[0].metrics.map(({ descriptor, dataPoints }) =>
        [descriptor.name, dataPoints.map(({ attributes, value }) =>
          [attributes['gen_ai.provider.name'], attributes['gen_ai.token.type'] ?? 'calls', value.count])]);
      console.log(JSON.stringify(found));`);
    assert.deepEqual(shown, [
      [
        'gen_ai.client.operation.duration',
        [
          ['openai', 'calls', 1],
          ['anthropic', 'calls', 1],
        ],
      ],
      [
        'gen_ai.client.token.usage',
        [
          ['openai', 'input', 1],
          ['openai', 'output', 1],
          ['anthropic', 'input', 1],
          ['anthropic', 'output', 1],
        ],
      ],
    ]);
  });

  it('a fault inside the instrumentation is reported once and leaves the app alone', async () => {
    const shown = await run(`
      const { diag, DiagLogLevel } = await import('@opentelemetry/api');
      const said = [];
      const quiet = () => {};
      diag.setLogger({ error: (text) => said.push(text), warn: quiet, info: quiet, debug: quiet, verbose: quiet },
        { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true });
      const client = new OpenAI();
      Object.defineProperty(client, 'baseURL', { value: client.baseURL });
      const body = { messages, get model() { if (new Error().stack.includes('/sdks/')) throw new Error('trap'); return 'gpt-4o'; } };
      const first = await client.chat.completions.create(body);
      const second = await client.chat.completions.create(body);
      console.log(JSON.stringify([first.object, second.object, said.length, spans().length]));`);
    assert.deepEqual(shown, ['chat.completion', 'chat.completion', 1, 0]);
  });
});
