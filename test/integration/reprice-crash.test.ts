import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { createCost, type Call } from '@spanmeter/processors';
import { sampleCall } from '../collector/postgres/sample-call.ts';
import { REPOSITORY } from '../support/collector-process.ts';
import { type FreshDatabase, freshDatabase, sql } from '../support/database.ts';
import { disagreements, LedgerWriter } from '../support/reprice-lab.ts';
import { useTempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';

/** Several pages of 5,000. */
const CALLS = 16_000;
const BATCH = 4_000;
const DAY_MS = 86_400_000;
const MODELS = ['gpt-4o', 'gpt-4o-mini', 'own-large', 'own-small', 'no-such-model'] as const;

const price = (mtok: string): object => ({
  prices: [
    { provider: 'openai', model: 'gpt-4o', input_mtok: mtok, output_mtok: '7', cache_read_mtok: '1' },
    { provider: 'openai', model: 'own-large', input_mtok: mtok, output_mtok: '0.123456789' },
    { provider: 'openai', model: 'own-small', free: true },
  ],
});

function callsFrom(first: number, count: number, salt = ''): Call[] {
  const startMs = Math.floor(Date.now() / DAY_MS) * DAY_MS - 2 * DAY_MS;
  const calls = Array.from({ length: count }, (_, i) => {
    const ids = createHash('sha256')
      .update(`${salt} ${first + i}`)
      .digest('hex');
    const seed = parseInt(ids.slice(48, 55), 16);
    const model = MODELS[seed % MODELS.length]!;
    return sampleCall(startMs + Math.floor(((first + i) / CALLS) * 2 * DAY_MS), {
      traceId: ids.slice(0, 32),
      spanId: ids.slice(32, 48),
      tenantId: `tenant-${seed % 7}`,
      model,
      requestModel: model,
      responseModel: null,
      usage: { input: String(seed % 5000), output: String(seed % 700) },
      inputTokens: seed % 5000,
      outputTokens: seed % 700,
      cacheReadTokens: null,
      reasoningTokens: null,
      costStatus: 'unpriced_model',
      costPicoUsd: null,
      priceVersion: null,
      errorType: seed % 11 === 0 ? '500' : null,
    });
  });
  const context = {
    receivedUnixMs: 0,
    role: 'open' as const,
    tenant: null,
    declaredTenant: null,
    keyId: null,
    team: null,
  };
  createCost()([{ context, spans: [], calls, rejections: [] }]);
  return calls;
}

async function store(url: string): Promise<void> {
  const ledger = new LedgerWriter(url);
  for (let first = 0; first < CALLS; first += BATCH) {
    await ledger.write(callsFrom(first, Math.min(BATCH, CALLS - first)));
  }
  await ledger.close();
}

interface Cli {
  readonly child: ChildProcess;
  /** Standard output and error so far. */
  text(): string;
  /** Resolves with the exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>;
  kill(): Promise<void>;
}

function startCli(url: string, prices: string): Cli {
  const main = join(REPOSITORY, 'collector', 'dist', 'main.js');
  const from = new Date(Date.now() - 3 * DAY_MS).toISOString().slice(0, 10);
  const to = new Date(Date.now() + DAY_MS).toISOString().slice(0, 10);
  const args = [main, 'reprice', '--from', from, '--to', to, '--prices', prices];
  const child = spawn(process.execPath, args, {
    env: { ...process.env, DATABASE_URL: url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => (text += part));
  }
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return {
    child,
    text: () => text,
    ended,
    async kill() {
      child.kill('SIGKILL');
      assert.equal(await ended, null, 'it ended before it was killed');
    },
  };
}

/** What a run leaves behind, without what differs from one run to the next. */
async function outcome(url: string): Promise<object> {
  const digest = (text: string): Promise<object[]> =>
    sql(url, `SELECT count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM (${text}) AS t`);
  return {
    adjustments: await digest(
      `SELECT tenant_id, started_at, trace_id, span_id, reason, delta_usd, old_status, new_status, old_price_version,
         new_price_version, old_cost_usd, new_cost_usd FROM spanmeter.cost_adjustments`,
    ),
    rollups: await digest(
      `SELECT tenant_id, bucket_start, model, cost_status, sum(calls), sum(errors), sum(input_tokens),
         sum(output_tokens), sum(cost_usd) FROM spanmeter.spend_rollup GROUP BY 1, 2, 3, 4`,
    ),
    totals: await digest(
      'SELECT tenant_id, model, operation, service_name, direction, amount_usd FROM spanmeter.cost_correction_totals',
    ),
    runs: await sql(
      url,
      `SELECT state, calls_looked_at, calls_changed, calls_newly_priced, calls_no_longer_priced, increase_usd,
         decrease_usd FROM spanmeter.reprice_runs WHERE state <> 'abandoned'`,
    ),
    books: await digest('SELECT version FROM spanmeter.price_books'),
  };
}

async function done(url: string): Promise<number> {
  const rows = await sql<{ done: string }>(
    url,
    `SELECT coalesce(sum(calls_looked_at), 0)::text AS done FROM spanmeter.reprice_runs WHERE state = 'running'`,
  );
  return Number(rows[0]!.done);
}

describe('a reprice that is killed', function () {
  this.timeout(600_000);
  const directory = useTempDir();
  let database: FreshDatabase;
  let other: FreshDatabase | null = null;

  beforeEach(async () => {
    database = await freshDatabase();
    await store(database.url);
  });
  afterEach(async () => {
    await database.drop();
    await other?.drop();
    other = null;
  });

  async function prices(mtok: string): Promise<string> {
    const path = join(directory.path, `prices-${mtok}.yaml`);
    await writeFile(path, JSON.stringify(price(mtok)));
    return path;
  }

  async function expectWhole(cli: Cli): Promise<void> {
    assert.equal(await cli.ended, 0, cli.text());
    assert.deepEqual(await disagreements(database.url), []);
  }

  /** Advisory locks that are held in the database. */
  async function held(): Promise<number> {
    const rows = await sql(
      database.url,
      `SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
       WHERE d.datname = current_database() AND l.locktype = 'advisory' AND l.granted`,
    );
    return rows.length;
  }

  /** Kills the process while a transaction of it is held up after its corrections were written. */
  async function killInside(cli: Cli, afterCalls: number): Promise<void> {
    const holder = new Client({ connectionString: database.url });
    await holder.connect();
    await until(
      () => done(database.url),
      (calls) => calls >= afterCalls,
    );
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE spanmeter.cost_correction_totals IN SHARE ROW EXCLUSIVE MODE');
    const waiting = `SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'spanmeter.cost_correction_totals'::regclass`;
    await until(
      () => sql(database.url, waiting),
      (rows) => rows.length > 0,
    );
    await cli.kill();
    await holder.query('ROLLBACK');
    await holder.end();
  }

  it('and run again comes to what an uninterrupted run comes to, wherever it was killed', async () => {
    const file = await prices('3.000000001');
    const planning = startCli(database.url, file);
    await until(held, (locks) => locks > 0);
    await planning.kill();

    const between = startCli(database.url, file);
    await until(
      () => done(database.url),
      (calls) => calls >= 5_000,
    );
    await between.kill();
    const afterFirst = await done(database.url);
    assert.deepEqual(await disagreements(database.url), []);

    const inside = startCli(database.url, file);
    await killInside(inside, afterFirst);
    await until(held, (locks) => locks === 0);
    assert.deepEqual(await disagreements(database.url), []);

    const last = startCli(database.url, file);
    await expectWhole(last);
    assert.match(last.text(), /Continues run [0-9a-f-]{36}, which was interrupted after [\d,]+ calls/);
    const runs = await sql(database.url, 'SELECT DISTINCT run_id FROM spanmeter.cost_adjustments');
    assert.equal(runs.length, 1);

    other = await freshDatabase();
    await store(other.url);
    const whole = startCli(other.url, file);
    assert.equal(await whole.ended, 0, whole.text());
    assert.deepEqual(await outcome(database.url), await outcome(other.url));
  });

  it('is given up where prices are others by then, and nothing is corrected twice', async () => {
    const first = startCli(database.url, await prices('3'));
    await until(
      () => done(database.url),
      (calls) => calls >= 5_000,
    );
    await first.kill();
    const second = startCli(database.url, await prices('4'));
    await expectWhole(second);
    assert.doesNotMatch(second.text(), /Continues run/);
    const states = await sql<{ state: string }>(
      database.url,
      'SELECT state FROM reprice_runs ORDER BY started_at',
    );
    assert.deepEqual(
      states.map((row) => row.state),
      ['abandoned', 'finished'],
    );
    // The first prices again: that run is over, so a new one looks at every call.
    const third = startCli(database.url, await prices('3'));
    await expectWhole(third);
    assert.doesNotMatch(third.text(), /Continues run/);

    other = await freshDatabase();
    await store(other.url);
    const whole = startCli(other.url, await prices('3'));
    assert.equal(await whole.ended, 0, whole.text());
    const spend = `SELECT tenant_id, model, cost_status, sum(calls), sum(cost_usd) FROM spanmeter.spend_rollup
      GROUP BY 1, 2, 3 HAVING sum(calls) <> 0 ORDER BY 1, 2, 3`;
    assert.deepEqual(await sql(database.url, spend), await sql(other.url, spend));
  });

  it('or not, goes on while calls are stored, and all sums agree', async () => {
    const ledger = new LedgerWriter(database.url);
    const stop = new AbortController();
    let stored = 0;
    const load = (async () => {
      while (!stop.signal.aborted) stored += (await ledger.write(callsFrom(stored, 500, 'load'))).length;
    })();
    const file = await prices('5');
    const first = startCli(database.url, file);
    await until(
      () => done(database.url),
      (calls) => calls >= 5_000,
    );
    await first.kill();
    const second = startCli(database.url, file);
    assert.equal(await second.ended, 0, second.text());
    stop.abort();
    await load;
    await ledger.close();
    assert.ok(stored > 0);
    assert.deepEqual(await disagreements(database.url), []);
    await expectWhole(startCli(database.url, file));
  });
});
