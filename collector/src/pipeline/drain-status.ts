import type { DamagedRecord } from '../journal/reader.ts';
import type { JournalEnd } from '../journal/record.ts';
import type { Logger, SelfMetrics } from './component.ts';
import type { SourceBatch } from './batch-source.ts';

const GAP_REASONS = ['gone', 'body', 'head', 'rest', 'missing'] as const satisfies readonly (
  'gone' | DamagedRecord['reason']
)[];

/** A stretch of the journal that an exporter passed over. */
export interface DrainGap {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly reason: 'gone' | DamagedRecord['reason'];
  readonly noticedUnixMs: number;
}

/** How an exporter stands; plain data, so that another thread can be told. */
export interface DrainStatus {
  readonly exporter: string;
  readonly journalId: string;
  readonly state: 'starting' | 'running' | 'retrying' | 'stopped';
  /** Last record done; what lies before may be released. */
  readonly doneSequence: number;
  readonly pendingRecords: number;
  readonly pendingSpans: number;
  /** Bytes of journalled records not yet done. */
  readonly pendingBytes: number;
  /** When the oldest record not yet done was received; null where none is pending or known. */
  readonly oldestPendingUnixMs: number | null;
  /** Why it is retrying, or null. */
  readonly lastError: string | null;
  /** The latest gaps, oldest first. */
  readonly gaps: readonly DrainGap[];
}

/** An exporter's way through the journal. */
export interface Drain {
  /** Begins to follow the journal; never rejects afterwards. */
  start(): void;
  /** Finishes what is there; gives up when `deadline` aborts, or where the destination does not answer. */
  stop(deadline: AbortSignal): Promise<void>;
  status(): DrainStatus;
}

/** What lies between what an exporter has done and the end of the journal. */
export function pendingOf(
  end: JournalEnd,
  doneSequence: number,
  through: JournalEnd,
): Pick<DrainStatus, 'pendingRecords' | 'pendingSpans' | 'pendingBytes'> {
  const pendingRecords = Math.max(0, end.sequence - doneSequence);
  if (pendingRecords === 0) return { pendingRecords, pendingSpans: 0, pendingBytes: 0 };
  return {
    pendingRecords,
    pendingSpans: Math.max(0, end.spans - through.spans),
    pendingBytes: Math.max(0, end.bytes - through.bytes),
  };
}

const MAX_GAPS = 20;

/** Remembers, counts and logs the gaps of one exporter. */
export class GapReport {
  readonly #exporter: string;
  readonly #log: Logger;
  readonly #counter: { add(amount: number, labels: Readonly<Record<string, string>>): void };
  #gaps: readonly DrainGap[] = [];

  constructor(exporter: string, log: Logger, metrics: SelfMetrics) {
    this.#exporter = exporter;
    this.#log = log;
    this.#counter = metrics.counter(
      'spanmeter_journal_gap_records_total',
      'Records that an exporter could not get from the journal, by reason.',
      ['exporter', 'reason'],
    );
    for (const reason of GAP_REASONS) this.#counter.add(0, { exporter, reason });
  }

  get gaps(): readonly DrainGap[] {
    return this.#gaps;
  }

  /** Reports what of a batch's stretch was not there or not readable; call once for a batch that is done. */
  add(batch: SourceBatch, noticedUnixMs: number): void {
    const { afterSequence, goneRecords } = batch;
    if (goneRecords > 0) {
      const lastSequence = afterSequence + goneRecords;
      this.#note({ firstSequence: afterSequence + 1, lastSequence, reason: 'gone', noticedUnixMs });
    }
    for (const { firstSequence, lastSequence, reason } of batch.damaged) {
      this.#note({ firstSequence, lastSequence, reason, noticedUnixMs });
    }
  }

  #note(gap: DrainGap): void {
    const records = gap.lastSequence - gap.firstSequence + 1;
    this.#gaps = [...this.#gaps, gap].slice(-MAX_GAPS);
    this.#counter.add(records, { exporter: this.#exporter, reason: gap.reason });
    this.#log.error(
      { exporter: this.#exporter, ...gap },
      gap.reason === 'gone'
        ? `The journal no longer has ${records} records that ${this.#exporter} had not confirmed.`
        : `The journal cannot give ${records} records to ${this.#exporter}; they are dead letters.`,
    );
  }
}

/** Gauges over all drains of a thread: what is pending, by exporter. */
export function registerDrainMetrics(metrics: SelfMetrics, drains: readonly Drain[]): void {
  const each = (value: (status: DrainStatus) => number) => () =>
    drains.map((drain) => {
      const status = drain.status();
      return { labels: { exporter: status.exporter }, value: value(status) };
    });
  const labels = ['exporter'];
  metrics.gauge(
    'otelcol_exporter_queue_size',
    'Journalled requests that an exporter has not done.',
    each((status) => status.pendingRecords),
    labels,
  );
  metrics.gauge(
    'spanmeter_journal_pending_spans',
    'Journalled GenAI spans that an exporter has not done.',
    each((status) => status.pendingSpans),
    labels,
  );
  metrics.gauge(
    'spanmeter_journal_pending_bytes',
    'Journalled bytes that an exporter has not done.',
    each((status) => status.pendingBytes),
    labels,
  );
  metrics.gauge(
    'spanmeter_journal_oldest_pending_timestamp_seconds',
    'When the oldest request that an exporter has not done was received; 0 where nothing is pending.',
    each((status) => (status.oldestPendingUnixMs ?? 0) / 1000),
    labels,
  );
}
