import assert from 'node:assert/strict';
import { ROOT_CONTEXT, context, propagation, type Context } from '@opentelemetry/api';
import type { EndedProcess } from '../support/ended-process.ts';
import { startOpenaiStandIn, type StandIn } from '../support/provider/index.ts';
import { internal } from './internals.ts';
import { runSetApp } from './set-app.ts';
import { withContexts } from './small-sdk.ts';

let copies = 0;

/** What baggage says of a call, where the variables are these. */
async function attributesOf(
  entries: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  Object.assign(process.env, env);
  try {
    const { baggageAttributes } = await internal('baggage', `copy=${(copies += 1)}`);
    return baggageAttributes(contextWith(entries));
  } finally {
    for (const key of Object.keys(env)) delete process.env[key];
  }
}

function contextWith(entries: Readonly<Record<string, string>>): Context {
  const given = Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, { value }]));
  return propagation.setBaggage(ROOT_CONTEXT, propagation.createBaggage(given));
}

describe('the baggage of a call', () => {
  it('attributes it by the listed keys alone', async () => {
    const entries = { 'tenant.id': 'acme', 'user.id': 'u1', plan: 'gold', 'spanmeter.feature': 'search' };
    assert.deepEqual(await attributesOf(entries), {
      'tenant.id': 'acme',
      'user.id': 'u1',
      'spanmeter.feature': 'search',
    });
    assert.deepEqual(await attributesOf(entries, { SPANMETER_BAGGAGE_KEYS: 'plan, user.id' }), {
      plan: 'gold',
      'user.id': 'u1',
    });
    assert.equal(await attributesOf(entries, { SPANMETER_BAGGAGE_KEYS: 'none' }), undefined);
    assert.equal(await attributesOf({ other: 'x' }), undefined);
  });

  it('has values of at most 256 characters and drops those that are no text', async () => {
    const found = await attributesOf({
      'tenant.id': 'a'.repeat(255) + '😀',
      'team.id': 'line\nbreak',
      'user.id': ' ',
      'session.id': 'b'.repeat(5000),
    });
    assert.deepEqual(found, { 'tenant.id': 'a'.repeat(255), 'session.id': 'b'.repeat(256) });
  });
});

describe('the baggage of what is no call to pay for', () => {
  for (const [operation, keeps] of [
    ['count_tokens', false],
    ['execute_tool', true],
  ] as const) {
    it(`${keeps ? 'stays with the app inside' : 'stays away from'} ${operation}`, async () => {
      const { SdkInstrumentation } = await internal('instrumentation');
      const sdk = { ask: () => propagation.getBaggage(context.active()) !== undefined };
      const kind = { operation, measured: false, request: () => ({}), response: () => ({}) };
      const methods = [{ owner: () => sdk, name: 'ask', kind }];
      const ours = new SdkInstrumentation({ module: 'free-sdk', versions: ['*'], methods, rivals: [] });
      ours.manuallyInstrument(sdk);
      await withContexts(() => {
        assert.equal(context.with(contextWith({ plan: 'gold' }), sdk.ask), keeps);
        return Promise.resolve();
      });
      ours.disable();
    });
  }
});

/** An app with an SDK of its own, whose requests are traced and propagate everything. */
const APP = `
import { createRequire } from 'node:module';
import { context, propagation, trace } from '@opentelemetry/api';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
const memory = new InMemorySpanExporter();
const spanmeter = process.env.BARE === '1' ? undefined : await import('@spanmeter/instrumentation');
const provider = new NodeTracerProvider({
  spanProcessors: [
    ...(spanmeter === undefined ? [] : [new spanmeter.AttributionSpanProcessor()]),
    new SimpleSpanProcessor(memory),
  ],
});
provider.register({
  propagator: new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
});
registerInstrumentations({ instrumentations: [new HttpInstrumentation(), new UndiciInstrumentation()] });
const http = createRequire(import.meta.url)('node:http');
const { default: OpenAI } = await import('openai');
const instrumentations = spanmeter?.createInstrumentations() ?? [];
for (const one of instrumentations) if (one.sdk === 'openai') one.manuallyInstrument({ OpenAI });
const client = new OpenAI({ apiKey: 'sk-test', maxRetries: 0, baseURL: process.env.STAND_IN + '/v1' });
const messages = [{ role: 'user', content: 'hi' }];
const baggage = propagation.createBaggage({
  'tenant.id': { value: 'from-baggage' }, 'user.id': { value: 'u1' }, secret: { value: 'the-plan' },
});
const post = (path) => new Promise((resolve, reject) => {
  const request = http.request(process.env.STAND_IN + path, { method: 'POST', headers: { 'content-type': 'application/json' } },
    (response) => { response.resume(); response.on('end', resolve); });
  request.on('error', reject);
  request.end(JSON.stringify({ model: 'gpt-4o-mini', messages }));
});
await context.with(propagation.setBaggage(context.active(), baggage), async () => {
  await client.chat.completions.create({ model: 'gpt-4o-mini', messages });
  for await (const _ of await client.chat.completions.create({ model: 'gpt-4o-mini', messages, stream: true }));
  if (spanmeter === undefined) return;
  const { metered, withAttribution, attributed } = spanmeter;
  const ask = metered({ provider: 'mine', model: 'm1', url: process.env.STAND_IN }, () => post('/v1/chat/completions'));
  await ask();
  await withAttribution({ tenant: 'from-scope' }, () =>
    client.chat.completions.create({ model: 'gpt-4o-mini', messages }));
  await withAttribution({ tenant: 'from-scope' }, () =>
    client.chat.completions.create(attributed({ model: 'gpt-4o-mini', messages }, { tenant: 'from-call' })));
  // An SDK with spans of its own; the stand-in does not know its path, but it sees the request.
  const { default: Anthropic } = await import('@anthropic-ai/sdk');
  for (const one of instrumentations) if (one.sdk === '@anthropic-ai/sdk') one.manuallyInstrument({ Anthropic });
  const anthropic = new Anthropic({ apiKey: 'k', maxRetries: 0, baseURL: process.env.STAND_IN });
  await anthropic.messages.create({ model: 'claude-stand-in', max_tokens: 9, messages }).catch(() => undefined);
  // Requests that ask no model go to the provider, too.
  await anthropic.messages.countTokens({ model: 'claude-stand-in', messages }).catch(() => undefined);
  await client.models.list().catch(() => undefined);
  // The app's own requests are its own.
  await fetch(process.env.STAND_IN + '/own', { method: 'POST', body: '{}' });
  await post('/own');
  // A framework's call, whose host nobody knows.
  await metered({ provider: 'mine', model: 'm2' }, () =>
    client.chat.completions.create({ model: 'gpt-4o-mini', messages }))();
});
console.log(JSON.stringify(memory.getFinishedSpans().map(({ name, instrumentationScope, attributes }) => ({
  name, scope: instrumentationScope.name, tenant: attributes['tenant.id'], user: attributes['user.id'],
}))));
process.exit(0);
`;

interface AppSpan {
  readonly name: string;
  readonly scope: string;
  readonly tenant?: string;
  readonly user?: string;
}

describe('the baggage of an app whose requests propagate it', function () {
  let standIn: StandIn;

  before(async () => {
    standIn = await startOpenaiStandIn();
  });

  after(() => standIn.close());

  async function run(env: Readonly<Record<string, string>>): Promise<{
    result: EndedProcess;
    sent: (readonly [path: string, baggage: unknown, traced: boolean])[];
    spans: AppSpan[];
  }> {
    const from = standIn.ledger.requests.length;
    const result = await runSetApp({
      set: 'requests',
      code: APP,
      env: { STAND_IN: standIn.url, ...env },
    });
    assert.equal(result.code, 0, result.stderr);
    const sent = standIn.ledger.requests
      .slice(from)
      .map(({ path, headers }) => [path, headers['baggage'], 'traceparent' in headers] as const);
    return { result, sent, spans: JSON.parse(result.stdout) as AppSpan[] };
  }

  const ALL = 'tenant.id=from-baggage,user.id=u1,secret=the-plan';
  const CHAT = '/v1/chat/completions';

  it('goes to the provider without us: what follows can fail', async () => {
    const { sent } = await run({ BARE: '1' });
    assert.deepEqual(sent, [
      [CHAT, ALL, true],
      [CHAT, ALL, true],
    ]);
  });

  it('never reaches a provider, and reaches everybody else as before', async () => {
    const { sent, spans } = await run({});
    assert.deepEqual(sent, [
      [CHAT, undefined, true],
      [CHAT, undefined, true],
      [CHAT, undefined, true],
      [CHAT, undefined, true],
      [CHAT, undefined, true],
      ['/v1/messages', undefined, true],
      ['/v1/messages/count_tokens', undefined, true],
      ['/v1/models', undefined, true],
      ['/own', ALL, true],
      ['/own', ALL, true],
      [CHAT, undefined, true],
    ]);
    const calls = spans.filter(({ scope }) => scope === '@spanmeter/instrumentation');
    assert.deepEqual(
      calls.map(({ tenant, user }) => [tenant, user]),
      [
        ['from-baggage', 'u1'],
        ['from-baggage', 'u1'],
        ['from-baggage', 'u1'],
        ['from-scope', 'u1'],
        ['from-call', 'u1'],
        ['from-baggage', 'u1'],
      ],
    );
    // Spans of the requests are attributed as their calls are, though the baggage is gone there.
    const requests = spans.filter(({ scope }) => scope.startsWith('@opentelemetry/'));
    assert.equal(requests.length, 11);
    assert.deepEqual(
      requests.slice(0, 4).map(({ tenant }) => tenant),
      ['from-baggage', 'from-baggage', 'from-baggage', 'from-scope'],
    );
  });

  it('goes along where the host is listed', async () => {
    const { sent } = await run({ SPANMETER_BAGGAGE_HOSTS: 'llm.example.com, 127.0.0.1' });
    // Anthropic's SDK propagates too, so that its request has the baggage twice.
    for (const [path, baggage] of sent)
      assert.ok(String(baggage).startsWith(ALL), `${path}: ${String(baggage)}`);
    assert.equal(sent.length, 11);
  });
});
