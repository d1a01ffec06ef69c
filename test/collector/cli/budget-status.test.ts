import assert from 'node:assert/strict';
import { statusTable } from '@spanmeter/collector/dist/cli/budget-status.js';
import { budgetStatus } from '@spanmeter/collector/dist/budgets/budget-status.js';
import type { CliContext } from '@spanmeter/collector/dist/cli/output.js';
import { buildState } from '../../support/budget-builder.ts';
import { type FreshDatabase, freshDatabase, sql } from '../../support/database.ts';
import { makeBudget, ownCall, SpendLab } from '../../support/spend-lab.ts';
import { spanmeter } from './running-cli.ts';

const NOON = new Date('2026-11-19T12:00:00Z');
const USD = 1_000_000_000_000n;

describe('spanmeter budget', function () {
  let database: FreshDatabase;
  let lab: SpendLab;

  before(async () => {
    database = await freshDatabase();
    lab = new SpendLab(database.url, () => NOON.getTime());
    await sql(database.url, `INSERT INTO tenants (id, timezone) VALUES ('beta', 'Asia/Kolkata')`);
    await makeBudget(database.url, {
      id: 'team',
      scope: 'team',
      scope_value: 'payments',
      period: 'month',
      hard: true,
    });
    await lab.write([
      ownCall(NOON.getTime(), { costPicoUsd: 4n * USD + 1n }),
      ownCall(NOON.getTime() - 86_400_000, { costPicoUsd: 7n * USD }),
      ownCall(NOON.getTime(), { costPicoUsd: null, costStatus: 'missing_usage' }),
    ]);
  });
  after(async () => {
    await lab.close();
    await database.drop();
  });

  const run = (...args: string[]) => spanmeter(['budget', ...args], { DATABASE_URL: database.url }, NOON);

  describe('status', () => {
    it('says what was spent against each budget, the most used first', async () => {
      const { code, out } = await run('status', '--format', 'json');
      assert.equal(code, 0);
      const { as_of, budgets, truncated } = JSON.parse(out);
      assert.deepEqual([as_of, truncated], [NOON.toISOString(), false]);
      const shown = budgets.map((one: Record<string, unknown>) =>
        ['tenant', 'id', 'spent_usd', 'used_percent', 'level', 'refuse', 'complete', 'period_end'].map(
          (name) => one[name],
        ),
      );
      assert.deepEqual(shown, [
        ['acme', 'team', '11.000000000001', 110, 'exceeded', true, false, '2026-12-01T00:00:00.000Z'],
        ['acme', 'default', '4.000000000001', 40, 'ok', false, false, '2026-11-20T00:00:00.000Z'],
        ['beta', 'default', '0.000000000000', 0, 'ok', false, true, '2026-11-19T18:30:00.000Z'],
      ]);
    });

    it('shows one tenant, and says so where there is none', async () => {
      const { out } = await run('status', '--tenant', 'beta', '--format', 'json');
      assert.equal(JSON.parse(out).budgets.length, 1);
      const { code, err } = await run('status', '--tenant', 'nobody');
      assert.equal(code, 1);
      assert.match(err, /Tenant "nobody" has no budget/);
    });

    it('draws how much is used, colours only the level, and tells of calls without a price', () => {
      const context = { columns: 200, colours: true } as CliContext;
      const states = [
        buildState('acme', { unpricedCalls: 1 }),
        buildState('b', { spentPicoUsd: 8_400_000_000_000n, unpricedCalls: 0 }),
        buildState('c', { spentPicoUsd: 0n, unpricedCalls: 0 }),
      ];
      const statuses = states.map((state) => budgetStatus(state, null));
      const text = statusTable(statuses, context).replaceAll('\u001B', 'ESC');
      assert.match(text, /12\.50\+ .*██████████ +125\.00% {2}ESC\[31mexceededESC\[0m\n/);
      assert.match(text, /8\.40 .*████████░░ +84\.00% {2}ESC\[33mwarningESC\[0m\n/);
      assert.match(text, /0\.00 .*░░░░░░░░░░ +0\.00% {2}ESC\[32mokESC\[0m\n/);
      assert.match(text, /\+ calls without a price are not in it/);
      const plain = statusTable([budgetStatus(buildState('c'), null)], { ...context, colours: false });
      assert.equal(plain.includes('\u001B'), false);
    });
  });

  describe('check', () => {
    it('exits with 0 where sums and calls agree, and with 1 and the differences where not', async () => {
      const fine = await run('check');
      assert.equal(fine.code, 0, fine.out);
      assert.match(fine.out, /Sums and calls agree: 3 calls from 2026-/);
      await sql(
        database.url,
        `UPDATE spend_rollup SET cost_usd = cost_usd + 0.000000000001 WHERE cost_usd BETWEEN 4 AND 5`,
      );
      const { code, out } = await run('check');
      assert.equal(code, 1);
      assert.match(out, /priced +acme +2026-11-19/);
      assert.match(out, /differ: 1 in 3 calls/);
      assert.equal((await run('check', '--to', '2026-11-18')).code, 0);
      const json = JSON.parse((await run('check', '--from', '2026-11-19', '--format', 'json')).out);
      assert.equal(json.drifts[0].foundUsd, '4.000000000002');
    });

    it('refuses days in the wrong order', async () => {
      const { code, err } = await run('check', '--from', '2026-11-20', '--to', '2026-11-01');
      assert.equal(code, 2);
      assert.match(err, /--to 2026-11-01 is before --from 2026-11-20/);
    });

    it('refuses a day that does not exist', async () => {
      const { code, err } = await run('check', '--from', '2026-02-30');
      assert.equal(code, 2);
      assert.match(err, /--from "2026-02-30" is not YYYY-MM-DD/);
    });
  });
});
