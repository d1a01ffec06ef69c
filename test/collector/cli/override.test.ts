import assert from 'node:assert/strict';
import { join } from 'node:path';
import { writeFile } from 'node:fs/promises';
import { createPriceBook, NO_OVERRIDES, type PriceOverrides } from '@spanmeter/processors';
import { readCurrentOverrides } from '@spanmeter/collector/dist/prices/current-overrides.js';
import {
  OverrideRows,
  readOverrideRows,
  TooManyOverrides,
} from '@spanmeter/collector/dist/prices/override-rows.js';
import { createOverrideSource } from '@spanmeter/collector/dist/prices/override-source.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';
import { currentPricing } from '@spanmeter/collector/dist/cli/books.js';
import type { CliContext } from '@spanmeter/collector/dist/cli/output.js';
import { Client } from 'pg';
import { REPOSITORY } from '../../support/collector-process.ts';
import { freshDatabase, sql, type FreshDatabase } from '../../support/database.ts';
import { useTempDir } from '../../support/temp-dir.ts';
import { until } from '../../support/until.ts';
import { spanmeter, type CliRun } from './running-cli.ts';

interface Listed {
  readonly id: string;
  readonly tenant: string | null;
  readonly kind: string;
  readonly provider: string;
  readonly model: string;
  readonly from: string | null;
  readonly to: string | null;
  readonly prices: unknown;
  readonly note: string | null;
  readonly createdBy: string | null;
}

/** One entry of every kind, with everything that an entry can have. */
const FILE = `
prices:
  - provider: openai
    model: gpt-4o
    aliases: [mine]
    from: 2026-07-01T00:00:00.123456Z
    to: 2027-07-01
    currency: EUR
    input_mtok: 0.000000000000123
    output_mtok: '8'
    tiers: [{ above: 200000, inclusive: true, input_mtok: '4' }]
    windows: [{ days: [1, 5], except: [2026-10-01], from: '01:00', to: '04:00', input_mtok: '5' }]
    conditions: [{ tier: batch, multiply: '0.5' }, { geo: us, output_mtok: '9', standard: true, from: 2026-08-01 }]
  - { provider: ollama, model: llama3, free: true }
deployments:
  - { provider: azure, name: Chat, model: gpt-4o, model_provider: openai, from: 2026-01-01 }
discounts:
  - { models: ['gpt-*', o3], percent: 10, from: 2026-01-01, to: 2026-02-01 }
  - { provider: openai, rates: { input_mtok: '2' }, currency: EUR }
  - { provider: openai, subtract: { output_mtok: '1' } }
currencies:
  EUR: [{ usd: '1.08' }, { usd: 1.10, from: 2026-07-01 }]
`;

describe('spanmeter override', () => {
  let database: FreshDatabase;
  let client: Client;
  const directory = useTempDir();

  before(async function () {
    database = await freshDatabase();
    client = new Client({ connectionString: database.url });
    await client.connect();
  });
  after(async () => {
    await client?.end();
    await database?.drop();
  });
  afterEach(async () => {
    await sql(database.url, 'TRUNCATE spanmeter.price_overrides, spanmeter.audit_log');
  });

  const run = (...args: string[]): Promise<CliRun> =>
    spanmeter(['override', ...args], { DATABASE_URL: database.url, USER: 'finance' });

  async function add(text: string, ...args: string[]): Promise<CliRun> {
    const file = join(directory.path, 'entries.yaml');
    await writeFile(file, text);
    return run('add', file, ...args);
  }

  async function added(text: string, ...args: string[]): Promise<string> {
    const done = await add(text, ...args);
    assert.equal(done.code, 0, done.err);
    return /entry (\d+)/.exec(done.out)?.[1] ?? '';
  }

  const listed = async (...args: string[]): Promise<Listed[]> =>
    JSON.parse((await run('list', '--format', 'json', ...args)).out) as Listed[];
  const current = (pricesFile: string | null = null): Promise<PriceOverrides> =>
    readCurrentOverrides({ pricesFile, database: client });
  const PRICE = 'prices: [{ provider: openai, model: gpt-4o, input_mtok: 1';

  it('stores every kind of entry so that it means the same as in a file', async () => {
    const stored = await add(FILE, '--note', 'contract 7');
    assert.equal(stored.code, 0, stored.err);
    assert.match(
      stored.out,
      /^Stored 8 entries, \d+ to \d+\. They apply to calls that are priced from now on\.\n$/,
    );
    const [fromDatabase, fromFile] = [
      await current(),
      await readCurrentOverrides({ pricesFile: join(directory.path, 'entries.yaml'), database: null }),
    ];
    const sorted = ({
      prices,
      deployments,
      discounts,
      currencies = [],
    }: PriceOverrides['operator']): string[] =>
      [...prices, ...deployments, ...discounts, ...currencies]
        .map((entry) => instants(canonical(entry)))
        .toSorted();
    assert.deepEqual(sorted(fromDatabase.operator), sorted(fromFile.operator));
    const [row] = await listed();
    assert.deepEqual([row?.note, row?.createdBy, row?.tenant], ['contract 7', 'cli:finance', null]);
    createPriceBook({ layers: [fromDatabase.operator] });
  });

  it('stores nothing of a file with a fault, and says where it is', async () => {
    const refused = await add(`${PRICE} }, { provider: openai, model: m, input_mtok: -1 }]`);
    assert.equal(refused.code, 2);
    assert.match(refused.err, /entries\.yaml:1:\d+ prices\[1\]\.input_mtok must not be negative/);
    assert.deepEqual(await listed(), []);
    assert.equal((await add('prices: []')).code, 2);
    assert.equal((await add(`tenants: { acme: { ${PRICE} }] } }`, '--tenant', 'acme')).code, 2);
    assert.equal((await add(`${PRICE}, currency: EUR }]`)).code, 2);
  });

  it('stores nothing that contradicts what is there, and names the entry', async () => {
    const id = await added(`${PRICE}, from: 2026-07-01, to: 2026-09-01 }]`);
    for (const [text, reason] of [
      [`${PRICE}, from: 2026-07-01T02:00:00+02:00 }]`, `entry ${id} begins at the same time`],
      [`${PRICE}, from: 2026-08-01, to: 2026-10-01 }]`, `it and entry ${id} overlap`],
      [`${PRICE}, from: 2026-06-01, to: 2026-08-01 }]`, `it and entry ${id} overlap`],
    ] as const) {
      const refused = await add(text);
      assert.equal(refused.code, 2, text);
      assert.ok(refused.err.includes(reason), refused.err);
    }
    for (const text of [
      `${PRICE}, from: 2026-07-15, to: 2026-08-01 }]`,
      `${PRICE}, from: 2026-08-01 }]`,
      `${PRICE}, from: 2026-01-01, to: 2026-07-01 }]`,
    ]) {
      assert.equal((await add(text)).code, 0, text);
    }
    const discount = 'discounts: [{ provider: openai, rates: { input_mtok: 1 } }]';
    assert.equal((await add(discount)).code, 0);
    assert.equal((await add(discount.replace('1 }', '2 }'))).code, 2);
    assert.equal((await add(discount.replace('input', 'output'))).code, 0);
    assert.equal((await add(discount, '--tenant', 'acme')).code, 0);
  });

  it('keeps tenants apart in the table, in books and for their readers', async () => {
    await added(`${PRICE} }]`, '--tenant', 'acme');
    await added(`tenants: { globex: { ${PRICE} }] } }`);
    await added('discounts: [{ provider: openai, multiply: 0.5 }]');
    const { operator, tenants } = await current();
    assert.deepEqual([...tenants.keys()].toSorted(), ['acme', 'globex']);
    assert.equal(operator.prices.length, 0);
    assert.deepEqual(
      (await listed('--tenant', 'acme')).map((row) => row.tenant),
      ['acme'],
    );
    assert.deepEqual(
      (await listed('--operator')).map((row) => row.kind),
      ['discount'],
    );
    const reader = await client.query<{ tenant_id: string }>('BEGIN').then(async () => {
      await client.query('SET LOCAL ROLE spanmeter_reader');
      await client.query(`SET LOCAL app.current_tenant = 'acme'`);
      const { rows } = await client.query<{ tenant_id: string }>(
        'SELECT tenant_id FROM spanmeter.price_overrides',
      );
      await client.query(`SET LOCAL app.current_tenant = ''`);
      const none = await client.query('SELECT 1 FROM spanmeter.price_overrides');
      assert.equal(none.rowCount, 0);
      await client.query('ROLLBACK');
      return rows;
    });
    assert.deepEqual(reader, [{ tenant_id: 'acme' }]);
  });

  it('is what commands price by, which tell of rows that they leave out', async () => {
    await added(`${PRICE} }]`, '--tenant', 'acme');
    await sql(
      database.url,
      `INSERT INTO spanmeter.price_overrides (tenant_id, provider, model, prices) VALUES ('', 'openai', 'm', '{}')`,
    );
    let warned = '';
    const context: CliContext = {
      env: {},
      write: () => undefined,
      warn: (text) => (warned += text),
      now: () => new Date(),
      setExitCode: () => undefined,
      columns: 80,
      colours: false,
    };
    const config = [join(REPOSITORY, 'otel-config.yaml')];
    const { books } = await currentPricing({ config }, context, client);
    const rates = (tenant: string): string | undefined =>
      books.of(tenant).match('openai', 'gpt-4o')?.periods[0]?.table.byBucket[0]?.usd;
    assert.deepEqual([rates('acme'), rates('other')], ['1', '2.5']);
    assert.match(
      warned,
      /^warning: price override \d+ cannot be used and is left out: prices\[0\] has no price/,
    );
  });

  it('ends an entry, and in the past only by force', async () => {
    const id = await added(`${PRICE}, from: 2020-01-01 }]`);
    const past = await run('end', id, '--at', '2020-06-01');
    assert.equal(past.code, 2);
    assert.match(past.err, /is in the past, .*--force/);
    const ended = await run('end', id);
    assert.equal(ended.code, 0, ended.err);
    assert.match((await run('end', id, '--at', '2099-01-01')).err, /ends at .* already/);
    const earlier = await run('end', id, '--at', '2020-06-01', '--force');
    assert.equal(earlier.code, 0, earlier.err);
    assert.equal((await listed())[0]?.to, '2020-06-01T00:00:00.000000Z');
    assert.equal((await run('end', '999999')).code, 1);
    assert.equal((await run('end', id, '--at', 'soon')).code, 2);
    const log = await sql<{ action: string; actor: string; target: string }>(
      database.url,
      'SELECT action, actor, target FROM spanmeter.audit_log ORDER BY id',
    );
    assert.deepEqual(log, [
      { action: 'override.add', actor: 'cli:finance', target: id },
      { action: 'override.end', actor: 'cli:finance', target: id },
      { action: 'override.end', actor: 'cli:finance', target: id },
    ]);
  });

  it('calls off an entry that has not begun, after which another may begin at the same time', async () => {
    const id = await added(`${PRICE}, from: 2099-01-01 }]`);
    assert.match((await run('end', id)).out, /is called off/);
    assert.deepEqual((await current()).operator.prices, NO_OVERRIDES.operator.prices);
    await added(`${PRICE}, from: 2099-01-01 }]`);
    assert.equal((await listed()).length, 2);
  });

  it('leaves out rows that SQL made wrong, each by itself, and keeps every digit of the others', async () => {
    await sql(
      database.url,
      `INSERT INTO spanmeter.price_overrides (tenant_id, kind, provider, model, valid_from, valid_to, prices) VALUES
        ('', 'price', 'openai', 'good', NULL, 'infinity', '{"input_mtok": "1"}'),
        ('', 'price', 'openai', 'digits', NULL, NULL, '{"input_mtok": 0.12345678901234567890123}'),
        ('', 'price', 'openai', 'list', NULL, NULL, '[1]'),
        ('', 'price', 'openai', 'none', NULL, NULL, '{}'),
        ('', 'price', 'openai', 'huge', NULL, NULL, jsonb_build_object('input_mtok', repeat('1', 70000))),
        ('', 'price', 'openai', 'twice', NULL, NULL, '{"input_mtok": "1", "model": "x"}'),
        ('', 'price', 'openai', 'proto', NULL, NULL, '{"__proto__": {"input_mtok": "1"}}'),
        ('', 'price', '', 'provider', NULL, NULL, '{"input_mtok": "1"}'),
        ('', 'discount', 'openai', '*', NULL, NULL, '{"multiply": "1e400"}'),
        ('', 'deployment', 'openai', 'a*', NULL, NULL, '{"model": "gpt-4o"}'),
        ('', 'currency', '*', 'euro', NULL, NULL, '{"usd": "1"}'),
        ('', 'price', 'openai', 'same', NULL, NULL, '{"input_mtok": "1"}'),
        ('', 'price', 'OpenAI', 'Same', NULL, NULL, '{"input_mtok": "2"}')`,
    );
    const { overrides, skipped, entries } = await new OverrideRows().read(
      await readOverrideRows(client, 100),
    );
    assert.deepEqual(
      overrides.operator.prices
        .map(({ model, periods }) => `${model} ${periods[0]?.rates.input_mtok}`)
        .toSorted(),
      ['digits 0.12345678901234567890123', 'good 1', 'same 2'],
    );
    assert.deepEqual([entries, skipped.length], [3, 10]);
    assert.ok(skipped.some(({ reason }) => /is newer, for the same thing/.test(reason)));
    await assert.rejects(readOverrideRows(client, 12), TooManyOverrides);
  });

  it('is followed by a running collector on NOTIFY, and again after its connection broke', async function () {
    const reads: number[] = [];
    const connections: Client[] = [];
    const source = createOverrideSource({
      async connect() {
        const own = new Client({ connectionString: database.url, application_name: 'follower' });
        own.on('error', () => undefined);
        await own.connect();
        connections.push(own);
        return own;
      },
      log: SILENT_LOG,
      maxOverrides: 10,
      onRead: ({ entries }) => reads.push(entries),
      pollMs: 60_000,
      retryMs: 20,
    });
    source.start();
    const seen = (count: number): Promise<unknown> =>
      until(
        () => Promise.resolve(reads.at(-1)),
        (last) => last === count,
      );
    try {
      await source.firstRead;
      assert.deepEqual(reads, [0]);
      await added(`${PRICE} }]`);
      await seen(1);
      await sql(
        database.adminUrl,
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'follower'`,
      );
      await until(
        () => Promise.resolve(connections.length),
        (count) => count === 2,
      );
      await added(`${PRICE} }]`, '--tenant', 'acme');
      await seen(2);
      await sql(database.url, `UPDATE spanmeter.price_overrides SET prices = '{}' WHERE tenant_id = 'acme'`);
      await seen(1);
    } finally {
      await source.stop();
    }
  });
});

/** JSON with sorted keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    each !== null && typeof each === 'object' && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}

/** Instants as the database writes them, so that two ways to write one are the same. */
function instants(text: string): string {
  return text.replaceAll(
    /"(from|to)":"(\d{4}-\d{2}-\d{2}(?:T[^"]*)?)"/g,
    (_all, name: string, at: string) => {
      const micros = /\.(\d{6})Z$/.exec(at)?.[1]?.slice(3) ?? '000';
      return `"${name}":"${new Date(at).toISOString().replace('Z', `${micros}Z`)}"`;
    },
  );
}
