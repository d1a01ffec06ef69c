import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chatSpan } from '../support/chat-span.ts';
import {
  spawnCollector,
  startCollector,
  REPOSITORY,
  type CollectorProcess,
} from '../support/collector-process.ts';
import { freshDatabase, sql, type FreshDatabase } from '../support/database.ts';
import { parseExposition, sumOf } from '../support/exposition-parser.ts';
import { buildTraces } from '../support/otlp-builder.ts';
import { postOtlp } from '../support/otlp-client.ts';
import { getApi, ownMetrics } from '../support/running-collector.ts';
import { startStoppableDatabase } from '../support/stoppable-database.ts';
import { until } from '../support/until.ts';

interface Priced {
  readonly cost: string | null;
  readonly status: string;
  readonly version: string | null;
}

interface PricesStatus {
  readonly prices: {
    readonly version: string;
    readonly files: { readonly valid: boolean; readonly faults: readonly string[] } | null;
    readonly database: {
      readonly entries: number;
      readonly skipped: readonly { readonly id: string }[];
    } | null;
  };
}

const priceFile = (usd: string): string =>
  `prices:\n  - { provider: openai, model: gpt-4o, input_mtok: '${usd}', output_mtok: 0 }\n`;

/** 1,000 input tokens at so many USD per million. */
const costAt = (usd: number): string => `0.${String(usd).padStart(3, '0')}000000000`;

/** A call that began just now, so that what ended a moment ago is over for it. */
function momentary(): { readonly startUnixNano: bigint; readonly endUnixNano: bigint } {
  const now = BigInt(Date.now()) * 1_000_000n;
  return { startUnixNano: now, endUnixNano: now };
}

function overlayOf(options: Readonly<Record<string, string>>): string {
  const lines = Object.entries(options).map(([name, value]) => `    ${name}: ${JSON.stringify(value)}`);
  return `processors:\n  cost:\n    reload_interval: 100ms\n${lines.join('\n')}\n`;
}

describe('own prices of a running collector', function () {
  let database: FreshDatabase;
  let collector: CollectorProcess;
  let folder: string;
  let file: string;

  before(async () => {
    database = await freshDatabase();
    folder = await mkdtemp(join(tmpdir(), 'spanmeter-prices-'));
    file = join(folder, 'prices.yaml');
    await writeFile(file, priceFile('1'));
    await mkdir(join(folder, 'v1'));
    await writeFile(join(folder, 'v1', 'globex.yaml'), 'discounts: [{ multiply: 0.5 }]\n');
    // As a ConfigMap is mounted: a link to a folder that is swapped as a whole.
    await mkdir(join(folder, 'tenants'));
    await symlink('../v1', join(folder, 'tenants', '..data'));
    await symlink('..data/globex.yaml', join(folder, 'tenants', 'globex.yaml'));
    collector = await startCollector({
      env: { DATABASE_URL: database.url },
      overlay: overlayOf({ prices: file, tenant_prices: join(folder, 'tenants') }),
    });
  });
  after(async () => {
    await collector?.dispose();
    await database?.drop();
    await rm(folder, { recursive: true, force: true });
  });

  /** Sends one call of a tenant and resolves with what is stored of it. */
  async function call(tenant: string, changes: Parameters<typeof chatSpan>[0] = {}): Promise<Priced> {
    const span = chatSpan(changes);
    const body = buildTraces([{ resource: { 'tenant.id': tenant }, spans: [span] }]);
    assert.equal((await postOtlp(collector.ports.http, { body })).status, 200);
    const text = `SELECT cost_usd::text AS cost, cost_status AS status, price_version AS version
      FROM spanmeter.calls WHERE trace_id = $1`;
    const [row] = await until(
      () => sql<Priced & Record<string, unknown>>(database.url, text, [span.traceId]),
      (rows) => rows.length === 1,
    );
    return row as Priced;
  }

  const status = (): Promise<PricesStatus> => getApi<PricesStatus>(collector, '/api/v1/status');

  /** Runs a command against the collector's database. */
  function spanmeter(...args: readonly string[]): { code: number | null; out: string; err: string } {
    const main = join(REPOSITORY, 'collector', 'dist', 'main.js');
    const env = { ...process.env, DATABASE_URL: database.url };
    const {
      status: code,
      stdout,
      stderr,
    } = spawnSync(process.execPath, [main, ...args], { cwd: folder, env });
    return { code, out: stdout.toString(), err: stderr.toString() };
  }

  async function replace(text: string): Promise<void> {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  }

  it('apply a changed file to the next calls, under a new book that is stored with them', async () => {
    const before = await call('acme');
    assert.equal(before.cost, costAt(1));
    const { prices } = await status();
    await replace(priceFile('2'));
    await until(status, (now) => now.prices.version !== prices.version);
    const after = await call('acme');
    assert.equal(after.cost, costAt(2));
    assert.notEqual(after.version, before.version);
    const stored = await sql<{ content: string }>(
      database.url,
      'SELECT content FROM spanmeter.price_books WHERE version = ANY($1) ORDER BY created_at',
      [[before.version, after.version]],
    );
    const rates = stored.map(({ content }) => /"input_mtok":"([^"]*)"/.exec(content)?.[1]);
    assert.deepEqual(rates, ['1', '2']);
    const counted = await ownMetrics(collector);
    assert.equal(sumOf(counted, 'spanmeter_price_reloads_total', { source: 'files', outcome: 'applied' }), 1);
  });

  it('keep the old ones where a file is wrong or gone, and tell of each fault once', async () => {
    const { prices } = await status();
    const cost = (await call('acme')).cost;
    await replace(`${priceFile('3')}  - { provider: openai, model: gpt-4o-mini, input_mtok: cheap }\n`);
    const wrong = await until(status, (now) => now.prices.files?.valid === false);
    assert.match(wrong.prices.files?.faults[0] ?? '', /prices\.yaml:3:\d+ prices\[1\]\.input_mtok must be/);
    assert.equal(sumOf(await ownMetrics(collector), 'spanmeter_price_files_valid'), 0);
    assert.equal((await call('acme')).cost, cost);
    assert.equal((await status()).prices.version, prices.version);
    const lines = collector.lines.filter((line) => line.includes('prices[1].input_mtok'));
    assert.equal(lines.length, 1, lines.join('\n'));

    await rm(file);
    await until(status, (now) => now.prices.files?.faults[0]?.includes('does not exist') === true);
    assert.equal((await call('acme')).cost, cost);
    await replace(priceFile('2'));
    await until(status, (now) => now.prices.files?.valid === true);
    assert.equal((await status()).prices.version, prices.version);
  });

  it("apply a tenant's file to that tenant alone, also where a link is swapped", async () => {
    const [acme, globex] = [await call('acme'), await call('globex')];
    assert.deepEqual([acme.cost, globex.cost], [costAt(2), costAt(1)]);
    await mkdir(join(folder, 'v2'));
    await writeFile(join(folder, 'v2', 'globex.yaml'), 'discounts: [{ multiply: 1.5 }]\n');
    await symlink('../v2', join(folder, 'tenants', '..data_new'));
    await rename(join(folder, 'tenants', '..data_new'), join(folder, 'tenants', '..data'));
    await until(
      () => call('globex'),
      (now) => now.cost === costAt(3),
    );
    assert.equal((await call('acme')).cost, costAt(2));
  });

  it("keep tenants' own where their folder is empty at once, and give up one whose file alone is gone", async () => {
    const link = join(folder, 'tenants', 'globex.yaml');
    await rm(link);
    await until(status, (now) => now.prices.files?.valid === false);
    assert.equal((await call('globex')).cost, costAt(3));
    await writeFile(join(folder, 'tenants', 'initech.yaml'), 'discounts: [{ multiply: 2 }]\n');
    await until(
      () => call('initech'),
      (now) => now.cost === costAt(4),
    );
    assert.equal((await call('globex')).cost, costAt(2));
    await symlink('..data/globex.yaml', link);
    await until(
      () => call('globex'),
      (now) => now.cost === costAt(3),
    );
  });

  it('apply what "override add" stores within seconds, to its tenant alone, until "override end"', async () => {
    const entries = join(folder, 'entries.yaml');
    await writeFile(entries, priceFile('7'));
    const added = spanmeter('override', 'add', entries, '--tenant', 'acme', '--note', 'contract 7');
    assert.equal(added.code, 0, added.err);
    const id = /entry (\d+)/.exec(added.out)?.[1] ?? '';
    await until(status, (now) => now.prices.database?.entries === 1);
    assert.equal((await call('acme')).cost, costAt(7));
    assert.equal((await call('other')).cost, costAt(2));
    const again = spanmeter('override', 'add', entries, '--tenant', 'acme');
    assert.equal(again.code, 2);
    assert.match(again.err, new RegExp(`price openai gpt-4o of acme: entry ${id} begins at the same time`));

    const ended = spanmeter('override', 'end', id);
    assert.equal(ended.code, 0, ended.err);
    await until(
      () => call('acme', momentary()),
      (now) => now.cost === costAt(2),
    );
    const audit = await sql<{ action: string; tenant_id: string }>(
      database.url,
      `SELECT action, tenant_id FROM spanmeter.audit_log WHERE action LIKE 'override.%' ORDER BY id`,
    );
    assert.deepEqual(audit, [
      { action: 'override.add', tenant_id: 'acme' },
      { action: 'override.end', tenant_id: 'acme' },
    ]);
  });

  it('leave out a row that is no price, and keep the others', async () => {
    const [{ id } = { id: '' }] = await sql<{ id: string }>(
      database.url,
      `INSERT INTO spanmeter.price_overrides (tenant_id, provider, model, valid_from, prices) VALUES
         ('acme', 'openai', 'gpt-4o', '2026-01-01Z', '{"input_mtok": "-1"}'),
         ('globex', 'openai', 'gpt-4o', '2026-01-01Z', '{"input_mtok": 9.000, "output_mtok": "0"}')
       RETURNING id::text`,
    );
    const now = await until(status, ({ prices }) => prices.database?.skipped.length === 1);
    assert.equal(now.prices.database?.skipped[0]?.id, id);
    assert.equal((await call('acme', momentary())).cost, costAt(2));
    // The tenant's discount of one and a half multiplies its own price, too.
    assert.equal((await call('globex')).cost, '0.013500000000');
    await collector.seen('A price override of the database cannot be used');
  });

  it('refuse to start with exit code 2 where a file is wrong, and validate says the same', async () => {
    const wrong = join(folder, 'wrong.yaml');
    await writeFile(wrong, 'prices:\n  - { provider: openai, model: m }\n');
    const overlay = overlayOf({ prices: wrong });
    const refused = await spawnCollector({ overlay });
    try {
      assert.equal(await refused.ended, 2);
      assert.ok(
        refused.lines.some((line) => line.includes(`${wrong}:2:5 prices[0] has no price`)),
        refused.lines.join('\n'),
      );
    } finally {
      await refused.dispose();
    }
    const config = join(folder, 'config.yaml');
    await writeFile(config, overlay);
    const checked = spanmeter(
      'validate',
      '--config',
      join(REPOSITORY, 'otel-config.yaml'),
      '--config',
      config,
    );
    assert.equal(checked.code, 2);
    assert.ok(checked.err.includes(`${wrong}:2:5 prices[0] has no price`), checked.err);
  });
});

describe('own prices of a collector whose database is away', function () {
  it('are waited for before anything is priced, and those read last apply while it is away again', async () => {
    const database = await startStoppableDatabase();
    const first = await startCollector({ env: { DATABASE_URL: database.url } });
    await first.dispose();
    await sql(
      database.url,
      `INSERT INTO spanmeter.price_overrides (tenant_id, provider, model, prices)
       VALUES ('', 'openai', 'gpt-4o', '{"input_mtok": "5", "output_mtok": "0"}')`,
    );
    await database.stop();
    const collector = await startCollector({ env: { DATABASE_URL: database.url } });
    const send = async (): Promise<void> => {
      const body = buildTraces([{ resource: {}, spans: [chatSpan()] }]);
      assert.equal((await postOtlp(collector.ports.http, { body })).status, 200);
    };
    const costs = (): Promise<{ cost: string }[]> =>
      sql(database.url, 'SELECT cost_usd::text AS cost FROM spanmeter.calls ORDER BY started_at');
    try {
      await send();
      await database.start();
      assert.deepEqual(await until(costs, (rows) => rows.length === 1), [{ cost: costAt(5) }]);
      await database.stop();
      await send();
      await database.start();
      const all = await until(costs, (rows) => rows.length === 2);
      assert.deepEqual(all, [{ cost: costAt(5) }, { cost: costAt(5) }]);
      const scraped = parseExposition(
        await (await fetch(`http://127.0.0.1:${collector.ports.telemetry}/metrics`)).text(),
      );
      assert.equal(sumOf(scraped, 'spanmeter_price_overrides', { state: 'used' }), 1);
    } finally {
      await collector.dispose();
      await database.dispose();
    }
  });
});
