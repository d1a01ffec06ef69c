import { openJournal, type Journal } from '@spanmeter/collector/dist/journal/journal.js';
import type { Disk } from '@spanmeter/collector/dist/journal/disk.js';
import { createJournalProgress } from '@spanmeter/collector/dist/journal/journal-progress.js';
import { openCursorFiles } from '@spanmeter/collector/dist/journal/cursor-files.js';
import { openJournalReader } from '@spanmeter/collector/dist/journal/reader.js';
import { createBatchSource } from '@spanmeter/collector/dist/pipeline/batch-source.js';
import { createBestEffortDrain } from '@spanmeter/collector/dist/pipeline/best-effort-drain.js';
import type { SelfMetrics } from '@spanmeter/collector/dist/pipeline/component.js';
import { createLedgerDrain } from '@spanmeter/collector/dist/pipeline/drain.js';
import type { Drain } from '@spanmeter/collector/dist/pipeline/drain-status.js';
import type { Ledger } from '@spanmeter/collector/dist/pipeline/ledger.js';
import { SILENT_LOG } from '@spanmeter/collector/dist/pipeline/silent.js';
import { CHAIN, decode, extract } from './simulated-calls.ts';
import type { Random } from './random.ts';
import type { Life, Scheduler } from './scheduler.ts';

/** Bugs on purpose in how the parts are put together. */
export interface WiringBugs {
  /** The first cursor is believed without comparing it with the end of the directory. */
  readonly believesCursor?: boolean;
  /** Whatever was appended is released at once. */
  readonly releasesEarly?: boolean;
}

export interface Surroundings {
  readonly life: Life;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly disk: Disk;
  readonly ledger: Ledger;
  readonly metrics: SelfMetrics;
  readonly bugs: WiringBugs;
  readonly sizes: { maxBytes: number; segmentBytes: number; retainMs: number };
  readonly newId: () => string;
  /** The destination of the best-effort exporter. */
  send(keys: readonly string[]): void;
}

/** One running collector: the real journal, reader, source and drains, with the wiring of two threads. */
export interface RunningCollector {
  readonly journal: Journal;
  readonly ledgerDrain: Drain;
  readonly forwardDrain: Drain;
}

/** Opens the directory and starts to drain it, as the process does. */
export async function startCollector(around: Surroundings): Promise<RunningCollector> {
  const { life, scheduler, random, disk, metrics, sizes } = around;
  const clock = scheduler.clock(life);
  const dir = '/journal';
  const journal = await openJournal({
    dir,
    ...sizes,
    disk,
    clock,
    log: SILENT_LOG,
    metrics,
    newId: around.newId,
  });
  const progress = createJournalProgress(journal.end);
  const toWorker = scheduler.channel(life);
  const toMain = scheduler.channel(life);
  journal.onAppended((end) => toWorker(() => progress.advance(end)));
  const reader = openJournalReader({ dir, disk, windowBytes: 512 });
  const source = createBatchSource({
    reader,
    chain: CHAIN,
    decode,
    log: SILENT_LOG,
    metrics,
    maxSpans: random.int(2, 20),
    maxBytes: random.int(200, 4000),
  });
  const done = { ledger: 0, forward: 0 };
  const release = (changed: Partial<typeof done>): void => {
    Object.assign(done, changed);
    const least = around.bugs.releasesEarly === true ? Infinity : Math.min(done.ledger, done.forward);
    toMain(() => void journal.release(least));
  };
  const shared = {
    journalId: journal.id,
    source,
    progress,
    clock,
    random: () => random.next(),
    log: SILENT_LOG,
    metrics,
  };
  const ledgerDrain = createLedgerDrain({
    ...shared,
    unconfirmedEnd: around.bugs.believesCursor === true ? null : journal.unconfirmedEnd,
    exporter: 'postgres',
    ledger: around.ledger,
    extract,
    onCommitted() {},
    onDone: (ledger) => release({ ledger }),
    confirmCursor: () => journal.confirmCursor(),
    renewJournalId: () => journal.renewId(),
    onUnreadableRest: (damaged) => journal.setAside(damaged.segmentFirst, damaged.offset),
  });
  const forwardDrain = createBestEffortDrain({
    ...shared,
    openEnd: journal.end,
    exporter: 'otlp_http/elsewhere',
    startAt: 'oldest',
    maxLagBytes: sizes.maxBytes / 2,
    maxLagMs: 60_000,
    reader,
    cursors: openCursorFiles(disk, dir, SILENT_LOG),
    send: (batch) =>
      scheduler.submit(life, () =>
        around.send(batch.groups.flatMap((group) => group.spans.map((span) => span.spanId))),
      ),
    onDone: (forward) => release({ forward }),
  });
  ledgerDrain.start();
  forwardDrain.start();
  return { journal, ledgerDrain, forwardDrain };
}
