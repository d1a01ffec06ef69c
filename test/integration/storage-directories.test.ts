import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  pickPorts,
  spawnCollector,
  startCollector,
  type CollectorProcess,
} from '../support/collector-process.ts';
import { freshDatabase, type FreshDatabase } from '../support/database.ts';
import { ExactLoad, totalsOf } from '../support/exact-load.ts';
import { OtlpSender } from '../support/load.ts';
import { assertQuiet, ownMetric, statusOf } from '../support/observe.ts';
import { query } from '../support/query.ts';
import { useTempDir } from '../support/temp-dir.ts';

describe('data directories and databases that do not belong together', function () {
  const directory = useTempDir();
  let database: FreshDatabase;
  let load: ExactLoad;
  let collectors: CollectorProcess[] = [];

  beforeEach(async () => {
    database = await freshDatabase();
    load = new ExactLoad(16);
  });
  afterEach(async () => {
    for (const collector of collectors) assertQuiet(collector, [new URL(database.url).password]);
    await Promise.all(collectors.map((collector) => collector.dispose()));
    collectors = [];
    await database.drop();
  });

  async function start(
    dataDir: string = directory.path,
    url: string = database.url,
  ): Promise<CollectorProcess> {
    const collector = await startCollector({ dataDir, env: { DATABASE_URL: url } });
    collectors.push(collector);
    return collector;
  }

  async function stop(collector: CollectorProcess): Promise<void> {
    assert.equal(await collector.end('SIGTERM'), 0);
  }

  it('begins anew with an empty directory, beside the cursor of the one that is gone', async () => {
    const first = await start();
    await load.send(first.ports.http, 5);
    await stop(first);
    await rm(directory.path, { recursive: true });
    await mkdir(directory.path);

    const second = await start();
    await load.send(second.ports.http, 3);
    await load.assertStored(database.url);
    const cursors = await query<{ sequence: string }>(
      database.url,
      'SELECT sequence FROM spanmeter.journal_cursors ORDER BY sequence',
    );
    assert.deepEqual(cursors, [{ sequence: '3' }, { sequence: '5' }]);
  });

  it('stores what comes to a restored older directory, and nothing of it twice', async () => {
    const copy = await mkdtemp(join(tmpdir(), 'spanmeter-copy-'));
    try {
      const first = await start();
      await load.send(first.ports.http, 5);
      await stop(first);
      await cp(join(directory.path, 'journal'), copy, { recursive: true });
      const second = await start();
      await load.send(second.ports.http, 4);
      await stop(second);
      await rm(join(directory.path, 'journal'), { recursive: true });
      await cp(copy, join(directory.path, 'journal'), { recursive: true });

      const restored = await start();
      await restored.seen('the journal gets a new id');
      await load.send(restored.ports.http, 2);
      await load.assertStored(database.url);
      const found = await ownMetric(restored, 'spanmeter_ledger_cursor_reports_total', 'found="beyond_end"');
      assert.equal(found, 1);
      assert.equal(await ownMetric(restored, 'spanmeter_ledger_rows_total', 'outcome="already_there"'), 80);
    } finally {
      await rm(copy, { recursive: true });
    }
  });

  it('offers an old directory whole to an empty database', async () => {
    const first = await start();
    await load.send(first.ports.http, 5);
    await load.assertStored(database.url);
    await stop(first);
    const empty = await freshDatabase();
    try {
      const second = await start(directory.path, empty.url);
      await load.send(second.ports.http, 1);
      await load.assertStored(empty.url);
      assert.equal((await statusOf(second)).journal.last_sequence, 6);
      await stop(second);
    } finally {
      await empty.drop();
    }
  });

  it('lets two collectors with directories of their own share a database, and stores what both were sent once', async () => {
    const other = await mkdtemp(join(tmpdir(), 'spanmeter-other-'));
    try {
      const [a, b] = await Promise.all([start(), start(other)]);
      const senders = [new OtlpSender(a.ports.http, 1), new OtlpSender(b.ports.http, 1)];
      const second = new ExactLoad(16);
      load.start(a.ports.http, 2);
      second.start(b.ports.http, 2);
      const both = new ExactLoad(16);
      for (let i = 0; i < 40; i++) {
        const body = both.render();
        assert.deepEqual(await Promise.all(senders.map((sender) => sender.post(body))), [200, 200]);
        both.count();
      }
      await Promise.all([load.stop(), second.stop()]);
      for (const sender of senders) sender.close();
      assert.deepEqual([...load.answers.keys(), ...second.answers.keys()], [200, 200]);
      await load.include(second).include(both).assertStored(database.url);
      // A cursor that stands at the end says that nothing is still to come.
      await Promise.all([stop(a), stop(b)]);
      assert.deepEqual(await totalsOf(database.url), load.expected);
      const [deadlocks] = await query<{ deadlocks: string }>(
        database.url,
        'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
      );
      assert.equal(deadlocks?.deadlocks, '0');
    } finally {
      await rm(other, { recursive: true, force: true });
    }
  });

  it('lets nobody else into a directory in use: the second ends with 1 and names the first', async () => {
    const first = await start();
    const second = await spawnCollector({
      dataDir: directory.path,
      ports: await pickPorts(),
      env: { DATABASE_URL: database.url },
    });
    collectors.push(second);
    const why = await second.seen('is in use by process');
    assert.match(why, new RegExp(`in use by process ${first.child.pid}\\b.*a directory of its own`));
    assert.equal(await second.ended, 1);
    await load.send(first.ports.http, 1);
    await load.assertStored(database.url);
  });
});
