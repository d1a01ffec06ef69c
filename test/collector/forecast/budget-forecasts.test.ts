import assert from 'node:assert/strict';
import { Pool } from 'pg';
import type { BudgetState } from '@spanmeter/collector/dist/budgets/budget.js';
import {
  createBudgetForecasts,
  type BudgetForecastParts,
  type RunningForecasts,
} from '@spanmeter/collector/dist/forecast/budget-forecasts.js';
import type { Query } from '@spanmeter/collector/dist/forecast/series-history.js';
import { createTimeSeriesModel } from '@spanmeter/collector/dist/forecast/time-series-model.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';
import { freshDatabase, sql, type FreshDatabase } from '../../support/database.js';
import { dailyRows, storeRollups } from '../../support/rollup-rows.js';
import { NOVEMBER, stateOf, usd } from './budget-states.js';

const model = createTimeSeriesModel(SILENT_LOG);
const NOW = Date.parse('2026-11-21T00:00:00Z');
const WEEK = [10, 12, 12, 11, 10, 3, 2];
/** Ends on a Friday. */
const WEEKS = Array.from({ length: 84 }, (_, day) => WEEK[(day + 5) % 7]!);
const NOTHING: Query = () => Promise.resolve([]);

function forecastsOf(
  states: readonly BudgetState[] | (() => readonly BudgetState[]),
  parts: Partial<BudgetForecastParts> = {},
): RunningForecasts {
  return createBudgetForecasts({
    query: NOTHING,
    states: typeof states === 'function' ? states : () => states,
    model,
    log: SILENT_LOG,
    now: () => NOW,
    ...parts,
  });
}

describe('forecasts of budgets', () => {
  let database: FreshDatabase;
  let pool: Pool;
  let query: Query;
  before(async () => {
    database = await freshDatabase();
    pool = new Pool({ connectionString: database.url, max: 2 });
    query = async <R extends object>(text: string, values: readonly unknown[]) =>
      (await pool.query<R>(text, [...values])).rows;
    await storeRollups(database.url, [
      ...dailyRows('2026-11-20', WEEKS, { tenant: 'acme' }),
      ...dailyRows('2026-11-20', [1, 1, 1], { tenant: 'beta', team: 'search' }),
    ]);
  });
  after(async () => {
    await pool.end();
    await database.drop();
  });

  it('knows nothing before the first round', () => {
    assert.equal(
      forecastsOf([stateOf({ spentPicoUsd: usd(5) })]).of(stateOf({ spentPicoUsd: usd(5) })),
      null,
    );
  });

  it("forecasts a month's end by the model, weekdays and all", async () => {
    const state = stateOf({ spentPicoUsd: usd(180), budget: { limitPicoUsd: usd(200) } });
    const forecasts = forecastsOf([state], { query });
    await forecasts.round();
    const made = forecasts.of(state);
    assert.equal(made?.method, 'model');
    // Saturday 21 to Monday 30 November.
    const expected = 180 + 3 + 2 + 10 + 12 + 12 + 11 + 10 + 3 + 2 + 10;
    assert.ok(Math.abs(Number(made.expectedPicoUsd) / 1e12 - expected) < 2, String(made.expectedPicoUsd));
    assert.ok(made.lowPicoUsd <= made.expectedPicoUsd && made.expectedPicoUsd <= made.highPicoUsd);
    const day = new Date(made.exhaustedAtMs ?? 0).toISOString().slice(0, 10);
    assert.equal(day, '2026-11-24', '3 and 2 and 10 and then 5 of 12');
  });

  it('follows budgets of other scopes, of the operator too, each by its own spend', async () => {
    const team = stateOf({
      tenantId: 'beta',
      scope: 'team',
      spentPicoUsd: usd(3),
      budget: { tenantId: 'beta', id: 'team', scope: 'team', scopeValue: 'search' },
    });
    const all = stateOf({
      tenantId: '',
      scope: 'all',
      spentPicoUsd: usd(190),
      budget: { tenantId: '', id: 'everything', scope: 'all' },
    });
    const user = stateOf({
      scope: 'user',
      spentPicoUsd: usd(4),
      budget: { id: 'user', scope: 'user', scopeValue: 'ada' },
    });
    const forecasts = forecastsOf([team, all, user], { query });
    await forecasts.round();
    const usdOf = (state: BudgetState): number => Number(forecasts.of(state)?.expectedPicoUsd) / 1e12;
    assert.ok(Math.abs(usdOf(team) - 13) < 0.1, `one USD a day: ${usdOf(team)}`);
    assert.ok(usdOf(all) > 255 && usdOf(all) < 285, String(usdOf(all)));
    assert.equal(usdOf(user), 6, 'four in twenty days of thirty');
    assert.deepEqual(
      [team, all, user].map((state) => forecasts.of(state)?.method),
      ['run_rate', 'model', 'run_rate'],
    );
  });

  it('goes by the time of day for a budget of a day', async () => {
    const bounds = { startMs: NOW - 86_400_000, endMs: NOW };
    const noon = NOW - 43_200_000;
    const state = stateOf({ bounds, spentPicoUsd: usd(5), budget: { id: 'daily', period: 'day' } });
    const forecasts = forecastsOf([state], { query, now: () => noon });
    await forecasts.round();
    const made = forecasts.of(state);
    assert.ok(made !== null && made.expectedPicoUsd > usd(6) && made.highPicoUsd > made.expectedPicoUsd);
  });

  it('does not take a first day, of which no whole one is known, for the last on which anything is spent', async () => {
    await storeRollups(database.url, [{ tenant: 'first', usd: '50', at: '2026-11-20T10:00:00Z' }]);
    const bounds = { startMs: NOW - 86_400_000, endMs: NOW };
    const noon = NOW - 43_200_000;
    const states = [
      stateOf({ tenantId: 'first', bounds, spentPicoUsd: usd(50), budget: { id: 'daily', period: 'day' } }),
      stateOf({ tenantId: 'first', spentPicoUsd: usd(50) }),
    ];
    const forecasts = forecastsOf(states, { query, now: () => noon });
    await forecasts.round();
    for (const state of states) {
      const made = forecasts.of(state);
      assert.ok(made !== null && made.expectedPicoUsd > usd(51), String(made?.expectedPicoUsd));
      assert.ok(made.lowPicoUsd < made.expectedPicoUsd && made.expectedPicoUsd < made.highPicoUsd);
    }
  });

  it('never says less than what is spent by now', async () => {
    let state = stateOf({ spentPicoUsd: usd(4) });
    const forecasts = forecastsOf(() => [state]);
    await forecasts.round();
    state = stateOf({ spentPicoUsd: usd(500) });
    const made = forecasts.of(state);
    assert.deepEqual(
      [made?.lowPicoUsd, made?.expectedPicoUsd, made?.highPicoUsd],
      [usd(500), usd(500), usd(500)],
    );
    assert.ok((made?.exhaustedAtMs ?? Infinity) <= NOW);
  });

  it('does not move the time at which a limit was passed', async () => {
    let [now, state] = [NOW, stateOf({ spentPicoUsd: usd(20) })];
    const forecasts = forecastsOf(() => [state], { now: () => now });
    await forecasts.round();
    const first = forecasts.of(state)?.exhaustedAtMs;
    assert.equal(first, Date.parse('2026-11-11T00:00:00Z'));
    [now, state] = [NOW + 3_600_000, stateOf({ spentPicoUsd: usd(60) })];
    await forecasts.round();
    assert.equal(forecasts.of(state)?.exhaustedAtMs, first);
  });

  it('has nothing for a budget without spend, and goes by the last period once there was one', async () => {
    let [now, state] = [NOW, stateOf({ spentPicoUsd: 0n })];
    const forecasts = forecastsOf(() => [state], { now: () => now });
    await forecasts.round();
    assert.equal(forecasts.of(state), null);
    state = stateOf({ spentPicoUsd: usd(30) });
    await forecasts.round();
    now = NOVEMBER.endMs;
    state = stateOf({ bounds: { startMs: NOVEMBER.endMs, endMs: Date.parse('2027-01-01T00:00:00Z') } });
    await forecasts.round();
    assert.equal(forecasts.of(state)?.expectedPicoUsd, usd(30));
  });

  it('keeps the last figures where the database is away, and never rejects for that', async () => {
    const state = stateOf({ spentPicoUsd: usd(180), budget: { limitPicoUsd: usd(200) } });
    let isAway = false;
    const asked: Query = (text, values) => (isAway ? Promise.reject(new Error('away')) : query(text, values));
    const forecasts = forecastsOf([state], { query: asked });
    await forecasts.round();
    const before = forecasts.of(state);
    isAway = true;
    await forecasts.round();
    assert.deepEqual(forecasts.of(state), before);
  });

  it('goes by run-rate where the library fails', async () => {
    const state = stateOf({ spentPicoUsd: usd(180) });
    const forecasts = forecastsOf([state], { query, model: () => null });
    await forecasts.round();
    const made = forecasts.of(state);
    assert.equal(made?.method, 'run_rate');
    assert.ok(
      made.expectedPicoUsd > usd(245) && made.expectedPicoUsd < usd(270),
      String(made.expectedPicoUsd),
    );
  });

  it("goes by the day before's model after midnight, until it was fitted again", async () => {
    const states = [
      stateOf({ spentPicoUsd: usd(180) }),
      stateOf({
        tenantId: '',
        scope: 'all',
        spentPicoUsd: usd(170),
        budget: { tenantId: '', id: 'everything', scope: 'all' },
      }),
    ];
    let [now, fits] = [NOW, 0];
    const forecasts = forecastsOf(states, {
      query,
      now: () => now,
      maxFits: 1,
      model(values, horizon) {
        fits += 1;
        return model(values, horizon);
      },
    });
    const later = (): ReturnType<RunningForecasts['of']> => forecasts.of(states[1]!);
    await forecasts.round();
    assert.equal(later()?.method, 'run_rate', 'the dearest comes first');
    await forecasts.round();
    const before = later();
    [now, fits] = [NOW + 86_400_000, 0];
    await forecasts.round();
    assert.ok(fits > 0 && fits <= 9, 'one series was fitted again');
    assert.deepEqual([before?.method, later()?.method], ['model', 'model']);
    // Saturday's 3 are over.
    const difference = Number(before!.expectedPicoUsd - later()!.expectedPicoUsd) / 1e12;
    assert.ok(Math.abs(difference - 3) < 1, String(difference));
  });

  it('fits no more at one round than it may, the dearest first', async () => {
    const states = ['acme', 'beta'].map((tenantId, index) =>
      stateOf({ tenantId, spentPicoUsd: usd(index === 0 ? 180 : 3), budget: { tenantId } }),
    );
    const forecasts = forecastsOf(states, { query, maxFits: 0 });
    await forecasts.round();
    assert.equal(forecasts.of(states[0]!)?.method, 'run_rate');
    const more = forecastsOf(states, { query, maxFits: 1 });
    await more.round();
    assert.equal(more.of(states[0]!)?.method, 'model');
  });

  it('goes by the hours of dearer tenants of its zone for a tenant that it does not follow', async () => {
    const bounds = { startMs: NOW - 86_400_000, endMs: NOW };
    const ofDay = (tenantId: string, spent: number): BudgetState =>
      stateOf({
        tenantId,
        bounds,
        spentPicoUsd: usd(spent),
        budget: { tenantId: '', id: 'daily', period: 'day' },
      });
    const states = [ofDay('acme', 12), ofDay('small', 1)];
    const forecasts = forecastsOf(states, { query, now: () => NOW - 36_000_000, maxSeries: 1 });
    await forecasts.round();
    const made = forecasts.of(states[1]!);
    // At two in the afternoon: what comes at noon has come.
    assert.ok(made !== null && made.expectedPicoUsd < usd(1.2), String(made?.expectedPicoUsd));
  });

  it('tells 10,000 tenants in turns that hold nothing up, and asks the database for few', async () => {
    const states = Array.from({ length: 10_000 }, (_, index) =>
      stateOf({ tenantId: `tenant-${index}`, spentPicoUsd: usd(1 + (index % 97)), budget: { tenantId: '' } }),
    );
    let asked = 0;
    const counting: Query = (_text, values) => {
      asked += (values[0] as string[]).length;
      return Promise.resolve([]);
    };
    const forecasts = forecastsOf(states, { query: counting });
    let [turns, longest, last] = [0, 0, performance.now()];
    const ticking = setInterval(() => {
      turns += 1;
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    const cpu = process.cpuUsage();
    await forecasts.round();
    const { user, system } = process.cpuUsage(cpu);
    clearInterval(ticking);
    assert.ok(states.every((state) => forecasts.of(state) !== null));
    assert.equal(asked, 500);
    assert.ok(turns >= 2, 'other work had its turns');
    console.log(
      `      ${Math.round((user + system) / 1000)} ms of CPU, longest turn ${Math.round(longest)} ms`,
    );
  });

  it('reads the days of odd zones, and the quarter-hours around their midnight', async () => {
    const rows = [
      { tenant: 'ktm', usd: 3, at: '2026-11-19T18:00:00Z' },
      { tenant: 'ktm', usd: 5, at: '2026-11-19T18:15:00Z' },
    ];
    await storeRollups(database.url, rows);
    await sql(database.url, `INSERT INTO spanmeter.tenants (id, timezone) VALUES ('ktm', 'Asia/Kathmandu')`);
    const { readHistories } = await import('@spanmeter/collector/dist/forecast/series-history.js');
    const key = { tenantId: 'ktm', scope: 'tenant', scopeValue: null, timezone: 'Asia/Kathmandu' } as const;
    const [read] = await readHistories(query, [key], NOW, 4);
    assert.deepEqual([...read!.days], [0, 3, 5, 0], '18, 19, 20 and 21 November');
    assert.deepEqual([read!.hours[23], read!.hours[0]], [3, 5]);
  });
});
