import assert from 'node:assert/strict';
import { freshDatabase, sql, type FreshDatabase } from '../../support/database.ts';
import { storeCalls, storeTenants } from '../api/stored-calls.ts';
import { spanmeter, type CliRun } from './running-cli.ts';

const NOW = new Date('2026-11-20T12:00:00Z');

describe('spanmeter budget', () => {
  let database: FreshDatabase;

  before(async function () {
    database = await freshDatabase();
    await storeTenants(database.url, { acme: 'Europe/Rome', other: 'UTC' });
    await storeCalls(database.url, [
      { tenant: 'acme', at: '2026-11-20T01:00:00Z', user: 'ann', cost: '3' },
      { tenant: 'acme', at: '2026-11-19T23:30:00Z', user: 'ann', cost: '5' },
    ]);
  });
  after(async () => {
    await database?.drop();
  });
  afterEach(async () => {
    await sql(database.url, `DELETE FROM spanmeter.budgets WHERE id <> 'default'`);
  });

  const env = (): Record<string, string> => ({ DATABASE_URL: database.url, USER: 'finance' });
  const run = (...args: string[]): Promise<CliRun> => spanmeter(['budget', ...args], env(), NOW);

  interface Listed {
    readonly id: string;
    readonly scope: string;
    readonly scope_value: string | null;
  }

  async function listed(...args: string[]): Promise<Listed[]> {
    const { code, out, err } = await run('list', '--format', 'json', ...args);
    assert.equal(code, 0, err);
    return JSON.parse(out) as Listed[];
  }

  async function ok(...args: string[]): Promise<string> {
    const { code, out, err } = await run(...args);
    assert.equal(code, 0, err);
    return out;
  }

  async function refused(...args: string[]): Promise<string> {
    const { code, out, err } = await run(...args);
    assert.equal(code, 2, `${out}${err}`);
    assert.equal(out, '');
    return err;
  }

  it('makes a budget of a tenant, and says what it is', async () => {
    const add = ['add', 'acme-monthly', '--tenant', 'acme', '--limit', '500', '--period', 'month'];
    const more = ['--steps', '50, 80%,100', '--hard', '--timezone', 'Asia/Kolkata'];
    assert.equal(
      await ok(...add, ...more),
      'Budget acme-monthly of acme is made: 500.00 USD per month (Asia/Kolkata) for tenant acme, ' +
        'warned of at 50, 80, 100 %, hard.\n',
    );
    assert.match(await ok(...add, ...more), /^Budget acme-monthly of acme exists already: /);
    const { code, err } = await run(...add, '--limit', '501', ...more);
    assert.equal(code, 2);
    assert.equal(err, 'error: Budget "acme-monthly" exists already, with another limit_usd.\n');
  });

  it('makes one of every scope, of a tenant and over all tenants', async () => {
    const scopes = {
      team: 'payments',
      feature: 'search',
      service_name: 'checkout',
      environment: 'production',
      provider: 'openai',
      model: 'gpt-4o',
      key: 'key_1',
      user: `o'"brien 💶`,
      session: 's-1',
      agent: '--help',
    };
    for (const [scope, value] of Object.entries(scopes)) {
      const option = `--${scope.replace('_', '-')}=${value}`;
      await ok('add', `own-${scope}`, '--tenant', 'acme', option, '--limit', '1', '--period', 'day');
      await ok('add', scope, option, '--limit', '1');
    }
    await ok('add', 'all', '--all', '--limit', '1');
    await ok('add', 'each', '--each', '--limit', '1');
    const budgets = new Map((await listed()).map((budget) => [budget.id, budget]));
    for (const [scope, value] of Object.entries(scopes)) {
      for (const id of [scope, `own-${scope}`]) {
        const { scope: held, scope_value: of } = budgets.get(id)!;
        assert.deepEqual([held, of], [scope, value]);
      }
    }
    assert.equal(budgets.get('all')?.scope, 'all');
    assert.equal(budgets.get('each')?.scope, 'each');
  });

  it('makes one of custom days, which dates alone say', async () => {
    const dates = ['--from', '2026-11-01', '--to', '2026-12-15'];
    const out = await ok('add', 'launch', '--team', 'web', '--limit', '1e15', ...dates);
    assert.match(
      out,
      /1,000,000,000,000,000\.00 USD from 2026-11-01 to 2026-12-15 for team web of all tenants/,
    );
    assert.match(
      await refused('add', 'x', '--all', '--limit', '1', '--from', '2026-11-01'),
      /--to must be given/,
    );
    assert.match(
      await refused('add', 'x', '--all', '--limit', '1', '--period', 'day', ...dates),
      /--from must not/,
    );
  });

  it('sums what was spent before', async () => {
    await ok('add', 'ann', '--tenant', 'acme', '--user', 'ann', '--limit', '10', '--period', 'day');
    const spend = 'SELECT spent_usd::text AS spent, calls::int AS calls FROM spanmeter.budget_spend';
    assert.deepEqual(await sql(database.url, spend), [{ spent: '8.000000000000', calls: 2 }]);
    const zone = await spanmeter(['tenant', 'set', 'acme', '--timezone', 'UTC'], env(), NOW);
    assert.equal(zone.out, 'Tenant acme has the time zone UTC.\n');
    assert.deepEqual(await sql(database.url, spend), [{ spent: '3.000000000000', calls: 1 }]);
    const again = await spanmeter(['tenant', 'set', 'acme', '--timezone', 'UTC'], env(), NOW);
    assert.equal(again.out, 'Tenant acme has this time zone already: UTC.\n');
  });

  it('refuses a tenant or a zone that does not exist when a zone is set', async () => {
    const nobody = await spanmeter(['tenant', 'set', 'nobody', '--timezone', 'UTC'], env(), NOW);
    assert.deepEqual([nobody.code, nobody.err], [1, 'error: There is no tenant "nobody".\n']);
    const nowhere = await spanmeter(['tenant', 'set', 'acme', '--timezone', 'Mars/Olympus'], env(), NOW);
    assert.equal(nowhere.code, 2);
    assert.match(nowhere.err, /"Mars\/Olympus" is not an IANA time zone/);
  });

  it('registers a tenant that is not known, and says so', async () => {
    const out = await ok('add', 'a', '--tenant', 'newcomer', '--limit', '10');
    assert.match(
      out,
      /^Budget a of newcomer is made: .+\nThe tenant was not known and is registered, in UTC/,
    );
  });

  it('tells every fault at once, by the names of the options', async () => {
    const bad = [
      '--limit',
      '-5',
      '--steps',
      '0',
      '--timezone',
      'Mars/Olympus',
      '--period',
      'year',
      '--name',
      '',
    ];
    assert.equal(
      await refused('add', 'NO', '--tenant', '', '--model', '', ...bad),
      [
        'error: --tenant must have 1 to 512 bytes and no control characters',
        'the id must be 1 to 64 of a-z, 0-9, "_", "." and "-", and begin with a letter or digit',
        '--name must have 1 to 300 characters and no control characters',
        '--model must not be empty',
        '--period must be one of day, week, month, custom',
        '--timezone must be an IANA time zone that exists, such as Europe/Rome',
        '--limit must be more than 0',
        '--steps must be 1 to 10 numbers of percent, such as 50,80,100, each more than 0 and at most 1000, ' +
          'with at most 4 decimals\n',
      ].join('\n       '),
    );
    for (const limit of ['0', '1e16', 'NaN', 'ten']) {
      assert.match(await refused('add', 'x', '--all', '--limit', limit), /^error: --limit must be /);
    }
    assert.deepEqual(
      (await listed()).map(({ id }) => id),
      ['default'],
    );
  });

  it('refuses no scope and several, and a limit that is missing', async () => {
    assert.match(
      await refused('add', 'x', '--limit', '1'),
      /Say whose spend it holds: --tenant, or one of --team/,
    );
    const several = await refused('add', 'x', '--limit', '1', '--team', 'a', '--each');
    assert.equal(several, 'error: --team and --each are several scopes: a budget has one.\n');
    assert.match(await refused('add', 'x', '--all'), /required option '--limit <usd>'/);
    assert.match(
      await refused('add', 'x', '--all', '--tenant', 'acme', '--limit', '1'),
      /--tenant must not be given/,
    );
  });

  it('changes what is named and leaves the rest', async () => {
    await ok('add', 'm', '--tenant', 'acme', '--limit', '500', '--hard', '--timezone', 'UTC');
    const set = ['set', 'm', '--tenant', 'acme'];
    assert.equal(
      await ok(
        ...set,
        '--limit',
        '20.50',
        '--steps',
        '90',
        '--soft',
        '--disable',
        '--tenant-timezone',
        '--name',
        'M',
      ),
      'Budget m of acme is changed: 20.50 USD per month for tenant acme, warned of at 90 %, soft, disabled.\n',
    );
    assert.match(await ok(...set, '--limit', '20.5'), /^Budget m of acme is that already: /);
    assert.match(await ok(...set, '--enable', '--hard', '--period', 'week'), /per week .+ hard\.\n$/);
    assert.match(await refused(...set), /^error: Say what to change/);
    assert.match(
      await refused(...set, '--limit', '0', '--timezone', 'x'),
      /--timezone must .+\n +--limit must/,
    );
    assert.match(await refused(...set, '--hard', '--soft'), /cannot be used with/);
    assert.match(await refused(...set, '--period', 'custom'), /from must be given with period "custom"/);
    assert.match(await refused('set', 'm', '--tenant', '', '--limit', '1'), /--tenant must name a tenant/);
    const missing = await run('set', 'm', '--limit', '1');
    assert.equal(missing.code, 1);
    assert.equal(missing.err, `error: There is no budget "m" among the operator's; is it a tenant's?\n`);
  });

  it('changes and removes the default like any other', async () => {
    assert.match(
      await ok('set', 'default', '--limit', '25'),
      /^Budget default is changed: 25\.00 USD per day for each/,
    );
    assert.equal(await ok('remove', 'default'), 'Budget default is removed.\n');
    assert.equal(await ok('list'), 'No budgets.\n');
    assert.equal((await run('remove', 'default')).code, 1);
    await ok(
      'add',
      'default',
      '--each',
      '--limit',
      '10',
      '--period',
      'day',
      '--name',
      'Default daily budget',
    );
  });

  it('lists those of a tenant with the ones that hold for it, or the operator alone', async () => {
    await ok('add', 'mine', '--tenant', 'acme', '--limit', '1', '--period', 'day');
    await ok('add', 'theirs', '--tenant', 'other', '--limit', '1');
    const ids = async (...args: string[]): Promise<string[]> => (await listed(...args)).map(({ id }) => id);
    assert.deepEqual(await ids(), ['default', 'mine', 'theirs']);
    assert.deepEqual(await ids('--tenant', 'acme'), ['mine'], 'its own daily one stands in for the default');
    assert.deepEqual(await ids('--tenant', 'other'), ['default', 'theirs']);
    assert.deepEqual(await ids('--operator'), ['default']);
    const table = await ok('list');
    assert.match(table, /^Id +Owner +Holds +Limit \(USD\) +Period +Zone +Steps \(%\) +Kind\n/);
    assert.match(table, /\ndefault +\(operat\S* +each te\S* +10\.00 +day /);
  });

  it('shows ids whole, however narrow the terminal is: they are what other commands take', async () => {
    const id = 'summaries-of-the-payments-team-2026';
    await ok('add', id, '--tenant', 'acme', '--limit', '1e15', '--period', 'day');
    assert.match(await ok('list'), new RegExp(`\\n${id} `));
    assert.match(await ok('status'), new RegExp(` ${id} `));
  });
});
