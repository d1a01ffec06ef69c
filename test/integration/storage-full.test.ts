import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startCollector, type CollectorProcess } from '../support/collector-process.ts';
import { ExactLoad } from '../support/exact-load.ts';
import { assertQuiet, healthOf, ownMetric } from '../support/observe.ts';
import { useTempDir } from '../support/temp-dir.ts';
import { until } from '../support/until.ts';

/** Takes every byte that is left. */
async function fill(file: string): Promise<void> {
  for (let chunk = Buffer.alloc(1024 * 1024); chunk.length > 0;) {
    await appendFile(file, chunk).catch(() => (chunk = chunk.subarray(0, chunk.length >> 1)));
  }
}

describe('a collector whose disk is full', function () {
  const directory = useTempDir();

  it('refuses while nothing has room there, and stores everything once there is some', async function () {
    const options = ['-t', 'tmpfs', '-o', 'size=160m,mode=0700', 'tmpfs', directory.path];
    const mounted = spawnSync('mount', options, { encoding: 'utf8' });
    if (mounted.status !== 0) {
      console.log(`      a small file system cannot be mounted here: ${mounted.stderr || mounted.error}`);
      this.skip();
    }
    const load = new ExactLoad();
    let collector: CollectorProcess | undefined;
    try {
      collector = await startCollector({ dataDir: directory.path });
      load.start(collector.ports.http);
      await load.more(1_000);
      await fill(join(directory.path, 'filler'));
      await until(
        () => Promise.resolve(load.answers),
        (answers) => (answers.get(503) ?? 0) >= 10,
      );
      const health = await healthOf(collector);
      assert.deepEqual([health.code, health.journal.state], [503, 'full']);
      assert.ok((await ownMetric(collector, 'spanmeter_journal_refused_total', 'reason="disk"')) >= 10);

      await rm(join(directory.path, 'filler'));
      await load.more(500);
      await load.stop();
      await load.assertStored(collector.databaseUrl());
      assert.deepEqual(new Set(load.answers.keys()), new Set([200, 503]));
      assert.equal((await healthOf(collector)).code, 200);
      assertQuiet(collector);
    } finally {
      await load.abandon();
      await collector?.dispose();
      spawnSync('umount', [directory.path]);
    }
  });
});
