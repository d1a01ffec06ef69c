import assert from 'node:assert/strict';
import { freshDatabase, type FreshDatabase } from '../../support/database.js';
import { runApi, type JsonAnswer, type RunningApi } from './running-api.js';
import { storeCalls, storeTenants, type StoredCall } from './stored-calls.js';

const SAME_TIME = '2026-11-02T10:00:00.123456Z';

interface ListedCall {
  tenant: string;
  span_id: string;
  started_at: string;
}

async function everyPage(
  api: RunningApi,
  path: string,
  between?: () => Promise<void>,
): Promise<ListedCall[]> {
  const calls: ListedCall[] = [];
  let cursor: string | null = null;
  do {
    const { status, body }: JsonAnswer = await api.get(
      cursor === null ? path : `${path}&cursor=${encodeURIComponent(cursor)}`,
    );
    assert.equal(status, 200, JSON.stringify(body));
    calls.push(...body.calls);
    cursor = body.next_cursor;
    await between?.();
  } while (cursor !== null);
  return calls;
}

describe('calls over HTTP', () => {
  let database: FreshDatabase;
  let api: RunningApi;

  before(async () => {
    database = await freshDatabase();
    await storeTenants(database.url, { acme: 'UTC', bolt: 'UTC' });
    const same = Array.from({ length: 23 }, (): StoredCall => ({ tenant: 'acme', at: SAME_TIME }));
    await storeCalls(database.url, [
      ...same,
      ...Array.from({ length: 7 }, (): StoredCall => ({ tenant: 'bolt', at: SAME_TIME })),
      {
        tenant: 'acme',
        at: '2026-11-01T10:00:00Z',
        team: 'pay',
        model: 'm1',
        user: 'ann',
        traceId: 'f'.repeat(32),
      },
      {
        tenant: 'acme',
        at: '2026-11-03T10:00:00Z',
        status: 'unpriced_model',
        cost: null,
        provider: 'openai',
      },
    ]);
    api = await runApi(database.url);
  });

  after(async () => {
    await api.close();
    await database.drop();
  });

  it('pages through calls of one instant, each exactly once', async () => {
    const calls = await everyPage(api, '/api/v1/calls?tenant=acme&limit=5');
    assert.equal(calls.length, 25);
    assert.equal(new Set(calls.map((call) => call.span_id)).size, 25);
    assert.deepEqual(
      calls.map((call) => call.started_at),
      calls
        .map((call) => call.started_at)
        .toSorted()
        .toReversed(),
    );
  });

  it('pages through all tenants, each call exactly once', async () => {
    const calls = await everyPage(api, '/api/v1/calls?limit=4');
    assert.equal(new Set(calls.map((call) => `${call.tenant} ${call.span_id}`)).size, 32);
    assert.equal(calls.length, 32);
  });

  it('neither repeats nor hides a call when others arrive between pages', async () => {
    const before = await everyPage(api, '/api/v1/calls?tenant=bolt&limit=100');
    const during = await everyPage(api, '/api/v1/calls?tenant=bolt&limit=2', () =>
      storeCalls(database.url, [{ tenant: 'bolt', at: '2026-11-04T00:00:00Z' }]),
    );
    assert.deepEqual(
      during.map((call) => call.span_id),
      before.map((call) => call.span_id),
    );
  });

  it('filters by each dimension', async () => {
    for (const filter of [
      `trace_id=${'F'.repeat(32)}`,
      'team=pay',
      'model=m1',
      'user=ann',
      'to=2026-11-01',
      'to=2026-11-01T10:00:00.000001Z',
    ]) {
      const { body } = await api.get(`/api/v1/calls?tenant=acme&${filter}`);
      assert.equal(body.calls.length, 1, filter);
      assert.equal(body.calls[0].trace_id, 'f'.repeat(32), filter);
    }
    for (const filter of ['provider=openai', 'cost_status=unpriced_model', 'from=2026-11-03']) {
      const { body } = await api.get(`/api/v1/calls?tenant=acme&${filter}`);
      assert.equal(body.calls.length, 1, filter);
      assert.equal(body.calls[0].cost_usd, null, filter);
    }
    const none = await api.get('/api/v1/calls?tenant=acme&service_name=nowhere');
    assert.deepEqual(none.body, { calls: [], next_cursor: null });
  });

  it('shows money as exact text, times to the microsecond and counts as numbers', async () => {
    const { body } = await api.get(`/api/v1/calls?tenant=acme&trace_id=${'f'.repeat(32)}`);
    const [call] = body.calls;
    assert.equal(call.cost_usd, '0.001350000000');
    assert.equal(call.started_at, '2026-11-01T10:00:00.000000Z');
    assert.equal(call.input_tokens, 450);
    assert.equal(call.duration_ms, 800.5);
    assert.deepEqual(call.usage, { input: '450', output: '180' });
  });

  it('refuses a limit beyond 1000, a garbled cursor and the cursor of another question', async () => {
    for (const bad of [
      'limit=0',
      'limit=1001',
      'limit=ten',
      'trace_id=xyz',
      'cursor=nonsense',
      'cursor=e30',
    ]) {
      assert.equal((await api.get(`/api/v1/calls?${bad}`)).status, 400, bad);
    }
    const first = await api.get('/api/v1/calls?tenant=acme&limit=1');
    const cursor = encodeURIComponent(first.body.next_cursor);
    assert.equal((await api.get(`/api/v1/calls?tenant=bolt&limit=1&cursor=${cursor}`)).status, 400);
    assert.equal((await api.get(`/api/v1/calls?tenant=acme&team=pay&limit=1&cursor=${cursor}`)).status, 400);
    assert.equal((await api.get(`/api/v1/calls?tenant=acme&limit=9&cursor=${cursor}`)).status, 200);
  });
});
