import assert from 'node:assert/strict';
import type { AttributeValue, SpanGroup } from '@spanmeter/processors';
import { partitionName } from '@spanmeter/collector/dist/exporters/postgres/partitions.js';
import type { Identity } from '@spanmeter/collector/dist/pipeline/identity.js';
import { groupOf, spanOf } from '../../processors/spans.ts';
import { type FreshDatabase, freshDatabase, sql } from '../../support/database.ts';
import { callsOf, disagreements, LedgerWriter, pricingOf, repriceIn } from '../../support/reprice-lab.ts';
import { spanmeter } from '../cli/running-cli.ts';
import { Random } from '../simulator/random.ts';
import { authenticatorOf, runApi, type Json, type RunningApi } from './running-api.ts';

const DAY_MS = 86_400_000;
const TENANTS = ['acme', 'globex'] as const;
const MODELS = ['gpt-4o', 'gpt-4o-mini', 'own-a', 'own-b'] as const;
const STEPS = 45;
/** Each takes about ten seconds. */
const SEEDS = Array.from(
  { length: Number(process.env['SPANMETER_AS_OF_SEEDS'] ?? 1) },
  (_, index) => index + 1,
);

/** Whole days around today, so that everything a test stores is in them. */
function range(): string {
  const day = (offset: number): string => new Date(Date.now() + offset * DAY_MS).toISOString().slice(0, 10);
  return `from=${day(-20)}&to=${day(2)}`;
}

function prices(random: Random): object {
  const own = MODELS.filter(() => random.chance(0.6)).map((model) => ({
    provider: 'openai',
    model,
    input_mtok: `${random.int(0, 9)}.${random.int(0, 999_999_999)}`,
    output_mtok: String(random.int(1, 40)),
  }));
  return { prices: own };
}

function spans(random: Random, nowMs: number): SpanGroup[] {
  return TENANTS.map((tenant) => {
    const made = Array.from({ length: random.int(0, 6) }, () => {
      const attributes: Record<string, AttributeValue> = {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'openai',
        'gen_ai.request.model': random.pick(MODELS),
        'gen_ai.usage.output_tokens': random.int(0, 900),
        'user.id': random.pick(['ann', 'bob']),
        'team.id': random.pick(['red', 'blue']),
      };
      if (random.chance(0.85)) attributes['gen_ai.usage.input_tokens'] = random.int(0, 5000);
      if (random.chance(0.2)) attributes['error.type'] = '500';
      if (random.chance(0.2)) attributes['gen_ai.usage.cost'] = 0.25;
      // Some arrive days late.
      const lateMs = random.chance(0.3) ? random.int(0, 8 * DAY_MS) : random.int(0, 60_000);
      const startUnixNano = BigInt(nowMs - lateMs) * 1_000_000n;
      return spanOf(attributes, { startUnixNano, endUnixNano: startUnixNano + 5_000_000n });
    });
    return groupOf(made, { receivedUnixMs: nowMs, declaredTenant: tenant });
  });
}

/** Everything that is stored becomes a day older; what is recorded from now on is of a new day. */
async function passDay(url: string): Promise<void> {
  await sql(url, `UPDATE spanmeter.calls SET received_at = received_at - interval '1 day'`);
  await sql(url, `UPDATE spanmeter.cost_adjustments SET created_at = created_at - interval '1 day'`);
  await sql(
    url,
    `UPDATE spanmeter.correction_times SET recorded_on = recorded_on - 1, first_at = first_at - interval '1 day',
       last_at = last_at - interval '1 day'`,
  );
  await sql(
    url,
    `UPDATE spanmeter.spend_rollup SET recorded_on = recorded_on - 1,
       dimensions_hash = decode(md5(random()::text || ctid::text), 'hex')`,
  );
}

interface Asked {
  readonly query: string;
  readonly answer: Json;
  atMs: number;
}

const QUERIES = [
  'group_by=provider',
  'tenant=acme&group_by=model,day',
  'group_by=tenant,team,month',
  'group_by=user',
  'tenant=globex&group_by=user,model&team=red',
  'group_by=day&model=own-a',
  'tenant=acme&group_by=team&format=csv',
];

describe('spend as it stood', function () {
  let database: FreshDatabase;
  let api: RunningApi;

  beforeEach(async () => {
    database = await freshDatabase();
    await sql(
      database.url,
      `INSERT INTO tenants (id, timezone) VALUES ('acme', 'Europe/Rome'), ('globex', 'Asia/Kolkata')`,
    );
    api = await runApi(database.url);
  });
  afterEach(async () => {
    await api.close();
    await database.drop();
  });

  async function spend(query: string): Promise<Json> {
    const { status, body } = await api.get(`/api/v1/spend?${range()}&${query}`);
    assert.equal(status, 200, JSON.stringify(body));
    if (typeof body === 'string') return body;
    const { as_of: _asOf, ...rest } = body;
    return rest;
  }

  for (const seed of SEEDS) {
    it(`is what was answered then, however calls, corrections and days go on (seed ${seed})`, async () => {
      const random = new Random(seed);
      const ledger = new LedgerWriter(database.url);
      let pricing = pricingOf();
      let lastMs = 0;
      const asked: Asked[] = [];
      const ends: { date: string; query: string; answer: Json }[] = [];

      const ask = async (): Promise<void> => {
        const atMs = Math.max(Date.now(), lastMs) + 1;
        lastMs = atMs + 1;
        for (const query of QUERIES) asked.push({ query, answer: await spend(query), atMs });
      };
      const endDay = async (): Promise<void> => {
        await ask();
        const today = new Date(lastMs).toISOString().slice(0, 10);
        for (const end of ends) {
          end.date = new Date(Date.parse(end.date) - DAY_MS).toISOString().slice(0, 10);
        }
        await passDay(database.url);
        for (const each of asked) each.atMs -= DAY_MS;
        const yesterday = new Date(Date.parse(today) - DAY_MS).toISOString().slice(0, 10);
        for (const each of asked.slice(-QUERIES.length)) {
          ends.push({ date: yesterday, query: each.query, answer: each.answer });
        }
      };

      for (let step = 0; step < STEPS; step++) {
        const what = random.int(0, 9);
        if (what < 5) {
          const nowMs = Math.max(Date.now(), lastMs);
          lastMs = nowMs;
          await ledger.write(callsOf(spans(random, nowMs), pricing));
        } else if (what < 7) {
          pricing = pricingOf(prices(random), random.chance(0.3) ? ['openai'] : []);
          await repriceIn(database.url, pricing, {
            pageCalls: random.int(1, 30),
            tenant: random.pick([null, 'acme']),
          });
          assert.deepEqual(await disagreements(database.url), []);
        } else if (what < 9) await ask();
        else await endDay();
      }
      await endDay();
      await ledger.close();

      for (const { query, answer, atMs } of asked) {
        const at = new Date(atMs).toISOString();
        assert.deepEqual(await spend(`${query}&as_of=${at}`), answer, `${query} as of ${at}`);
      }
      for (const { date, query, answer } of ends) {
        assert.deepEqual(await spend(`${query}&as_of=${date}`), answer, `${query} as of ${date}`);
      }
      assert.deepEqual(await spend(`${QUERIES[0]}&as_of=2999-01-01`), await spend(QUERIES[0]!));
      const nothing = await spend(`${QUERIES[0]}&as_of=2000-01-01`);
      assert.deepEqual([nothing.rows, nothing.total.calls], [[], 0]);
    });
  }

  it('tells of a run under way only what it had corrected by then', async () => {
    const random = new Random(5);
    const ledger = new LedgerWriter(database.url);
    for (let batch = 0; batch < 4; batch++)
      await ledger.write(callsOf(spans(random, Date.now()), pricingOf()));
    await ledger.close();
    await repriceIn(database.url, pricingOf(prices(random)), { pageCalls: 3 });
    await repriceIn(database.url, pricingOf(prices(random)), { pageCalls: 2 });
    const instants = await sql<{ at: string }>(
      database.url,
      `SELECT DISTINCT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at
       FROM cost_adjustments ORDER BY 1`,
    );
    assert.ok(instants.length > 5);
    const totals = new Set<string>();
    for (const { at } of instants) {
      // By user it is read from the calls and their corrections one by one, by provider from the rollups.
      const [one, other] = [
        await spend(`group_by=user&as_of=${at}`),
        await spend(`group_by=provider&as_of=${at}`),
      ];
      assert.deepEqual(other.total, one.total, at);
      totals.add(other.total.cost_usd);
    }
    assert.ok(totals.size > 5);
  });

  it('says which instant was used: a date is its end in UTC, the future is now', async () => {
    const of = async (asOf: string): Promise<string> =>
      (await api.get(`/api/v1/spend?as_of=${encodeURIComponent(asOf)}`)).body.as_of;
    assert.equal(await of('2026-01-31'), '2026-02-01T00:00:00.000000Z');
    assert.equal(await of('2026-01-31T12:30:00+02:00'), '2026-01-31T10:30:00.000000Z');
    assert.ok(Math.abs(Date.parse(await of('2999-01-01')) - Date.now()) < 60_000);
    assert.equal((await api.get('/api/v1/spend')).body.as_of, null);
    for (const bad of ['yesterday', '2026-02-30', '2026-01-31T12:30:00', '']) {
      assert.equal((await api.get(`/api/v1/spend?as_of=${bad}`)).status, 400, bad);
    }
  });

  it('is answered at midnights for ever, and within a day while the calls of that day are kept', async () => {
    const ledger = new LedgerWriter(database.url);
    const random = new Random(9);
    await ledger.write(callsOf(spans(random, Date.now()), pricingOf()));
    await ledger.close();
    for (let day = 0; day < 3; day++) await passDay(database.url);
    const whole = await spend('group_by=tenant');
    const [partition] = await sql<{ day: string }>(
      database.url,
      `SELECT min(started_at)::date::text AS day FROM calls`,
    );
    await sql(database.url, `DROP TABLE ${partitionName(Date.parse(partition!.day) / DAY_MS)}`);
    const date = new Date(Date.now() - 3 * DAY_MS).toISOString().slice(0, 10);
    assert.deepEqual(await spend(`group_by=tenant&as_of=${date}`), whole);
    const within = await api.get(`/api/v1/spend?${range()}&as_of=${date}T12:00:00Z`);
    assert.equal(within.status, 400);
    assert.match(within.body.error.message, /past the retention.*midnight in UTC/);
    for (const query of ['group_by=user', 'user=ann']) {
      const byUser = await api.get(`/api/v1/spend?${range()}&${query}&as_of=${date}`);
      assert.equal(byUser.status, 400, 'the calls of users are gone, and a lower sum would be wrong');
      assert.match(byUser.body.error.message, /by user .*past the retention/);
    }
    const later = await api.get(
      `/api/v1/spend?${range()}&as_of=${new Date(Date.now() - DAY_MS / 2).toISOString()}`,
    );
    assert.equal(later.status, 200, 'nothing of that day is needed');
  });

  it('is in the report, and keeps tenants apart like every other answer', async () => {
    const ledger = new LedgerWriter(database.url);
    const spansOf = (tenant: string, tokens: number): SpanGroup => {
      const startUnixNano = BigInt(Date.now()) * 1_000_000n;
      const attributes = {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'openai',
        'gen_ai.request.model': 'gpt-4o',
        'gen_ai.usage.input_tokens': tokens,
        'gen_ai.usage.output_tokens': 0,
        'user.id': tenant,
      };
      return groupOf([spanOf(attributes, { startUnixNano, endUnixNano: startUnixNano })], {
        receivedUnixMs: Date.now(),
        declaredTenant: tenant,
      });
    };
    await ledger.write(callsOf([spansOf('acme', 1000), spansOf('globex', 4000)], pricingOf()));
    await ledger.close();
    const [clock] = await sql<{ at: string }>(
      database.url,
      `SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at`,
    );
    const price = { prices: [{ provider: 'openai', model: 'gpt-4o', input_mtok: '1', output_mtok: '1' }] };
    await repriceIn(database.url, pricingOf(price));
    const args = ['report', '--period', 'month', '--tenant', 'acme', '--format', 'json'];
    const env = { DATABASE_URL: database.url };
    const then = await spanmeter([...args, '--as-of', clock!.at], env, new Date());
    assert.equal(then.code, 0, then.err);
    assert.deepEqual(
      [JSON.parse(then.out).total.cost_usd, JSON.parse(then.out).as_of],
      ['0.002500000000', clock!.at],
    );
    const now = await spanmeter(args, env, new Date());
    assert.deepEqual(
      [JSON.parse(now.out).total.cost_usd, JSON.parse(now.out).as_of],
      ['0.001000000000', null],
    );
    assert.equal((await spanmeter([...args, '--as-of', 'once'], env)).code, 2);

    const key = (tenant: string): Identity => ({ role: 'read', tenant, team: null, keyId: tenant });
    const keyed = await runApi(database.url, {
      authenticator: authenticatorOf({ acme: key('acme'), globex: key('globex') }),
    });
    try {
      for (const groupBy of ['tenant', 'user', 'provider']) {
        const path = `/api/v1/spend?${range()}&group_by=${groupBy}&as_of=${clock!.at}`;
        assert.equal((await keyed.get(path, 'acme')).body.total.cost_usd, '0.002500000000', groupBy);
        assert.equal((await keyed.get(path, 'globex')).body.total.cost_usd, '0.010000000000', groupBy);
        assert.equal((await keyed.get(`${path}&tenant=globex`, 'acme')).status, 403);
      }
      const { body } = await keyed.get('/api/v1/adjustments', 'acme');
      assert.deepEqual(
        body.adjustments.map((each: { tenant: string }) => each.tenant),
        ['acme'],
      );
      assert.equal((await keyed.get('/api/v1/adjustments?tenant=globex', 'acme')).status, 403);
    } finally {
      await keyed.close();
    }
  });
});
