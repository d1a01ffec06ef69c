import assert from 'node:assert/strict';
import { createTenantBooks, formatPico, parsePico } from '@spanmeter/processors';
import { createReader } from '@spanmeter/collector/dist/api/reader.js';
import { askWhatIf } from '@spanmeter/collector/dist/whatif/ask.js';
import { percent } from '@spanmeter/collector/dist/whatif/sums.js';
import { authenticatorOf, runApi, type Json, type RunningApi } from '../api/running-api.js';
import { freshDatabase, sql, type FreshDatabase } from '../../support/database.js';
import { spanmeter, type CliRun } from '../cli/running-cli.js';
import { adjustCost, storeUsage, type StoredUsage } from './stored-usage.js';

const BOOK = createTenantBooks().shared;
/** USD per million tokens: what the vendors' pages say, in 1e-6 USD a token, apart from the book. */
const GPT_4O = { input: 2.5, cached: 1.25, output: 10 };
const MINI = { input: 0.15, cached: 0.075, output: 0.6 };

interface Tokens {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
}

/** In 1e-12 USD, by integers alone and not by the engine. */
function picoOf(tokens: Tokens, rates: Tokens): bigint {
  const part = (count: number, rate: number): bigint => BigInt(count) * BigInt(Math.round(rate * 1_000_000));
  return (
    part(tokens.input, rates.input) + part(tokens.cached, rates.cached) + part(tokens.output, rates.output)
  );
}

function usageOf({ input, cached, output }: Tokens): Record<string, string> {
  return {
    input: String(input),
    ...(cached === 0 ? {} : { cache_read: String(cached) }),
    output: String(output),
  };
}

function call(tokens: Tokens, more: Partial<StoredUsage> = {}): StoredUsage {
  return {
    at: '2026-11-10T10:00:00Z',
    model: 'gpt-4o',
    responseModel: 'gpt-4o-2024-08-06',
    usage: usageOf(tokens),
    inputTokens: tokens.input + tokens.cached,
    outputTokens: tokens.output,
    cost: formatPico(picoOf(tokens, GPT_4O)),
    version: BOOK.version,
    ...more,
  };
}

/** 700 calls, so that the cursor is read more than once. */
const MANY: readonly Tokens[] = Array.from({ length: 700 }, (_, i) => ({
  input: 100 + ((i * 7919) % 5000),
  cached: i % 3 === 0 ? (i * 31) % 900 : 0,
  output: 1 + ((i * 104_729) % 700),
}));

const TO_MINI = 'from_model=gpt-4o&to_model=gpt-4o-mini&date=2026-11-10';

describe('what stored usage would have cost', () => {
  let database: FreshDatabase;
  let api: RunningApi;
  const ask = async (query: string, key = 'admin'): Promise<Json> => {
    const { status, body } = await api.get(`/api/v1/whatif?${query}`, key);
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  };
  const cli = (...args: string[]): Promise<CliRun> =>
    spanmeter(['whatif', '--date', '2026-11-10', ...args], { DATABASE_URL: database.url });

  before(async () => {
    database = await freshDatabase();
    const trace = { traceId: 'c'.repeat(32), spanId: 'd'.repeat(16) };
    await storeUsage(database.url, [
      ...MANY.map((tokens, i) => call(tokens, { service: i % 2 === 0 ? 'search' : 'chat' })),
      // In no figure: no price today, no call at all, another model, another month.
      call({ input: 1, cached: 0, output: 1 }, { cost: null, status: 'unpriced_dimension' }),
      call({ input: 1, cached: 0, output: 1 }, { cost: null, status: 'duplicate' }),
      call({ input: 1, cached: 0, output: 1 }, { at: '2026-10-10T10:00:00Z' }),
      // A tenant whose calls differ in every way that counts.
      {
        tenant: 'mix',
        at: '2026-11-10T10:00:00Z',
        provider: 'anthropic',
        model: 'claude-sonnet-4-5',
        usage: { input: '1000', cache_read: '8000', cache_write_5m: '2000', output: '100' },
        cost: '0.014400000000',
        version: BOOK.version,
      },
      call(
        { input: 1000, cached: 0, output: 100 },
        { tenant: 'mix', usageSource: 'estimated', version: 'old' },
      ),
      call(
        { input: 1000, cached: 4000, output: 100 },
        { tenant: 'mix', conditions: { serviceTier: 'priority' }, cost: '0.014875' },
      ),
      call(
        { input: 500, cached: 0, output: 10 },
        { tenant: 'mix', cost: null, status: 'unpriced_model', ...trace },
      ),
      {
        tenant: 'mix',
        at: '2026-11-10T10:00:00Z',
        provider: 'openrouter',
        model: 'openai/gpt-4o',
        usage: { input: '1000', output: '100' },
        cost: '0.005',
        status: 'reported',
      },
      {
        tenant: 'mix',
        at: '2026-11-10T10:00:00Z',
        model: 'text-embedding-3-small',
        operation: 'embeddings',
        usage: { input: '1000000' },
        outputTokens: null,
        cost: '0.02',
        version: BOOK.version,
      },
    ]);
    await adjustCost(
      database.url,
      { tenant: 'mix', ...trace, at: '2026-11-10T10:00:00Z' },
      { delta: '0.00135', oldStatus: 'unpriced_model', oldVersion: null, version: BOOK.version },
    );
    api = await runApi(database.url, {
      now: () => new Date('2026-11-21T12:00:00Z'),
      authenticator: authenticatorOf({
        admin: { role: 'admin', tenant: null, team: null, keyId: 'k1' },
        acme: { role: 'read', tenant: 'acme', team: null, keyId: 'k2' },
        mix: { role: 'read', tenant: 'mix', team: null, keyId: 'k3' },
      }),
    });
  });

  after(async () => {
    await api.close();
    await database.drop();
  });

  it('with another model equals an independent sum over all calls, to the last digit', async () => {
    const body = await ask(TO_MINI, 'acme');
    const sum = (rates: Tokens): bigint => MANY.reduce((all, tokens) => all + picoOf(tokens, rates), 0n);
    assert.equal(body.total.calls, 700);
    assert.equal(body.total.cost_usd, formatPico(sum(GPT_4O)));
    assert.equal(body.total.cost_then_usd, formatPico(sum(MINI)));
    assert.equal(body.total.savings_usd, formatPico(sum(GPT_4O) - sum(MINI)));
    assert.equal(body.total.savings_percent, '94.00');
    assert.equal(body.total.unpriced_today_calls, 1);
    assert.deepEqual([body.from, body.to, body.change], ['2026-11-01', '2026-11-30', 'model']);
    assert.match(body.notes[0], /Token counts are those of the model that ran/);
  });

  it('without a cache counts reads and writes as plain input, and leaves other calls as they are', async () => {
    const body = await ask('no_cache=true&date=2026-11-10', 'acme');
    const plain = MANY.reduce(
      (all, { input, cached, output }) => all + picoOf({ input: input + cached, cached: 0, output }, GPT_4O),
      0n,
    );
    assert.equal(body.total.cost_then_usd, formatPico(plain));
    assert.ok(body.total.savings_usd.startsWith('-'), 'caching has saved something');
    const { rows } = await ask('no_cache=true&date=2026-11-10&group_by=provider,model', 'mix');
    const byModel = new Map(rows.map((row: Json) => [row.model, row]));
    const claude = byModel.get('claude-sonnet-4-5') as Json;
    // 11,000 x 3 + 100 x 15 per million, instead of 1,000 x 3 + 8,000 x 0.3 + 2,000 x 3.75 + 100 x 15.
    assert.deepEqual([claude.cost_usd, claude.cost_then_usd], ['0.014400000000', '0.034500000000']);
    const embedding = byModel.get('text-embedding-3-small') as Json;
    assert.deepEqual([embedding.cost_then_usd, embedding.savings_percent], ['0.020000000000', '0.00']);
    assert.equal((byModel.get('openai/gpt-4o') as Json).cost_then_usd, '0.005000000000');
  });

  it('adds up by any groups to the same total', async () => {
    const { total } = await ask(TO_MINI, 'acme');
    for (const groups of ['service_name', 'model,service_name', 'tenant,provider,environment,team']) {
      const { rows } = await ask(`${TO_MINI}&group_by=${groups}`, 'acme');
      for (const name of ['cost_usd', 'cost_then_usd', 'savings_usd']) {
        const sum = rows.reduce((all: bigint, row: Json) => all + parsePico(row[name])!, 0n);
        assert.equal(formatPico(sum), total[name], `${groups} ${name}`);
      }
      assert.deepEqual(Object.keys(rows[0]).slice(0, groups.split(',').length), groups.split(','));
    }
    const { rows } = await ask(`${TO_MINI}&group_by=service_name`, 'acme');
    assert.deepEqual(rows.map((row: Json) => row.service_name).toSorted(), ['chat', 'checkout', 'search']);
  });

  it('sets apart what it cannot price then, with the reason, and says what to know of the rest', async () => {
    const body = await ask('from_model=gpt-4o&to_model=gpt-4-turbo&date=2026-11-10', 'mix');
    // The priority tier has no price for that model; the corrected call counts at what it costs now.
    assert.equal(body.total.calls, 2);
    assert.equal(body.total.cost_usd, '0.004850000000');
    assert.deepEqual(
      [body.total.unpriced_then_calls, body.total.unpriced_then_cost_usd],
      [1, '0.014875000000'],
    );
    assert.deepEqual(body.unpriced_then, [
      { status: 'unpriced_dimension', reason: 'tier priority', calls: 1 },
    ]);
    assert.deepEqual([body.total.estimated_calls, body.other_version_calls], [1, 1]);
  });

  it('counts cached tokens as input where the other model has no price for them, and says so', async () => {
    const body = await ask('from_model=claude-sonnet-4-5&to_model=gpt-4o&date=2026-11-10', 'mix');
    assert.equal(body.to_provider, null);
    // 1,000 + 2,000 written as input, 8,000 read at half: writes have no price of their own.
    assert.equal(body.total.cost_then_usd, '0.018500000000');
    assert.equal(body.cache_as_input_calls, 1);
  });

  it('takes half a usage for no usage: an embedding has no output to price', async () => {
    const body = await ask('from_model=text-embedding-3-small&to_model=gpt-4o&date=2026-11-10', 'mix');
    assert.equal(body.total.calls, 1, 'an embedding needs no output');
    const chat = await ask('from_model=gpt-4o&to_model=text-embedding-3-small&date=2026-11-10', 'mix');
    assert.equal(chat.total.calls, 0);
    assert.equal(chat.total.unpriced_then_calls, 3);
  });

  it('refuses a model that nobody sells, naming the nearest', async () => {
    const refused = await api.get('/api/v1/whatif?from_model=gpt-4o&to_model=gpt-4o-mni', 'acme');
    assert.equal(refused.status, 400);
    assert.match(refused.body.error.message, /no price of a model "gpt-4o-mni".* Did you mean .*gpt-4o-mini/);
    const elsewhere = await api.get(
      '/api/v1/whatif?from_model=gpt-4o&to_model=gpt-4o-mini&to_provider=anthropic',
      'acme',
    );
    assert.equal(elsewhere.status, 400);
    assert.match(elsewhere.body.error.message, /at anthropic\. Did you mean openai gpt-4o-mini/);
    const run = await cli('--from-model', 'gpt-4o', '--to-model', 'gpt-4o-mni');
    assert.equal(run.code, 2);
    assert.match(run.err, /^error: There is no price of a model "gpt-4o-mni"\. Did you mean .*gpt-4o-mini/);
  });

  it('refuses a question that is none, or two', async () => {
    for (const query of [
      '',
      'to_model=gpt-4o',
      'no_cache=true&to_model=gpt-4o&from_model=gpt-4o',
      'no_cache=true&to_provider=openai',
      'no_cache=true&group_by=planet',
      'no_cache=true&group_by=model,model',
      'no_cache=true&date=2026-02-30',
      'no_cache=perhaps',
    ]) {
      assert.equal((await api.get(`/api/v1/whatif?${query}`, 'acme')).status, 400, query);
    }
    assert.equal((await cli()).code, 2);
    assert.equal((await cli('--to-model', 'gpt-4o')).code, 2);
    assert.equal((await cli('--no-cache', '--period', 'year')).code, 2);
  });

  it("prices a tenant's calls by that tenant's own book, and shows no other tenant's", async () => {
    assert.equal((await api.get('/api/v1/whatif?no_cache=true&tenant=mix', 'acme')).status, 403);
    const all = await ask(`${TO_MINI}&group_by=tenant`, 'admin');
    assert.deepEqual(
      all.rows.map((row: Json) => row.tenant),
      ['acme', 'mix'],
    );
    const own = await ask(`${TO_MINI}&group_by=tenant`, 'acme');
    assert.deepEqual(
      own.rows.map((row: Json) => row.tenant),
      ['acme'],
    );
    assert.equal(own.total.calls, 700);
  });

  it('gives one answer at a time, and the turn is free again after it', async () => {
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => api.get(`/api/v1/whatif?${TO_MINI}`, 'acme')),
    );
    const statuses = answers.map((answer) => answer.status).toSorted((a, b) => a - b);
    assert.equal(statuses[0], 200);
    assert.equal(statuses.at(-1), 503);
    assert.ok(answers.some((answer) => Number(answer.headers.get('retry-after')) > 0));
    await ask(TO_MINI, 'acme');
  });

  it('gives the same as a table, CSV and JSON on the command line', async () => {
    const args = ['--from-model', 'gpt-4o', '--to-model', 'gpt-4o-mini', '--tenant', 'acme'];
    const json = await cli(...args, '--format', 'json');
    assert.equal(json.code, 0, json.err);
    const { timezone, ...body } = JSON.parse(json.out);
    assert.equal(timezone, 'UTC');
    const { timezone: _same, ...answered } = await ask(TO_MINI, 'acme');
    assert.deepEqual(body, answered);
    const csv = await cli(...args, '--format', 'csv');
    const fromApi = await api.get(`/api/v1/whatif?${TO_MINI}&format=csv`, 'acme');
    assert.equal(csv.out, fromApi.body);
    assert.match(csv.out.split('\r\n')[0]!, /^model,service_name,calls,cost_usd,cost_then_usd,savings_usd,/);
    assert.match(csv.err, /Token counts are those of the model that ran/);
    const table = await cli(...args);
    assert.match(
      table.out,
      /^What if gpt-4o-mini had run instead of gpt-4o\?\nacme, month 2026-11-01 to 2026-11-30/,
    );
    assert.match(table.out, /It would have cost [\d.]+ USD \(94\.00 %\) less\./);
    assert.ok(
      table.out.split('\n').every((line) => line.length <= 80),
      table.out,
    );
    const cache = await cli('--no-cache', '--tenant', 'acme');
    assert.match(cache.out, /It would have cost [\d.]+ USD \([\d.]+ %\) more\./);
    const apart = await cli(
      '--from-model',
      'gpt-4o',
      '--to-model',
      'text-embedding-3-small',
      '--tenant',
      'mix',
    );
    assert.match(apart.out, /There is nothing to compare/);
    const none = await cli('--no-cache', '--tenant', 'nobody');
    assert.match(none.out, /\n\nNo calls\.\n$/);
  });

  it('refuses more calls than it is given leave for, and names the way out', async () => {
    const reader = createReader(api.pool);
    const request = { period: 'month', date: '2026-11-10', noCache: true, groupBy: 'model' } as const;
    const asked = (maxCalls: number, signal?: AbortSignal): Promise<unknown> =>
      reader.read('acme', (reading) =>
        askWhatIf(reading, createTenantBooks(), request, new Date(), {
          maxCalls,
          ...(signal === undefined ? {} : { signal }),
        }),
      );
    await assert.rejects(asked(700), { name: 'Refusal', code: 'invalid', message: /spanmeter whatif/ });
    await asked(701);
    await assert.rejects(asked(701, AbortSignal.abort()), { code: 'unavailable', message: /given up/ });
  });

  it('leaves the connection as it was: no cursor and no setting outlives a request', async () => {
    await ask(TO_MINI, 'acme');
    const { rows } = await api.pool.query('SELECT name FROM pg_cursors');
    assert.deepEqual(rows, []);
    const [setting] = await sql<{ cursor_tuple_fraction: string }>(
      database.url,
      'SHOW cursor_tuple_fraction',
    );
    assert.equal(setting?.cursor_tuple_fraction, '0.1');
  });
});

describe('a share in percent', () => {
  it('has two decimals, a sign, and none of nothing', () => {
    assert.equal(percent(1n, 3n), '33.33');
    assert.equal(percent(2n, 3n), '66.67');
    assert.equal(percent(-1n, 8n), '-12.50');
    assert.equal(percent(5n, 5n), '100.00');
    assert.equal(percent(0n, 5n), '0.00');
    assert.equal(percent(-1n, 10n ** 9n), '0.00');
    assert.equal(percent(5n, 0n), null);
  });
});
