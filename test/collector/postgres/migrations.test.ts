import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { openDatabase } from '@spanmeter/collector/dist/database/connect.js';
import { maintain } from '@spanmeter/collector/dist/database/maintenance.js';
import { migrate } from '@spanmeter/collector/dist/database/migrate.js';
import { ensurePartitions, partitionName } from '@spanmeter/collector/dist/exporters/postgres/partitions.js';
import { Session } from '@spanmeter/collector/dist/exporters/postgres/session.js';
import { SILENT_LOG, SILENT_METRICS } from '@spanmeter/collector/dist/pipeline/silent.js';
import { Client } from 'pg';
import { emptyDatabase, type FreshDatabase, freshDatabase, sql } from '../../support/database.ts';

const DAY_MS = 86_400_000;

describe('migrations', function () {
  const made: FreshDatabase[] = [];
  afterEach(async () => {
    for (const database of made.splice(0)) await database.drop();
  });

  async function empty(): Promise<FreshDatabase> {
    const database = await emptyDatabase();
    made.push(database);
    return database;
  }

  it('do nothing the second time', async () => {
    const database = await empty();
    await migrate(database.url, SILENT_LOG);
    const before = await sql(database.url, 'SELECT * FROM spanmeter.migrations');
    await migrate(database.url, SILENT_LOG);
    assert.deepEqual(await sql(database.url, 'SELECT * FROM spanmeter.migrations'), before);
    assert.ok(before.length >= 4);
  });

  it('run once when collectors start together, in one database and in two', async () => {
    const [first, second] = [await empty(), await empty()];
    const urls = [first.url, first.url, first.url, second.url, second.url];
    await Promise.all(urls.map((url) => migrate(url, SILENT_LOG)));
    for (const { url } of [first, second]) {
      const names = await sql<{ name: string }>(url, 'SELECT name FROM spanmeter.migrations ORDER BY id');
      assert.equal(new Set(names.map((row) => row.name)).size, names.length);
    }
  });

  it('tell an operator which right is missing', async () => {
    const database = await empty();
    const role = `plain_${randomBytes(4).toString('hex')}`;
    await sql(database.adminUrl, `CREATE ROLE ${role} LOGIN PASSWORD 'x'`);
    try {
      const url = new URL(database.url);
      url.username = role;
      url.password = 'x';
      await assert.rejects(
        migrate(url.href, SILENT_LOG),
        /GRANT spanmeter_reader, spanmeter_grafana TO plain_/,
      );
      await sql(
        database.adminUrl,
        `GRANT spanmeter_reader, spanmeter_grafana TO ${role} WITH INHERIT FALSE, SET TRUE`,
      );
      await assert.rejects(migrate(url.href, SILENT_LOG), /needs CREATE on the database/);
      await sql(
        database.adminUrl,
        `GRANT CREATE ON DATABASE ${new URL(database.url).pathname.slice(1)} TO ${role}`,
      );
      await migrate(url.href, SILENT_LOG);
    } finally {
      await database.drop();
      await sql(database.adminUrl.replace(/\/test_\w+$/, '/postgres'), `DROP ROLE ${role}`);
    }
  });

  it('wait for an operator server that is down, and refuse what is no server', async () => {
    const down = await openDatabase({ url: 'postgres://nobody:x@127.0.0.1:9/nothing', log: SILENT_LOG });
    await assert.rejects(down.ready(), /ECONNREFUSED/);
    await assert.rejects(openDatabase({ url: 'mysql://u:secret@h/d', log: SILENT_LOG }), (error: Error) => {
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  });

  it('use the server of an operator as it is', async () => {
    const database = await empty();
    const opened = await openDatabase({ url: database.url, log: SILENT_LOG });
    assert.equal(opened.embedded, false);
    assert.equal(opened.ownerUrl, database.url);
    await opened.stop();
    assert.equal((await sql(database.url, 'SELECT count(*) FROM spanmeter.calls'))[0]!['count'], '0');
  });
});

describe('retention', function () {
  let database: FreshDatabase;
  before(async () => {
    database = await freshDatabase();
  });
  after(() => database.drop());

  function options(): Parameters<typeof maintain>[0] {
    return {
      connectionString: database.url,
      log: SILENT_LOG,
      metrics: SILENT_METRICS,
      callRetentionDays: 30,
      deadLetterRetentionDays: 7,
    };
  }

  async function partitions(): Promise<string[]> {
    const rows = await sql<{ name: string }>(
      database.url,
      `SELECT relname AS name FROM pg_class WHERE relname ~ '^calls_p[0-9]+$' ORDER BY 1`,
    );
    return rows.map((row) => row.name);
  }

  it('drops days past it, and keeps the others', async () => {
    const today = Math.floor(Date.now() / DAY_MS);
    const session = await Session.open(database.url);
    await ensurePartitions(session, [today - 32, today - 31, today - 30, today]);
    session.close();
    const result = await maintain(options());
    assert.deepEqual(result?.droppedPartitions, [partitionName(today - 32), partitionName(today - 31)]);
    assert.deepEqual(await partitions(), [partitionName(today - 30), partitionName(today)]);
  });

  it('deletes old dead letters', async () => {
    await sql(
      database.url,
      `INSERT INTO dead_letters VALUES ('t', 'a', now() - interval '8 days', 'r', 'd', ''),
         ('t', 'b', now() - interval '6 days', 'r', 'd', '')`,
    );
    assert.equal((await maintain(options()))?.deletedDeadLetters, 1);
    assert.equal((await sql(database.url, 'SELECT count(*) FROM dead_letters'))[0]!['count'], '1');
  });

  it('is left to the collector that is at it', async () => {
    const leader = new Client({ connectionString: database.url });
    await leader.connect();
    await leader.query('SELECT pg_advisory_lock(7305811002)');
    assert.equal(await maintain(options()), null);
    await leader.end();
  });
});
