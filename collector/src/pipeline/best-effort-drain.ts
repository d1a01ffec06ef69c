import type { Clock } from '../journal/clock.ts';
import type { CursorFiles } from '../journal/cursor-files.ts';
import type { JournalProgress } from '../journal/journal-progress.ts';
import type { JournalReader } from '../journal/reader.ts';
import { EMPTY_END, endAfter, type JournalEnd, type StoredEntry } from '../journal/record.ts';
import { createBackoff, type Backoff } from './backoff.ts';
import { spanCount, type BatchSource, type SourceBatch } from './batch-source.ts';
import type { Counter, Logger, SelfMetrics } from './component.ts';
import { settledOrAborted } from './deadline.ts';
import { GapReport, pendingOf, type Drain, type DrainStatus } from './drain-status.ts';
import { Refusal } from './refusal.ts';

/** How far an exporter may fall behind, and why spans beyond that are skipped. */
type SkipReason = 'max_lag_bytes' | 'max_lag_age' | 'rejected';

export interface BestEffortDrainOptions {
  readonly journalId: string;
  /** End of the journal when it was opened. */
  readonly openEnd: JournalEnd;
  readonly exporter: string;
  /** Where an exporter without a cursor begins: at the end of the journal at its opening, or at its oldest record. */
  readonly startAt: 'newest' | 'oldest';
  readonly maxLagBytes: number;
  readonly maxLagMs: number;
  readonly source: BatchSource;
  readonly reader: JournalReader;
  readonly progress: JournalProgress;
  readonly cursors: CursorFiles;
  readonly clock: Clock;
  /** In [0, 1), for the jitter of retries. */
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics: SelfMetrics;
  /**
   * Resolves when the destination has the batch. A Refusal that is not retryable drops it, anything else retries.
   * Where it repeats attempts itself, it ends when the signal aborts: what waits has fallen too far behind, or
   * the drain is stopping.
   */
  send(batch: SourceBatch, signal: AbortSignal): Promise<void>;
  /** Why the latest attempt of the `send` under way failed; null while the destination answers. */
  failure?(): string | null;
  /** Everything up to here is durably done: the journal may release it. */
  onDone(doneSequence: number): void;
}

const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 30_000;
const SAVE_EVERY_MS = 1000;
const WATCH_EVERY_MS = 250;
const SKIP_LIMITS = { maxBytes: 16 * 1024 * 1024, maxEntries: 8192 };

/** Sends a journal to a destination that may fail; beyond its lag records are skipped and their spans counted. */
export function createBestEffortDrain(options: BestEffortDrainOptions): Drain {
  return new BestEffortDrain(options);
}

class BestEffortDrain implements Drain {
  readonly #options: BestEffortDrainOptions;
  readonly #backoff: Backoff;
  readonly #gaps: GapReport;
  readonly #skipped: Counter;
  readonly #retries: Counter;
  readonly #stopping = new AbortController();
  #state: DrainStatus['state'] = 'starting';
  #lastError: string | null = null;
  /** Last record sent or skipped; null before the cursor was loaded. */
  #sequence: number | null = null;
  #savedSequence: number | null = null;
  #savedUnixMs = 0;
  #through: JournalEnd = EMPTY_END;
  #pendingSinceUnixMs: number | null = null;
  #isSkipping = false;
  #isGivenUp = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: BestEffortDrainOptions) {
    this.#options = options;
    this.#backoff = createBackoff({ minMs: BACKOFF_MIN_MS, maxMs: BACKOFF_MAX_MS, random: options.random });
    this.#gaps = new GapReport(options.exporter, options.log, options.metrics);
    this.#skipped = options.metrics.counter(
      'spanmeter_exporter_skipped_spans_total',
      'GenAI spans that a best-effort exporter did not get, by reason.',
      ['exporter', 'reason'],
    );
    this.#retries = options.metrics.counter(
      'spanmeter_exporter_batch_retries_total',
      'Batches that a best-effort exporter could not send at once.',
      ['exporter'],
    );
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(deadline: AbortSignal): Promise<void> {
    this.#stopping.abort();
    await settledOrAborted(this.#running, deadline);
    this.#isGivenUp = true;
    await this.#save().catch((error: unknown) => this.#noteFailure(error));
  }

  status(): DrainStatus {
    const { exporter, journalId, progress } = this.#options;
    const done = this.#sequence ?? 0;
    const pending = pendingOf(progress.end, done, this.#through);
    const lastError = this.#lastError ?? this.#options.failure?.() ?? null;
    return {
      exporter,
      journalId,
      state: this.#isGivenUp ? 'stopped' : lastError === null ? this.#state : 'retrying',
      doneSequence: this.#savedSequence ?? 0,
      ...pending,
      oldestPendingUnixMs: pending.pendingRecords === 0 ? null : this.#pendingSinceUnixMs,
      lastError,
      gaps: this.#gaps.gaps,
    };
  }

  async #run(): Promise<void> {
    while (!this.#isGivenUp) {
      try {
        const isDrained = await this.#step();
        if (isDrained && this.#stopping.signal.aborted) return;
      } catch (error) {
        this.#noteFailure(error);
        // A destination that fails is not waited for at the end: its cursor stays where it is.
        if (this.#stopping.signal.aborted) return;
        await this.#options.clock.sleep(this.#backoff.nextMs(), this.#stopping.signal);
      }
    }
  }

  async #step(): Promise<boolean> {
    const { source, progress, journalId, clock } = this.#options;
    const after = this.#sequence ?? (await this.#begin());
    const batch = await source.next(journalId, after, progress.end.sequence);
    if (batch === null) {
      await this.#waitForRecords(after);
      return true;
    }
    const first = batch.entries[0];
    this.#pendingSinceUnixMs = first?.context.receivedUnixMs ?? null;
    if (first !== undefined && this.#skipReason(first) !== null) {
      await this.#skip(after);
      return false;
    }
    if (batch.entries.length > 0 && !(await this.#send(batch))) return true;
    this.#gaps.add(batch, clock.now());
    this.#moveTo(batch.lastSequence, batch.end);
    await this.#saveIfDue();
    return false;
  }

  async #begin(): Promise<number> {
    const { cursors, exporter, openEnd, startAt, log } = this.#options;
    const saved = await cursors.load(exporter);
    let after = saved ?? (startAt === 'newest' ? openEnd.sequence : 0);
    if (after > openEnd.sequence) {
      log.warn(
        { exporter, cursor: after, end: openEnd.sequence },
        'The cursor is beyond the end of the journal.',
      );
      after = openEnd.sequence;
    }
    this.#sequence = after;
    this.#savedSequence = saved === after ? after : null;
    this.#state = 'running';
    await this.#save();
    return after;
  }

  /** False where sending was given up, with the cursor left where it is. */
  async #send(batch: SourceBatch): Promise<boolean> {
    const { source, progress, journalId, exporter, log } = this.#options;
    // The next batch is prepared while this one travels; a failure shows when it is asked for again.
    source.next(journalId, batch.lastSequence, progress.end.sequence).catch(() => {});
    const giveUp = new AbortController();
    const settled = new AbortController();
    void this.#watch(batch, giveUp, settled.signal);
    try {
      await this.#options.send(batch, giveUp.signal);
    } catch (error) {
      if (giveUp.signal.aborted) return false;
      if (!(error instanceof Refusal) || error.retryable) throw error;
      this.#skipped.add(batch.spans, { exporter, reason: 'rejected' });
      log.error({ exporter, spans: batch.spans, err: error }, 'The destination refused a batch for good.');
    } finally {
      settled.abort();
    }
    this.#isSkipping = false;
    this.#noteSuccess();
    return true;
  }

  /** A destination that fails holds neither the journal beyond its lag nor the end of the process. */
  async #watch(batch: SourceBatch, giveUp: AbortController, settled: AbortSignal): Promise<void> {
    const options = this.#options;
    const first = batch.entries[0];
    for (;;) {
      await options.clock.sleep(WATCH_EVERY_MS, settled);
      if (settled.aborted) return;
      if ((options.failure?.() ?? null) === null) continue;
      const isTooFar = first !== undefined && this.#skipReason(first) !== null;
      if (isTooFar || this.#stopping.signal.aborted) giveUp.abort(new Error('sending was given up'));
    }
  }

  #skipReason(entry: StoredEntry): SkipReason | null {
    const { progress, clock, maxLagBytes, maxLagMs } = this.#options;
    if (clock.now() - entry.context.receivedUnixMs > maxLagMs) return 'max_lag_age';
    const behindBytes = progress.end.bytes - entry.bytesThrough + entry.body.length;
    return behindBytes > maxLagBytes ? 'max_lag_bytes' : null;
  }

  /** Moves forward to the first record within the lag, without processing what it passes. */
  async #skip(from: number): Promise<void> {
    const { reader, progress, exporter, log } = this.#options;
    if (!this.#isSkipping) {
      log.warn({ exporter, after: from }, `${exporter} is further behind than it may be; spans are skipped.`);
    }
    this.#isSkipping = true;
    for (let after = from; ;) {
      const read = await reader.read(after, progress.end.sequence, SKIP_LIMITS);
      if (read.lastSequence <= after) return;
      for (const entry of read.entries) {
        const reason = this.#skipReason(entry);
        if (reason === null) return;
        this.#skipped.add(spanCount(entry), { exporter, reason });
        this.#moveTo(entry.sequence, endAfter(entry));
      }
      after = read.lastSequence;
      this.#moveTo(after, null);
      await this.#saveIfDue();
    }
  }

  #moveTo(sequence: number, through: JournalEnd | null): void {
    this.#sequence = sequence;
    this.#through = through ?? this.#through;
  }

  async #waitForRecords(sequence: number): Promise<void> {
    const { progress, clock } = this.#options;
    const wake = new AbortController();
    const stop = (): void => wake.abort();
    this.#stopping.signal.addEventListener('abort', stop, { once: true });
    if (this.#stopping.signal.aborted) stop();
    const waits = [progress.beyond(sequence, wake.signal)];
    const isSaved = this.#savedSequence === this.#sequence;
    if (!isSaved) waits.push(clock.sleep(this.#savedUnixMs + SAVE_EVERY_MS - clock.now(), wake.signal));
    await Promise.race(waits);
    wake.abort();
    this.#stopping.signal.removeEventListener('abort', stop);
    await this.#saveIfDue();
    this.#noteSuccess();
  }

  async #saveIfDue(): Promise<void> {
    if (this.#options.clock.now() - this.#savedUnixMs >= SAVE_EVERY_MS) await this.#save();
  }

  async #save(): Promise<void> {
    const { cursors, exporter, clock } = this.#options;
    const sequence = this.#sequence;
    if (sequence === null) return;
    if (sequence !== this.#savedSequence) await cursors.save(exporter, sequence);
    this.#savedSequence = sequence;
    this.#savedUnixMs = clock.now();
    this.#options.onDone(sequence);
  }

  #noteSuccess(): void {
    const { exporter, log } = this.#options;
    if (this.#lastError !== null) log.info({ exporter }, `${exporter} goes on.`);
    this.#backoff.reset();
    this.#lastError = null;
    this.#state = 'running';
  }

  #noteFailure(error: unknown): void {
    const { exporter, log } = this.#options;
    this.#retries.add(1, { exporter });
    const message = error instanceof Error ? error.message : String(error);
    if (message !== this.#lastError)
      log.warn({ exporter, err: error }, `${exporter} cannot go on; it is tried again.`);
    this.#lastError = message;
    this.#state = 'retrying';
  }
}
