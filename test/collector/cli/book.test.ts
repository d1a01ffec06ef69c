import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTenantBooks, parsePriceOverrides } from '@spanmeter/processors';
import type { PriceBook } from '@spanmeter/processors';
import { freshDatabase, sql, type FreshDatabase } from '../../support/database.js';
import { storeUsage } from '../whatif/stored-usage.js';
import { spanmeter, type CliRun } from './running-cli.js';

const YAML = `prices:
  - { provider: openai, model: gpt-4o, input_mtok: '2', output_mtok: '8' }
deployments:
  - { provider: azure, name: bad, model: gpt-4p }
tenants:
  acme:
    discounts: [{ provider: anthropic, multiply: '0.9' }]
`;

describe('spanmeter book', () => {
  let database: FreshDatabase;
  let folder: string;
  let file: string;
  const books = createTenantBooks(
    parsePriceOverrides({
      prices: [{ provider: 'openai', model: 'gpt-4o', input_mtok: '3' }],
      tenants: { acme: { discounts: [{ provider: 'anthropic', multiply: '0.8' }] } },
    }).overrides,
  );
  const run = (...args: string[]): Promise<CliRun> =>
    spanmeter(['book', ...args], { DATABASE_URL: database.url });

  async function store(book: PriceBook): Promise<void> {
    await sql(database.url, 'INSERT INTO spanmeter.price_books (version, content) VALUES ($1, $2)', [
      book.version,
      book.content(),
    ]);
  }

  before(async () => {
    database = await freshDatabase();
    folder = await mkdtemp(join(tmpdir(), 'spanmeter-book-'));
    file = join(folder, 'prices.yaml');
    await writeFile(file, YAML);
    await store(books.shared);
    await store(books.of('acme'));
    await storeUsage(database.url, [
      { at: '2026-11-01T10:00:00Z', model: 'gpt-4o', usage: {}, cost: '1', version: books.shared.version },
    ]);
  });

  after(async () => {
    await database.drop();
    await rm(folder, { recursive: true });
  });

  it('lists stored versions with what they rest on, and the one that prices now', async () => {
    const { code, out, err } = await run('list', '--format', 'json', '--calls', '30');
    assert.equal(code, 0, err);
    const rows = JSON.parse(out) as {
      version: string;
      name: string | null;
      extends: string | null;
      overrides: number;
      calls: number | null;
    }[];
    const shipped = createTenantBooks().shared.version;
    assert.deepEqual([rows[0]?.version, rows[0]?.name], [shipped, 'shipped, current']);
    const stored = rows.find((row) => row.version === books.shared.version);
    assert.deepEqual(
      { ...stored, created_at: null },
      {
        version: books.shared.version,
        name: null,
        created_at: null,
        source: books.shared.source,
        extends: null,
        overrides: 1,
        calls: 1,
      },
    );
    const acme = rows.find((row) => row.version === books.of('acme').version);
    assert.deepEqual([acme?.extends, acme?.overrides, acme?.calls], [books.shared.version, 1, 0]);
    const table = await run('list');
    assert.match(table.out, new RegExp(`^${books.shared.version.slice(0, 12)} .* genai-prices@`, 'm'));
    assert.ok(
      table.out.split('\n').every((line) => line.length <= 80),
      table.out,
    );
    assert.equal((await run('list', '--limit', '0')).code, 2);
  });

  it('compares two versions by the beginnings of their digests, and names what changed', async () => {
    const [shared, acme] = [books.shared.version.slice(0, 8), books.of('acme').version.slice(0, 8)];
    const { code, out } = await run('diff', 'shipped', shared);
    assert.equal(code, 0);
    assert.match(out, /^\+ openai gpt-4o \[operator\] {2}input_mtok 3$/m);
    assert.match(out, /1 added, 0 removed, 0 changed/);
    const json = JSON.parse((await run('diff', shared, acme, '--format', 'json')).out);
    assert.deepEqual(
      json.models.map((diff: { layer: string; model: string }) => [diff.layer, diff.model]),
      [['tenant', '*']],
    );
    assert.equal((await run('diff', shared, acme, '--exit-code')).code, 1);
    assert.equal((await run('diff', shared, shared, '--exit-code')).code, 0);
    assert.match((await run('diff', shared, acme, '--provider', 'openai')).out, /Nothing differs/);
    const mine = await run('diff', shared, 'current', '--prices', file);
    assert.match(
      mine.out,
      /^~ openai gpt-4o \[operator\]\n {4}input_mtok {2}3 -> 2\n {4}output_mtok {2}\+ 8$/m,
    );
    const theirs = await run('diff', 'current', acme, '--prices', file, '--tenant', 'acme');
    assert.match(theirs.out, /discount {2}x 0\.9 -> x 0\.8/);
  });

  it('says which book it cannot find, which it may be, and which was changed', async () => {
    const none = await run('diff', 'shipped', 'ffffffffffff');
    assert.deepEqual([none.code, /no price book ffffffffffff/.test(none.err)], [1, true]);
    assert.equal((await run('diff', 'shipped', 'today')).code, 2);
    await sql(
      database.url,
      `INSERT INTO spanmeter.price_books (version, content) VALUES ('abcd1', '{}'), ('abcd2', '{}')`,
    );
    try {
      const two = await run('diff', 'shipped', 'abcd');
      assert.deepEqual([two.code, /may mean several price books: abcd1, abcd2/.test(two.err)], [2, true]);
      const bad = await run('diff', 'shipped', 'abcd1');
      assert.equal(bad.code, 1);
      assert.match(bad.err, /^error: The stored price book has format null/);
      assert.equal((await run('list')).code, 0);
    } finally {
      await sql(database.url, `DELETE FROM spanmeter.price_books WHERE version LIKE 'abcd%'`);
    }
  });

  it('checks the book of a configuration, and exits 1 for what cannot be priced as meant', async () => {
    const fine = await run('check');
    assert.equal(fine.code, 0);
    assert.match(fine.out, /models on \d+ lists, 0 tenants .*\n?.*\n0 errors, 0 warnings, 0 notes\.\n$/);
    const { code, out } = await run('check', '--prices', file);
    assert.equal(code, 1);
    assert.match(
      out,
      /^error: azure\.ai\.openai bad \(operator\) stands for gpt-4p, which has no price; was\n {2}gpt-4 meant/,
    );
    const json = JSON.parse((await run('check', '--prices', file, '--format', 'json')).out);
    assert.equal(json.findings[0].code, 'deployment_without_price');
    assert.equal((await run('check', '--prices', join(folder, 'none.yaml'))).code, 2);
    assert.equal((await run('check', '--at', 'once')).code, 2);
  });
});
