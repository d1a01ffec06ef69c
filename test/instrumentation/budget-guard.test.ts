import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiagLogLevel, diag, type Attributes } from '@opentelemetry/api';
import {
  BudgetExceededError,
  instrument,
  startBudgetGuard,
  type BudgetGuard,
} from '@spanmeter/instrumentation';
import { until } from '../support/until.ts';
import { internal } from './internals.ts';
import { startSink } from './otlp-sink.ts';
import { runApp } from './run-app.ts';

const { admit, refusal } = await internal('budget-guard');
const { holds } = await internal('spent-budgets');
const { budgetGuardFromEnv } = await internal('budget-guard-env');

const SPENT = {
  tenant: 'acme',
  id: 'daily',
  name: 'Daily',
  scope: 'tenant',
  scope_value: null,
  period_end: '2999-01-01T00:00:00.000Z',
  limit_usd: '10.000000000000',
  spent_usd: '10.500000000000',
  refuse: true,
};

interface StatusServer {
  readonly url: string;
  readonly requests: IncomingMessage[];
  budgets: readonly object[];
  status: number;
  /** Tenants that the key may not ask for are answered with 403. */
  keyTenant: string | undefined;
  close(): void;
}

/** What the collector answers guards with. */
async function startStatusServer(): Promise<StatusServer> {
  const requests: IncomingMessage[] = [];
  const server: Server = createServer((request, response) => {
    requests.push(request);
    const asked = new URL(request.url ?? '', 'http://localhost').searchParams.get('tenant');
    const forbidden = lab.keyTenant !== undefined && asked !== null && asked !== lab.keyTenant;
    response.writeHead(forbidden ? 403 : lab.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ as_of: new Date().toISOString(), budgets: lab.budgets, truncated: false }));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const lab: StatusServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    budgets: [SPENT],
    status: 200,
    keyTenant: undefined,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return lab;
}

describe('what an app gets for a refused call', () => {
  const error = new Error('spent');
  const refused = refusal(error) as Promise<unknown> &
    AsyncIterableIterator<unknown> & {
      withResponse(): Promise<unknown>;
      asResponse(): Promise<unknown>;
      withRawResponse(): Promise<unknown>;
      _thenUnwrap(): Promise<unknown>;
      getReader(): { read(): Promise<unknown> };
    };
  const isIt = (caught: unknown): boolean => caught === error;

  it('is a promise that rejects, with the ways of the promises of SDKs', async () => {
    assert.ok(refused instanceof Promise);
    await assert.rejects(async () => await refused, isIt);
    await assert.rejects(
      refused.then(() => 1),
      isIt,
    );
    assert.equal(await refused.catch(() => 'caught'), 'caught');
    await assert.rejects(
      refused.finally(() => undefined),
      isIt,
    );
    await assert.rejects(refused.withResponse(), isIt);
    await assert.rejects(refused.asResponse(), isIt);
    await assert.rejects(refused.withRawResponse(), isIt);
    await assert.rejects(refused._thenUnwrap(), isIt);
    await assert.rejects(Promise.all([refused, Promise.resolve()]), isIt);
  });

  it('is a stream whose first chunk fails, and then no unhandled rejection besides', async () => {
    const unhandled: unknown[] = [];
    const listen = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', listen);
    try {
      const stream = refusal(error) as AsyncIterable<unknown>;
      await assert.rejects(async () => {
        for await (const _ of stream);
      }, isIt);
      await assert.rejects(refused.next(), isIt);
      await assert.rejects(refused.getReader().read(), isIt);
      await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(unhandled, []);
    } finally {
      process.removeListener('unhandledRejection', listen);
    }
  });
});

describe('a spent budget', () => {
  const budget = {
    budget: 'b',
    tenant: 'acme',
    scope: 'tenant',
    scopeValue: null,
    spentUsd: '1',
    limitUsd: '1',
    periodEnd: new Date(0),
  };
  const CALL: Attributes = {
    'tenant.id': 'acme',
    'team.id': 'web',
    'user.id': 'u1',
    'session.id': 's1',
    'spanmeter.feature': 'search',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'gpt-4o-mini-2024-07-18',
    'gen_ai.agent.name': 'helper',
  };
  const DEFAULTS = { serviceName: 'shop', environment: 'prod', keyId: 'k1' };
  const cases: readonly [scope: string, value: string | null, held: boolean][] = [
    ['tenant', null, true],
    ['all', null, true],
    ['team', 'web', true],
    ['team', 'Web', false],
    ['feature', 'search', true],
    ['service_name', 'shop', true],
    ['service_name', 'other', false],
    ['environment', 'prod', true],
    ['provider', 'openai', true],
    ['provider', 'anthropic', false],
    ['model', 'gpt-4o-mini', true],
    ['model', 'gpt-4o-mini-2024-07-18', true],
    ['model', 'gpt-4o', false],
    ['key', 'k1', true],
    ['user', 'u1', true],
    ['user', 'u2', false],
    ['session', 's1', true],
    ['agent', 'helper', true],
    ['novel', 'x', false],
  ];
  for (const [scope, scopeValue, held] of cases) {
    it(`by ${scope} ${scopeValue ?? ''} ${held ? 'holds' : 'does not hold'} the call`, () => {
      assert.equal(holds({ ...budget, scope, scopeValue }, CALL, DEFAULTS), held);
    });
  }

  it('of one tenant holds no other, by what the call, the process or the collector says', () => {
    assert.equal(holds(budget, { 'tenant.id': 'other' }, {}), false);
    assert.equal(holds(budget, {}, { tenant: 'acme' }), true);
    assert.equal(holds(budget, {}, {}), false);
    assert.equal(holds({ ...budget, tenant: 'default' }, {}, {}), true);
    assert.equal(holds({ ...budget, tenant: '' }, { 'tenant.id': 'other' }, {}), true);
    // The key decides, whatever calls say.
    assert.equal(holds(budget, { 'tenant.id': 'other' }, { onlyTenant: true }), true);
  });

  it('by model holds what vendors put behind a name, and no other model', () => {
    const isHeld = (model: string, value: string): boolean =>
      holds({ ...budget, scope: 'model', scopeValue: value }, { ...CALL, 'gen_ai.request.model': model }, {});
    for (const model of [
      'claude-sonnet-4-5',
      'claude-sonnet-4-5-20250929',
      'claude-sonnet-4-5-latest',
      'anthropic/claude-sonnet-4-5',
    ])
      assert.ok(isHeld(model, 'claude-sonnet-4-5'), model);
    for (const model of ['claude-sonnet-4', 'claude-sonnet-4-5-mini', 'my-claude-sonnet-4-5'])
      assert.ok(!isHeld(model, 'claude-sonnet-4-5'), model);
  });
});

describe('a budget guard', () => {
  let server: StatusServer;
  let guard: BudgetGuard | undefined;
  const warnings: string[] = [];

  beforeEach(async () => {
    server = await startStatusServer();
    warnings.length = 0;
    const quiet = (): void => undefined;
    const warn = (text: string): void => void warnings.push(text);
    diag.setLogger(
      { error: warn, warn, info: quiet, debug: quiet, verbose: quiet },
      { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
    );
  });

  afterEach(() => {
    guard?.stop();
    server.close();
    diag.disable();
  });

  const acme = { 'tenant.id': 'acme' };

  it('refuses what a hard budget has no money left for, and says which', async () => {
    guard = startBudgetGuard({ url: server.url });
    assert.equal(admit(acme), undefined);
    await guard.ready;
    const error = admit(acme);
    assert.ok(error instanceof BudgetExceededError);
    assert.equal(error.name, 'BudgetExceededError');
    assert.equal(error.constructor.name, 'BudgetExceededError');
    assert.equal(
      error.message,
      'Budget daily of tenant acme is spent: 10.5 of 10 USD until 2999-01-01T00:00:00.000Z; the call was not made',
    );
    assert.deepEqual(
      [error.budget, error.tenant, error.scope, error.scopeValue, error.spentUsd, error.limitUsd],
      ['daily', 'acme', 'tenant', null, '10.500000000000', '10.000000000000'],
    );
    assert.equal(error.periodEnd.toISOString(), SPENT.period_end);
    assert.equal(admit({ 'tenant.id': 'other' }), undefined);
  });

  it('lets soft budgets, money left and periods that are over pass', async () => {
    server.budgets = [
      { ...SPENT, refuse: false },
      { ...SPENT, period_end: new Date(Date.now() - 1).toISOString() },
    ];
    guard = startBudgetGuard({ url: server.url });
    await guard.ready;
    assert.equal(admit(acme), undefined);
  });

  it('only warns where it is to, once for a budget and its period', async () => {
    guard = startBudgetGuard({ url: server.url, mode: 'warn', fail: 'closed' });
    assert.equal(admit(acme), undefined);
    await guard.ready;
    for (let index = 0; index < 3; index++) assert.equal(admit(acme), undefined);
    server.budgets = [{ ...SPENT, period_end: '2999-01-02T00:00:00.000Z' }];
    await guard.refresh();
    assert.equal(admit(acme), undefined);
    assert.equal(warnings.length, 2);
    assert.match(warnings[0]!, /Budget daily of tenant acme is spent: 10.5 of 10 USD until 2999-01-01/);
  });

  it('asks once per interval, and follows what changes', async () => {
    server.budgets = [];
    guard = startBudgetGuard({ url: server.url, intervalMs: 100 });
    await guard.ready;
    assert.equal(admit(acme), undefined);
    server.budgets = [SPENT];
    const started = performance.now();
    await until(
      () => Promise.resolve(admit(acme)),
      (error) => error !== undefined,
    );
    const asked = server.requests.length;
    assert.ok(asked <= 2 + (performance.now() - started) / 100, String(asked));
    guard.stop();
    assert.equal(admit(acme), undefined);
  });

  it('lets calls through once budgets could not be read three times in a row', async () => {
    // A request may take as long as an interval, and what was read counts for three more.
    guard = startBudgetGuard({ url: server.url, intervalMs: 1000 });
    await guard.ready;
    server.status = 503;
    assert.equal(await guard.refresh(), false);
    // One failure is none: what was read still counts.
    assert.ok(admit(acme) instanceof BudgetExceededError);
    await until(
      () => Promise.resolve(admit(acme)),
      (error) => error === undefined,
    );
    assert.deepEqual(warnings, [
      'spanmeter: the budgets cannot be read (HTTP 503); calls will be let through',
    ]);
  });

  it('refuses them instead where it is to fail closed, also before the first answer', async () => {
    server.status = 503;
    guard = startBudgetGuard({ url: server.url, fail: 'closed' });
    assert.equal(admit(acme)?.name, 'BudgetUnknownError');
    await guard.ready;
    assert.match(admit(acme)?.message ?? '', /not known: HTTP 503/);
    server.status = 200;
    server.budgets = [];
    assert.equal(await guard.refresh(), true);
    assert.equal(admit(acme), undefined);
  });

  it('holds what another copy of the package observes, until it is stopped', async () => {
    const other = await internal('budget-guard', 'another copy');
    guard = startBudgetGuard({ url: server.url });
    await guard.ready;
    assert.ok(other.admit(acme) instanceof BudgetExceededError);
    const own = new Error('of the other copy');
    other.setAdmission(() => own);
    guard.stop();
    assert.equal(admit(acme), own);
    other.setAdmission(undefined);
    assert.equal(admit(acme), undefined);
  });

  it('asks below the path of the URL that it is given', async () => {
    guard = startBudgetGuard({ url: `${server.url}/spanmeter/` });
    await guard.ready;
    assert.equal(server.requests[0]?.url, '/spanmeter/api/v1/budgets/status?limit=1000');
  });

  it('lets nothing that a failing logger throws reach the app', async () => {
    const fail = (): never => {
      throw new Error('the logger failed');
    };
    diag.setLogger(
      { error: fail, warn: fail, info: fail, debug: fail, verbose: fail },
      { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
    );
    guard = startBudgetGuard({ url: 'http://127.0.0.1:9' });
    await guard.ready;
    assert.equal(await guard.refresh(), false);
    assert.equal(instrument(5), 5);
  });

  it('tells the key, from its file too, and learns whether it is that of one tenant', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'spanmeter-guard-'));
    try {
      const keyFile = join(folder, 'key');
      await writeFile(keyFile, 'sm_first\n');
      server.keyTenant = 'acme';
      guard = startBudgetGuard({ url: server.url, keyFile });
      await guard.ready;
      assert.equal(server.requests[0]?.headers.authorization, 'Bearer sm_first');
      // Its key decides whose call it is.
      assert.ok(admit({ 'tenant.id': 'other' }) instanceof BudgetExceededError);
      await writeFile(keyFile, 'sm_second');
      await guard.refresh();
      assert.equal(server.requests.at(-1)?.headers.authorization, 'Bearer sm_second');
      assert.equal(server.requests.length, 3);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  for (const [what, answer] of Object.entries({
    'no JSON': 'hello',
    'no budgets': '{}',
    'odd budgets': '{"budgets":[null,1,{"refuse":true}]}',
  })) {
    it(`is not confused by an answer with ${what}`, async () => {
      const odd = createServer((_request, response) => response.end(answer));
      await new Promise<void>((resolve) => {
        odd.listen(0, '127.0.0.1', resolve);
      });
      guard = startBudgetGuard({ url: `http://127.0.0.1:${(odd.address() as AddressInfo).port}` });
      await guard.ready;
      assert.equal(admit(acme), undefined);
      odd.closeAllConnections();
      odd.close();
    });
  }

  it('starts from the environment, with what calls do not say from the resource', async () => {
    assert.equal(budgetGuardFromEnv({}), undefined);
    assert.equal(budgetGuardFromEnv({ SPANMETER_BUDGET_GUARD: 'perhaps' }), undefined);
    assert.equal(
      budgetGuardFromEnv({ SPANMETER_BUDGET_GUARD: 'block', SPANMETER_API_URL: 'nowhere' }),
      undefined,
    );
    assert.equal(warnings.length, 2);
    server.budgets = [
      { ...SPENT, tenant: 'a b', id: 'service', scope: 'service_name', scope_value: 'shop' },
      { ...SPENT, tenant: 'a b', id: 'environment', scope: 'environment', scope_value: 'prod' },
    ];
    guard = budgetGuardFromEnv({
      SPANMETER_BUDGET_GUARD: 'BLOCK',
      SPANMETER_API_URL: server.url,
      SPANMETER_KEY: 'sm_key',
      SPANMETER_BUDGET_TENANT: 'a b',
      OTEL_SERVICE_NAME: 'shop',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=other,tenant.id=a%20b,deployment.environment.name=test',
    });
    await guard?.ready;
    assert.match(server.requests[0]?.url ?? '', /tenant=a\+b/);
    const error = admit({});
    assert.ok(error instanceof BudgetExceededError);
    assert.equal(error.budget, 'service');
  });

  it('refuses calls of an SDK with spans of its own alike, each with a span that says why', async () => {
    const sink = await startSink();
    const { stdout, stderr } = await runApp({
      code: `
        import Anthropic from '@anthropic-ai/sdk';
        import { startBudgetGuard, withAttribution } from '@spanmeter/instrumentation';
        await startBudgetGuard({ url: '${server.url}' }).ready;
        process.on('unhandledRejection', (error) => console.log('UNHANDLED', error.name));
        const client = new Anthropic({ maxRetries: 0, baseURL: 'http://127.0.0.1:1' });
        const body = { model: 'claude-stand-in', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] };
        const ways = {
          await: () => client.messages.create(body),
          stream: () => client.messages.create({ ...body, stream: true }),
          withResponse: () => client.messages.create(body).withResponse(),
          helper: () => client.messages.stream(body).finalMessage(),
        };
        for (const [way, call] of Object.entries(ways)) {
          await withAttribution({ tenant: 'acme' }, call).catch((error) => console.log(way, (error.cause ?? error).name));
        }`,
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url },
    });
    await sink.close();
    const ways = ['await', 'stream', 'withResponse', 'helper'];
    assert.equal(stdout, ways.map((way) => `${way} BudgetExceededError\n`).join(''), stderr);
    const ours = sink.spans.filter(({ scope }) => scope === '@spanmeter/instrumentation');
    assert.deepEqual(
      ours.map(({ attributes, statusCode }) => [attributes['error.type'], statusCode]),
      ways.map(() => ['BudgetExceededError', 2]),
    );
  });

  it('is heard in warn mode where the app has no diagnostic log, and as the app likes in code', async () => {
    const code = `
      import { metered, startBudgetGuard, withAttribution } from '@spanmeter/instrumentation';
      if (process.env.SPANMETER_BUDGET_GUARD === undefined) {
        const warn = (text, { budget }) => console.log(budget, text.length > 20);
        await startBudgetGuard({ url: '${server.url}', mode: 'warn', warn }).ready;
      }
      const ask = metered({ provider: 'mine', model: 'm1' }, () => 'answered');
      if (process.env.SPANMETER_BUDGET_GUARD !== undefined) {
        let isHeard = false;
        process.once('warning', () => (isHeard = true));
        while (!isHeard) {
          withAttribution({ tenant: 'acme' }, ask);
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      }
      for (let i = 0; i < 3; i++) withAttribution({ tenant: 'acme' }, () => console.log(ask()));`;
    const common = { OTEL_TRACES_EXPORTER: 'none' };
    const env = { ...common, SPANMETER_BUDGET_GUARD: 'warn', SPANMETER_API_URL: server.url };
    const heard = await runApp({ code, env });
    assert.equal(heard.stdout, 'answered\n'.repeat(3), heard.stderr);
    assert.equal(heard.stderr.match(/SpanmeterWarning: Budget daily of tenant acme is spent/g)?.length, 1);
    const own = await runApp({ code, env: common });
    assert.equal(own.stdout, `daily true\n${'answered\n'.repeat(3)}`, own.stderr);
  });

  it('keeps no process alive, and traces nothing of its own', async () => {
    server.budgets = [];
    const env = {
      SPANMETER_BUDGET_GUARD: 'block',
      SPANMETER_API_URL: server.url,
      OTEL_TRACES_EXPORTER: 'none',
    };
    const { code, stderr } = await runApp({
      code: `console.log('done');`,
      env,
    });
    assert.equal(code, 0, stderr);
    // A script that waits for it is kept alive as long as that takes.
    const waiting = await runApp({
      code: `
        import { startBudgetGuard } from '@spanmeter/instrumentation';
        await startBudgetGuard({ url: '${server.url}' }).ready;
        console.log('ready');`,
      preload: 'none',
    });
    assert.deepEqual([waiting.code, waiting.stdout], [0, 'ready\n'], waiting.stderr);
  });
});
