import assert from 'node:assert/strict';
import type { Call } from '@spanmeter/processors';
import type { BudgetState } from '@spanmeter/collector/dist/budgets/budget.js';
import { cpuTimeMs } from '../../support/cpu-time.ts';
import { type FreshDatabase, freshDatabase, sql } from '../../support/database.ts';
import { linesOf, makeBudget, ownCall, SpendLab } from '../../support/spend-lab.ts';

const DAY_MS = 86_400_000;
const USD = 1_000_000_000_000n;
/** A Thursday in winter; its month has 30 days. */
const NOON_MS = Date.UTC(2026, 10, 19, 12);
const TODAY = '2026-11-19T00:00:00.000Z';
const TOMORROW = '2026-11-20T00:00:00.000Z';

describe('spend in memory', () => {
  let database: FreshDatabase;
  let nowMs = NOON_MS;
  const open: SpendLab[] = [];

  function lab(): SpendLab {
    const made = new SpendLab(database.url, () => nowMs);
    open.push(made);
    return made;
  }

  before(async function () {
    database = await freshDatabase();
  });
  beforeEach(() => (nowMs = NOON_MS));
  afterEach(async () => {
    await Promise.all(open.splice(0).map((each) => each.close()));
    await sql(
      database.url,
      `TRUNCATE calls, spend_rollup, journal_cursors, tenants, budget_spend, budget_counts, cost_adjustments;
       DELETE FROM budgets WHERE id <> 'default'`,
    );
  });
  after(() => database.drop());

  async function zone(tenant: string, timezone: string): Promise<void> {
    await sql(database.url, 'INSERT INTO tenants (id, timezone) VALUES ($1, $2)', [tenant, timezone]);
  }

  it('knows no state before the first reading, and every tenant with its default after it', async () => {
    const one = lab();
    await zone('silent', 'UTC');
    await one.write([ownCall(NOON_MS, { costPicoUsd: 3n * USD })]);
    assert.equal(one.spending.isRead, false);
    assert.deepEqual(one.spending.states(null), []);
    await one.refresh();
    assert.deepEqual(linesOf(one.spending.states(null)), [
      `acme default ${TODAY} ${3n * USD} 0`,
      `silent default ${TODAY} 0 0`,
    ]);
  });

  it('moves with each commit without reading again, also for a tenant that is new', async () => {
    const one = lab();
    await one.refresh();
    const heard: (readonly BudgetState[])[] = [];
    const end = one.spending.onChange((changed) => heard.push(changed));
    await one.write([ownCall(NOON_MS, { costPicoUsd: 1n }), ownCall(NOON_MS, { costPicoUsd: 2n })]);
    await one.write([
      ownCall(NOON_MS, {
        tenantId: 'new',
        costPicoUsd: null,
        costStatus: 'unpriced_model',
        priceVersion: null,
      }),
    ]);
    end();
    await one.write([ownCall(NOON_MS, { costPicoUsd: 4n })]);
    assert.deepEqual(heard.map(linesOf), [[`acme default ${TODAY} 3 0`], [`new default ${TODAY} 0 1`]]);
    assert.deepEqual(linesOf(one.spending.states(null)), linesOf(await one.fresh()));
  });

  it('is not changed by what was handed out before', async () => {
    const one = lab();
    await one.refresh();
    await one.write([ownCall(NOON_MS, { costPicoUsd: 1n })]);
    const [before] = one.spending.states('acme');
    await one.write([ownCall(NOON_MS, { costPicoUsd: 1n })]);
    assert.equal(before?.spentPicoUsd, 1n);
    assert.equal(one.spending.states('acme')[0]?.spentPicoUsd, 2n);
  });

  it('counts a call that is sent twice once, and no call that is not billable', async () => {
    const one = lab();
    await one.refresh();
    const call = ownCall(NOON_MS, { costPicoUsd: 5n });
    await one.write([call]);
    await one.write([call, ownCall(NOON_MS, { costPicoUsd: null, costStatus: 'duplicate' })]);
    assert.deepEqual(linesOf(one.spending.states('acme')), [`acme default ${TODAY} 5 0`]);
  });

  it('adds no commit twice and loses none, wherever it falls beside a reading', async () => {
    const one = lab();
    await one.write([ownCall(NOON_MS, { costPicoUsd: 1n })]);
    for (let round = 0; round < 12; round++) {
      const stored = await one.store([ownCall(NOON_MS, { costPicoUsd: 10n })]);
      // The reading holds the commit before memory hears of it.
      const reading = one.refresh();
      if (round % 2 === 0) one.tell(stored);
      const writing = one.store([ownCall(NOON_MS, { costPicoUsd: 100n })]);
      if (round % 2 === 1) one.tell(stored);
      if (round % 3 === 0) {
        one.tell(await writing);
        await reading;
      } else {
        await reading;
        one.tell(await writing);
      }
      assert.deepEqual(linesOf(one.spending.states(null)), linesOf(await one.fresh()), `round ${round}`);
    }
  });

  it('reads again after a commit of which nobody saw what it added, and is right then', async () => {
    const one = lab();
    await one.refresh();
    let wanted = 0;
    const calls = [ownCall(NOON_MS, { costPicoUsd: 7n })];
    await one.write(calls);
    one.spending.onWanted(() => wanted++);
    await one.store(calls);
    one.tell(calls, false);
    assert.equal(wanted, 1);
    await one.refresh();
    assert.deepEqual(linesOf(one.spending.states('acme')), [`acme default ${TODAY} 7 0`]);
  });

  it('has after a kill between commit and memory what the store has', async () => {
    const one = lab();
    await one.refresh();
    await one.store([ownCall(NOON_MS, { costPicoUsd: 9n, userId: 'u' })]);
    const restarted = lab();
    await restarted.refresh();
    assert.deepEqual(linesOf(restarted.spending.states(null)), [`acme default ${TODAY} 9 0`]);
  });

  it('sees what another collector stored when it reads again', async () => {
    const [one, other] = [lab(), lab()];
    await one.refresh();
    await other.refresh();
    await one.write([ownCall(NOON_MS, { costPicoUsd: 1n })]);
    await other.write([ownCall(NOON_MS, { costPicoUsd: 2n })]);
    await one.refresh();
    assert.deepEqual(linesOf(one.spending.states('acme')), [`acme default ${TODAY} 3 0`]);
  });

  it('is exact to 1e-12 USD beside the largest amounts', async () => {
    const one = lab();
    await one.refresh();
    const huge = 10n ** 26n;
    await one.write([
      ownCall(NOON_MS, { costPicoUsd: huge }),
      ...Array.from({ length: 7 }, () => ownCall(NOON_MS, { costPicoUsd: 1n })),
    ]);
    const expected = [`acme default ${TODAY} ${huge + 7n} 0`];
    assert.deepEqual(linesOf(one.spending.states('acme')), expected);
    await one.refresh();
    assert.deepEqual(linesOf(one.spending.states('acme')), expected);
  });

  it('starts anew at the turn of the period, with what was dated into it already', async () => {
    const one = lab();
    await one.refresh();
    const heard: string[][] = [];
    await one.write([
      ownCall(NOON_MS, { costPicoUsd: 1n }),
      ownCall(NOON_MS + DAY_MS / 2 + 1000, { costPicoUsd: 20n }),
    ]);
    assert.deepEqual(linesOf(one.spending.states('acme')), [`acme default ${TODAY} 1 0`]);
    one.spending.onChange((changed) => heard.push(linesOf(changed)));
    nowMs = Date.UTC(2026, 10, 20) - 1;
    one.spending.turn();
    nowMs += 1;
    one.spending.turn();
    assert.deepEqual(heard, [[`acme default ${TODAY} 1 0`], [`acme default ${TOMORROW} 20 0`]]);
    assert.deepEqual(linesOf(one.spending.states('acme')), linesOf(await one.fresh()));
  });

  it('brings no ended period back and doubles nothing where the clock goes backwards', async () => {
    const one = lab();
    await one.refresh();
    await one.write([ownCall(NOON_MS, { costPicoUsd: 1n })]);
    nowMs = Date.UTC(2026, 10, 20) + 1000;
    await one.write([ownCall(nowMs, { costPicoUsd: 2n })]);
    nowMs -= 5000;
    await one.write([ownCall(nowMs, { costPicoUsd: 4n }), ownCall(nowMs + 5000, { costPicoUsd: 8n })]);
    assert.deepEqual(linesOf(one.spending.states('acme')), [`acme default ${TOMORROW} 10 0`]);
    await one.refresh();
    assert.deepEqual(linesOf(one.spending.states('acme')), [`acme default ${TOMORROW} 10 0`]);
  });

  it('goes by the clock as it is where it was wrong by more than an hour', async () => {
    const one = lab();
    nowMs = NOON_MS + 40 * DAY_MS;
    await one.refresh();
    nowMs = NOON_MS;
    await one.write([ownCall(NOON_MS, { costPicoUsd: 6n })]);
    await one.refresh();
    assert.deepEqual(linesOf(one.spending.states('acme')), [`acme default ${TODAY} 6 0`]);
  });

  it('takes the day of each tenant in its own zone, also where it has 23, 25 or 23.5 hours', async () => {
    // Lord Howe moves its clocks by half an hour; both days are those of the change.
    const zones: readonly (readonly [string, string, number])[] = [
      ['kolkata', 'Asia/Kolkata', Date.UTC(2026, 10, 18, 18, 30)],
      ['kathmandu', 'Asia/Kathmandu', Date.UTC(2026, 10, 18, 18, 15)],
      ['howe', 'Australia/Lord_Howe', Date.UTC(2026, 9, 3, 13, 30)],
      ['berlin', 'Europe/Berlin', Date.UTC(2026, 9, 24, 22)],
      ['new-york', 'America/New_York', Date.UTC(2026, 2, 8, 5)],
    ];
    const hours: Record<string, number> = { howe: 23.5, berlin: 25, 'new-york': 23 };
    for (const [tenant, timezone, startMs] of zones) {
      await zone(tenant, timezone);
      const endMs = startMs + (hours[tenant] ?? 24) * 3_600_000;
      nowMs = startMs + 3_600_000;
      const one = lab();
      await one.refresh();
      const dated = (ms: number, costPicoUsd: bigint): Call => ownCall(ms, { tenantId: tenant, costPicoUsd });
      await one.write([dated(startMs - 1, 1n), dated(startMs, 2n), dated(endMs - 1, 4n), dated(endMs, 8n)]);
      const expected = [`${tenant} default ${new Date(startMs).toISOString()} 6 0`];
      assert.deepEqual(linesOf(one.spending.states(tenant)), expected, timezone);
      await one.refresh();
      assert.deepEqual(linesOf(one.spending.states(tenant)), expected, timezone);
      nowMs = endMs;
      assert.deepEqual(linesOf(one.spending.states(tenant)), [
        `${tenant} default ${new Date(endMs).toISOString()} 8 0`,
      ]);
    }
  });

  it('holds a tenant with a budget of its own not to the default of the same period', async () => {
    await makeBudget(database.url, { id: 'own', limit_usd: '5' });
    await makeBudget(database.url, { id: 'off', tenant_id: 'other', enabled: false });
    await makeBudget(database.url, { id: 'monthly', tenant_id: 'third', period: 'month' });
    for (const tenant of ['acme', 'other', 'third']) await zone(tenant, 'UTC');
    const one = lab();
    await one.refresh();
    const ids = one.spending.states(null).map(({ tenantId, budget }) => `${tenantId}/${budget.id}`);
    assert.deepEqual(ids.toSorted(), ['acme/own', 'other/default', 'third/default', 'third/monthly']);
  });

  it('sums every scope by its own dimension, for a tenant and for all of them', async () => {
    const scopes = {
      team: 'payments',
      feature: 'summaries',
      service_name: 'checkout-api',
      model: 'gpt-4.1-mini',
    };
    const more = { environment: 'production', provider: 'openai', key: 'key_1', user: 'user-17' };
    const all = { ...scopes, ...more, session: 'session-4', agent: 'planner' };
    for (const [scope, scope_value] of Object.entries(all)) {
      await makeBudget(database.url, { id: scope, scope, scope_value });
      await makeBudget(database.url, { id: scope, scope, scope_value, tenant_id: '' });
    }
    await makeBudget(database.url, { id: 'everything', scope: 'all', tenant_id: '' });
    const one = lab();
    await one.refresh();
    const others: Partial<Call> = {
      team: 'x',
      feature: 'x',
      serviceName: 'x',
      model: 'x',
      environment: null,
      provider: 'x',
      keyId: null,
      userId: null,
      sessionId: 'x',
      agentName: null,
    };
    await one.write([
      ownCall(NOON_MS, { costPicoUsd: 1n, agentName: 'planner' }),
      ownCall(NOON_MS, { costPicoUsd: 10n, agentName: 'planner', tenantId: 'other' }),
      ownCall(NOON_MS, { costPicoUsd: 100n, ...others }),
    ]);
    const expected = [
      ...Object.keys(all).map((scope) => `acme ${scope} ${TODAY} 1 0`),
      ...Object.keys(all).map((scope) => ` ${scope} ${TODAY} 11 0`),
      ` everything ${TODAY} 111 0`,
      `acme default ${TODAY} 101 0`,
      `other default ${TODAY} 10 0`,
    ].toSorted();
    assert.deepEqual(linesOf(one.spending.states(null)), expected);
    assert.deepEqual(linesOf(await one.fresh()), expected);
  });

  it('has a month with one call, and a custom window only while it lasts', async () => {
    await makeBudget(database.url, { id: 'month', period: 'month', timezone: 'Asia/Kathmandu' });
    await makeBudget(database.url, {
      id: 'launch',
      period: 'custom',
      starts_on: '2026-11-20',
      ends_on: '2026-11-21',
      timezone: 'Pacific/Kiritimati',
    });
    const one = lab();
    nowMs = Date.UTC(2026, 10, 19, 9);
    await one.refresh();
    // Kiritimati is 14 hours ahead.
    const startMs = Date.UTC(2026, 10, 19, 10);
    await one.write([ownCall(startMs, { costPicoUsd: 5n })]);
    const month = 'acme month 2026-10-31T18:15:00.000Z 5 0';
    assert.deepEqual(linesOf(one.spending.states('acme')), [`acme default ${TODAY} 5 0`, month]);
    nowMs = startMs;
    const launch = 'acme launch 2026-11-19T10:00:00.000Z 5 0';
    assert.deepEqual(linesOf(one.spending.states('acme')), [`acme default ${TODAY} 5 0`, launch, month]);
    assert.deepEqual(linesOf(one.spending.states(null)), linesOf(await one.fresh()));
    nowMs = startMs + 2 * DAY_MS;
    assert.equal(
      one.spending.states('acme').some(({ budget }) => budget.id === 'launch'),
      false,
    );
  });

  it('holds 10,000 tenants in several zones to the default, and adds to the right one', async function () {
    await sql(
      database.url,
      `INSERT INTO tenants (id, timezone) SELECT 'tenant-' || n,
         (ARRAY['UTC', 'Asia/Kolkata', 'America/New_York', 'Australia/Lord_Howe'])[1 + n % 4]
       FROM generate_series(1, 10000) AS n`,
    );
    const one = lab();
    const sent = [1, 2, 3, 4, 9_999, 10_000];
    const cost = (n: number): bigint => BigInt(n) * USD;
    await one.write(sent.map((n) => ownCall(NOON_MS, { tenantId: `tenant-${n}`, costPicoUsd: cost(n) })));
    await one.refresh();
    await one.write(sent.map((n) => ownCall(NOON_MS, { tenantId: `tenant-${n}`, costPicoUsd: 1n })));
    const states = one.spending.states(null);
    assert.equal(states.length, 10_000);
    const spent = new Map(states.map(({ tenantId, spentPicoUsd }) => [tenantId, spentPicoUsd]));
    for (const n of sent) assert.equal(spent.get(`tenant-${n}`), cost(n) + 1n, `tenant-${n}`);
    assert.equal([...spent.values()].filter((pico) => pico > 0n).length, sent.length);
  });

  it('reads the budgets of 30,000 users of one tenant, again and again', async function () {
    await sql(
      database.url,
      `INSERT INTO budgets (tenant_id, id, name, scope, scope_value, period, limit_usd, thresholds)
       SELECT 'acme', 'u' || n, 'Of a user', 'user', 'user-' || n, 'day', 5, '{1}' FROM generate_series(1, 30000) AS n`,
    );
    const one = lab();
    const heard: number[] = [];
    one.spending.onChange((changed) => heard.push(changed.length));
    const start = cpuTimeMs();
    for (let round = 0; round < 3; round++) await one.refresh();
    await sql(database.url, `UPDATE budgets SET limit_usd = 6 WHERE id = 'u7'`);
    await one.refresh();
    assert.deepEqual(heard, [30_001, 1]);
    assert.ok(cpuTimeMs() - start < 20_000, 'to compare each with each would take longer');
  });

  it('tells after a reading only of what differs', async () => {
    const [one, other] = [lab(), lab()];
    await one.write([
      ownCall(NOON_MS, { costPicoUsd: 1n }),
      ownCall(NOON_MS, { tenantId: 'b', costPicoUsd: 1n }),
    ]);
    const heard: string[][] = [];
    one.spending.onChange((changed) => heard.push(linesOf(changed)));
    await one.refresh();
    await one.refresh();
    await other.refresh();
    await other.write([ownCall(NOON_MS, { tenantId: 'b', costPicoUsd: 1n })]);
    await one.refresh();
    await makeBudget(database.url, { id: 'own', limit_usd: '5' });
    await one.refresh();
    assert.deepEqual(heard, [
      [`acme default ${TODAY} 1 0`, `b default ${TODAY} 1 0`],
      [`b default ${TODAY} 2 0`],
      [`acme own ${TODAY} 1 0`],
    ]);
  });

  it('is what SQL sums after random traffic of several collectors', async function () {
    const random = seeded(20_261_121);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
    const tenants = ['acme', 'b', 'c'];
    await zone('b', 'Asia/Kolkata');
    for (const [index, period] of ['day', 'week', 'month'].entries()) {
      await makeBudget(database.url, { id: `t${index}`, period, scope: 'team', scope_value: 't1' });
      await makeBudget(database.url, {
        id: `u${index}`,
        period,
        scope: 'user',
        scope_value: 'u1',
        tenant_id: 'b',
      });
      await makeBudget(database.url, {
        id: `o${index}`,
        period,
        scope: 'user',
        scope_value: 'u1',
        tenant_id: '',
      });
    }
    const labs = [lab(), lab()];
    for (const one of labs) await one.refresh();
    let sent: Call[] = [];
    for (let round = 0; round < 40; round++) {
      nowMs += Math.floor(random() * 4 * 3_600_000);
      const batch = Array.from({ length: 1 + Math.floor(random() * 20) }, () => {
        if (sent.length > 0 && random() < 0.1) return pick(sent);
        const isPriced = random() < 0.9;
        return ownCall(nowMs - Math.floor(random() * 2 * DAY_MS) + DAY_MS / 4, {
          tenantId: pick(tenants),
          team: pick(['t1', 't2', null]),
          userId: pick(['u1', 'u2', null]),
          costPicoUsd: isPriced ? BigInt(Math.floor(random() * 1e9)) : null,
          costStatus: isPriced ? 'priced' : pick(['missing_usage', 'duplicate', 'unpriced_dimension']),
        });
      });
      const calls = [...new Map(batch.map((call) => [call.spanId, call])).values()];
      sent = [...sent, ...calls].slice(-100);
      await pick(labs).write(calls);
    }
    for (const one of labs) await one.refresh();
    const [one, other] = labs.map((each) => linesOf(each.spending.states(null)));
    assert.deepEqual(one, other);
    const expected = await Promise.all(
      labs[0]!.spending.states(null).map(async (state) => {
        const { budget, tenantId, bounds } = state;
        const column = { team: 'team', user: 'user_id' }[budget.scope as string] ?? 'tenant_id';
        const value = column === 'tenant_id' ? tenantId : budget.scopeValue;
        const [sum] = await sql<{ cost: string; unpriced: string }>(
          database.url,
          `SELECT trunc(coalesce(sum(cost_usd), 0) * 1000000000000)::text AS cost, count(*) FILTER (
             WHERE cost_status IN ('missing_usage', 'unpriced_dimension'))::text AS unpriced
           FROM calls WHERE ${column} = $1 AND ($2 = '' OR tenant_id = $2) AND started_at >= $3 AND started_at < $4`,
          [value, tenantId, new Date(bounds.startMs), new Date(bounds.endMs)],
        );
        const start = new Date(bounds.startMs).toISOString();
        return `${tenantId} ${budget.id} ${start} ${sum?.cost} ${sum?.unpriced}`;
      }),
    );
    assert.deepEqual(one, expected.toSorted());
    assert.ok(expected.length >= 12);
  });
});

/** Mulberry32: the same numbers for the same seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
