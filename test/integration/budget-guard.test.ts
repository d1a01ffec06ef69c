import assert from 'node:assert/strict';
import type { BudgetStatus } from '@spanmeter/collector/dist/budgets/budget-status.js';
import { BudgetExceededError, startBudgetGuard, type BudgetGuardOptions } from '@spanmeter/instrumentation';
import { internal } from '../instrumentation/internals.ts';
import { runApp } from '../instrumentation/run-app.ts';
import { chatSpan } from '../support/chat-span.ts';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { bearer, startKeyedCollector } from '../support/keyed-collector.ts';
import { buildTraces } from '../support/otlp-builder.ts';
import { postOtlp } from '../support/otlp-client.ts';
import { startOpenaiStandIn, type StandIn } from '../support/provider/index.ts';
import { getApi, settled, spanmeterBeside } from '../support/running-collector.ts';

const { admit } = await internal('budget-guard');

/** Makes calls of two tenants until one is refused, then until it is let through again. */
const APP = `
import OpenAI from 'openai';
import { withAttribution, BudgetExceededError } from '@spanmeter/instrumentation';
const client = new OpenAI({ maxRetries: 0 });
const body = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'hi' }] };
const pause = () => new Promise((resolve) => setTimeout(resolve, 50));
process.on('unhandledRejection', (reason) => console.log('UNHANDLED', reason));
const as = (tenant, call) => withAttribution({ tenant }, call);
const isSpent = (error) => error instanceof BudgetExceededError;
let made = 0;
let error;
while (error === undefined) {
  await as('acme', () => client.chat.completions.create(body)).then(
    () => { made += 1; },
    (caught) => { error = caught; },
  );
  await pause();
}
const ways = {
  await: () => client.chat.completions.create(body),
  stream: async () => { for await (const _ of await client.chat.completions.create({ ...body, stream: true })); },
  withResponse: () => client.chat.completions.create(body).withResponse(),
  asResponse: () => client.chat.completions.create(body).asResponse(),
  parse: () => client.chat.completions.parse(body),
  helper: () => client.chat.completions.stream(body).finalChatCompletion(),
  embeddings: () => client.embeddings.create({ model: 'text-embedding-3-small', input: 'hi' }),
};
const refused = {};
for (const [way, call] of Object.entries(ways)) {
  refused[way] = await as('acme', () => call()).then(
    () => false,
    (caught) => isSpent(caught) || isSpent(caught?.cause) || caught?.name + ': ' + caught?.message,
  );
}
const other = await as('other', () => client.chat.completions.create(body));
console.log(JSON.stringify({
  made,
  budget: error.budget,
  tenant: error.tenant,
  isSpent: isSpent(error),
  refused,
  other: other.choices[0].message.content,
}));
for (;;) {
  const passed = await as('acme', () => client.chat.completions.create(body)).then(
    () => true,
    (caught) => {
      if (!isSpent(caught)) throw caught;
      return false;
    },
  );
  if (passed) break;
  await pause();
}
console.log('open again');
`;

describe('a budget guard beside a running collector', function () {
  let collector: CollectorProcess;
  let standIn: StandIn;

  before(async () => {
    [collector, standIn] = await Promise.all([startCollector(), startOpenaiStandIn()]);
  });

  after(() => Promise.all([collector.dispose(), standIn.close()]));

  it('refuses calls of the tenant that has spent its own, and of nobody once the collector is gone', async () => {
    const added = await spanmeterBeside(
      collector,
      'budget',
      'add',
      'tiny',
      '--tenant=acme',
      '--limit=0.002',
      '--period=day',
      '--hard',
    );
    assert.equal(added.code, 0, added.stderr);
    let told: Record<string, unknown> = {};
    let stored: readonly BudgetStatus[] = [];
    let served = 0;
    const read = async (): Promise<void> => {
      await settled(collector);
      const path = '/api/v1/budgets/status?tenant=acme';
      stored = (await getApi<{ budgets: readonly BudgetStatus[] }>(collector, path)).budgets;
    };
    const { code, stdout, stderr } = await runApp({
      code: APP,
      env: {
        OPENAI_BASE_URL: `${standIn.url}/v1`,
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.ports.http}`,
        OTEL_BSP_SCHEDULE_DELAY: '100',
        SPANMETER_BUDGET_GUARD: 'block',
        SPANMETER_API_URL: `http://127.0.0.1:${collector.ports.api}`,
        SPANMETER_BUDGET_INTERVAL_MS: '300',
      },
      onOutput: (text) => {
        if (!text.startsWith('{')) return;
        told = JSON.parse(text) as Record<string, unknown>;
        served = standIn.ledger.requests.length;
        void read().finally(() => void collector.end('SIGKILL'));
      },
    });
    assert.equal(code, 0, stderr);
    const all = ['await', 'stream', 'withResponse', 'asResponse', 'parse', 'helper', 'embeddings'];
    assert.deepEqual(told, {
      made: told['made'],
      budget: 'tiny',
      tenant: 'acme',
      isSpent: true,
      refused: Object.fromEntries(all.map((way) => [way, true])),
      other: 'A stand-in answers.',
    });
    // What was refused never left: the calls made, and that of the other tenant.
    assert.equal(served, Number(told['made']) + 1);
    const tiny = stored.find(({ id }) => id === 'tiny');
    assert.ok(Number(tiny?.spent_usd) >= 0.002, tiny?.spent_usd);
    // A refused call costs nothing and leaves the sum complete.
    assert.equal(tiny?.complete, true);
    assert.match(stdout, /open again/);
    assert.ok(!stdout.includes('UNHANDLED'), stdout);
  });

  it('goes by its key: that of one tenant is for that tenant alone, that of a gateway names one', async () => {
    const keys = {
      ingest: 'sm_ingest_0123456789abcdef',
      gateway: 'sm_gateway_0123456789abcdef',
      admin: 'sm_admin_0123456789abcdef',
    };
    const keyed = await startKeyedCollector([
      { id: 'ours', key: keys.ingest, role: 'ingest', tenant: 'acme' },
      { id: 'edge', key: keys.gateway, role: 'gateway' },
      { id: 'root', key: keys.admin, role: 'admin' },
    ]);
    try {
      const add = ['budget', 'add', 'tiny', '--tenant=acme', '--limit=0.001', '--period=day', '--hard'];
      assert.equal((await spanmeterBeside(keyed, ...add)).code, 0);
      const body = buildTraces([{ spans: [chatSpan({})] }]);
      const sent = await postOtlp(keyed.ports.http, { body, headers: bearer(keys.ingest) });
      assert.equal(sent.status, 200);
      await settled(keyed);
      const url = `http://127.0.0.1:${keyed.ports.api}`;
      const refuses = async (options: BudgetGuardOptions, tenant: string): Promise<boolean> => {
        const guard = startBudgetGuard({ url, ...options });
        await guard.ready;
        const error = admit({ 'tenant.id': tenant });
        guard.stop();
        return error instanceof BudgetExceededError;
      };
      assert.equal(await refuses({ key: keys.ingest }, 'acme'), true);
      assert.equal(await refuses({ key: keys.ingest }, 'other'), true);
      assert.equal(await refuses({ key: keys.gateway, budgetsOf: 'acme' }, 'acme'), true);
      assert.equal(await refuses({ key: keys.gateway, budgetsOf: 'acme' }, 'other'), false);
      // A gateway that names no tenant, and a key that nobody knows, are told nothing.
      assert.equal(await refuses({ key: keys.gateway }, 'acme'), false);
      assert.equal(await refuses({ key: `${keys.ingest}x` }, 'acme'), false);
      assert.equal(await refuses({ key: keys.admin }, 'acme'), true);
      assert.equal(await refuses({ key: keys.admin }, 'other'), false);
    } finally {
      await keyed.dispose();
    }
  });
});
