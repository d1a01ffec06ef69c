import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  createPostgresLedger,
  type PostgresLedger,
} from '@spanmeter/collector/dist/exporters/postgres/ledger.js';
import {
  CursorMismatch,
  LedgerUnavailable,
  type LedgerBatch,
} from '@spanmeter/collector/dist/pipeline/ledger.js';
import { SILENT_LOG, SILENT_METRICS } from '@spanmeter/collector/dist/pipeline/silent.js';
import type { Call } from '@spanmeter/processors';
import { type FreshDatabase, freshDatabase, sql } from '../../support/database.ts';
import { sampleCall } from './sample-call.ts';

const EXPORTER = 'postgres';
const DAY_MS = 86_400_000;
/** Midday, so that a test's minutes never cross midnight. */
const NOON_MS = Math.floor(Date.now() / DAY_MS) * DAY_MS + DAY_MS / 2;

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** Calls with ids of their own, numbered from `first`. */
function calls(count: number, first = 1, overrides: Partial<Call> = {}): Call[] {
  return Array.from({ length: count }, (_, i) =>
    sampleCall(NOON_MS, { traceId: hex(first + i, 32), spanId: hex(first + i, 16), ...overrides }),
  );
}

describe('the PostgreSQL ledger', () => {
  let database: FreshDatabase;
  const open: PostgresLedger[] = [];

  function ledger(retentionDays = 90): PostgresLedger {
    const made = createPostgresLedger({
      connectionString: database.url,
      log: SILENT_LOG,
      metrics: SILENT_METRICS,
      retentionDays,
    });
    open.push(made);
    return made;
  }

  before(async function () {
    database = await freshDatabase();
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close()));
    await sql(
      database.url,
      'TRUNCATE calls, spend_rollup, journal_cursors, dead_letters, tenants, price_books, cost_adjustments',
    );
  });
  after(() => database.drop());

  async function newJournal(into: PostgresLedger): Promise<string> {
    const journalId = randomUUID();
    await into.createCursor(journalId, EXPORTER, { sequence: 0, spansDone: 0 });
    return journalId;
  }

  function batch(
    journalId: string,
    at: number,
    rows: readonly Call[],
    more: Partial<LedgerBatch> = {},
  ): LedgerBatch {
    return {
      journalId,
      exporter: EXPORTER,
      from: { sequence: at, spansDone: at * 10 },
      to: { sequence: at + 1, spansDone: (at + 1) * 10 },
      calls: rows,
      deadLetters: [],
      books: [],
      ...more,
    };
  }

  async function totals(): Promise<{ rows: string; cost: string; rollupCalls: string; rollupCost: string }> {
    const [row] = await sql<{ rows: string; cost: string; rollupCalls: string; rollupCost: string }>(
      database.url,
      `SELECT (SELECT count(*) FROM calls) AS rows, (SELECT coalesce(sum(cost_usd), 0) FROM calls) AS cost,
              (SELECT coalesce(sum(calls), 0) FROM spend_rollup) AS "rollupCalls",
              (SELECT coalesce(sum(cost_usd), 0) FROM spend_rollup) AS "rollupCost"`,
    );
    assert.ok(row);
    return row;
  }

  it('stores every column of a call as it is', async () => {
    const store = ledger();
    const journal = await newJournal(store);
    const call = sampleCall(NOON_MS, {
      tenantId: 'größer & "quoted"\\',
      startedAtMicros: BigInt(NOON_MS) * 1000n + 123n,
      costPicoUsd: 12_345_678_901_234_567_890n,
      reportedCostPicoUsd: 1n,
      samplingRatio: 0.25,
      finishReasons: ['stop', 'length', 'ü'],
      inputTokens: Number.MAX_SAFE_INTEGER,
      attributes: { note: 'tab\t "x" \\ ü', flag: true, count: 2 },
    });
    await store.commit(store.prepare(batch(journal, 0, [call])));
    const [row] = await sql(
      database.url,
      `SELECT *, to_char(started_at, 'YYYY-MM-DD HH24:MI:SS.US') AS started,
         received_at::text AS received FROM calls`,
    );
    assert.ok(row);
    assert.equal(row['tenant_id'], call.tenantId);
    assert.equal(row['started'], new Date(NOON_MS).toISOString().slice(0, 19).replace('T', ' ') + '.000123');
    assert.equal(
      row['received'].slice(0, 19),
      new Date(NOON_MS + 2000).toISOString().slice(0, 19).replace('T', ' '),
    );
    assert.equal(row['duration_ms'], '1234.567891');
    assert.equal(row['ttft_ms'], '234.000000');
    assert.equal(row['cost_usd'], '12345678.901234567890');
    assert.equal(row['reported_cost_usd'], '0.000000000001');
    assert.equal(row['sampling_ratio'], 0.25);
    assert.deepEqual(row['finish_reasons'], ['stop', 'length', 'ü']);
    assert.equal(row['input_tokens'], '9007199254740991');
    assert.equal(row['cache_write_tokens'], null);
    assert.equal(row['streaming'], false);
    assert.deepEqual(row['usage'], call.usage);
    assert.deepEqual(row['attributes'], call.attributes);
    assert.deepEqual(row['attribution'], call.attribution);
    assert.equal(row['parent_span_id'], call.parentSpanId);
    assert.equal(row['agent_name'], null);
  });

  it('keeps rollups equal to the sum of the rows', async () => {
    const store = ledger();
    const journal = await newJournal(store);
    const varied = calls(500).map((call, i) => ({
      ...call,
      tenantId: `t${i % 3}`,
      model: `m${i % 4}`,
      team: i % 5 === 0 ? null : `team${i % 2}`,
      startedAtMicros: call.startedAtMicros + BigInt(i) * 10_000_000n,
      costPicoUsd: BigInt(i) * 1_000_003n,
      errorType: i % 7 === 0 ? 'timeout' : null,
    }));
    await store.commit(store.prepare(batch(journal, 0, varied.slice(0, 250))));
    await store.commit(store.prepare(batch(journal, 1, varied.slice(250))));
    const different = await sql(
      database.url,
      `SELECT * FROM (
         SELECT tenant_id, model, team, date_bin('15 min', started_at, '2000-01-01') AS bucket,
                count(*) AS calls,
                count(error_type) AS errors, sum(cost_usd) AS cost, sum(input_tokens) AS input,
                sum(reasoning_tokens) AS reasoning FROM calls GROUP BY 1, 2, 3, 4) a
       FULL JOIN (
         SELECT tenant_id, model, team, bucket_start AS bucket, sum(calls) AS calls, sum(errors) AS errors,
                sum(cost_usd) AS cost, sum(input_tokens) AS input, sum(reasoning_tokens) AS reasoning
         FROM spend_rollup GROUP BY 1, 2, 3, 4) b
       ON (a.tenant_id, a.model, a.bucket) = (b.tenant_id, b.model, b.bucket)
         AND a.team IS NOT DISTINCT FROM b.team
       WHERE (a.calls, a.errors, a.cost, a.input, a.reasoning)
         IS DISTINCT FROM (b.calls::bigint, b.errors::bigint, b.cost, b.input, b.reasoning)`,
    );
    assert.deepEqual(different, []);
    assert.equal((await totals()).rollupCalls, '500');
  });

  it('stores a call once when a sender repeats it in a later batch', async () => {
    const store = ledger();
    const journal = await newJournal(store);
    await store.commit(store.prepare(batch(journal, 0, calls(10))));
    const result = await store.commit(store.prepare(batch(journal, 1, calls(12, 5))));
    assert.equal(result.inserted.length, 6);
    assert.equal(result.alreadyThere, 6);
    const sum = await totals();
    assert.equal(sum.rows, '16');
    assert.equal(sum.rollupCalls, '16');
    assert.equal(sum.cost, sum.rollupCost);
  });

  it('stores a call once that is twice in one batch', async () => {
    const store = ledger();
    const journal = await newJournal(store);
    const result = await store.commit(store.prepare(batch(journal, 0, [...calls(4), ...calls(3)])));
    assert.equal(result.inserted.length, 4);
    assert.equal(result.alreadyThere, 3);
    assert.equal((await totals()).rollupCalls, '4');
  });

  it('refuses a batch whose commit succeeded unseen, and says where the cursor is', async () => {
    const store = ledger();
    const journal = await newJournal(store);
    await store.commit(store.prepare(batch(journal, 0, calls(3))));
    await assert.rejects(store.commit(store.prepare(batch(journal, 0, calls(3)))), (error) => {
      assert.ok(error instanceof CursorMismatch);
      assert.deepEqual(error.actual, { sequence: 1, spansDone: 10 });
      return true;
    });
    assert.equal((await totals()).rows, '3');
    assert.deepEqual(await store.readCursor(journal, EXPORTER), { sequence: 1, spansDone: 10 });
  });

  it('says that a journal is unknown to this store', async () => {
    const store = ledger();
    const journal = randomUUID();
    assert.equal(await store.readCursor(journal, EXPORTER), null);
    await assert.rejects(store.commit(store.prepare(batch(journal, 0, calls(1)))), (error) => {
      assert.ok(error instanceof CursorMismatch);
      assert.equal(error.actual, null);
      return true;
    });
    assert.equal((await totals()).rows, '0');
  });

  it('writes nothing of a batch whose connection is cut, and goes on with a new one', async () => {
    const store = ledger();
    const journal = await newJournal(store);
    await sql(
      database.adminUrl,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'spanmeter ledger'`,
    );
    const first = await store
      .commit(store.prepare(batch(journal, 0, calls(3))))
      .catch((error: unknown) => error);
    // Either the driver saw the end of the connection before, or it fails now.
    if (first instanceof Error) {
      assert.ok(first instanceof LedgerUnavailable);
      assert.equal((await totals()).rows, '0');
      await store.commit(store.prepare(batch(journal, 0, calls(3))));
    }
    assert.equal((await totals()).rows, '3');
  });

  it('isolates rows that PostgreSQL refuses as dead letters, in the same transaction', async () => {
    const store = ledger();
    const journal = await newJournal(store);
    const rows = calls(64);
    // A cost without a status that has one, and a key that no index can hold.
    rows[7] = { ...rows[7]!, costStatus: 'unpriced_model' };
    rows[40] = { ...rows[40]!, tenantId: Array.from({ length: 500 }, () => randomUUID()).join('') };
    const payload = Buffer.from('otlp bytes');
    const result = await store.commit(store.prepare(batch(journal, 0, rows, { payloadOf: () => payload })));
    assert.equal(result.inserted.length, 62);
    assert.equal(result.alreadyThere, 0);
    assert.equal(result.deadLetters, 2);
    const letters = await sql(
      database.url,
      'SELECT reason, detail, payload FROM dead_letters ORDER BY detail',
    );
    assert.deepEqual(
      letters.map((letter) => [letter['reason'], letter['detail'].slice(0, 5), String(letter['payload'])]),
      [
        ['refused_by_database', '23514', 'otlp bytes'],
        ['refused_by_database', '54000', 'otlp bytes'],
      ],
    );
    assert.match(letters[0]!['detail'], new RegExp(`span ${rows[7].spanId}`));
    const sum = await totals();
    assert.equal(sum.rollupCalls, '62');
    assert.equal(sum.cost, sum.rollupCost);
    assert.deepEqual(await store.readCursor(journal, EXPORTER), { sequence: 1, spansDone: 10 });
  });

  it('stores text with NUL and lone surrogates, without them', async () => {
    const store = ledger();
    const journal = await newJournal(store);
    const call = sampleCall(NOON_MS, {
      userId: 'a\u0000b',
      sessionId: `long enough to take the other way through the encoder \u0000 ${'x'.repeat(50)}`,
      feature: 'half \ud83d',
      attributes: { 'k\u0000ey': 'v\u0000\ud83d', fine: 'ü' },
    });
    await store.commit(store.prepare(batch(journal, 0, [call])));
    const [row] = await sql(database.url, 'SELECT user_id, session_id, feature, attributes FROM calls');
    assert.equal(row!['user_id'], 'ab');
    assert.equal(row!['session_id'], call.sessionId!.replace('\u0000', ''));
    assert.equal(row!['feature'], 'half \ufffd');
    assert.deepEqual(row!['attributes'], { key: 'v\ufffd', fine: 'ü' });
  });

  it('sums token counts beyond 64 bits', async () => {
    const store = ledger();
    const journal = await newJournal(store);
    const rows = calls(1_100, 1, { inputTokens: Number.MAX_SAFE_INTEGER });
    await store.commit(store.prepare(batch(journal, 0, rows)));
    await store.commit(
      store.prepare(batch(journal, 1, calls(1_100, 5_000, { inputTokens: Number.MAX_SAFE_INTEGER }))),
    );
    const [row] = await sql(database.url, 'SELECT sum(input_tokens) AS sum FROM spend_rollup');
    assert.equal(row!['sum'], String(2_200n * BigInt(Number.MAX_SAFE_INTEGER)));
  });

  it('makes the partitions of late calls, and turns those past retention into dead letters', async () => {
    const store = ledger(30);
    const journal = await newJournal(store);
    const late = calls(2, 1, { startedAtMicros: BigInt(NOON_MS - 20 * DAY_MS) * 1000n });
    const ancient = calls(2, 10, { startedAtMicros: BigInt(NOON_MS - 31 * DAY_MS) * 1000n });
    const result = await store.commit(
      store.prepare(batch(journal, 0, [...late, ...ancient, ...calls(1, 20)])),
    );
    assert.equal(result.inserted.length, 3);
    assert.equal(result.alreadyThere, 0);
    assert.equal(result.deadLetters, 2);
    const reasons = await sql(database.url, 'SELECT DISTINCT reason FROM dead_letters');
    assert.deepEqual(reasons, [{ reason: 'time_out_of_range' }]);
  });

  it('makes a partition again that somebody dropped', async () => {
    const store = ledger();
    const journal = await newJournal(store);
    const at = { startedAtMicros: BigInt(NOON_MS - 5 * DAY_MS) * 1000n };
    await store.commit(store.prepare(batch(journal, 0, calls(1, 1, at))));
    const day = new Date(NOON_MS - 5 * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '');
    await sql(database.url, `DROP TABLE spanmeter.calls_p${day}`);
    const result = await store.commit(store.prepare(batch(journal, 1, calls(1, 2, at))));
    assert.equal(result.inserted.length, 1);
  });

  it('lets two collectors make the same partitions and store the same calls at once', async () => {
    const stores = [ledger(), ledger()];
    const journals = await Promise.all(stores.map(newJournal));
    const days = [41, 42, 43, 44, 45];
    const rows = days.flatMap((day, i) =>
      calls(40, 1 + i * 100, {
        startedAtMicros: BigInt(NOON_MS - day * DAY_MS) * 1000n,
        tenantId: `race${i}`,
      }),
    );
    const results = await Promise.all(
      stores.map((store, i) =>
        store.commit(store.prepare(batch(journals[i]!, 0, i === 0 ? rows : rows.toReversed()))),
      ),
    );
    assert.equal(results[0]!.inserted.length + results[1]!.inserted.length, rows.length);
    assert.equal(results[0]!.alreadyThere + results[1]!.alreadyThere, rows.length);
    const sum = await totals();
    assert.equal(sum.rows, String(rows.length));
    assert.equal(sum.rollupCalls, sum.rows);
    assert.equal(sum.rollupCost, sum.cost);
  });

  it('stays on staging until fifty batches held no duplicate', async () => {
    const routes: string[] = [];
    const store = createPostgresLedger({
      connectionString: database.url,
      log: SILENT_LOG,
      retentionDays: 90,
      metrics: {
        ...SILENT_METRICS,
        counter: (name) => ({
          add(_amount, labels) {
            if (name === 'spanmeter_ledger_batches_total') routes.push(labels?.['route'] ?? '');
          },
        }),
      },
    });
    open.push(store);
    const journal = await newJournal(store);
    await store.commit(store.prepare(batch(journal, 0, calls(1, 1))));
    await store.commit(store.prepare(batch(journal, 1, calls(1, 1))));
    for (let i = 2; i < 54; i++) await store.commit(store.prepare(batch(journal, i, calls(1, i))));
    assert.deepEqual(
      [routes[0], routes[1], routes[2], routes[51], routes[52], routes[53], routes.length],
      ['direct', 'staging', 'staging', 'staging', 'direct', 'direct', 54],
    );
  });

  it('registers tenants and stores each price book whole, once', async () => {
    const store = ledger();
    const journal = await newJournal(store);
    const books = [{ version: 'v1', content: () => `{"note":"it's"}` }];
    await store.commit(store.prepare(batch(journal, 0, calls(2, 1, { tenantId: "o'hara" }), { books })));
    await store.commit(store.prepare(batch(journal, 1, calls(2, 5, { tenantId: "o'hara" }), { books })));
    const [tenant] = await sql(database.url, 'SELECT id, timezone, status FROM tenants');
    assert.deepEqual(tenant, { id: "o'hara", timezone: 'UTC', status: 'active' });
    const [book] = await sql(database.url, 'SELECT version, content FROM price_books');
    assert.deepEqual(book, { version: 'v1', content: `{"note":"it's"}` });
  });

  it('keeps a dead letter once, whatever its text holds', async () => {
    const store = ledger();
    const journal = await newJournal(store);
    const letter = {
      tenantId: 'acme\u0000',
      reason: 'unreadable',
      detail: 'nul \u0000 and half a pair \ud83d',
      payload: Buffer.from([0, 1, 2]),
      receivedUnixMs: NOON_MS,
    };
    const first = await store.commit(store.prepare(batch(journal, 0, [], { deadLetters: [letter, letter] })));
    const again = await store.commit(store.prepare(batch(journal, 1, calls(1), { deadLetters: [letter] })));
    assert.equal(first.deadLetters, 1);
    assert.equal(again.deadLetters, 0);
    const rows = await sql(database.url, 'SELECT tenant_id, payload FROM dead_letters');
    assert.deepEqual(rows, [{ tenant_id: 'acme', payload: Buffer.from([0, 1, 2]) }]);
  });

  it('moves the cursor over an empty batch', async () => {
    const store = ledger();
    const journal = await newJournal(store);
    const result = await store.commit(store.prepare(batch(journal, 0, [])));
    assert.deepEqual(result, { inserted: [], alreadyThere: 0, deadLetters: 0 });
    assert.deepEqual(await store.readCursor(journal, EXPORTER), { sequence: 1, spansDone: 10 });
  });

  it('is unavailable, not broken, while nobody listens', async () => {
    const store = createPostgresLedger({
      connectionString: 'postgres://nobody@127.0.0.1:9/nothing',
      log: SILENT_LOG,
      metrics: SILENT_METRICS,
      retentionDays: 90,
    });
    await assert.rejects(store.readCursor(randomUUID(), EXPORTER), LedgerUnavailable);
    await store.close();
  });
});
