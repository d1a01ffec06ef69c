import assert from 'node:assert/strict';
import type { Call } from '@spanmeter/processors';
import { countSpend } from '@spanmeter/collector/dist/budgets/count-spend.js';
import { findDrift, type DriftReport } from '@spanmeter/collector/dist/budgets/drift.js';
import { type FreshDatabase, freshDatabase, sql } from '../../support/database.ts';
import { linesOf, makeBudget, ownCall, SpendLab } from '../../support/spend-lab.ts';

const DAY_MS = 86_400_000;
const NOON_MS = Date.UTC(2026, 10, 19, 12);
const OF_USER = { scope: 'user', scope_value: 'user-17' };

describe('spend by user, session and agent', () => {
  let database: FreshDatabase;
  const open: SpendLab[] = [];

  function lab(): SpendLab {
    const made = new SpendLab(database.url, () => NOON_MS);
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
      `TRUNCATE calls, spend_rollup, journal_cursors, tenants, budget_spend, budget_counts, cost_adjustments,
         dead_letters;
       DELETE FROM budgets WHERE id <> 'default'`,
    );
  });
  after(() => database.drop());

  const spent = (): Promise<string[]> =>
    sql<{ line: string }>(
      database.url,
      `SELECT concat_ws(' ', tenant_id, budget_id, to_char(period_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI'),
         trunc(spent_usd * 1000000000000), calls, unpriced_calls) AS line
       FROM budget_spend WHERE calls <> 0 OR spent_usd <> 0 ORDER BY 1`,
    ).then((rows) => rows.map(({ line }) => line));

  const drift = (): Promise<DriftReport> =>
    lab().with((client) => findDrift(client, { from: null, to: null }, 100));

  const count = (id = 'b1', tenantId = 'acme'): Promise<void> =>
    lab().with((client) => countSpend(client, { tenantId, id }));

  it('moves with the rows that are really inserted, on every route into the table', async () => {
    await makeBudget(database.url, OF_USER);
    await makeBudget(database.url, { id: 's', scope: 'session', scope_value: 'session-4', period: 'month' });
    await makeBudget(database.url, {
      id: 'a',
      scope: 'agent',
      scope_value: 'planner',
      period: 'week',
      tenant_id: '',
    });
    const one = lab();
    const first = ownCall(NOON_MS, { costPicoUsd: 1n, agentName: 'planner' });
    // Straight COPY, then staging because of the duplicate, then bisection because of a value that no column takes.
    await one.write([first, ownCall(NOON_MS, { costPicoUsd: null, costStatus: 'missing_usage' })]);
    await one.write([first, ownCall(NOON_MS, { costPicoUsd: 20n, userId: 'other' })]);
    await one.write([
      ownCall(NOON_MS, { costPicoUsd: 300n }),
      ownCall(NOON_MS, { costPicoUsd: 10n ** 40n }),
      ownCall(NOON_MS, { costPicoUsd: null, costStatus: 'not_billable' }),
    ]);
    assert.deepEqual(await spent(), [
      ' a 2026-11-16T00:00 1 1 0',
      'acme b1 2026-11-19T00:00 301 3 1',
      'acme s 2026-11-01T00:00 321 4 1',
    ]);
    const [letters] = await sql<{ count: string }>(database.url, 'SELECT count(*) FROM dead_letters');
    assert.equal(letters?.count, '1');
    for (const id of ['b1', 's']) await count(id);
    await count('a', '');
    assert.deepEqual((await drift()).drifts, []);
  });

  it('goes by the start of the call in the zone of the budget, and by what was not over when it was made', async () => {
    await sql(database.url, `INSERT INTO tenants (id, timezone) VALUES ('acme', 'Asia/Kathmandu')`);
    await makeBudget(database.url, { ...OF_USER, created_at: '2026-11-19T06:00:00Z' });
    const startMs = Date.UTC(2026, 10, 18, 18, 15);
    const one = lab();
    await one.write([
      ownCall(startMs - 1, { costPicoUsd: 1n }),
      ownCall(startMs, { costPicoUsd: 2n }),
      ownCall(startMs + DAY_MS - 1, { costPicoUsd: 4n }),
      ownCall(startMs + DAY_MS, { costPicoUsd: 8n }),
    ]);
    const expected = ['acme b1 2026-11-18T18:15 6 2 0', 'acme b1 2026-11-19T18:15 8 1 0'];
    assert.deepEqual(await spent(), expected);
    await count();
    assert.deepEqual(await spent(), expected);
  });

  it('misses no commit where budgets are made, changed and removed while calls are written', async function () {
    const writers = [lab(), lab()];
    const done = new AbortController();
    let written = 0;
    const writing = writers.map(async (one) => {
      while (!done.signal.aborted) {
        await one.write(Array.from({ length: 5 }, () => ownCall(NOON_MS, { costPicoUsd: 1n })));
        written += 5;
      }
    });
    for (let round = 0; round < 15; round++) {
      await makeBudget(database.url, { ...OF_USER, id: `r${round}` });
      await makeBudget(database.url, { ...OF_USER, id: `o${round}`, tenant_id: '' });
      await count(`r${round}`);
      await count(`o${round}`, '');
      await sql(database.url, `DELETE FROM budgets WHERE id = $1 AND tenant_id = ''`, [`o${round}`]);
      if (round % 5 === 4)
        await sql(database.url, `UPDATE budgets SET period = 'month' WHERE id = $1`, [`r${round}`]);
    }
    done.abort();
    await Promise.all(writing);
    for (const round of [4, 9, 14]) await count(`r${round}`);
    const report = await drift();
    assert.deepEqual(report.drifts, []);
    assert.deepEqual(report.uncounted, []);
    assert.equal(report.calls, written);
    assert.ok(written > 100);
    assert.deepEqual(
      new Set((await spent()).map((line) => line.split(' ').slice(3).join(' '))),
      new Set([`${written} ${written} 0`]),
    );
  });

  it('is counted anew where what a budget is about changes, by whatever means', async () => {
    await makeBudget(database.url, OF_USER);
    const one = lab();
    await count();
    await one.write([
      ownCall(NOON_MS, { costPicoUsd: 1n }),
      ownCall(NOON_MS - 3 * DAY_MS, { costPicoUsd: 2n }),
      ownCall(NOON_MS, { costPicoUsd: 4n, userId: 'other' }),
    ]);
    await sql(database.url, `UPDATE budgets SET period = 'month', limit_usd = 3 WHERE id = 'b1'`);
    await count();
    assert.deepEqual(await spent(), ['acme b1 2026-11-01T00:00 3 2 0']);
    await sql(database.url, `UPDATE budgets SET scope_value = 'other' WHERE id = 'b1'`);
    await count();
    assert.deepEqual(await spent(), ['acme b1 2026-11-01T00:00 4 1 0']);
    await sql(database.url, `UPDATE budgets SET enabled = false WHERE id = 'b1'`);
    await count();
    await one.write([ownCall(NOON_MS, { costPicoUsd: 8n, userId: 'other' })]);
    assert.deepEqual(await spent(), []);
    await sql(database.url, `UPDATE budgets SET enabled = true WHERE id = 'b1'`);
    await count();
    assert.deepEqual(await spent(), ['acme b1 2026-11-01T00:00 12 2 0']);
  });

  it('is in memory what it is in the store', async () => {
    await makeBudget(database.url, OF_USER);
    const one = lab();
    await one.refresh();
    await one.write([ownCall(NOON_MS, { costPicoUsd: 3n })]);
    await one.write([ownCall(NOON_MS + DAY_MS / 2, { costPicoUsd: 5n })]);
    assert.deepEqual(linesOf(one.spending.states('acme')), linesOf(await one.fresh()));
    assert.deepEqual(linesOf(one.spending.states('acme')), [
      'acme b1 2026-11-19T00:00:00.000Z 3 0',
      'acme default 2026-11-19T00:00:00.000Z 3 0',
    ]);
  });

  it('stops no call where a budget has a zone that only PostgreSQL knows, and goes by UTC then', async () => {
    await makeBudget(database.url, { ...OF_USER, id: 'b2', timezone: '<+05>-5' });
    const one = lab();
    await one.refresh();
    await one.write([ownCall(NOON_MS, { costPicoUsd: 3n })]);
    assert.deepEqual(await spent(), ['acme b2 2026-11-19T00:00 3 1 0']);
    assert.deepEqual(linesOf(one.spending.states('acme')), linesOf(await one.fresh()));
  });

  it('stops no call where somebody wrote a window that no calendar of ours has, and watches the others', async () => {
    const far = { ...OF_USER, period: 'custom', starts_on: '20000-01-01', ends_on: '20000-02-01' };
    await makeBudget(database.url, { ...far, id: 'far' });
    await makeBudget(database.url, { ...far, id: 'ever', starts_on: '-infinity', ends_on: 'infinity' });
    await makeBudget(database.url, { ...far, id: 'old', starts_on: '0044-03-15 BC', ends_on: '2030-01-01' });
    const one = lab();
    await one.refresh();
    await one.write([ownCall(NOON_MS, { costPicoUsd: 3n })]);
    await one.refresh();
    assert.deepEqual(
      one.spending.states('acme').map(({ budget }) => budget.id),
      ['default'],
    );
  });

  describe('the drift check', () => {
    it('finds a rollup and a budget that are off by 1e-12 USD, and a row that is gone', async () => {
      await makeBudget(database.url, OF_USER);
      await count();
      const one = lab();
      const gone: Call = ownCall(NOON_MS - DAY_MS, { costPicoUsd: null, costStatus: 'unpriced_model' });
      await one.write([ownCall(NOON_MS, { costPicoUsd: 3n }), gone]);
      assert.deepEqual((await drift()).drifts, []);
      await sql(
        database.url,
        `UPDATE spend_rollup SET cost_usd = cost_usd + 0.000000000001 WHERE cost_status = 'priced'`,
      );
      await sql(database.url, `UPDATE budget_spend SET unpriced_calls = 0`);
      await sql(database.url, `DELETE FROM calls WHERE span_id = $1`, [gone.spanId]);
      const found = (await drift()).drifts.map(
        ({ at, subject, expectedCalls, foundCalls, expectedUsd, foundUsd }) =>
          [at.slice(0, 10), subject, expectedCalls, foundCalls, expectedUsd, foundUsd].join(' '),
      );
      assert.deepEqual(found, [
        '2026-11-18 unpriced_model 0 1 0.000000000000 0.000000000000',
        '2026-11-19 priced 1 1 0.000000000003 0.000000000004',
        '2026-11-18 b1 0 (0 unpriced) 1 (0 unpriced) 0.000000000000 0.000000000000',
      ]);
    });

    it('lists no more than it is asked for, and looks only at the days that it is asked about', async () => {
      const one = lab();
      await one.write([ownCall(NOON_MS), ownCall(NOON_MS - DAY_MS), ownCall(NOON_MS - 2 * DAY_MS)]);
      await sql(database.url, 'UPDATE spend_rollup SET calls = calls + 1');
      const limited = await one.with((client) => findDrift(client, { from: null, to: null }, 2));
      assert.equal(limited.drifts.length, 2);
      assert.equal(limited.truncated, true);
      const range = { from: '2026-11-18', to: '2026-11-18' };
      const ranged = await one.with((client) => findDrift(client, range, 10));
      assert.deepEqual(
        ranged.drifts.map(({ at }) => at),
        ['2026-11-18'],
      );
      assert.equal(ranged.truncated, false);
    });
  });
});
