import assert from 'node:assert/strict';
import { Client } from 'pg';
import { followSpend, type SpendFollower } from '@spanmeter/collector/dist/budgets/follow-spend.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';
import { type FreshDatabase, freshDatabase, sql } from '../../support/database.ts';
import { linesOf, makeBudget, ownCall, SpendLab } from '../../support/spend-lab.ts';
import { until } from '../../support/until.ts';

const NOON_MS = Date.UTC(2026, 10, 19, 12);
const TODAY = '2026-11-19T00:00:00.000Z';
const NEVER_MS = 3_600_000;

describe('following the spend', function () {
  let database: FreshDatabase;
  let labs: SpendLab[] = [];
  let followers: SpendFollower[] = [];

  function follow(lab: SpendLab, lookMs = NEVER_MS, watch: (client: Client) => void = () => undefined): void {
    const follower = followSpend({
      spending: lab.spending,
      log: SILENT_LOG,
      refreshMs: NEVER_MS,
      lookMs,
      retryMs: 20,
      async connect() {
        const client = new Client({ connectionString: database.url, application_name: 'follower' });
        client.on('error', () => undefined);
        await client.connect();
        watch(client);
        return client;
      },
    });
    followers.push(follower);
    follower.start();
  }

  function lab(): SpendLab {
    const made = new SpendLab(database.url, () => NOON_MS);
    labs.push(made);
    return made;
  }

  const seen = (one: SpendLab, line: string): Promise<unknown> =>
    until(
      () => Promise.resolve(linesOf(one.spending.states(null))),
      (lines) => lines.includes(line),
    );

  beforeEach(async () => {
    database = await freshDatabase();
  });
  afterEach(async () => {
    for (const follower of followers) await follower.stop();
    for (const one of labs) await one.close();
    [followers, labs] = [[], []];
    await database.drop();
  });

  it('reads the store at its start, and again at once where a budget is made', async () => {
    const one = lab();
    await one.write([ownCall(NOON_MS, { costPicoUsd: 3n })]);
    follow(one);
    await seen(one, `acme default ${TODAY} 3 0`);
    await makeBudget(database.url, { id: 'own' });
    await seen(one, `acme own ${TODAY} 3 0`);
  });

  it('counts what a user had spent before a budget was made for them', async () => {
    const one = lab();
    await one.write([ownCall(NOON_MS, { costPicoUsd: 3n })]);
    follow(one);
    await seen(one, `acme default ${TODAY} 3 0`);
    await makeBudget(database.url, { id: 'u', scope: 'user', scope_value: 'user-17' });
    await one.write([ownCall(NOON_MS, { costPicoUsd: 4n })]);
    await seen(one, `acme u ${TODAY} 7 0`);
  });

  it('sees what another collector stores by its cursor, and does not read for its own commits', async () => {
    const [one, other] = [lab(), lab()];
    await one.write([ownCall(NOON_MS, { costPicoUsd: 2n })]);
    follow(one, 20);
    await seen(one, `acme default ${TODAY} 2 0`);
    await other.write([ownCall(NOON_MS, { costPicoUsd: 3n })]);
    await seen(one, `acme default ${TODAY} 5 0`);
    let readings = 0;
    const { spending } = one;
    const refresh = spending.refresh.bind(spending);
    spending.refresh = (client) => {
      readings++;
      return refresh(client);
    };
    for (let round = 0; round < 5; round++) await one.write([ownCall(NOON_MS, { costPicoUsd: 1n })]);
    await seen(one, `acme default ${TODAY} 10 0`);
    assert.equal(readings, 0);
    await other.write([ownCall(NOON_MS, { costPicoUsd: 5n })]);
    await seen(one, `acme default ${TODAY} 15 0`);
    assert.ok(readings > 0);
  });

  it('takes what it stores itself while it looks for its own', async () => {
    const one = lab();
    await one.write([ownCall(NOON_MS, { costPicoUsd: 2n })]);
    let looks = 0;
    let readings = 0;
    follow(one, 20, (client) => {
      const query = client.query.bind(client) as (text: string) => Promise<unknown>;
      const slow = async (text: string): Promise<unknown> => {
        const answer = await query(text);
        if (typeof text === 'string' && text.includes('spanmeter.journal_cursors') && readings > 0) {
          looks++;
          await one.write([ownCall(NOON_MS, { costPicoUsd: 1n })]);
        }
        return answer;
      };
      Object.assign(client, { query: slow });
    });
    const { spending } = one;
    const refresh = spending.refresh.bind(spending);
    spending.refresh = async (client) => {
      const cursors = await refresh(client);
      readings++;
      return cursors;
    };
    await until(
      () => Promise.resolve(looks),
      (count) => count >= 5,
    );
    assert.equal(readings, 1);
  });

  it('reads again when it hears of corrections', async () => {
    const one = lab();
    await one.write([ownCall(NOON_MS, { costPicoUsd: 5n })]);
    follow(one);
    await seen(one, `acme default ${TODAY} 5 0`);
    await sql(
      database.url,
      'UPDATE spend_rollup SET cost_usd = 0.000000000009; NOTIFY spanmeter_corrections',
    );
    await seen(one, `acme default ${TODAY} 9 0`);
  });

  it('goes on by itself while the database is away, and reads again once it is back', async () => {
    const one = lab();
    await one.write([ownCall(NOON_MS, { costPicoUsd: 5n })]);
    follow(one);
    await seen(one, `acme default ${TODAY} 5 0`);
    await sql(
      database.adminUrl,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
       AND application_name = 'follower'`,
    );
    await makeBudget(database.url, { id: 'own' });
    await seen(one, `acme own ${TODAY} 5 0`);
  });
});
