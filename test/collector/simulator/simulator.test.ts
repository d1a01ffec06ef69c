import assert from 'node:assert/strict';
import type { Disk } from '@spanmeter/collector/dist/journal/disk.js';
import { simulate, type Bugs, type Outcome } from './simulation.ts';

const ONE_SEED = process.env['SPANMETER_SIM_SEED'];
const SEEDS = Number(process.env['SPANMETER_SIM_SEEDS'] ?? 1000);

/** The first seed of many in which a bug shows, with what was noticed. */
async function noticed(bugs: Bugs, seeds = 500): Promise<string | null> {
  for (let seed = 1; seed <= seeds; seed += 1) {
    try {
      await simulate(seed, bugs);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }
  return null;
}

/** A disk whose files behave otherwise. */
function withFiles(
  disk: Disk,
  change: (file: Awaited<ReturnType<Disk['open']>>) => Awaited<ReturnType<Disk['open']>>,
): Disk {
  return { ...disk, open: async (path, mode) => change(await disk.open(path, mode)) };
}

describe('the journal under simulation', () => {
  it('loses no acknowledged call and stores none twice, whatever fails', async function () {
    this.timeout(600_000);
    const seen: Record<string, number> = {};
    const seeds =
      ONE_SEED === undefined ? Array.from({ length: SEEDS }, (_, i) => i + 1) : [Number(ONE_SEED)];
    for (const seed of seeds) {
      const outcome: Outcome = await simulate(seed);
      for (const [name, count] of Object.entries(outcome)) seen[name] = (seen[name] ?? 0) + count;
    }
    if (seeds.length >= 500) {
      for (const [name, count] of Object.entries(seen)) assert.ok(count > 0, `no seed has seen any ${name}`);
    }
  });

  it('replays a seed exactly', async () => {
    assert.deepEqual(await simulate(4711), await simulate(4711));
  });

  it('notices an acknowledgement before the sync', async () => {
    const disk = (real: Disk): Disk =>
      withFiles(real, (file) => ({ ...file, sync: () => Promise.resolve() }));
    assert.match((await noticed({ disk })) ?? 'nothing', /acknowledged before it was durable/);
  });

  it('notices file names that were never made durable', async () => {
    const disk = (real: Disk): Disk => ({ ...real, syncDirectory: () => Promise.resolve() });
    assert.match((await noticed({ disk })) ?? 'nothing', /acknowledged/);
  });

  it('notices a failed sync that is taken for a success', async () => {
    const disk = (real: Disk): Disk =>
      withFiles(real, (file) => ({ ...file, sync: () => file.sync().catch(() => {}) }));
    assert.match((await noticed({ disk })) ?? 'nothing', /acknowledged/);
  });

  it('notices a cursor that moves apart from its rows', async () => {
    assert.match((await noticed({ cursorApart: true })) ?? 'nothing', /acknowledged/);
  });

  it('notices a store without a unique key', async () => {
    assert.match((await noticed({ noUniqueKey: true })) ?? 'nothing', /stored twice/);
  });

  it('notices a cursor that is believed although the directory is older', async () => {
    assert.match((await noticed({ believesCursor: true })) ?? 'nothing', /acknowledged/);
  });

  it('notices segments that are released before they are stored', async () => {
    assert.match((await noticed({ releasesEarly: true })) ?? 'nothing', /acknowledged/);
  });
});
