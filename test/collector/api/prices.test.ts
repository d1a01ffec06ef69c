import assert from 'node:assert/strict';
import { createTenantBooks, parsePriceOverrides } from '@spanmeter/processors';
import type { TenantBooks } from '@spanmeter/processors';
import type { Identity } from '@spanmeter/collector/dist/pipeline/identity.js';
import { freshDatabase, type FreshDatabase } from '../../support/database.js';
import { storeUsage } from '../whatif/stored-usage.js';
import { authenticatorOf, runApi, type Json, type RunningApi } from './running-api.js';

function books(operatorPrice: string): TenantBooks {
  const model = { provider: 'openai', model: 'gpt-4o', output_mtok: '8' };
  const { overrides, faults } = parsePriceOverrides({
    prices: [
      { ...model, input_mtok: operatorPrice, from: '2026-07-01' },
      { provider: 'vllm', model: 'llama-3.3-70b', per_second: '0.00042' },
    ],
    tenants: {
      a: {
        prices: [{ ...model, input_mtok: '0.125' }],
        discounts: [{ provider: 'anthropic', multiply: '0.9' }],
      },
      b: { prices: [{ provider: 'private', model: 'secret-b', input_mtok: '1' }] },
    },
  });
  assert.deepEqual(faults, []);
  return createTenantBooks(overrides);
}

function key(role: Identity['role'], tenant: string | null): Identity {
  return { role, tenant, team: null, keyId: `k_${role}_${tenant}` };
}

describe('GET /api/v1/prices', () => {
  let database: FreshDatabase;
  let api: RunningApi;
  let current = books('2');
  const prices = async (query: string, as = 'admin'): Promise<Json> => {
    const { status, body } = await api.get(`/api/v1/prices?${query}`, as);
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  };

  before(async () => {
    database = await freshDatabase();
    api = await runApi(database.url, {
      books: () => current,
      now: () => new Date('2026-11-20T12:00:00Z'),
      authenticator: authenticatorOf({
        a: key('read', 'a'),
        b: key('read', 'b'),
        admin: key('admin', null),
        ingest: key('ingest', 'a'),
      }),
    });
  });

  after(async () => {
    await api.close();
    await database.drop();
  });

  it('gives the rates in force at an instant, with their layer, validity and book version', async () => {
    const body = await prices('provider=openai&model=gpt-4o-2024-08-06');
    assert.equal(body.price_version, current.shared.version);
    const [price] = body.prices;
    assert.deepEqual(
      [price.model, price.layer, price.from, price.to, price.rates],
      ['gpt-4o', 'operator', '2026-07-01T00:00:00Z', null, { input_mtok: '2', output_mtok: '8' }],
    );
    const earlier = (await prices('provider=openai&model=gpt-4o&at=2026-06-30T23:59:59Z')).prices[0];
    assert.deepEqual(
      [earlier.layer, earlier.to, earlier.rates.input_mtok],
      ['base', '2026-07-01T00:00:00Z', '2.5'],
    );
    assert.match(earlier.source, /^@pydantic\/genai-prices@/);
  });

  it('gives tiers, windows and conditions, money as text', async () => {
    const [long] = (await prices('provider=openai&model=gpt-5.5')).prices;
    assert.equal(long.tiers[0].above, 272_000);
    assert.equal(long.tiers[0].rates.input_mtok, '10');
    const flex = long.conditions.find((each: Json) => each.value === 'flex');
    assert.deepEqual([flex.condition, flex.multiply], ['tier', '0.5']);
    // Of two lines for one value only the one that applies is shown.
    const region = long.conditions.filter((each: Json) => each.condition === 'region');
    assert.deepEqual(
      region.map((each: Json) => [each.value, each.multiply]),
      [['*', '1.1']],
    );
    const [peak] = (await prices('provider=deepseek&model=deepseek-flash')).prices;
    assert.deepEqual([peak.windows[0].from, peak.windows[0].rates.input_mtok], ['01:00', '0.30']);
    assert.equal(peak.layer, 'overlay');
    assert.equal(peak.reviewed, '2026-11-20');
  });

  it("shows a tenant's own prices to it and to admins, and to nobody else", async () => {
    const input = async (query: string, as: string): Promise<string> =>
      (await prices(`provider=openai&model=gpt-4o${query}`, as)).prices[0].rates.input_mtok;
    assert.equal(await input('', 'a'), '0.125');
    assert.equal(await input('', 'b'), '2');
    assert.equal(await input('', 'admin'), '2');
    assert.equal(await input('&tenant=a', 'admin'), '0.125');
    assert.deepEqual((await prices('provider=anthropic&model=claude-haiku-4-5', 'a')).prices[0].discounts, [
      '0.9',
    ]);
    assert.deepEqual(
      (await prices('provider=anthropic&model=claude-haiku-4-5', 'b')).prices[0].discounts,
      [],
    );
    assert.equal((await api.get('/api/v1/prices?tenant=a', 'b')).status, 403);
    assert.equal((await api.get('/api/v1/prices', 'ingest')).status, 403);
    // Not even in the guess at what was meant, or among the providers.
    const guessed = await api.get('/api/v1/prices?model=secret-c', 'a');
    assert.equal(guessed.status, 400);
    assert.equal(JSON.stringify(guessed.body).includes('secret-b'), false);
    assert.equal(JSON.stringify((await prices('provider=private', 'a')).prices), '[]');
    assert.equal((await prices('provider=private', 'b')).prices[0].model, 'secret-b');
  });

  it("gives all of a provider's prices by pages, each once", async () => {
    const models: string[] = [];
    let cursor = '';
    do {
      const body = await prices(`provider=openai&limit=50${cursor}`);
      assert.ok(body.prices.length <= 50);
      models.push(...body.prices.map((price: Json) => price.model));
      cursor = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`;
    } while (cursor !== '');
    assert.ok(models.length > 80);
    assert.equal(new Set(models).size, models.length);
    assert.ok(models.includes('gpt-4o-mini'));
    const everything: string[] = [];
    let next = '';
    do {
      const body = await prices(`limit=500${next}`, 'b');
      everything.push(...body.prices.map((price: Json) => `${price.provider} ${price.model}`));
      next = body.next_cursor === null ? '' : `&cursor=${body.next_cursor}`;
    } while (next !== '');
    assert.ok(everything.length > 1500);
    assert.equal(new Set(everything).size, everything.length);
    for (const one of [
      'openai gpt-4o',
      'vllm llama-3.3-70b',
      'private secret-b',
      'deepseek deepseek-flash',
    ]) {
      assert.ok(everything.includes(one), one);
    }
    const first = await prices('provider=openai&limit=1');
    const foreign = await api.get(`/api/v1/prices?provider=anthropic&cursor=${first.next_cursor}`, 'admin');
    assert.equal(foreign.status, 400);
    assert.equal((await api.get('/api/v1/prices?cursor=garbage', 'admin')).status, 400);
  });

  it('answers every provider that sells a model where none is named', async () => {
    const { prices: found } = await prices('model=claude-haiku-4-5');
    const providers = found.map((price: Json) => price.provider);
    assert.ok(providers.includes('anthropic') && providers.length > 1, providers.join(', '));
  });

  it('refuses what cannot be asked, naming the nearest model', async () => {
    const unknown = await api.get('/api/v1/prices?provider=openai&model=gpt-4o-mni', 'admin');
    assert.equal(unknown.status, 400);
    assert.match(unknown.body.error.message, /no model "gpt-4o-mni"\. Did you mean openai gpt-4o-mini/);
    for (const query of [
      'at=2026-02-30',
      'at=now',
      'limit=0',
      'limit=501',
      'provider=langchain',
      'models=x',
    ]) {
      assert.equal((await api.get(`/api/v1/prices?${query}`, 'admin')).status, 400, query);
    }
  });

  it('answers by the books of the moment: a change of prices needs no restart', async () => {
    const before = await prices('provider=openai&model=gpt-4o');
    current = books('1.75');
    const after = await prices('provider=openai&model=gpt-4o');
    assert.deepEqual([before.prices[0].rates.input_mtok, after.prices[0].rates.input_mtok], ['2', '1.75']);
    assert.notEqual(after.price_version, before.price_version);
    current = books('2');
  });

  it("prices what-ifs of each tenant by that tenant's own book", async () => {
    const usage = { input: '1000000', output: '1000000' };
    const call = { at: '2026-11-10T10:00:00Z', model: 'gpt-4-turbo', usage, cost: '40' };
    await storeUsage(database.url, [
      { ...call, tenant: 'a' },
      { ...call, tenant: 'b' },
    ]);
    const then = async (as: string): Promise<unknown> => {
      const query = 'from_model=gpt-4-turbo&to_model=gpt-4o&group_by=tenant&date=2026-11-10';
      const { body } = await api.get(`/api/v1/whatif?${query}`, as);
      return body.rows.map((row: Json) => [row.tenant, row.cost_then_usd]);
    };
    const own = ['a', '8.125000000000'];
    const operators = ['b', '10.000000000000'];
    assert.deepEqual(await then('a'), [own]);
    assert.deepEqual(await then('b'), [operators]);
    assert.deepEqual(await then('admin'), [own, operators]);
    // A model of one tenant's own book is unknown to another.
    const secret = await api.get(
      '/api/v1/whatif?from_model=gpt-4-turbo&to_model=secret-b&to_provider=private',
      'a',
    );
    assert.equal(secret.status, 400);
  });
});
