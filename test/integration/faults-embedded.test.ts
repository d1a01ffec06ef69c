import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { ExactLoad } from '../support/exact-load.ts';
import { assertQuiet, healthOf, ownMetric } from '../support/observe.ts';
import { serverPid } from '../support/orphaned-server.ts';
import { useTempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';

/** A process and all that it started. */
function familyOf(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0]));
    } catch {
      // It ended meanwhile.
    }
  }
  const family = [pid];
  for (const member of family) {
    for (const [child, parent] of parents) if (parent === member) family.push(child);
  }
  return family;
}

function serverOf(dataDir: string): number {
  const pid = serverPid(dataDir);
  assert.ok(pid !== null, 'the embedded PostgreSQL runs');
  return pid;
}

describe('a collector whose embedded PostgreSQL fails under load', function () {
  const directory = useTempDir();

  it('stores everything it acknowledged, whether the server hung, was killed, or both were', async function () {
    if (process.platform !== 'linux') this.skip();
    const load = new ExactLoad();
    let collector: CollectorProcess | undefined;
    try {
      collector = await startCollector({ dataDir: directory.path });
      const { ports } = collector;
      load.start(ports.http);
      await load.more(1_000);

      const hung = familyOf(serverOf(directory.path));
      for (const pid of hung) process.kill(pid, 'SIGSTOP');
      await load.more(2_000);
      const during = await healthOf(collector);
      assert.equal(during.code, 200);
      assert.ok((await ownMetric(collector, 'spanmeter_journal_pending_spans', 'postgres')) >= 1_000);
      for (const pid of hung) process.kill(pid, 'SIGCONT');
      await load.more(500);

      process.kill(serverOf(directory.path), 'SIGKILL');
      await collector.seen('embedded PostgreSQL is up again');
      await load.more(500);
      assert.equal(load.answers.get(200), load.acknowledged / load.callsPerRequest);
      assert.deepEqual([...load.answers.keys()], [200], 'no sender noticed anything');

      const server = serverOf(directory.path);
      process.kill(server, 'SIGKILL');
      await collector.end('SIGKILL');
      assertQuiet(collector);
      collector = await startCollector({ dataDir: directory.path, ports });
      await load.more(500);
      await load.stop();
      await load.assertStored(collector.databaseUrl());
      await until(
        () => healthOf(collector!),
        ({ postgres }) => postgres.state === 'ok',
      );
      assertQuiet(collector);
      assert.equal(await collector.end('SIGTERM'), 0);
      assert.equal(serverPid(directory.path), null, 'the server ended with its collector');
    } finally {
      await load.abandon();
      await collector?.dispose();
    }
  });
});
