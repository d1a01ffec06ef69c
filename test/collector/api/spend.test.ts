import assert from 'node:assert/strict';
import { freshDatabase, sql, type FreshDatabase } from '../../support/database.js';
import { runApi, type RunningApi } from './running-api.js';
import { storeCalls, storeTenants } from './stored-calls.js';

/** Noon UTC on the day after the clocks went back in New York. */
const NOW = new Date('2026-11-02T12:00:00Z');

describe('spend over HTTP', () => {
  let database: FreshDatabase;
  let api: RunningApi;

  before(async () => {
    database = await freshDatabase();
    await storeTenants(database.url, { acme: 'UTC', york: 'America/New_York', rome: 'Europe/Rome' });
    await storeCalls(database.url, [
      { tenant: 'acme', at: '2026-11-02T00:00:00Z', cost: '0.1', provider: 'anthropic', team: 'pay' },
      { tenant: 'acme', at: '2026-11-02T08:00:00Z', cost: '0.2', provider: 'anthropic', user: 'ann' },
      {
        tenant: 'acme',
        at: '2026-11-02T09:00:00Z',
        cost: '0.15',
        provider: 'openai',
        user: 'bob',
        error: 'timeout',
      },
      {
        tenant: 'acme',
        at: '2026-11-02T09:01:00Z',
        cost: null,
        status: 'unpriced_model',
        provider: 'openai',
      },
      { tenant: 'acme', at: '2026-11-02T09:02:00Z', cost: null, status: 'duplicate', provider: 'openai' },
      { tenant: 'acme', at: '2026-11-02T09:03:00Z', cost: null, status: 'not_billable', provider: 'openai' },
      { tenant: 'acme', at: '2026-11-01T23:59:59.999999Z', cost: '5', provider: 'openai' },
      { tenant: 'acme', at: '2026-10-31T12:00:00Z', cost: '7', provider: 'openai' },
      // New York's 1st of November 2026 has 25 hours: 04:00Z to 05:00Z of the next day.
      { tenant: 'york', at: '2026-11-01T03:59:59Z', cost: '1' },
      { tenant: 'york', at: '2026-11-01T04:00:00Z', cost: '2' },
      { tenant: 'york', at: '2026-11-02T04:59:59Z', cost: '4' },
      { tenant: 'york', at: '2026-11-02T05:00:00Z', cost: '8' },
      // And its 8th of March 23: 05:00Z to 04:00Z.
      { tenant: 'york', at: '2026-03-08T05:00:00Z', cost: '16' },
      { tenant: 'york', at: '2026-03-09T03:59:59Z', cost: '32' },
      { tenant: 'york', at: '2026-03-09T04:00:00Z', cost: '64' },
    ]);
    api = await runApi(database.url, { now: () => NOW });
  });

  after(async () => {
    await api.close();
    await database.drop();
  });

  it('answers the compatibility endpoint in exactly its shape, with numbers', async () => {
    const { status, body } = await api.get('/api/metrics?tenant=acme');
    assert.equal(status, 200);
    assert.deepEqual(body, {
      total_cost: 0.45,
      breakdown: [
        { service: 'anthropic', cost: 0.3, count: 2 },
        { service: 'openai', cost: 0.15, count: 2 },
      ],
      usage_count: 4,
      unpriced_count: 1,
      period: 'day',
    });
  });

  it('takes the ISO week and the calendar month that a date is in', async () => {
    const week = await api.get('/api/metrics?tenant=acme&period=week&date=2026-11-01');
    assert.equal(
      week.body.total_cost,
      12,
      'Sunday the 1st belongs to the week from Monday, the 26th of October',
    );
    const month = await api.get('/api/metrics?tenant=acme&period=month');
    assert.equal(month.body.total_cost, 5.45);
    assert.equal(month.body.period, 'month');
  });

  it('narrows to one provider by service', async () => {
    const { body } = await api.get('/api/metrics?tenant=acme&service=openai');
    assert.equal(body.total_cost, 0.15);
    assert.deepEqual(body.breakdown, [{ service: 'openai', cost: 0.15, count: 2 }]);
  });

  it('answers a period without calls with zeros', async () => {
    const { body } = await api.get('/api/metrics?tenant=acme&date=2025-01-01');
    assert.deepEqual(body, {
      total_cost: 0,
      breakdown: [],
      usage_count: 0,
      unpriced_count: 0,
      period: 'day',
    });
  });

  it('cuts days at midnight in New York when the clocks go back and forward', async () => {
    const autumn = await api.get('/api/metrics?tenant=york&date=2026-11-01');
    assert.equal(autumn.body.total_cost, 6);
    const spring = await api.get('/api/metrics?tenant=york&date=2026-03-08');
    assert.equal(spring.body.total_cost, 48);
    const days = await api.get('/api/v1/spend?tenant=york&group_by=day&from=2026-10-31&to=2026-11-02');
    assert.deepEqual(
      days.body.rows.map((row: { day: string; cost_usd: string }) => [row.day, row.cost_usd]),
      [
        ['2026-10-31', '1.000000000000'],
        ['2026-11-01', '6.000000000000'],
        ['2026-11-02', '8.000000000000'],
      ],
    );
    assert.equal(days.body.from, '2026-10-31T04:00:00.000000Z');
    assert.equal(days.body.to, '2026-11-03T05:00:00.000000Z');
  });

  it('agrees with get_cost_summary in the same days', async () => {
    const [row] = await sql<{ total_cost: string; count: string }>(
      database.url,
      `SELECT total_cost::text, count::text FROM spanmeter.get_cost_summary('york', '2026-11-01', '2026-11-01')`,
    );
    assert.equal(row?.total_cost, '6.000000000000');
    const { body } = await api.get('/api/v1/spend?tenant=york&from=2026-11-01&to=2026-11-01');
    assert.equal(body.total.cost_usd, row?.total_cost);
    assert.equal(String(body.total.calls), row?.count);
  });

  it('groups by several dimensions with an exact total', async () => {
    const { body } = await api.get(
      '/api/v1/spend?tenant=acme&group_by=day,provider&from=2026-11-01&to=2026-11-02',
    );
    assert.deepEqual(
      body.rows.map((row: Record<string, unknown>) => [
        row['day'],
        row['provider'],
        row['cost_usd'],
        row['calls'],
      ]),
      [
        ['2026-11-01', 'openai', '5.000000000000', 1],
        ['2026-11-02', 'anthropic', '0.300000000000', 2],
        ['2026-11-02', 'openai', '0.150000000000', 2],
      ],
    );
    assert.equal(body.total.cost_usd, '5.450000000000');
    assert.equal(body.total.unpriced_calls, 1);
    assert.equal(body.total.errors, 1);
    assert.equal(body.total.input_tokens, 5 * 450);
    assert.deepEqual(body.group_by, ['day', 'provider']);
  });

  it('groups by user, which only the calls know, to the same total', async () => {
    const { body } = await api.get('/api/v1/spend?tenant=acme&group_by=user&from=2026-11-02&to=2026-11-02');
    assert.deepEqual(
      body.rows.map((row: Record<string, unknown>) => [row['user'], row['cost_usd']]),
      [
        ['ann', '0.200000000000'],
        ['bob', '0.150000000000'],
        [null, '0.100000000000'],
      ],
    );
    assert.equal(body.total.cost_usd, '0.450000000000');
    assert.equal(body.total.calls, 4);
  });

  it('sums all tenants in UTC where none is named', async () => {
    const { body } = await api.get('/api/v1/spend?group_by=tenant&from=2026-11-01&to=2026-11-02');
    assert.equal(body.tenant, null);
    assert.equal(body.timezone, 'UTC');
    assert.deepEqual(
      body.rows.map((row: Record<string, unknown>) => [row['tenant'], row['cost_usd']]),
      [
        ['york', '15.000000000000'],
        ['acme', '5.450000000000'],
      ],
    );
  });

  it('widens instants to whole quarter-hours and says so', async () => {
    const query = 'from=2026-11-02T08:01:00%2B00:00&to=2026-11-02T09:00:00.000001Z';
    const { body } = await api.get(`/api/v1/spend?tenant=acme&${query}`);
    assert.equal(body.from, '2026-11-02T08:00:00.000000Z');
    assert.equal(body.to, '2026-11-02T09:15:00.000000Z');
    assert.equal(body.total.cost_usd, '0.350000000000');
  });

  it('answers CSV that a spreadsheet runs nothing of', async () => {
    await storeCalls(database.url, [
      { tenant: 'acme', at: '2026-10-05T00:00:00Z', cost: '1', team: '=HYPERLINK("http://evil","x")' },
      { tenant: 'acme', at: '2026-10-05T00:00:00Z', cost: '0.5', team: 'a,b\n"c"' },
    ]);
    const { status, headers, body } = await api.get(
      '/api/v1/spend?tenant=acme&group_by=team&format=csv&from=2026-10-05&to=2026-10-05',
    );
    assert.equal(status, 200);
    assert.match(headers.get('content-type') ?? '', /^text\/csv/);
    assert.equal(
      body,
      'team,cost_usd,calls,errors,unpriced_calls,input_tokens,cache_read_tokens,cache_write_tokens,output_tokens,' +
        'reasoning_tokens,estimated_calls,estimated_cost_usd\r\n' +
        `"'=HYPERLINK(""http://evil"",""x"")",1.000000000000,1,0,0,450,0,0,180,0,0,0.000000000000\r\n` +
        `"a,b\n""c""",0.500000000000,1,0,0,450,0,0,180,0,0,0.000000000000\r\n`,
    );
  });

  it('lists every fault of the parameters', async () => {
    const asOf = await api.get('/api/v1/spend?as_of=2026-02-30');
    assert.equal(asOf.status, 400);
    assert.equal(asOf.body.error.details[0].parameter, 'as_of');
    const faults = await api.get('/api/v1/spend?group_by=planet&from=yesterday&limit=3&tenant=a&tenant=b');
    assert.equal(faults.status, 400);
    assert.equal(faults.body.error.code, 'invalid');
    assert.deepEqual(
      faults.body.error.details.map((detail: { parameter: string }) => detail.parameter).toSorted(),
      ['from', 'group_by', 'limit', 'tenant'],
    );
    const empty = await api.get('/api/v1/spend?from=2026-11-02&to=2026-11-01');
    assert.equal(empty.status, 400);
    const nul = await api.get('/api/v1/spend?tenant=a%00b');
    assert.equal(nul.status, 400);
  });

  it('summarises today, the change since yesterday at this time, thirty days and the newest calls', async () => {
    const { status, body } = await api.get('/api/v1/summary?tenant=acme');
    assert.equal(status, 200);
    assert.deepEqual(body.today, {
      date: '2026-11-02',
      cost_usd: '0.450000000000',
      calls: 4,
      errors: 1,
      unpriced_calls: 1,
      estimated_calls: 0,
      estimated_cost_usd: '0.000000000000',
      mean_latency_ms: 800.5,
    });
    assert.deepEqual(body.change, {
      yesterday_cost_usd: '0.000000000000',
      cost_usd: '0.450000000000',
      percent: null,
    });
    assert.equal(body.history.length, 30);
    assert.deepEqual(body.history.at(-2), {
      date: '2026-11-01',
      cost_usd: '5.000000000000',
      calls: 1,
      unpriced_calls: 0,
      estimated_calls: 0,
      estimated_cost_usd: '0.000000000000',
    });
    assert.equal(body.recent_calls[0].started_at, '2026-11-02T09:03:00.000000Z');
    const all = await api.get('/api/v1/summary');
    assert.equal(all.body.tenant, null);
    assert.equal(all.body.today.cost_usd, '12.450000000000');
    assert.equal(all.body.recent_calls[0].tenant, 'acme');
  });

  it('includes corrections: the rollup and calls_effective tell the same', async () => {
    await storeTenants(database.url, { fixed: 'UTC' });
    await storeCalls(database.url, [
      {
        tenant: 'fixed',
        at: '2026-11-02T01:00:00Z',
        cost: '3',
        traceId: 'a'.repeat(32),
        spanId: 'b'.repeat(16),
      },
    ]);
    await sql(
      database.url,
      `INSERT INTO spanmeter.cost_adjustments (tenant_id, started_at, trace_id, span_id, reason, delta_usd, old_status,
         new_status, old_price_version, new_price_version, run_id)
       VALUES ('fixed', '2026-11-02T01:00:00Z', repeat('a', 32), repeat('b', 16), 'reprice', -1, 'priced', 'priced',
         'v1', 'v2', 'run')`,
    );
    await sql(
      database.url,
      `UPDATE spanmeter.spend_rollup SET cost_usd = cost_usd - 1 WHERE tenant_id = 'fixed'`,
    );
    const spend = await api.get('/api/v1/spend?tenant=fixed');
    assert.equal(spend.body.total.cost_usd, '2.000000000000');
    const byUser = await api.get('/api/v1/spend?tenant=fixed&group_by=user');
    assert.equal(byUser.body.total.cost_usd, '2.000000000000');
    const calls = await api.get('/api/v1/calls?tenant=fixed');
    assert.equal(calls.body.calls[0].cost_usd, '2.000000000000');
    assert.equal(calls.body.calls[0].price_version, 'v2');
  });
});
