import type { Clock } from '../journal/clock.ts';
import type { JournalProgress } from '../journal/journal-progress.ts';
import type { DamagedRecord } from '../journal/reader.ts';
import type { JournalEnd } from '../journal/record.ts';
import { createBackoff, type Backoff } from './backoff.ts';
import type { BatchSource, SourceBatch } from './batch-source.ts';
import type { Counter, Logger, SelfMetrics } from './component.ts';
import { deadLettersOf, payloadOf, type DeadLetterMaking } from './dead-letters.ts';
import { settledOrAborted } from './deadline.ts';
import { GapReport, pendingOf, type Drain, type DrainStatus } from './drain-status.ts';
import {
  CursorMismatch,
  LedgerUnavailable,
  type CommitResult,
  type CursorPosition,
  type Ledger,
  type PreparedBatch,
} from './ledger.ts';

export interface LedgerDrainOptions extends DeadLetterMaking {
  readonly journalId: string;
  /** The journal's `unconfirmedEnd` at its opening. */
  readonly unconfirmedEnd: number | null;
  /** Names the cursor, the log lines and the metrics. */
  readonly exporter: string;
  readonly ledger: Ledger;
  readonly source: BatchSource;
  readonly progress: JournalProgress;
  readonly clock: Clock;
  /** In [0, 1), for the jitter of retries. */
  readonly random: () => number;
  readonly log: Logger;
  readonly metrics: SelfMetrics;
  /** `isCertain` is false where the commit was only seen afterwards, so that `inserted` is what was sent. */
  onCommitted(result: CommitResult, batch: SourceBatch, isCertain: boolean): void;
  /** Everything up to here is stored: the journal may release it. */
  onDone(doneSequence: number): void;
  /** The store's cursor fits this journal; resolves when the journal remembers that. */
  confirmCursor(): Promise<void>;
  /** The store's cursor cannot belong to this journal; resolves with the id it has from now on. */
  renewJournalId(): Promise<string>;
  /** A rest of a segment is unreadable; resolves when what should be kept of it is kept. */
  onUnreadableRest(damaged: DamagedRecord): Promise<void>;
}

/** A batch on its way to the store, and where the cursor stands before and after it. */
interface Attempt {
  readonly batch: SourceBatch;
  readonly prepared: PreparedBatch;
  readonly from: CursorPosition;
  readonly to: CursorPosition;
}

const BACKOFF_MIN_MS = 100;
const BACKOFF_MAX_MS = 5000;
const IDLE_CHECK_MS = 60_000;
const ATTEMPTS_WHEN_STOPPING = 3;
const MAX_REMEMBERED_ATTEMPTS = 16;
const START: CursorPosition = { sequence: 0, spansDone: 0 };

/** Moves a journal into the store of record, batch by batch; the store's cursor decides what is done. */
export function createLedgerDrain(options: LedgerDrainOptions): Drain {
  return new LedgerDrain(options);
}

class LedgerDrain implements Drain {
  readonly #options: LedgerDrainOptions;
  readonly #backoff: Backoff;
  readonly #gaps: GapReport;
  readonly #retries: Counter;
  readonly #reports: Counter;
  readonly #stopping = new AbortController();
  #journalId: string;
  /** What the store's cursor may be at most on the first look; null once compared. */
  #unconfirmedEnd: number | null;
  #state: DrainStatus['state'] = 'starting';
  #lastError: string | null = null;
  /** What we believe the cursor is; only trusted while `#isLocated`. */
  #believed: CursorPosition | null = null;
  #isLocated = false;
  /** What the journal had appended up to where we stand; null until a batch tells. */
  #through: JournalEnd | null = null;
  /** Commits from `#believed` whose outcome is unknown: one of them may show up as the cursor. */
  #attempts: readonly Attempt[] = [];
  #ready: Attempt | null = null;
  #pendingSinceUnixMs: number | null = null;
  #failures = 0;
  #isGivenUp = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: LedgerDrainOptions) {
    this.#options = options;
    this.#journalId = options.journalId;
    this.#unconfirmedEnd = options.unconfirmedEnd;
    this.#backoff = createBackoff({ minMs: BACKOFF_MIN_MS, maxMs: BACKOFF_MAX_MS, random: options.random });
    this.#gaps = new GapReport(options.exporter, options.log, options.metrics);
    this.#retries = options.metrics.counter(
      'spanmeter_ledger_retries_total',
      'Batches or cursor reads that the store did not take at once.',
      ['exporter'],
    );
    this.#retries.add(0, { exporter: options.exporter });
    this.#reports = options.metrics.counter(
      'spanmeter_ledger_cursor_reports_total',
      'Times the cursor in the store was not where it was left, by what was found.',
      ['exporter', 'found'],
    );
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(deadline: AbortSignal): Promise<void> {
    this.#stopping.abort();
    await settledOrAborted(this.#running, deadline);
    this.#isGivenUp = true;
  }

  status(): DrainStatus {
    const { exporter, progress } = this.#options;
    const done = this.#believed ?? START;
    // Before the first batch the store's own count stands in for the spans, and bytes are all there are.
    const through = this.#through ?? { sequence: done.sequence, spans: done.spansDone, bytes: 0 };
    const pending = pendingOf(progress.end, done.sequence, through);
    return {
      exporter,
      journalId: this.#journalId,
      state: this.#isGivenUp ? 'stopped' : this.#state,
      doneSequence: done.sequence,
      ...pending,
      oldestPendingUnixMs: pending.pendingRecords === 0 ? null : this.#pendingSinceUnixMs,
      lastError: this.#lastError,
      gaps: this.#gaps.gaps,
    };
  }

  async #run(): Promise<void> {
    while (!this.#isGivenUp) {
      try {
        const isDrained = await this.#step();
        if (isDrained && this.#stopping.signal.aborted) return;
      } catch (error) {
        await this.#recover(error);
      }
    }
  }

  /** One move: finds the cursor, waits for records, or commits a batch. True where nothing is left to do. */
  async #step(): Promise<boolean> {
    if (!this.#isLocated || this.#believed === null) {
      await this.#locate();
      return false;
    }
    const attempt = this.#ready ?? (await this.#make(this.#believed));
    this.#ready = attempt;
    if (attempt === null) {
      this.#pendingSinceUnixMs = null;
      this.#noteSuccess();
      await this.#waitForRecords(this.#believed.sequence);
      return true;
    }
    this.#pendingSinceUnixMs = attempt.batch.entries[0]?.context.receivedUnixMs ?? this.#pendingSinceUnixMs;
    await this.#commit(attempt);
    return false;
  }

  async #waitForRecords(sequence: number): Promise<void> {
    const { progress, clock } = this.#options;
    const wake = new AbortController();
    const stop = (): void => wake.abort();
    this.#stopping.signal.addEventListener('abort', stop, { once: true });
    if (this.#stopping.signal.aborted) stop();
    const idle = clock.sleep(IDLE_CHECK_MS, wake.signal).then(() => {
      // A store restored from a backup shows itself even while nothing arrives.
      if (!wake.signal.aborted) this.#isLocated = false;
    });
    await Promise.race([idle, progress.beyond(sequence, wake.signal)]);
    wake.abort();
    this.#stopping.signal.removeEventListener('abort', stop);
  }

  async #make(from: CursorPosition): Promise<Attempt | null> {
    const { source, progress, ledger, exporter, clock } = this.#options;
    const batch = await source.next(this.#journalId, from.sequence, progress.end.sequence);
    if (batch === null) return null;
    for (const damaged of batch.damaged) {
      if (damaged.reason === 'rest') await this.#options.onUnreadableRest(damaged);
    }
    const to = { sequence: batch.lastSequence, spansDone: from.spansDone + batch.spans };
    const prepared = ledger.prepare({
      journalId: batch.journalId,
      exporter,
      from,
      to,
      calls: batch.groups.flatMap((group) => group.calls.filter((call) => call !== null)),
      deadLetters: deadLettersOf(batch, this.#options, clock.now()),
      books: batch.books,
      payloadOf: (call) => payloadOf(batch, call, this.#options),
    });
    return { batch, prepared, from, to };
  }

  /** Commits one batch while the next is read, processed and encoded. */
  async #commit(attempt: Attempt): Promise<void> {
    this.#attempts = [...this.#attempts, attempt].slice(-MAX_REMEMBERED_ATTEMPTS);
    const following = this.#make(attempt.to).then(
      (made) => ({ made }),
      (error: unknown) => ({ error }),
    );
    let result: CommitResult;
    try {
      result = await this.#options.ledger.commit(attempt.prepared);
    } catch (error) {
      await following;
      throw error;
    }
    this.#succeed(attempt, result, true);
    const next = await following;
    if ('error' in next) throw next.error;
    this.#ready = next.made;
  }

  #succeed(attempt: Attempt, result: CommitResult, isCertain: boolean): void {
    const { batch, to } = attempt;
    this.#believed = to;
    this.#attempts = [];
    this.#ready = null;
    this.#through = batch.end ?? this.#through;
    this.#noteSuccess();
    this.#gaps.add(batch, this.#options.clock.now());
    this.#options.onCommitted(result, batch, isCertain);
    this.#options.onDone(to.sequence);
  }

  /** Reads the cursor from the store, which is right whatever we believe, and works out what that means. */
  async #locate(): Promise<void> {
    const { ledger, exporter, progress } = this.#options;
    const actual = await ledger.readCursor(this.#journalId, exporter);
    this.#ready = null;
    if (actual === null) {
      if ((this.#believed?.sequence ?? 0) > 0) this.#report('absent', { believed: this.#believed });
      await this.#confirm();
      await ledger.createCursor(this.#journalId, exporter, START);
      this.#settle(START);
      return;
    }
    if (actual.sequence > (this.#unconfirmedEnd ?? progress.end.sequence))
      return this.#renew('beyond_end', actual);
    await this.#confirm();
    const believed = this.#believed;
    if (believed !== null && actual.sequence > believed.sequence) {
      const seen = this.#attempts.find(({ to }) => isSame(to, actual));
      if (seen === undefined) return this.#renew('moved_by_another', actual);
      const { calls, deadLetters } = seen.prepared.batch;
      this.#report('committed_unseen', { at: actual });
      this.#succeed(seen, { inserted: calls, alreadyThere: 0, deadLetters: deadLetters.length }, false);
    } else if (believed !== null && actual.sequence < believed.sequence) {
      this.#report('behind', { believed, actual });
    }
    this.#settle(actual);
  }

  #settle(at: CursorPosition): void {
    if (this.#believed?.sequence !== at.sequence) {
      this.#attempts = [];
      this.#through = null;
    }
    this.#believed = at;
    this.#isLocated = true;
    this.#state = 'running';
    this.#options.onDone(at.sequence);
  }

  async #confirm(): Promise<void> {
    if (this.#unconfirmedEnd === null) return;
    try {
      await this.#options.confirmCursor();
    } catch (error) {
      // A journal whose disk is full cannot note it either: what waits is stored once there is room.
      throw new LedgerUnavailable(`the journal cannot note the cursor: ${messageOf(error)}`, {
        cause: error,
      });
    }
    this.#unconfirmedEnd = null;
  }

  /** This directory is not what the cursor was moved by: everything still in it is read under a new id. */
  async #renew(found: 'beyond_end' | 'moved_by_another', actual: CursorPosition): Promise<void> {
    this.#report(found, { actual, believed: this.#believed, end: this.#options.progress.end.sequence });
    this.#journalId = await this.#options.renewJournalId();
    this.#unconfirmedEnd = null;
    this.#believed = null;
    this.#attempts = [];
    this.#through = null;
    this.#options.onDone(0);
  }

  #report(found: string, fields: object): void {
    const { exporter, log } = this.#options;
    this.#reports.add(1, { exporter, found });
    log.warn({ exporter, journalId: this.#journalId, found, ...fields }, CURSOR_REPORTS[found] ?? found);
  }

  #noteSuccess(): void {
    const { exporter, log } = this.#options;
    if (this.#lastError !== null) log.info({ exporter }, 'The store answers again.');
    this.#failures = 0;
    this.#backoff.reset();
    this.#lastError = null;
    this.#state = 'running';
  }

  /** What arrives while the store is away is dated too, though no batch of it can be made to commit. */
  async #dateOldest(): Promise<void> {
    const { source, progress, clock } = this.#options;
    const done = this.#believed?.sequence ?? null;
    if (this.#pendingSinceUnixMs !== null || progress.end.sequence <= (done ?? 0)) return;
    // Before the cursor was ever read nobody knows which records are pending: from now on is the least.
    let receivedUnixMs: number | undefined;
    if (done !== null) {
      const batch = await source.next(this.#journalId, done, progress.end.sequence).catch(() => null);
      receivedUnixMs = batch?.entries[0]?.context.receivedUnixMs;
    }
    this.#pendingSinceUnixMs = receivedUnixMs ?? clock.now();
  }

  async #recover(error: unknown): Promise<void> {
    const { exporter, clock, log } = this.#options;
    this.#isLocated = false;
    this.#ready = null;
    this.#failures += 1;
    if (error instanceof CursorMismatch && this.#failures === 1) return;
    if (this.#stopping.signal.aborted && this.#failures >= ATTEMPTS_WHEN_STOPPING) this.#isGivenUp = true;
    this.#retries.add(1, { exporter });
    const message = messageOf(error);
    if (this.#lastError !== message) {
      const isExpected = error instanceof LedgerUnavailable || error instanceof CursorMismatch;
      const fields = { exporter, err: error };
      if (isExpected) log.warn(fields, 'The store does not take batches; they wait in the journal.');
      else log.error(fields, 'A batch could not be stored for an unforeseen reason; it is tried again.');
    }
    this.#lastError = message;
    this.#state = 'retrying';
    await this.#dateOldest();
    if (!this.#isGivenUp) await clock.sleep(this.#backoff.nextMs(), this.#stopping.signal);
  }
}

const CURSOR_REPORTS: Readonly<Record<string, string>> = {
  absent: 'The store has lost its cursor; everything that is still in the journal is offered again.',
  beyond_end: 'The cursor in the store is beyond the end of this journal; the journal gets a new id.',
  moved_by_another: 'Something else moves the cursor of this journal; the journal gets a new id.',
  committed_unseen: 'A commit had succeeded although the store did not say so.',
  behind: 'The cursor in the store has gone back; reading goes on from there.',
};

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function isSame(a: CursorPosition, b: CursorPosition): boolean {
  return a.sequence === b.sequence && a.spansDone === b.spansDone;
}
