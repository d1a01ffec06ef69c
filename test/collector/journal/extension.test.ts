import assert from 'node:assert/strict';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { journal, openConfiguredJournal } from '@spanmeter/collector/dist/extensions/journal.js';
import { systemClock } from '@spanmeter/collector/dist/journal/clock.js';
import { nodeDisk } from '@spanmeter/collector/dist/journal/disk.js';
import { SILENT_LOG, SILENT_METRICS } from '@spanmeter/collector/dist/pipeline/silent.js';
import { useTempDir } from '../../support/temp-dir.ts';

const GIB = 1024 ** 3;

describe('the journal extension', () => {
  const dir = useTempDir();

  it('has a default for everything', () => {
    assert.deepEqual(journal.options.parse({}), {
      max_bytes: 4 * GIB,
      segment_bytes: GIB / 8,
      retain: 3_600_000,
    });
  });

  it('reads sizes and durations as people write them', () => {
    const options = journal.options.parse({
      max_bytes: '2GiB',
      segment_bytes: 1_000_000,
      retain: '90s',
      retain_bytes: '1MiB',
    });
    assert.deepEqual(
      [options.max_bytes, options.segment_bytes, options.retain, options.retain_bytes],
      [2 * GIB, 1_000_000, 90_000, 1024 ** 2],
    );
  });

  it('refuses unknown options, sizes without sense and a bound too small to work with', () => {
    for (const options of [
      { maxBytes: 1 },
      { max_bytes: 'lots' },
      { max_bytes: 1000 },
      { retain: '1 day' },
    ]) {
      assert.equal(journal.options.safeParse(options).success, false, JSON.stringify(options));
    }
  });

  it('opens below the data directory unless it names a directory', async () => {
    const around = {
      dataDir: dir.path,
      disk: nodeDisk,
      clock: systemClock,
      log: SILENT_LOG,
      metrics: SILENT_METRICS,
    };
    await (await openConfiguredJournal(journal.options.parse({}), around)).close();
    await access(join(dir.path, 'journal', 'identity.json'));
    const directory = join(dir.path, 'elsewhere');
    await (await openConfiguredJournal(journal.options.parse({ directory }), around)).close();
    await access(join(directory, 'identity.json'));
  });
});
