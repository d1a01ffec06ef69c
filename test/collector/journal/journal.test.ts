import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DirectoryHeld } from '@spanmeter/collector/dist/journal/directory-lock.js';
import { nodeDisk, type Disk } from '@spanmeter/collector/dist/journal/disk.js';
import { openJournalReader } from '@spanmeter/collector/dist/journal/reader.js';
import { Refusal } from '@spanmeter/collector/dist/pipeline/refusal.js';
import { useTempDir } from '../../support/temp-dir.ts';
import { holdableDisk } from './held-disk.ts';
import { bodies, countingMetrics, openTestJournal, readAll, recordOf } from './records.ts';

/** Bytes of all files of a directory whose name ends so. */
async function bytesOf(dir: string, ...endings: string[]): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(dir)) {
    if (endings.some((ending) => name.endsWith(ending))) bytes += (await stat(join(dir, name))).size;
  }
  return bytes;
}

function unavailable(error: unknown): boolean {
  return error instanceof Refusal && error.code === 'unavailable' && (error.retryAfterMs ?? 0) > 0;
}

describe('the journal', () => {
  const dir = useTempDir();

  it('gives back what was appended, field by field, also after it was opened again', async () => {
    const journal = await openTestJournal(dir.path);
    const record = recordOf(Buffer.from([0, 255, 7]), 3);
    assert.equal(await journal.append(record), 1);
    assert.equal(await journal.append(recordOf('', 0)), 2);
    const { id } = journal;
    await journal.close();

    const again = await openTestJournal(dir.path);
    assert.equal(again.id, id);
    assert.equal(again.lastSequence, 2);
    const [entry] = (await readAll(dir.path, 2)).entries;
    assert.ok(entry);
    assert.deepEqual(entry.context, record.context);
    assert.deepEqual(Buffer.from(entry.body), Buffer.from([0, 255, 7]));
    assert.deepEqual(entry.offsets, record.offsets);
    assert.deepEqual([entry.totalSpans, entry.signal, entry.spansThrough], [7, 'traces', 3]);
    assert.equal(await again.append(recordOf('third')), 3);
    assert.equal(again.end.spans, 4);
    await again.close();
  });

  it('resolves no append while the flush is held, and puts what waits into one flush', async () => {
    const held = holdableDisk(nodeDisk);
    const journal = await openTestJournal(dir.path, { disk: held.disk });
    await journal.append(recordOf('first'));
    held.hold();
    const resolved: number[] = [];
    const appends = ['a', 'b', 'c', 'd'].map(async (body) => {
      resolved.push(await journal.append(recordOf(body)));
    });
    await held.held();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(resolved, []);
    assert.equal(journal.lastSequence, 1);
    const before = held.flushes;
    held.letGo();
    await Promise.all(appends);
    assert.deepEqual(resolved, [2, 3, 4, 5]);
    assert.ok(held.flushes - before <= 2, 'four appends took more than two flushes');
    await journal.close();
  });

  it('tells followers only of what is durable, and never lets a reader beyond that', async () => {
    const journal = await openTestJournal(dir.path);
    const told: number[] = [];
    const stop = journal.onAppended((end) => told.push(end.sequence));
    await Promise.all([journal.append(recordOf('a')), journal.append(recordOf('b'))]);
    stop();
    await journal.append(recordOf('c'));
    assert.equal(told.at(-1), 2);
    const read = await openJournalReader({ dir: dir.path, disk: nodeDisk }).read(0, 2, {
      maxBytes: 1e6,
      maxEntries: 100,
    });
    assert.deepEqual([...bodies(read).values()], ['a', 'b']);
    await journal.close();
  });

  it('keeps its bound to the byte, says when to come back, and takes records again once some are done', async () => {
    const maxBytes = 64 * 1024;
    const { metrics, count } = countingMetrics();
    const journal = await openTestJournal(dir.path, { maxBytes, metrics, retainMs: 3_600_000 });
    const body = 'x'.repeat(1000);
    let taken = 0;
    for (;;) {
      try {
        await journal.append(recordOf(body));
        taken += 1;
      } catch (error) {
        assert.ok(unavailable(error));
        break;
      }
    }
    assert.equal(count('spanmeter_journal_refused_total', 'full'), 1);
    assert.equal(await bytesOf(dir.path, '.seg'), journal.sizeBytes);
    const frameBytes = journal.end.bytes / taken;
    assert.ok(journal.sizeBytes <= maxBytes && journal.sizeBytes + frameBytes + 80 > maxBytes);
    await journal.release(taken);
    assert.equal(await journal.append(recordOf(body)), taken + 1);
    assert.ok(journal.oldestSequence > 1);
    assert.ok((await bytesOf(dir.path, '.seg')) <= maxBytes);
    await journal.close();
  });

  it('admits concurrent appends up to its bound and not one byte more', async () => {
    const maxBytes = 16 * 1024;
    const journal = await openTestJournal(dir.path, { maxBytes });
    const results = await Promise.allSettled(
      Array.from({ length: 50 }, () => journal.append(recordOf('y'.repeat(700)))),
    );
    const taken = results.filter((result) => result.status === 'fulfilled').length;
    assert.ok(taken > 10 && taken < 50);
    assert.ok((await bytesOf(dir.path, '.seg')) <= maxBytes);
    assert.equal((await readAll(dir.path, journal.lastSequence)).entries.length, taken);
    await journal.close();
  });

  it('refuses for good what is larger than itself', async () => {
    const journal = await openTestJournal(dir.path, { maxBytes: 4096 });
    await assert.rejects(
      journal.append(recordOf('z'.repeat(5000))),
      (error: unknown) => error instanceof Refusal && error.code === 'too_large',
    );
    await journal.close();
  });

  it('bounds what waits for the disk', async () => {
    const held = holdableDisk(nodeDisk);
    const journal = await openTestJournal(dir.path, { disk: held.disk, maxPendingBytes: 3000 });
    await journal.append(recordOf('first'));
    held.hold();
    const waiting = [journal.append(recordOf('w'.repeat(1500)))];
    await held.held();
    waiting.push(journal.append(recordOf('w'.repeat(1000))));
    await assert.rejects(journal.append(recordOf('w'.repeat(1000))), unavailable);
    held.letGo();
    assert.deepEqual(await Promise.all(waiting), [2, 3]);
    await journal.close();
  });

  it('removes segments once they are done and older than retention, and never the one in use', async () => {
    let now = 1_760_000_000_000;
    const clock = { now: () => now, sleep: () => Promise.resolve() };
    const journal = await openTestJournal(dir.path, { clock, segmentBytes: 2000, retainMs: 1000 });
    for (let i = 0; i < 20; i += 1) await journal.append(recordOf('s'.repeat(500)));
    await journal.release(20);
    assert.equal(journal.oldestSequence, 1);
    now += 1001;
    await journal.release(10);
    assert.ok(journal.oldestSequence > 1 && journal.oldestSequence <= 11);
    await journal.release(20);
    assert.equal((await readdir(dir.path)).filter((name) => name.endsWith('.seg')).length, 1);
    assert.equal(await journal.append(recordOf('more')), 21);
    await journal.close();
  });

  it('refuses after it was closed, and what was under way is durable', async () => {
    const journal = await openTestJournal(dir.path);
    const under = journal.append(recordOf('under way'));
    const closing = journal.close();
    await assert.rejects(journal.append(recordOf('late')), unavailable);
    assert.equal(await under, 1);
    await closing;
    assert.equal((await readAll(dir.path, 1)).entries.length, 1);
  });
});

describe('the journal on a disk that fails', () => {
  const dir = useTempDir();

  /** A real disk that fails as told. */
  function failing(): { disk: Disk; fails: 'write' | 'sync' | null } {
    const state = {
      fails: null as 'write' | 'sync' | null,
      disk: {
        ...nodeDisk,
        open: async (path: string, mode: 'read' | 'write' | 'create') => {
          const file = await nodeDisk.open(path, mode);
          return {
            read: (into: Uint8Array, position: number) => file.read(into, position),
            truncate: (size: number) => file.truncate(size),
            size: () => file.size(),
            close: () => file.close(),
            async write(chunks: readonly Uint8Array[], position: number) {
              if (state.fails !== 'write') return file.write(chunks, position);
              await file.write([(chunks[0] as Uint8Array).subarray(0, 20)], position);
              throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
            },
            async sync() {
              if (state.fails === 'sync')
                throw Object.assign(new Error('input/output error'), { code: 'EIO' });
              await file.sync();
            },
          };
        },
      },
    };
    return state;
  }

  for (const fails of ['write', 'sync'] as const) {
    it(`refuses while a ${fails} fails, cuts the torn bytes back, and goes on afterwards`, async () => {
      const state = failing();
      const journal = await openTestJournal(dir.path, { disk: state.disk });
      await journal.append(recordOf('before'));
      state.fails = fails;
      await assert.rejects(journal.append(recordOf('during')), unavailable);
      await assert.rejects(journal.append(recordOf('during, again')), unavailable);
      assert.equal(journal.lastSequence, 1);
      state.fails = null;
      assert.equal(await journal.append(recordOf('after')), 2);
      assert.deepEqual([...bodies(await readAll(dir.path, 2)).values()], ['before', 'after']);
      await journal.close();
      const again = await openTestJournal(dir.path);
      assert.equal(again.lastSequence, 2);
      await again.close();
    });
  }

  it('opens on a full disk and takes records once there is room', async () => {
    const state = failing();
    state.fails = 'write';
    const journal = await openTestJournal(dir.path, { disk: state.disk });
    await assert.rejects(journal.append(recordOf('full')), unavailable);
    state.fails = null;
    assert.equal(await journal.append(recordOf('room')), 1);
    const { id } = journal;
    await journal.close();
    const again = await openTestJournal(dir.path);
    assert.equal(again.id, id);
    await again.close();
  });
});

describe('a journal directory', () => {
  const dir = useTempDir();

  it('is held by one opener; the second is told who holds it and where', async () => {
    const journal = await openTestJournal(dir.path);
    await assert.rejects(openTestJournal(dir.path), (error: unknown) => {
      assert.ok(error instanceof DirectoryHeld);
      assert.match(error.message, new RegExp(`${dir.path}.*process ${process.pid}`));
      return true;
    });
    await journal.append(recordOf('still works'));
    await journal.close();
    await (await openTestJournal(dir.path)).close();
  });

  it('goes to exactly one of many that open it at once', async () => {
    const openings = await Promise.allSettled(Array.from({ length: 8 }, () => openTestJournal(dir.path)));
    const opened = openings.flatMap((opening) => (opening.status === 'fulfilled' ? [opening.value] : []));
    assert.equal(opened.length, 1);
    await opened[0]?.close();
  });

  it('is held also where its path is too long for a socket', async () => {
    const deep = join(dir.path, 'd'.repeat(120));
    const journal = await openTestJournal(deep);
    await assert.rejects(openTestJournal(deep), DirectoryHeld);
    await journal.close();
    await (await openTestJournal(deep)).close();
  });
});
