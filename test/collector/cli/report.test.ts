import assert from 'node:assert/strict';
import { freshDatabase, type FreshDatabase } from '../../support/database.js';
import { storeCalls, storeTenants } from '../api/stored-calls.js';
import { spanmeter, type CliRun } from './running-cli.js';

describe('spanmeter report', () => {
  let database: FreshDatabase;
  const report = (...args: string[]): Promise<CliRun> =>
    spanmeter(['report', ...args], { DATABASE_URL: database.url });

  before(async () => {
    database = await freshDatabase();
    await storeTenants(database.url, { acme: 'Europe/Rome', empty: 'UTC' });
    await storeCalls(database.url, [
      { tenant: 'acme', at: '2026-11-01T10:00:00Z', cost: '1234.5', provider: 'openai' },
      { tenant: 'acme', at: '2026-11-02T10:00:00Z', cost: '0.00135', provider: 'anthropic' },
      { tenant: 'acme', at: '2026-11-02T10:00:00Z', cost: '0.00135', provider: 'anthropic' },
      { tenant: 'acme', at: '2026-11-02T10:00:00Z', cost: '0.00013', provider: 'openai', service: 'search' },
      {
        tenant: 'acme',
        at: '2026-11-02T10:00:00Z',
        cost: null,
        status: 'unpriced_model',
        provider: 'openai',
      },
      { tenant: 'other', at: '2026-11-02T10:00:00Z', cost: '2', provider: 'openai', team: 'a\u001B[31mb' },
    ]);
  });

  after(() => database.drop());

  it('prints a readable table by day and provider with an exact total', async () => {
    const { code, out, err } = await report('--tenant', 'acme', '--period', 'month');
    assert.equal(err, '');
    assert.equal(code, 0);
    assert.equal(
      out,
      [
        'Spend of acme, month 2026-11-01 to 2026-11-30 (Europe/Rome)',
        '',
        'Day         Provider   Calls  Tokens in  Tokens out   Cost (USD)',
        '──────────  ─────────  ─────  ─────────  ──────────  ───────────',
        '2026-11-01  openai         1        450         180  1,234.50000',
        '2026-11-02  anthropic      2        900         360      0.00270',
        '            openai         2        900         360      0.00013',
        '──────────  ─────────  ─────  ─────────  ──────────  ───────────',
        'Total                      5      2,250         900  1,234.50283',
        '',
        '+ 1 call without a price',
        '',
      ].join('\n'),
    );
  });

  it('narrows by provider, its alias and service name', async () => {
    const byProvider = await report('--tenant', 'acme', '--provider', 'openai', '--format', 'json');
    const byAlias = await report('--tenant', 'acme', '--service', 'openai', '--export', 'json');
    assert.equal(byProvider.out, byAlias.out);
    const json = JSON.parse(byProvider.out);
    assert.equal(json.total.cost_usd, '0.000130000000');
    assert.equal(json.total.calls, 2);
    assert.deepEqual(
      [json.period, json.from, json.to, json.timezone],
      ['day', '2026-11-02', '2026-11-02', 'Europe/Rome'],
    );
    assert.equal(byProvider.err, '+ 1 call without a price\n');
    const byService = await report('--tenant', 'acme', '--service-name', 'search', '--format', 'json');
    assert.equal(JSON.parse(byService.out).total.calls, 1);
    const all = await report('--service', 'all', '--format', 'json');
    assert.equal(JSON.parse(all.out).total.calls, 5);
  });

  it('prints CSV with exact amounts and keeps notes out of it', async () => {
    const { out, err } = await report('--tenant', 'acme', '--group-by', 'provider', '--format', 'csv');
    assert.deepEqual(out.split('\r\n').slice(1), [
      'anthropic,0.002700000000,2,0,0,900,0,0,360,0,0,0.000000000000',
      'openai,0.000130000000,2,0,1,900,0,0,360,0,0,0.000000000000',
      '',
    ]);
    assert.equal(err, '+ 1 call without a price\n');
  });

  it('exits 3 with --strict where a call has no price, and 0 where all have one', async () => {
    assert.equal((await report('--tenant', 'acme', '--strict')).code, 3);
    assert.equal((await report('--tenant', 'acme', '--date', '2026-11-01', '--strict')).code, 0);
  });

  it('prints nothing that could drive a terminal', async () => {
    const { out } = await report('--tenant', 'other', '--group-by', 'team');
    assert.ok(out.includes('a?[31mb'));
    assert.equal(out.includes('\u001B'), false);
  });

  it('says that there were no calls, and that there is no such tenant', async () => {
    const empty = await report('--tenant', 'empty');
    assert.equal(empty.code, 0);
    assert.equal(empty.out, 'Spend of empty, day 2026-11-02 (UTC)\n\nNo calls.\n');
    const unknown = await report('--tenant', 'acne');
    assert.equal(unknown.code, 1);
    assert.match(unknown.err, /There is no tenant "acne"/);
  });

  it('exits 2 for bad usage', async () => {
    for (const args of [
      ['--period', 'year'],
      ['--date', '2026-02-30'],
      ['--group-by', 'planet'],
      ['--group-by', 'day,day'],
      ['--format', 'pdf'],
      ['--colour'],
    ]) {
      const { code, err } = await report(...args);
      assert.equal(code, 2, args.join(' '));
      assert.match(err, /^error: /);
    }
  });
});
