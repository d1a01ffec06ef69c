import assert from 'node:assert/strict';
import { Pool } from 'pg';
import { dailySummaryOption } from '@spanmeter/collector/dist/alerts/channel-options.js';
import type { ChannelRoute } from '@spanmeter/collector/dist/alerts/channels.js';
import type { DailySummary } from '@spanmeter/collector/dist/alerts/summary/daily-summary.js';
import {
  createSummarySchedule,
  type SummarySchedule,
} from '@spanmeter/collector/dist/alerts/summary/summary-schedule.js';
import { summaryText } from '@spanmeter/collector/dist/alerts/summary/summary-text.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';
import { freshDatabase, sql, type FreshDatabase } from '../../support/database.ts';

interface Written {
  readonly tenant_id: string;
  readonly channel: string;
  readonly name: string;
  readonly body: DailySummary;
}

const EVERYBODY: ChannelRoute = {
  id: 'ops',
  tenants: null,
  kinds: null,
  minSeverity: 'info',
  sendResolved: true,
};

describe('the daily summary', function () {
  let database: FreshDatabase;
  let pool: Pool;

  before(async () => {
    database = await freshDatabase();
    pool = new Pool({ connectionString: database.url, max: 4 });
  });
  after(async () => {
    await pool.end();
    await database.drop();
  });
  beforeEach(() =>
    sql(
      database.url,
      `TRUNCATE spanmeter.notifications, spanmeter.spend_rollup, spanmeter.tenants, spanmeter.budget_spend,
       spanmeter.budgets, spanmeter.alerts CASCADE`,
    ),
  );

  function schedule(options: object = {}, routes: readonly ChannelRoute[] = [EVERYBODY]): SummarySchedule {
    const summary = dailySummaryOption.parse({ at: '08:00', operator: false, ...options });
    return createSummarySchedule({ pool, summary, routes, log: SILENT_LOG });
  }

  const tenant = (id: string, zone = 'UTC'): Promise<unknown> =>
    sql(database.url, 'INSERT INTO spanmeter.tenants (id, timezone) VALUES ($1, $2)', [id, zone]);

  let sums = 0;
  const spend = (id: string, at: string, usdText: string, more: Record<string, string | number> = {}) => {
    const { model = 'gpt-4o', team = null, status = 'priced', calls = 1 } = more;
    sums += 1;
    return sql(
      database.url,
      `INSERT INTO spanmeter.spend_rollup (tenant_id, bucket_start, provider, model, operation, service_name, team,
         cost_status, dimensions_hash, journal_id, calls, errors, input_tokens, cache_read_tokens, cache_write_tokens,
         output_tokens, reasoning_tokens, cost_usd, reported_cost_usd)
       VALUES ($1, $2, 'openai', $3, 'chat', 'checkout', $4, $5, int4send($6::int),
         '00000000-0000-0000-0000-000000000000', $7, 0, 0, 0, 0, 0, 0, $8, 0)`,
      [id, at, model, team, status, sums, calls, usdText],
    );
  };
  const written = (): Promise<Written[]> =>
    sql<Written>(
      database.url,
      `SELECT tenant_id, channel, name, body FROM spanmeter.notifications WHERE kind = 'summary' ORDER BY id`,
    );

  it('has exact figures of the day, of the day before and of the week before', async () => {
    await tenant('acme');
    await spend('acme', '2026-11-20T00:00Z', '0.000000000001', { calls: 2, team: 'payments' });
    await spend('acme', '2026-11-20T23:45Z', '12.499999999999', { model: 'claude', team: 'search' });
    await spend('acme', '2026-11-20T10:00Z', '0', { status: 'unpriced_model', model: 'new', calls: 3 });
    await spend('acme', '2026-11-20T10:00Z', '0', { status: 'duplicate', calls: 5 });
    await spend('acme', '2026-11-21T00:00Z', '1000');
    await spend('acme', '2026-11-19T23:45Z', '10');
    await spend('acme', '2026-11-13T12:00Z', '50');
    assert.equal(await schedule().round('2026-11-21T08:00:00Z'), 1);
    const [row] = await written();
    assert.equal(row?.name, 'summary/2026-11-20');
    assert.deepEqual(row.body, {
      tenant: 'acme',
      date: '2026-11-20',
      timezone: 'UTC',
      spend_usd: '12.500000000000',
      calls: 6,
      unpriced_calls: 3,
      complete: false,
      day_before: { spend_usd: '10.000000000000', change_percent: '25.0' },
      week_before: { spend_usd: '50.000000000000', change_percent: '-75.0' },
      top_models: [
        { name: 'claude', spend_usd: '12.499999999999', calls: 1, unpriced_calls: 0 },
        { name: 'gpt-4o', spend_usd: '0.000000000001', calls: 2, unpriced_calls: 0 },
        { name: 'new', spend_usd: '0.000000000000', calls: 3, unpriced_calls: 3 },
      ],
      top_teams: [
        { name: 'search', spend_usd: '12.499999999999', calls: 1, unpriced_calls: 0 },
        { name: 'payments', spend_usd: '0.000000000001', calls: 2, unpriced_calls: 0 },
      ],
      top_tenants: [],
      budgets: [],
    });
    assert.equal(
      summaryText(row.body),
      [
        'Summary of 2026-11-20 for acme: $12.50 in 6 calls.',
        'Day before: $10.00 (+25.0%). Same weekday a week before: $50.00 (-75.0%).',
        'Without a price: 3 calls, so the spend is more than this.',
        'Models: claude $12.50 (1 call), gpt-4o $0.000000000001 (2 calls), new (3 calls without a price)',
        'Teams: search $12.50 (1 call), payments $0.000000000001 (2 calls)',
      ].join('\n'),
    );
    const some = {
      ...row.body,
      top_models: [{ name: 'mixed', spend_usd: '1', calls: 3, unpriced_calls: 1 }],
    };
    assert.match(summaryText(some), /Models: mixed at least \$1\.00 \(3 calls\)/);
  });

  it('has the budgets that the day counts in, the fullest first, and not those that another one stands for', async () => {
    await tenant('acme');
    await tenant('other');
    await spend('acme', '2026-11-16T10:00Z', '7', { team: 'payments' });
    await spend('acme', '2026-11-20T10:00Z', '2.5', { team: 'payments' });
    await spend('other', '2026-11-20T10:00Z', '1');
    await sql(
      database.url,
      `INSERT INTO spanmeter.budgets (tenant_id, id, name, scope, scope_value, period, limit_usd, starts_on,
         ends_on, enabled)
       VALUES ('', 'each-day', 'Everybody', 'each', NULL, 'day', 10, NULL, NULL, true),
         ('', 'each-week', 'Everybody weekly', 'each', NULL, 'week', 10, NULL, NULL, true),
         ('', 'all', 'All of us', 'all', NULL, 'month', 1000, NULL, NULL, true),
         ('acme', 'day', 'Own day', 'tenant', NULL, 'day', 2, NULL, NULL, true),
         ('acme', 'team', 'Payments', 'team', 'payments', 'custom', 100, '2026-11-16', '2026-11-20', true),
         ('acme', 'past', 'Over', 'tenant', NULL, 'custom', 1, '2026-11-01', '2026-11-19', true),
         ('acme', 'off', 'Off', 'team', 'payments', 'day', 1, NULL, NULL, false),
         ('acme', 'who', 'Ada', 'user', 'ada', 'day', 4, NULL, NULL, true)`,
    );
    await sql(
      database.url,
      `INSERT INTO spanmeter.budget_spend (tenant_id, budget_id, period_start, period_end, spent_usd)
       VALUES ('acme', 'who', '2026-11-20', '2026-11-21', 1.23), ('acme', 'who', '2026-11-21', '2026-11-22', 99)`,
    );
    await schedule().round('2026-11-21T09:00:00Z');
    const budgets = new Map(
      (await written()).map(({ tenant_id: id, body }) => [
        id,
        body.budgets.map(({ name, spent_usd, percent }) => [name, spent_usd, percent]),
      ]),
    );
    assert.deepEqual(budgets.get('acme'), [
      ['Own day', '2.500000000000', '125.0'],
      ['Everybody weekly', '9.500000000000', '95.0'],
      ['Ada', '1.230000000000', '30.8'],
      ['Payments', '9.500000000000', '9.5'],
    ]);
    assert.deepEqual(
      budgets.get('other')?.map(([name]) => name),
      ['Everybody', 'Everybody weekly'],
    );
  });

  it('is written once for a tenant, channel and day, by several collectors at once and after a restart', async () => {
    await tenant('acme');
    await spend('acme', '2026-11-20T10:00Z', '1');
    const routes = [EVERYBODY, { ...EVERYBODY, id: 'chat' }];
    const at = '2026-11-21T08:00:00Z';
    const counts = await Promise.all([schedule({}, routes).round(at), schedule({}, routes).round(at)]);
    assert.equal(counts[0] + counts[1], 2);
    const again = schedule({}, routes);
    assert.equal(await again.round('2026-11-21T20:00:00Z'), 0);
    assert.equal(await again.round('2026-11-22T07:59:59Z'), 0);
    await spend('acme', '2026-11-21T10:00Z', '1');
    assert.equal(await again.round('2026-11-22T08:00:00Z'), 2);
    assert.deepEqual(
      (await written()).map(({ channel, name }) => `${channel} ${name}`),
      [
        'ops summary/2026-11-20',
        'chat summary/2026-11-20',
        'ops summary/2026-11-21',
        'chat summary/2026-11-21',
      ],
    );
  });

  it('goes only to the channels that are for the tenant and named for it', async () => {
    for (const id of ['acme', 'acme-eu', 'other', 'idle']) await tenant(id);
    for (const id of ['acme', 'acme-eu', 'other']) await spend(id, '2026-11-20T10:00Z', '1');
    const routes = [
      { ...EVERYBODY, id: 'acme', tenants: ['acme', 'acme-*'] },
      { ...EVERYBODY, id: 'operator', tenants: [''] },
      { ...EVERYBODY, id: 'not-named' },
    ];
    const options = { operator: true, channels: ['acme', 'operator'] };
    await schedule(options, routes).round('2026-11-21T08:00:00Z');
    assert.deepEqual(
      (await written()).map(({ tenant_id: id, channel }) => `${channel} ${id}`),
      ['operator ', 'acme acme', 'acme acme-eu'],
    );
  });

  it('sums all tenants up for the operator, in the operator’s zone', async () => {
    await tenant('acme', 'Asia/Kolkata');
    await spend('acme', '2026-11-19T23:00Z', '3');
    await spend('acme', '2026-11-20T22:45Z', '1.25');
    await spend('unknown', '2026-11-20T10:00Z', '2');
    await spend('unknown', '2026-11-19T10:00Z', '0.5');
    const options = { operator: true, per_tenant: false, timezone: 'Europe/Berlin', at: '06:30' };
    assert.equal(await schedule(options).round('2026-11-21T05:29:59Z'), 1, 'of the 19th, a day late');
    assert.equal(await schedule(options).round('2026-11-21T05:30:00Z'), 1);
    const [, { body }] = (await written()) as [Written, Written];
    assert.equal(body.spend_usd, '6.250000000000');
    assert.deepEqual(body.top_tenants, [
      { name: 'acme', spend_usd: '4.250000000000', calls: 2, unpriced_calls: 0 },
      { name: 'unknown', spend_usd: '2.000000000000', calls: 1, unpriced_calls: 0 },
    ]);
    assert.equal(await schedule(options).round('2026-11-21T15:00:00Z'), 0);
  });

  for (const [zone, from, to, due] of [
    ['Asia/Kolkata', '2026-11-19T18:30Z', '2026-11-20T18:15Z', '2026-11-21T02:30:00Z'],
    ['Asia/Kathmandu', '2026-11-19T18:15Z', '2026-11-20T18:00Z', '2026-11-21T02:15:00Z'],
    // Clocks went forward by half an hour on 4 October 2026, and back on 5 April.
    ['Australia/Lord_Howe', '2026-10-03T13:30Z', '2026-10-04T12:45Z', '2026-10-04T21:00:00Z'],
    // 25 October 2026 has 25 hours, 29 March has 23.
    ['Europe/Berlin', '2026-10-24T22:00Z', '2026-10-25T22:45Z', '2026-10-26T07:00:00Z'],
    ['Europe/Berlin', '2026-03-28T23:00Z', '2026-03-29T21:45Z', '2026-03-30T06:00:00Z'],
  ] as const) {
    it(`takes the day of ${zone} from ${from} to ${to}, at 08:00 there`, async () => {
      await tenant('acme', zone);
      const minutes = (text: string, by: number): string =>
        new Date(Date.parse(text) + by * 60_000).toISOString();
      await spend('acme', from, '1');
      await spend('acme', to, '2');
      await spend('acme', minutes(from, -15), '100');
      await spend('acme', minutes(to, 15), '1000');
      const running = schedule();
      await running.round(minutes(due, -1));
      assert.deepEqual(
        (await written()).filter(({ body }) => body.spend_usd.startsWith('3.')),
        [],
      );
      await running.round(due);
      const [body] = (await written())
        .map((row) => row.body)
        .filter(({ spend_usd }) => spend_usd.startsWith('3.'));
      assert.equal(body?.spend_usd, '3.000000000000');
      assert.equal(body.day_before.spend_usd, '100.000000000000');
    });
  }

  it('comes on the day on which its time of day is skipped, and once on the day on which it comes twice', async () => {
    await tenant('acme', 'Europe/Berlin');
    for (const day of ['2026-03-28', '2026-10-24']) await spend('acme', `${day}T12:00Z`, '1');
    const running = schedule({ at: '02:30' });
    assert.equal(await running.round('2026-03-29T00:30:00Z'), 0);
    assert.equal(await running.round('2026-03-29T01:30:00Z'), 1);
    let onTheLongDay = 0;
    for (const at of ['00:00', '00:30', '01:00', '01:30', '02:00', '03:00']) {
      onTheLongDay += await running.round(`2026-10-25T${at}:00Z`);
    }
    assert.equal(onTheLongDay, 1);
  });

  it('spreads many tenants over time, each with all of its channels', async () => {
    await sql(
      database.url,
      `INSERT INTO spanmeter.tenants (id) SELECT 't' || n FROM generate_series(1, 450) n`,
    );
    await sql(
      database.url,
      `INSERT INTO spanmeter.spend_rollup (tenant_id, bucket_start, provider, model, operation, service_name,
         cost_status, dimensions_hash, journal_id, calls, errors, input_tokens, cache_read_tokens, cache_write_tokens,
         output_tokens, reasoning_tokens, cost_usd, reported_cost_usd)
       SELECT 't' || n, '2026-11-20T10:00Z', 'openai', 'm', 'chat', 's', 'priced', '\\x00',
         '00000000-0000-0000-0000-000000000000', 1, 0, 0, 0, 0, 0, 0, n, 0 FROM generate_series(1, 450) n`,
    );
    assert.equal(await schedule().round('2026-11-21T08:00:00Z'), 450);
    const [found] = await sql<{ seconds: number; sum: string }>(
      database.url,
      `SELECT extract(epoch FROM max(not_before) - min(created_at))::float8 AS seconds,
         sum((body->>'spend_usd')::numeric)::text AS sum FROM spanmeter.notifications`,
    );
    assert.ok(found!.seconds > 44 && found!.seconds < 60, String(found!.seconds));
    assert.equal(found!.sum, '101475.000000000000');
  });

  it('is off without a time, and for tenants without calls', async () => {
    await tenant('acme');
    assert.equal(await schedule().round('2026-11-21T08:00:00Z'), 0);
    await spend('acme', '2026-11-20T10:00Z', '0', { status: 'not_billable' });
    assert.equal(await schedule({ operator: true }).round('2026-11-21T08:00:00Z'), 0);
    await spend('acme', '2026-11-20T10:00Z', '1');
    assert.equal(await schedule({ at: 'off' }).round('2026-11-21T08:00:00Z'), 0);
  });
});
