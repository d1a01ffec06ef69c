import assert from 'node:assert/strict';
import type { JournalReader } from '@spanmeter/collector/dist/journal/reader.js';
import { nodeDisk } from '@spanmeter/collector/dist/journal/disk.js';
import { openJournalReader } from '@spanmeter/collector/dist/journal/reader.js';
import {
  createBatchSource,
  type BatchSourceOptions,
} from '@spanmeter/collector/dist/pipeline/batch-source.js';
import { deadLettersOf } from '@spanmeter/collector/dist/pipeline/dead-letters.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';
import { CHAIN, decode, extract, requestOf } from '../simulator/simulated-calls.ts';
import { useTempDir } from '../../support/temp-dir.ts';
import { countingMetrics, openTestJournal } from './records.ts';

const PLAIN = { fillBytes: 0, isPoisoned: false, isRejected: false, receivedUnixMs: 5 };

describe('the batch source', () => {
  const dir = useTempDir();

  async function fill(...requests: Parameters<typeof requestOf>[]): Promise<void> {
    const journal = await openTestJournal(dir.path);
    for (const request of requests) await journal.append(requestOf(...request));
    await journal.close();
  }

  function source(options: Partial<BatchSourceOptions> = {}): {
    next: ReturnType<typeof createBatchSource>['next'];
    count: ReturnType<typeof countingMetrics>['count'];
    reads: () => number;
  } {
    const { metrics, count } = countingMetrics();
    const real = openJournalReader({ dir: dir.path, disk: nodeDisk });
    let reads = 0;
    const reader: JournalReader = {
      read(...call) {
        reads += 1;
        return real.read(...call);
      },
    };
    const made = createBatchSource({ reader, chain: CHAIN, decode, log: SILENT_LOG, metrics, ...options });
    return { next: (...call) => made.next(...call), count, reads: () => reads };
  }

  it('takes at once whatever is there, within its limits and at record boundaries', async () => {
    await fill([['k1', 'k2'], PLAIN], [['k3', 'k4'], PLAIN], [['k5'], PLAIN]);
    const { next } = source({ maxSpans: 3 });
    const first = await next('id', 0, 3);
    assert.deepEqual([first?.lastSequence, first?.spans], [1, 2]);
    const second = await next('id', 1, 3);
    assert.deepEqual([second?.lastSequence, second?.spans], [3, 3]);
    assert.equal(await next('id', 3, 3), null);
  });

  it('gives a record larger than its limits alone', async () => {
    await fill([['k1', 'k2', 'k3', 'k4'], PLAIN], [['k5'], PLAIN]);
    const batch = await source({ maxSpans: 2 }).next('id', 0, 2);
    assert.deepEqual([batch?.lastSequence, batch?.spans], [1, 4]);
  });

  it('reads and processes a stretch once for exporters at the same place, and forgets old ones', async () => {
    await fill([['k1'], PLAIN], [['k2'], PLAIN], [['k3'], PLAIN], [['k4'], PLAIN]);
    const { next, reads } = source({ maxSpans: 1, maxShared: 2 });
    assert.equal(next('id', 0, 4), next('id', 0, 4));
    const first = await next('id', 0, 4);
    assert.equal(reads(), 1);
    await next('id', 1, 4);
    await next('id', 2, 4);
    assert.notEqual(await next('id', 0, 4), first);
    assert.equal(reads(), 4);
  });

  it('leaves out only the record that decoding fails on, and keeps it as a dead letter', async () => {
    const poisoned = { ...PLAIN, isPoisoned: true };
    await fill([['k1'], PLAIN], [['k2'], PLAIN], [['k3'], poisoned], [['k4'], PLAIN], [['k5'], PLAIN]);
    const { next, count } = source();
    const batch = await next('id', 0, 5);
    assert.ok(batch);
    assert.deepEqual(
      batch.groups.map((group) => group.spans.map((span) => span.spanId)),
      [['k1'], ['k2'], [], ['k4'], ['k5']],
    );
    assert.equal(count('spanmeter_journal_unreadable_records_total'), 1);
    const [letter] = deadLettersOf(batch, { extract }, 0);
    assert.deepEqual([letter?.reason, letter?.tenantId, letter?.receivedUnixMs], ['unreadable', 'acme', 5]);
    assert.match(letter?.detail ?? '', /Record 3 .*cannot be decoded/);
    assert.ok(Buffer.from(letter?.payload ?? []).includes('k3'));
  });

  it('isolates a record that a processor throws on, with the others processed as if it were not there', async () => {
    await fill([['k1'], PLAIN], [['k2'], PLAIN], [['k3'], PLAIN]);
    const chain = {
      books: () => [],
      steps: [
        ...CHAIN.steps,
        (groups: Parameters<(typeof CHAIN.steps)[0]>[0]) => {
          if (groups.some((group) => group.spans[0]?.spanId === 'k2')) throw new Error('processor at fault');
        },
      ],
    };
    const batch = await source({ chain }).next('id', 0, 3);
    assert.deepEqual(
      batch?.groups.map((group) => group.calls.map((call) => call?.spanId)),
      [['k1'], [], ['k3']],
    );
    assert.deepEqual(
      batch.unreadable.map(({ entry }) => entry.sequence),
      [2],
    );
  });

  it('turns rejected spans into one dead letter per record, reason and tenant, with just those spans', async () => {
    await fill([['k1', 'k2'], { ...PLAIN, isRejected: true }]);
    const batch = await source().next('id', 0, 1);
    assert.ok(batch);
    const letters = deadLettersOf(batch, { extract, tenantOf: () => 'from-span' }, 0);
    assert.equal(letters.length, 1);
    assert.deepEqual([letters[0]?.reason, letters[0]?.tenantId], ['time_missing', 'from-span']);
    assert.equal(Buffer.from(letters[0]?.payload ?? []).toString(), 'k1');
  });

  it('asks again after a read that failed', async () => {
    await fill([['k1'], PLAIN]);
    const real = openJournalReader({ dir: dir.path, disk: nodeDisk });
    let fails = true;
    const reader: JournalReader = {
      read: (...call) => (fails ? Promise.reject(new Error('input/output error')) : real.read(...call)),
    };
    const { next } = source({ reader });
    await assert.rejects(next('id', 0, 1), /input\/output/);
    fails = false;
    assert.equal((await next('id', 0, 1))?.lastSequence, 1);
  });
});
