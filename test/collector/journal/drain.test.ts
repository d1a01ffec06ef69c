import assert from 'node:assert/strict';
import { once, EventEmitter } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '@spanmeter/collector/dist/journal/clock.js';
import { nodeDisk } from '@spanmeter/collector/dist/journal/disk.js';
import { createLedgerDrain, type LedgerDrainOptions } from '@spanmeter/collector/dist/pipeline/drain.js';
import type { Drain } from '@spanmeter/collector/dist/pipeline/drain-status.js';
import { LedgerUnavailable, type Ledger } from '@spanmeter/collector/dist/pipeline/ledger.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';
import { extract, requestOf } from '../simulator/simulated-calls.ts';
import { useTempDir } from '../../support/temp-dir.ts';
import { follow, MemoryLedger, NO_DEADLINE, PLAIN, shared, type Followed } from './follow.ts';

function ledgerDrain(
  dir: string,
  followed: Followed,
  ledger: Ledger,
  options: Partial<LedgerDrainOptions> = {},
): { drain: Drain; count: (name: string, label?: string) => number } {
  const { count, options: common } = shared(dir, followed);
  const { journal } = followed;
  const drain = createLedgerDrain({
    ...common,
    unconfirmedEnd: journal.unconfirmedEnd,
    exporter: 'postgres',
    ledger,
    extract,
    onCommitted() {},
    confirmCursor: () => journal.confirmCursor(),
    renewJournalId: () => journal.renewId(),
    onUnreadableRest: (damaged) => journal.setAside(damaged.segmentFirst, damaged.offset),
    ...options,
  });
  drain.start();
  return { drain, count };
}

describe('the drain into the store', () => {
  const dir = useTempDir();

  it('stores what is there and what comes, and says what is done', async () => {
    const followed = await follow(dir.path);
    await followed.append('k1', 'k2');
    const ledger = new MemoryLedger();
    const done: number[] = [];
    const { drain } = ledgerDrain(dir.path, followed, ledger, { onDone: (sequence) => done.push(sequence) });
    await followed.append('k3');
    await ledger.has('k1', 'k2', 'k3');
    await drain.stop(NO_DEADLINE);
    assert.deepEqual(ledger.cursors.get(followed.journal.id), { sequence: 2, spansDone: 3 });
    assert.equal(done.at(-1), 2);
    const { pendingRecords, pendingSpans, pendingBytes, state } = drain.status();
    assert.deepEqual([pendingRecords, pendingSpans, pendingBytes, state], [0, 0, 0, 'stopped']);
    await followed.journal.close();
  });

  it('waits where the journal cannot note the cursor, as on a full disk, and calls that nothing unforeseen', async () => {
    const followed = await follow(dir.path);
    await followed.append('k1');
    const ledger = new MemoryLedger();
    let asked = 0;
    const errors: string[] = [];
    const warnings: string[] = [];
    const { drain } = ledgerDrain(dir.path, followed, ledger, {
      log: {
        ...SILENT_LOG,
        warn: (_fields, message) => void warnings.push(message),
        error: (_fields, message) => void errors.push(message),
      },
      confirmCursor() {
        asked += 1;
        if (asked > 1) return followed.journal.confirmCursor();
        return Promise.reject(new Error('ENOSPC: no space left on device, write'));
      },
    });
    await ledger.has('k1');
    await drain.stop(NO_DEADLINE);
    assert.deepEqual([asked, errors], [2, []]);
    assert.deepEqual(warnings, ['The store does not take batches; they wait in the journal.']);
    await followed.journal.close();
  });

  it('prepares the next batch while one commits', async () => {
    const followed = await follow(dir.path);
    for (const key of ['k1', 'k2', 'k3', 'k4']) await followed.append(key);
    const ledger = new MemoryLedger();
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const prepared: number[] = [];
    const both = new EventEmitter();
    const slow: Ledger = {
      readCursor: (id) => ledger.readCursor(id),
      createCursor: (...call) => ledger.createCursor(...call),
      prepare(batch) {
        prepared.push(batch.to.sequence);
        if (prepared.length === 2) both.emit('prepared');
        return { batch };
      },
      async commit(batch) {
        await gate;
        return ledger.commit(batch);
      },
    };
    const two = once(both, 'prepared');
    const { drain } = ledgerDrain(dir.path, followed, slow);
    await two;
    assert.equal(ledger.batches, 0);
    assert.deepEqual(prepared, [2, 4]);
    release();
    await ledger.has('k4');
    await drain.stop(NO_DEADLINE);
    await followed.journal.close();
  });

  it('waits out a store that is down, stores each call once, and reports both', async () => {
    const followed = await follow(dir.path);
    await followed.append('k1');
    const ledger = new MemoryLedger();
    ledger.isDown = true;
    let sleeps = 0;
    const clock = {
      now: () => Date.now(),
      sleep: async (ms: number, signal?: AbortSignal) => {
        if (ms > 10_000) return systemClock.sleep(ms, signal);
        sleeps += 1;
        if (sleeps === 3) ledger.isDown = false;
      },
    };
    const { drain, count } = ledgerDrain(dir.path, followed, ledger, { clock });
    await ledger.has('k1');
    assert.equal(sleeps, 3);
    assert.equal(count('spanmeter_ledger_retries_total', 'postgres'), 3);
    await drain.stop(NO_DEADLINE);
    assert.equal(drain.status().lastError, null);
    await followed.journal.close();
  });

  it('dates what is pending, also where the store was never reached or went away while nothing came', async () => {
    const followed = await follow(dir.path);
    await followed.append('k1');
    const ledger = new MemoryLedger();
    ledger.isDown = true;
    const seen: (number | null)[] = [];
    let endIdle = (): void => {};
    const clock = {
      now: () => 7,
      sleep(ms: number, signal?: AbortSignal): Promise<void> {
        if (ms > 10_000) {
          return new Promise((resolve) => {
            endIdle = resolve;
            signal?.addEventListener('abort', () => resolve(), { once: true });
          });
        }
        const { pendingRecords, oldestPendingUnixMs } = drain.status();
        if (pendingRecords > 0) {
          seen.push(oldestPendingUnixMs);
          ledger.isDown = false;
        }
        return Promise.resolve();
      },
    };
    const { drain } = ledgerDrain(dir.path, followed, ledger, { clock });
    await ledger.has('k1');
    assert.deepEqual(seen, [7], 'nobody knows how old it is, so it counts from now');

    ledger.isDown = true;
    endIdle();
    await followed.append('k2');
    await ledger.has('k2');
    assert.equal(seen.at(-1), PLAIN.receivedUnixMs);
    await drain.stop(NO_DEADLINE);
    await followed.journal.close();
  });

  it('sees that a commit succeeded whose answer was lost, and tells the followers of commits so', async () => {
    const followed = await follow(dir.path);
    await followed.append('k1');
    const ledger = new MemoryLedger();
    let isLost = true;
    ledger.onCommit = (isDone) => {
      if (!isDone || !isLost) return;
      isLost = false;
      throw new LedgerUnavailable('the connection broke');
    };
    const committed: [number, boolean][] = [];
    const { drain, count } = ledgerDrain(dir.path, followed, ledger, {
      onCommitted: (result, _batch, isCertain) => committed.push([result.inserted.length, isCertain]),
    });
    await ledger.has('k1');
    await followed.append('k2');
    await ledger.has('k2');
    await drain.stop(NO_DEADLINE);
    assert.deepEqual(committed, [
      [1, false],
      [1, true],
    ]);
    assert.equal(count('spanmeter_ledger_cursor_reports_total', 'postgres/committed_unseen'), 1);
    await followed.journal.close();
  });

  it('follows a cursor that went back, because the database was restored', async () => {
    const followed = await follow(dir.path);
    await followed.append('k1', 'k2');
    const ledger = new MemoryLedger();
    const { drain, count } = ledgerDrain(dir.path, followed, ledger);
    await ledger.has('k1', 'k2');
    ledger.keys.clear();
    ledger.cursors.set(followed.journal.id, { sequence: 0, spansDone: 0 });
    await followed.append('k3');
    await ledger.has('k1', 'k2', 'k3');
    await drain.stop(NO_DEADLINE);
    assert.equal(count('spanmeter_ledger_cursor_reports_total', 'postgres/behind'), 1);
    await followed.journal.close();
  });

  it('offers an old directory whole to an empty database, and counts what it no longer has as a gap', async () => {
    const followed = await follow(dir.path);
    for (let i = 1; i <= 20; i += 1) await followed.append(`k${i}`);
    await followed.journal.release(10);
    const first = followed.journal.oldestSequence;
    assert.ok(first > 1);
    const ledger = new MemoryLedger();
    const { drain, count } = ledgerDrain(dir.path, followed, ledger);
    await ledger.has('k20');
    await drain.stop(NO_DEADLINE);
    assert.equal(ledger.keys.size, 20 - first + 1);
    assert.equal(count('spanmeter_journal_gap_records_total', 'postgres/gone'), first - 1);
    const [gap] = drain.status().gaps;
    assert.deepEqual([gap?.firstSequence, gap?.lastSequence, gap?.reason], [1, first - 1, 'gone']);
    await followed.journal.close();
  });

  it('gives a restored older directory a new id, also where the store is first seen after more appends', async () => {
    const before = await follow(dir.path);
    const { id } = before.journal;
    await before.append('k1');
    await before.journal.confirmCursor();
    await before.journal.close();
    const ledger = new MemoryLedger();
    ledger.cursors.set(id, { sequence: 3, spansDone: 3 });

    const unseen = await follow(dir.path);
    for (const key of ['k2', 'k3', 'k4', 'k5']) await unseen.append(key);
    await unseen.journal.close();

    const followed = await follow(dir.path);
    const { drain, count } = ledgerDrain(dir.path, followed, ledger);
    await ledger.has('k1', 'k2', 'k3', 'k4', 'k5');
    await drain.stop(NO_DEADLINE);
    assert.notEqual(followed.journal.id, id);
    assert.equal(drain.status().journalId, followed.journal.id);
    assert.equal(count('spanmeter_ledger_cursor_reports_total', 'postgres/beyond_end'), 1);
    await followed.journal.close();
  });

  it('takes a new id where something else moves its cursor', async () => {
    const followed = await follow(dir.path);
    const { id } = followed.journal;
    await followed.append('k1');
    const ledger = new MemoryLedger();
    const { drain, count } = ledgerDrain(dir.path, followed, ledger);
    await ledger.has('k1');
    ledger.cursors.set(id, { sequence: 2, spansDone: 9 });
    for (const key of ['k2', 'k3']) await followed.append(key);
    await ledger.has('k1', 'k2', 'k3');
    await drain.stop(NO_DEADLINE);
    assert.notEqual(followed.journal.id, id);
    assert.ok(
      count('spanmeter_ledger_cursor_reports_total', 'postgres/moved_by_another') +
        count('spanmeter_ledger_cursor_reports_total', 'postgres/beyond_end') >
        0,
    );
    await followed.journal.close();
  });

  it('makes dead letters of damaged records and of rejected spans, and stores the rest', async () => {
    const writing = await follow(dir.path);
    await writing.append('k1');
    await writing.journal.append(requestOf(['k2', 'k3'], { ...PLAIN, isRejected: true }));
    await writing.append('k4');
    await writing.journal.close();
    const [name] = (await readdir(dir.path)).filter((file) => file.endsWith('.seg'));
    const path = join(dir.path, name as string);
    const bytes = await readFile(path);
    bytes[bytes.indexOf('k1 ')] = 0x7a;
    await nodeDisk.open(path, 'write').then(async (file) => {
      await file.write([bytes], 0);
      await file.close();
    });
    const followed = await follow(dir.path);
    const ledger = new MemoryLedger();
    const { drain } = ledgerDrain(dir.path, followed, ledger);
    await ledger.has('k3', 'k4');
    await drain.stop(NO_DEADLINE);
    assert.deepEqual(ledger.deadLetters, ['journal_damaged', 'time_missing']);
    assert.deepEqual(ledger.cursors.get(followed.journal.id)?.sequence, 3);
    await followed.journal.close();
  });

  it('drains what is there when it is stopped, and gives up at the deadline', async () => {
    const followed = await follow(dir.path);
    for (let i = 1; i <= 30; i += 1) await followed.append(`k${i}`);
    const ledger = new MemoryLedger();
    const { drain } = ledgerDrain(dir.path, followed, ledger);
    await drain.stop(NO_DEADLINE);
    assert.equal(ledger.keys.size, 30);

    const hanging: Ledger = {
      readCursor: (id) => ledger.readCursor(id),
      createCursor: (...call) => ledger.createCursor(...call),
      prepare: (batch) => ({ batch }),
      commit: () => new Promise(() => {}),
    };
    await followed.append('k31');
    const stuck = ledgerDrain(dir.path, followed, hanging);
    const deadline = new AbortController();
    const stopped = stuck.drain.stop(deadline.signal);
    deadline.abort();
    await stopped;
    assert.equal(stuck.drain.status().state, 'stopped');
    await followed.journal.close();
  });

  it('does not wait for a store that is down when it is stopped', async () => {
    const followed = await follow(dir.path);
    await followed.append('k1');
    const ledger = new MemoryLedger();
    ledger.isDown = true;
    const { drain } = ledgerDrain(dir.path, followed, ledger);
    await drain.stop(NO_DEADLINE);
    assert.equal(ledger.keys.size, 0);
    await followed.journal.close();
  });
});
