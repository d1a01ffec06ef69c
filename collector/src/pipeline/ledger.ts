import type { Call } from '@spanmeter/processors';

/** How far an exporter has come in one journal. */
export interface CursorPosition {
  /** Sequence of the last record done; 0 before the first. */
  readonly sequence: number;
  /** GenAI spans done since the journal was created. */
  readonly spansDone: number;
}

/** Something that could not be processed, kept with its reason. */
export interface DeadLetter {
  readonly tenantId: string;
  readonly reason: string;
  /** Human-readable: what was wrong, where (file and offset, span id). */
  readonly detail: string;
  /** OTLP bytes (an ExportTraceServiceRequest holding just this) that a replay can send again; may be empty. */
  readonly payload: Uint8Array;
  readonly receivedUnixMs: number;
}

/** A price book as stored whole with the first call that names it. */
export interface NamedBook {
  readonly version: string;
  /** Canonical JSON text. */
  content(): string;
}

/** Everything one writing transaction does: rows, rollups, dead letters, cursor. */
export interface LedgerBatch {
  readonly journalId: string;
  readonly exporter: string;
  /** What the collector believes the cursor is. */
  readonly from: CursorPosition;
  readonly to: CursorPosition;
  readonly calls: readonly Call[];
  readonly deadLetters: readonly DeadLetter[];
  readonly books: readonly NamedBook[];
  /** OTLP bytes of a call that the store refuses, for its dead letter; without it the letter holds none. */
  readonly payloadOf?: (call: Call) => Uint8Array;
}

export interface CommitResult {
  /** Rows really inserted, in no particular order. */
  readonly inserted: readonly Call[];
  /** Calls that were there already. */
  readonly alreadyThere: number;
  /** Dead letters written by this commit, those that the database itself refused included. */
  readonly deadLetters: number;
}

/** The cursor row is not where the collector believed; `actual` is what the store says (null: no row). */
export class CursorMismatch extends Error {
  readonly actual: CursorPosition | null;
  constructor(actual: CursorPosition | null) {
    super(`the cursor in the store is ${actual === null ? 'absent' : `at ${actual.sequence}`}`);
    this.name = 'CursorMismatch';
    this.actual = actual;
  }
}

/** The store cannot be reached or lacks resources; the same batch may be tried again. */
export class LedgerUnavailable extends Error {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'LedgerUnavailable';
  }
}

/** An encoded batch, ready to be committed: made while the batch before it commits. */
export interface PreparedBatch {
  readonly batch: LedgerBatch;
}

/** The store of record. Implemented by PostgreSQL, and by the simulator. */
export interface Ledger {
  /** Reads the cursor, or null where this journal has none. Rejects with LedgerUnavailable. */
  readCursor(journalId: string, exporter: string): Promise<CursorPosition | null>;
  /** Makes the cursor row of a journal new to this store. Rejects with LedgerUnavailable. */
  createCursor(journalId: string, exporter: string, at: CursorPosition): Promise<void>;
  /** Encodes without touching the store. */
  prepare(batch: LedgerBatch): PreparedBatch;
  /**
   * Rows, rollups, dead letters and cursor in one transaction. Rejects with CursorMismatch or
   * LedgerUnavailable; in both cases nothing is certain (a commit may have succeeded unseen), so the caller
   * reads the cursor again.
   */
  commit(prepared: PreparedBatch): Promise<CommitResult>;
}
