import { once, EventEmitter } from 'node:events';
import { systemClock } from '@spanmeter/collector/dist/journal/clock.js';
import { nodeDisk } from '@spanmeter/collector/dist/journal/disk.js';
import type { Journal } from '@spanmeter/collector/dist/journal/journal.js';
import {
  createJournalProgress,
  type JournalProgress,
} from '@spanmeter/collector/dist/journal/journal-progress.js';
import { openJournalReader } from '@spanmeter/collector/dist/journal/reader.js';
import { createBatchSource } from '@spanmeter/collector/dist/pipeline/batch-source.js';
import {
  CursorMismatch,
  LedgerUnavailable,
  type CursorPosition,
  type Ledger,
  type LedgerBatch,
} from '@spanmeter/collector/dist/pipeline/ledger.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';
import { CHAIN, decode, requestOf } from '../simulator/simulated-calls.ts';
import { countingMetrics, openTestJournal } from './records.ts';

/** A store in memory that tests can break; emits `commit` after each commit. */
export class MemoryLedger extends EventEmitter implements Ledger {
  cursors = new Map<string, CursorPosition>();
  readonly keys = new Set<string>();
  readonly deadLetters: string[] = [];
  batches = 0;
  /** Called in each commit, before (`false`) and after (`true`) it has taken effect. */
  onCommit: (isDone: boolean) => void = () => {};
  isDown = false;

  readCursor(journalId: string): Promise<CursorPosition | null> {
    if (this.isDown) return Promise.reject(new LedgerUnavailable('down'));
    return Promise.resolve(this.cursors.get(journalId) ?? null);
  }

  createCursor(journalId: string, _exporter: string, at: CursorPosition): Promise<void> {
    this.cursors.set(journalId, at);
    return Promise.resolve();
  }

  prepare(batch: LedgerBatch): { batch: LedgerBatch } {
    return { batch };
  }

  async commit({ batch }: { batch: LedgerBatch }): ReturnType<Ledger['commit']> {
    await Promise.resolve();
    if (this.isDown) throw new LedgerUnavailable('down');
    this.onCommit(false);
    const actual = this.cursors.get(batch.journalId) ?? null;
    if (actual?.sequence !== batch.from.sequence) throw new CursorMismatch(actual);
    const inserted = batch.calls.filter((call) => !this.keys.has(call.spanId));
    for (const call of inserted) this.keys.add(call.spanId);
    this.deadLetters.push(...batch.deadLetters.map(({ reason }) => reason));
    this.cursors.set(batch.journalId, batch.to);
    this.batches += 1;
    this.emit('commit');
    this.onCommit(true);
    return {
      inserted,
      alreadyThere: batch.calls.length - inserted.length,
      deadLetters: batch.deadLetters.length,
    };
  }

  /** Resolves once all these calls are stored. */
  async has(...keys: string[]): Promise<void> {
    while (!keys.every((key) => this.keys.has(key))) await once(this, 'commit');
  }
}

/** Options of a plain request. */
export const PLAIN = { fillBytes: 0, isPoisoned: false, isRejected: false, receivedUnixMs: Date.now() };

/** A journal on disk and its end as followers know it. */
export interface Followed {
  readonly journal: Journal;
  readonly progress: JournalProgress;
  append(...keys: string[]): Promise<void>;
}

/** Opens a journal that its followers are told of. */
export async function follow(dir: string): Promise<Followed> {
  const journal = await openTestJournal(dir, { segmentBytes: 1000, retainMs: 0 });
  const progress = createJournalProgress(journal.end);
  journal.onAppended((end) => progress.advance(end));
  return {
    journal,
    progress,
    async append(...keys) {
      await journal.append(requestOf(keys, PLAIN));
    },
  };
}

/** Options that every drain takes. */
export function shared(dir: string, { journal, progress }: Followed) {
  const counting = countingMetrics();
  const reader = openJournalReader({ dir, disk: nodeDisk });
  return {
    count: counting.count,
    options: {
      journalId: journal.id,
      progress,
      reader,
      source: createBatchSource({
        reader,
        chain: CHAIN,
        decode,
        log: SILENT_LOG,
        metrics: counting.metrics,
        maxSpans: 2,
      }),
      clock: {
        now: () => Date.now(),
        sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms / 100, signal),
      },
      random: () => 0.5,
      log: SILENT_LOG,
      metrics: counting.metrics,
      onDone() {},
    },
  };
}

/** A deadline that never comes. */
export const NO_DEADLINE: AbortSignal = new AbortController().signal;
