import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { formatPico, type AttributeValue, type Call } from '@spanmeter/processors';
import { lockReprice, RepriceUnderWay } from '@spanmeter/collector/dist/reprice/reprice.js';
import { GPT_4O, groupOf, NOW_MS, NOW_NANOS, spanOf } from '../../processors/spans.ts';
import { type FreshDatabase, freshDatabase, sql } from '../../support/database.ts';
import {
  adjustmentsIn,
  callsOf,
  disagreements,
  LedgerWriter,
  pricingOf,
  repriceIn,
  spentIn,
} from '../../support/reprice-lab.ts';
import { useTempDir } from '../../support/temp-dir.ts';
import { runApi } from '../api/running-api.ts';
import { defaultConfigFile } from '@spanmeter/collector/dist/cli/start-options.js';
import { type CliRun, spanmeter } from '../cli/running-cli.ts';

const DAY = '2026-11-20';
const OWN: Record<string, AttributeValue> = { ...GPT_4O, 'gen_ai.request.model': 'own-model' };

describe('spanmeter reprice', function () {
  const directory = useTempDir();
  let database: FreshDatabase;
  let ledger: LedgerWriter;

  beforeEach(async () => {
    database = await freshDatabase();
    ledger = new LedgerWriter(database.url, () => NOW_MS);
  });
  afterEach(async () => {
    await ledger.close();
    await database.drop();
  });

  /** Stores one call per set of attributes, priced by the shipped book. */
  async function store(
    attributes: readonly Record<string, AttributeValue>[],
    tenant = 'acme',
    startUnixNano = NOW_NANOS,
  ): Promise<readonly Call[]> {
    const spans = attributes.map((each) =>
      spanOf(each, { startUnixNano, endUnixNano: startUnixNano + 2_500_000_000n }),
    );
    return ledger.write(callsOf([groupOf(spans, { declaredTenant: tenant })], pricingOf()));
  }

  /** Runs the command with a file of prices, for the day of the calls unless `args` say otherwise. */
  async function reprice(file: object | null, ...args: string[]): Promise<CliRun> {
    const given = ['--format', 'json', ...args];
    if (!args.includes('--from')) given.push('--from', DAY, '--to', DAY);
    if (file !== null) {
      const path = join(directory.path, 'prices.yaml');
      await writeFile(path, JSON.stringify(file));
      given.push('--prices', path);
    } else given.push('--config', defaultConfigFile('/'));
    const run = await spanmeter(['reprice', ...given], { DATABASE_URL: database.url, USER: 'ann' });
    assert.deepEqual(await disagreements(database.url), []);
    return run;
  }

  function summaryOf(run: CliRun): Record<string, unknown> {
    assert.equal(run.code, 0, run.err);
    return JSON.parse(run.out.split('\n')[0]!).summary;
  }

  async function effective(): Promise<string[]> {
    const rows = await sql<{ text: string }>(
      database.url,
      `SELECT concat_ws(' ', tenant_id, model, effective_status, effective_cost_usd) AS text
       FROM spanmeter.calls_effective ORDER BY 1`,
    );
    return rows.map((row) => row.text);
  }

  const ownPrice = (rates: object): object => ({
    prices: [{ provider: 'openai', model: 'own-model', ...rates }],
  });

  it('prices calls of a model that had no price, once it has one', async () => {
    await store([OWN, GPT_4O]);
    assert.equal(await spentIn(database.url), '0.007500000000');
    const summary = summaryOf(await reprice(ownPrice({ input_mtok: '3', output_mtok: '6' })));
    assert.deepEqual(summary['rows'], [
      {
        tenant: 'acme',
        model: 'own-model',
        calls: 1,
        changed: 1,
        newly_priced: 1,
        no_longer_priced: 0,
        old_cost_usd: '0.000000000000',
        new_cost_usd: '0.006000000000',
        difference_usd: '0.006000000000',
      },
      {
        tenant: 'acme',
        model: 'gpt-4o',
        calls: 1,
        changed: 0,
        newly_priced: 0,
        no_longer_priced: 0,
        old_cost_usd: '0.007500000000',
        new_cost_usd: '0.007500000000',
        difference_usd: '0.000000000000',
      },
    ]);
    assert.deepEqual(await effective(), [
      'acme gpt-4o priced 0.007500000000',
      'acme own-model priced 0.006000000000',
    ]);
    const [cost] = await sql<{ total_cost: string; count: string }>(
      database.url,
      `SELECT * FROM spanmeter.get_cost_summary('acme', '${DAY}', '${DAY}')`,
    );
    assert.deepEqual([cost!.total_cost, cost!.count], ['0.013500000000', '2']);
    const [stored] = await sql(
      database.url,
      `SELECT cost_usd, cost_status FROM calls WHERE model = 'own-model'`,
    );
    assert.deepEqual(stored, { cost_usd: null, cost_status: 'unpriced_model' }, 'calls are never changed');
  });

  it('changes nothing when run twice, and writes no second run', async () => {
    await store([OWN, GPT_4O, { ...GPT_4O, 'error.type': '500' }]);
    const price = ownPrice({ input_mtok: '3', output_mtok: '6' });
    await reprice(price);
    const before = await effective();
    const again = summaryOf(await reprice(price));
    assert.equal((again['total'] as { changed: number }).changed, 0);
    assert.deepEqual(await effective(), before);
    assert.equal(await adjustmentsIn(database.url), 1);
    const runs = await sql(database.url, 'SELECT state, calls_changed, increase_usd FROM reprice_runs');
    assert.deepEqual(runs, [{ state: 'finished', calls_changed: '1', increase_usd: '0.006000000000' }]);
  });

  it('follows a cut, a raise, a free price and a price that is gone again', async () => {
    await store([OWN, { ...OWN, 'error.type': 'timeout' }]);
    const steps: readonly (readonly [object | null, string, string])[] = [
      [ownPrice({ input_mtok: '3', output_mtok: '6' }), '0.012000000000', 'priced'],
      [ownPrice({ input_mtok: '2', output_mtok: '4' }), '0.008000000000', 'priced'],
      [ownPrice({ input_mtok: '9', output_mtok: '9' }), '0.027000000000', 'priced'],
      [ownPrice({ free: true }), '0.000000000000', 'priced'],
      [null, '0.000000000000', 'unpriced_model'],
      [ownPrice({ per_image: '1' }), '0.000000000000', 'unpriced_dimension'],
    ];
    for (const [file, cost, status] of steps) {
      await reprice(file);
      assert.equal(await spentIn(database.url), cost);
      for (const line of await effective()) assert.ok(line.includes(` ${status}`), line);
    }
    const moves = await sql<{ text: string }>(
      database.url,
      `SELECT concat_ws(' ', delta_usd, old_status, new_status, old_cost_usd IS NULL, new_cost_usd IS NULL) AS text
       FROM cost_adjustments WHERE started_at IS NOT NULL AND span_id = (SELECT min(span_id) FROM calls) ORDER BY id`,
    );
    assert.deepEqual(
      moves.map((row) => row.text),
      [
        '0.006000000000 unpriced_model priced t f',
        '-0.002000000000 priced priced f f',
        '0.009500000000 priced priced f f',
        '-0.013500000000 priced priced f f',
        '0.000000000000 priced unpriced_model f t',
        '0.000000000000 unpriced_model unpriced_dimension t t',
      ],
    );
    const totals = await sql(
      database.url,
      'SELECT direction, amount_usd FROM cost_correction_totals ORDER BY direction',
    );
    assert.deepEqual(totals, [
      { direction: 'down', amount_usd: '0.031000000000' },
      { direction: 'up', amount_usd: '0.031000000000' },
    ]);
  });

  it('keeps to the tenant, the model and the days that it is told, in the time zone of the tenant', async () => {
    await sql(database.url, `INSERT INTO tenants (id, timezone) VALUES ('rome', 'Europe/Rome')`);
    const hour = 3_600_000_000_000n;
    await store([OWN], 'acme');
    await store([OWN, { ...OWN, 'gen_ai.request.model': 'other-model' }], 'rome');
    // 23:30 UTC of the day before is the day itself in Rome; 23:30 UTC of the day is the next one.
    await store([OWN], 'rome', NOW_NANOS - 12n * hour - hour / 2n);
    await store([OWN], 'rome', NOW_NANOS + 11n * hour + hour / 2n);
    const price = ownPrice({ input_mtok: '3', output_mtok: '6' });
    const summary = summaryOf(await reprice(price, '--tenant', 'rome', '--model', 'own-model'));
    assert.deepEqual(
      [summary['from'], summary['to']],
      ['2026-11-19T23:00:00.000000Z', '2026-11-20T23:00:00.000000Z'],
    );
    assert.equal(await adjustmentsIn(database.url), 2);
    assert.equal(await spentIn(database.url, 'rome'), '0.012000000000');
    assert.equal(await spentIn(database.url, 'acme'), '0.000000000000');
    const one = await reprice(price, '--from', '2026-11-20T23:30:00Z', '--to', '2026-11-20T23:30:00.000001Z');
    assert.equal(one.code, 0, one.err);
    assert.equal(await adjustmentsIn(database.url), 3);
  });

  it('uses the prices that a tenant has of its own, and stores its book with the shared one', async () => {
    await store([OWN], 'acme');
    await store([OWN], 'globex');
    const file = {
      ...ownPrice({ input_mtok: '3', output_mtok: '6' }),
      tenants: { acme: ownPrice({ input_mtok: '1', output_mtok: '2' }) },
    };
    await reprice(file, '--tenant', 'acme');
    assert.deepEqual(await effective(), [
      'acme own-model priced 0.002000000000',
      'globex own-model unpriced_model',
    ]);
    const books = await sql<{ version: string; content: string }>(database.url, 'SELECT * FROM price_books');
    assert.equal(books.length, 2);
    const own = books.find((book) => book.content.includes('"extends"'))!;
    assert.ok(books.some((book) => book.version === JSON.parse(own.content).extends));
    const [named] = await sql(
      database.url,
      'SELECT new_price_version, old_price_version FROM cost_adjustments',
    );
    assert.equal(named!['new_price_version'], own.version);
    assert.ok(named!['old_price_version']);
  });

  it('writes nothing on a dry run', async () => {
    await store([OWN, GPT_4O]);
    const counts = `SELECT (SELECT count(*) FROM cost_adjustments) + (SELECT count(*) FROM reprice_runs)
      + (SELECT count(*) FROM price_books) + (SELECT count(*) FROM cost_correction_totals)
      + (SELECT count(*) FROM audit_log) + (SELECT count(*) FROM spend_rollup) AS rows`;
    const [before] = await sql(database.url, counts);
    const run = await reprice(ownPrice({ input_mtok: '3', output_mtok: '6' }), '--dry-run');
    assert.equal((summaryOf(run)['total'] as { changed: number }).changed, 1);
    assert.equal(run.out.trim().split('\n').length, 1);
    assert.deepEqual(await sql(database.url, counts), [before]);
  });

  it('takes no list prices for own ones that it was not told of', async () => {
    await store([OWN]);
    const run = await reprice(ownPrice({ input_mtok: '3', output_mtok: '6' }));
    assert.equal(run.code, 0, run.err);
    const corrected = await adjustmentsIn(database.url);
    const args = ['reprice', '--from', DAY, '--to', DAY];
    const env = { DATABASE_URL: database.url };
    const forgotten = await spanmeter(args, env);
    assert.equal(forgotten.code, 2);
    assert.match(forgotten.err, /own prices \(book [0-9a-f]{12}\).*--config/);
    // An entry of the database makes up for none of the file.
    const other = join(directory.path, 'other.yaml');
    await writeFile(other, 'prices: [{ provider: vllm, model: another, input_mtok: 1 }]');
    assert.equal((await spanmeter(['override', 'add', other], env)).code, 0);
    assert.equal((await spanmeter(args, env)).code, 2);
    assert.equal(await adjustmentsIn(database.url), corrected);
    const meant = await spanmeter([...args, '--config', defaultConfigFile('/'), '--yes'], env);
    assert.equal(meant.code, 0, meant.err);
    assert.equal(await adjustmentsIn(database.url), corrected + 1);
  });

  it('shows people a table and asks them before it acts', async () => {
    await store([OWN, GPT_4O]);
    const path = join(directory.path, 'prices.yaml');
    await writeFile(path, JSON.stringify(ownPrice({ input_mtok: '3', output_mtok: '6' })));
    const args = ['reprice', '--from', DAY, '--to', DAY, '--prices', path];
    const env = { DATABASE_URL: database.url };
    const asked: string[] = [];
    const answer = (yes: boolean) => (question: string) => (asked.push(question), Promise.resolve(yes));
    const refused = await spanmeter(args, env, new Date(), answer(false));
    assert.equal(refused.code, 1);
    assert.match(refused.err, /Nothing was changed/);
    assert.equal(await adjustmentsIn(database.url), 0);
    assert.match(
      refused.out,
      /^Reprice of all tenants in USD, 2026-11-20T00:00:00\.000000Z to 2026-11-21T00:00:00\.000000Z/,
    );
    const line = refused.out.split('\n').find((each) => each.startsWith('acme'))!;
    assert.match(line, /^acme +own-model +1 +1 +none +0\.0060 +0\.0060$/);
    const done = await spanmeter(args, env, new Date(), answer(true));
    assert.equal(done.code, 0, done.err);
    assert.match(done.out, /2 calls looked at, 1 changed, up by 0\.006 USD, down by 0\.00 USD\.\n$/);
    const unasked = await spanmeter([...args, '--yes'], env, new Date(), answer(false));
    assert.match(unasked.out, /today's prices change none/);
    assert.equal(asked.length, 2);
  });

  it('keeps every digit of amounts and of their difference', async () => {
    await store([OWN]);
    // 1000 x 1.23456789e-13 + 500 x 9.87654321e-13 USD, to the twelfth decimal: half to even.
    await reprice(ownPrice({ input_mtok: '0.000000123456789', output_mtok: '0.000000987654321' }));
    assert.equal(await spentIn(database.url), '0.000000000617');
    await reprice(ownPrice({ input_mtok: '99999999999.999999999999', output_mtok: '0' }));
    assert.equal(await spentIn(database.url), '100000000.000000000000');
    await reprice(ownPrice({ input_mtok: '0.000000123456789', output_mtok: '0.000000987654321' }));
    const [last] = await sql<{ delta: string }>(
      database.url,
      'SELECT delta_usd::text AS delta FROM cost_adjustments ORDER BY id DESC LIMIT 1',
    );
    assert.equal(last!.delta, '-99999999.999999999383');
  });

  it('leaves alone what cannot be stored, and says so', async () => {
    await store([{ ...OWN, 'gen_ai.usage.input_tokens': Number.MAX_SAFE_INTEGER }, OWN]);
    const huge = await reprice(ownPrice({ input_mtok: `1${'0'.repeat(26)}`, output_mtok: '1' }));
    const summary = summaryOf(huge);
    assert.equal(summary['unstorable_calls'], 1);
    assert.equal(await adjustmentsIn(database.url), 1);
  });

  it('takes what the emitter reported, or takes it no more, and keeps the reported sums beside it', async () => {
    const reported = { ...GPT_4O, 'gen_ai.usage.cost': 0.5 };
    const [call] = await store([reported]);
    assert.equal(call!.reportedCostPicoUsd, 500_000_000_000n, 'the fixture reports a cost');
    await repriceIn(database.url, pricingOf({}, ['openai']));
    assert.deepEqual(await effective(), ['acme gpt-4o reported 0.500000000000']);
    assert.deepEqual(await disagreements(database.url), []);
    await repriceIn(database.url, pricingOf({}, []));
    assert.deepEqual(await effective(), ['acme gpt-4o priced 0.007500000000']);
    assert.deepEqual(await disagreements(database.url), []);
  });

  it('makes a price of counts that overlap in an unknown way only where every overlap costs the same', async () => {
    const audio = { 'gen_ai.usage.input_audio_tokens': 400, 'gen_ai.usage.cache_read.input_tokens': 300 };
    const half = {
      ...GPT_4O,
      ...audio,
      'gen_ai.request.model': 'gpt-4o-audio-preview',
      'gen_ai.usage.cost': 0.5,
    };
    const [plain] = await store([{ ...half, 'gen_ai.usage.cost': 'none' }]);
    assert.equal(plain!.costStatus, 'unpriced_dimension', 'the fixture overlaps');
    const pricesOf = (audioUsd: string): object => ({
      prices: [
        {
          provider: 'openai',
          model: 'gpt-4o-audio-preview',
          input_mtok: '1',
          output_mtok: '1',
          cache_read_mtok: '1',
          input_audio_mtok: audioUsd,
          cache_read_audio_mtok: '1',
        },
      ],
    });
    const prices = pricesOf('2');
    await repriceIn(database.url, pricingOf(prices));
    assert.deepEqual(await effective(), ['acme gpt-4o-audio-preview unpriced_dimension']);
    await repriceIn(database.url, pricingOf(pricesOf('1')));
    assert.deepEqual(await effective(), ['acme gpt-4o-audio-preview priced 0.001500000000']);
    await repriceIn(database.url, pricingOf(prices));
    assert.deepEqual(await effective(), ['acme gpt-4o-audio-preview unpriced_dimension']);
    const spans = [spanOf(half)];
    await ledger.write(callsOf([groupOf(spans, { declaredTenant: 'beta' })], pricingOf({}, ['openai'])));
    assert.equal((await effective())[1], 'beta gpt-4o-audio-preview reported 0.500000000000');
    await repriceIn(database.url, pricingOf(prices, []));
    assert.equal((await effective())[1], 'beta gpt-4o-audio-preview unpriced_dimension');
  });

  it('says which calls are past the retention and keep their cost', async () => {
    await store([OWN]);
    await store([OWN, OWN], 'acme', NOW_NANOS - 86_400_000_000_000n);
    await sql(database.url, 'DROP TABLE calls_p20261119');
    const price = ownPrice({ input_mtok: '3', output_mtok: '6' });
    const path = join(directory.path, 'p.yaml');
    await writeFile(path, JSON.stringify(price));
    const args = ['reprice', '--from', '2026-11-01', '--to', '2026-11-30', '--prices', path];
    const run = await spanmeter(args, { DATABASE_URL: database.url });
    assert.equal(run.code, 0, run.err);
    assert.match(run.out, /2 calls of this time are past the retention/);
    assert.equal(await spentIn(database.url), '0.006000000000');
  });

  it('lets one reprice at a time into a database', async () => {
    await store([OWN]);
    const holder = new Client({ connectionString: database.url });
    const other = new Client({ connectionString: database.url });
    await Promise.all([holder.connect(), other.connect()]);
    await lockReprice(holder);
    await assert.rejects(lockReprice(other, 20), RepriceUnderWay);
    await holder.end();
    await other.end();
    const price = ownPrice({ input_mtok: '3', output_mtok: '6' });
    const both = await Promise.all([reprice(price), reprice(price)]);
    assert.deepEqual(
      both.map((run) => run.code),
      [0, 0],
    );
    assert.equal(await adjustmentsIn(database.url), 1);
  });

  it('tells the audit log who repriced what', async () => {
    await store([OWN]);
    await reprice(ownPrice({ input_mtok: '3', output_mtok: '6' }), '--reason', 'price list of June');
    const entries = await sql(
      database.url,
      `SELECT actor, action, detail->>'reason' AS reason FROM audit_log ORDER BY id`,
    );
    assert.deepEqual(entries, [
      { actor: 'cli:ann', action: 'reprice.begin', reason: 'price list of June' },
      { actor: 'cli:ann', action: 'reprice.finish', reason: null },
    ]);
  });

  it('exits 2 for bad usage, and names a tenant that is not there', async () => {
    for (const args of [
      ['--from', DAY],
      ['--from', 'yesterday', '--to', DAY],
      ['--from', DAY, '--to', '2026-02-30'],
      ['--from', DAY, '--to', '2026-11-19'],
      ['--from', DAY, '--to', DAY, '--reason', ' '],
      ['--from', DAY, '--to', DAY, '--format', 'csv'],
    ]) {
      const { code, err } = await spanmeter(['reprice', ...args], { DATABASE_URL: database.url });
      assert.equal(code, 2, `${args.join(' ')}: ${err}`);
    }
    const unknown = await reprice(null, '--tenant', 'acne');
    assert.equal(unknown.code, 1);
    assert.match(unknown.err, /There is no tenant "acne"/);
  });

  it('shows corrections to whoever may see the calls, by run, trace and page', async () => {
    await store([OWN, OWN, OWN], 'acme');
    await store([OWN], 'globex');
    const first = await repriceIn(database.url, pricingOf(ownPrice({ input_mtok: '3', output_mtok: '6' })));
    await repriceIn(database.url, pricingOf(ownPrice({ input_mtok: '1', output_mtok: '2' })), {
      tenant: 'acme',
    });
    const api = await runApi(database.url);
    try {
      const all = (await api.get('/api/v1/adjustments')).body.adjustments;
      assert.equal(all.length, 7);
      const [call] = (await api.get('/api/v1/calls?tenant=acme&limit=1')).body.calls;
      assert.deepEqual(
        [call.cost_usd, call.cost_status, call.stored_cost_usd, call.stored_cost_status],
        ['0.002000000000', 'priced', null, 'unpriced_model'],
      );
      const acme = (await api.get('/api/v1/adjustments?tenant=acme&limit=4')).body;
      assert.equal(acme.adjustments.length, 4);
      const cursor = encodeURIComponent(acme.next_cursor);
      const rest = (await api.get(`/api/v1/adjustments?tenant=acme&limit=4&cursor=${cursor}`)).body;
      assert.equal(rest.adjustments.length, 2);
      assert.equal(rest.next_cursor, null);
      const ids = [...acme.adjustments, ...rest.adjustments].map((each: { id: string }) => Number(each.id));
      assert.deepEqual(
        ids,
        ids.toSorted((a, b) => b - a),
      );
      const byRun = (await api.get(`/api/v1/adjustments?run_id=${first.runId}`)).body.adjustments;
      assert.equal(byRun.length, 4);
      const { trace_id: trace, created_at: createdAt } = byRun[0];
      const byTrace = (await api.get(`/api/v1/adjustments?trace_id=${trace}`)).body.adjustments;
      assert.ok(byTrace.every((each: { trace_id: string }) => each.trace_id === trace));
      const since = await api.get(`/api/v1/adjustments?from=${encodeURIComponent(createdAt)}`);
      assert.equal(since.body.adjustments.at(-1).created_at, createdAt);
      assert.deepEqual(
        {
          ...byRun[0],
          id: '',
          span_id: '',
          trace_id: '',
          created_at: '',
          run_id: '',
          old_price_version: '',
          new_price_version: '',
        },
        {
          id: '',
          tenant: byRun[0].tenant,
          started_at: '2026-11-20T12:00:00.000000Z',
          trace_id: '',
          span_id: '',
          created_at: '',
          run_id: '',
          reason: 'test',
          delta_usd: formatPico(6_000_000_000n),
          old_cost_usd: null,
          new_cost_usd: '0.006000000000',
          old_status: 'unpriced_model',
          new_status: 'priced',
          old_price_version: '',
          new_price_version: '',
        },
      );
      for (const bad of [
        'cursor=x',
        `tenant=acme&cursor=${cursor}x`,
        'limit=0',
        'from=x',
        `tenant=globex&cursor=${cursor}`,
      ]) {
        assert.equal((await api.get(`/api/v1/adjustments?${bad}`)).status, 400, bad);
      }
    } finally {
      await api.close();
    }
  });
});
