import type { Call } from '@spanmeter/processors';
import { escapeLiteral } from 'pg';
import { BUDGETS_CHANGED, RowBudgets, RowSpend } from '../../budgets/row-spend.ts';
import { readRowBudgets } from '../../budgets/stored-budgets.ts';
import { errorCode, errorMessage, isBadData, isUnavailable } from '../../database/failure.ts';
import type { Counter, Histogram, Logger, SelfMetrics } from '../../pipeline/component.ts';
import {
  type CommitResult,
  CursorMismatch,
  type CursorPosition,
  type DeadLetter,
  type Ledger,
  type LedgerBatch,
  LedgerUnavailable,
  type PreparedBatch,
} from '../../pipeline/ledger.ts';
import { type BinaryCopy, storable } from './binary-copy.ts';
import { CALL_COLUMNS, type CallRows, dayOf, encodeCalls } from './call-rows.ts';
import { deadLetterStatements } from './dead-letters.ts';
import { bisectRows, type InsertedRows, insertNewRows } from './insert-rows.ts';
import { DAYS_AHEAD, dayAt, ensurePartitions } from './partitions.ts';
import { encodeRollups, ROLLUP_COLUMNS } from './rollup.ts';
import type { Statement } from './script.ts';
import { copyInto, MERGE_ROLLUPS, Session, STAGED_ROLLUPS } from './session.ts';

export interface PostgresLedgerOptions {
  /** Connects as the owner of the tables. */
  readonly connectionString: string;
  readonly log: Logger;
  readonly metrics: SelfMetrics;
  /** Calls that started earlier than this many days ago are not stored. */
  readonly retentionDays: number;
  /** Resolves once the schema is up to date; asked before each connection. */
  readonly ready?: () => Promise<void>;
  /** Milliseconds since 1970; by default the system's clock. */
  readonly now?: () => number;
}

/** A ledger with a connection to end. */
export interface PostgresLedger extends Ledger {
  /** Waits for the commit under way, then ends the connection. */
  close(): Promise<void>;
}

interface Prepared extends PreparedBatch {
  readonly rows: CallRows;
  readonly rollups: BinaryCopy | null;
  /** Days outside what partitions are made for. */
  readonly outOfRange: readonly Call[];
}

/**
 * How rows get in: `direct` by COPY into the table, which one duplicate fails as a whole; `staging` by COPY
 * into a temporary table and INSERT of what is new; `bisection` the same by halves.
 */
type Route = 'direct' | 'staging' | 'bisection';

const STAGED_UNTIL_CLEAN = 50;
/** Why spans become dead letters: those of the normalizer, of the journal and of the database. */
const LETTER_REASONS: readonly string[] = [
  'time_missing',
  'time_out_of_range',
  'unreadable',
  'journal_damaged',
  'refused_by_database',
];
const MAX_KNOWN_TENANTS = 100_000;
const MAX_KNOWN_BOOKS = 1_000;
/** Budgets that change more often than this during one commit make it wait for its next turn. */
const MAX_BUDGET_READS = 5;
const COMMIT_BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const EXPORTER = /^[a-z0-9_/.-]{1,256}$/i;

/** The store of record in PostgreSQL: one connection, one transaction per batch. */
export function createPostgresLedger(options: PostgresLedgerOptions): PostgresLedger {
  return new Writer(options);
}

class Writer implements PostgresLedger {
  readonly #options: PostgresLedgerOptions;
  readonly #rowCounter: Counter;
  readonly #batchCounter: Counter;
  readonly #deadLetterCounter: Counter;
  readonly #commitSeconds: Histogram;
  #session: Session | null = null;
  /** One transaction at a time: the connection is shared with reads of the cursor. */
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;
  /** Logged once: the same batch is tried again and again. */
  #lastUnexpected = '';
  /** Batches still to go through staging; 0 is straight COPY. */
  #stagedBatches = 0;
  #days = new Set<number>();
  #tenants = new Set<string>();
  #books = new Set<string>();
  /** As of their version, which every transaction holds them to; null until they are read. */
  #budgets: RowBudgets | null = null;

  constructor(options: PostgresLedgerOptions) {
    this.#options = options;
    const { metrics } = options;
    this.#rowCounter = metrics.counter(
      'spanmeter_ledger_rows_total',
      'Calls that a committed batch held: inserted, or already there.',
      ['outcome'],
    );
    for (const outcome of ['inserted', 'already_there']) this.#rowCounter.add(0, { outcome });
    this.#batchCounter = metrics.counter('spanmeter_ledger_batches_total', 'Committed batches by route.', [
      'route',
    ]);
    this.#deadLetterCounter = metrics.counter(
      'spanmeter_ledger_dead_letters_total',
      'Dead letters written with a batch.',
      ['reason'],
    );
    for (const reason of LETTER_REASONS) this.#deadLetterCounter.add(0, { reason });
    this.#commitSeconds = metrics.histogram(
      'spanmeter_ledger_commit_seconds',
      'Time of one writing transaction.',
      COMMIT_BUCKETS,
    );
  }

  async readCursor(journalId: string, exporter: string): Promise<CursorPosition | null> {
    return this.#inTurn(async (session) => {
      const result = await session.query<CursorRow>(
        'SELECT sequence, spans_done FROM spanmeter.journal_cursors WHERE journal_id = $1 AND exporter = $2',
        [journalId, exporter],
      );
      return cursorOf(result.rows[0]);
    });
  }

  async createCursor(journalId: string, exporter: string, at: CursorPosition): Promise<void> {
    await this.#inTurn(async (session) => {
      await session.query(
        `INSERT INTO spanmeter.journal_cursors (journal_id, exporter, sequence, spans_done)
         VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
        [journalId, exporter, at.sequence, at.spansDone],
      );
    });
  }

  prepare(batch: LedgerBatch): PreparedBatch {
    const today = dayAt((this.#options.now ?? Date.now)());
    const floor = today - this.#options.retentionDays;
    const inRange = (call: Call): boolean => dayOf(call) >= floor && dayOf(call) <= today + DAYS_AHEAD;
    const kept = batch.calls.every(inRange) ? batch.calls : batch.calls.filter(inRange);
    const outOfRange = kept === batch.calls ? [] : batch.calls.filter((call) => !inRange(call));
    const rows = encodeCalls(kept);
    const rollups = rows.calls.length === 0 ? null : encodeRollups(rows.calls, batch.journalId);
    const prepared: Prepared = { batch, rows, rollups, outOfRange };
    return prepared;
  }

  async commit(prepared: PreparedBatch): Promise<CommitResult> {
    const whole = prepared as Prepared;
    return this.#inTurn(async (session) => {
      const startedMs = performance.now();
      const result = await this.#commitBy(session, whole);
      this.#commitSeconds.observe((performance.now() - startedMs) / 1000);
      return result;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#turn.catch(() => {});
    this.#session?.close();
    this.#session = null;
  }

  /** Runs `work` when its turn comes. Every failure but a cursor mismatch becomes LedgerUnavailable. */
  async #inTurn<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const before = this.#turn;
    const mine = (async () => {
      await before.catch(() => {});
      try {
        return await work(await this.#connected());
      } catch (error) {
        if (error instanceof CursorMismatch || error instanceof LedgerUnavailable) throw error;
        this.#disconnect();
        if (!isUnavailable(error) && errorMessage(error) !== this.#lastUnexpected) {
          this.#lastUnexpected = errorMessage(error);
          this.#options.log.error(
            { error: errorMessage(error), code: errorCode(error) },
            'unexpected database error',
          );
        }
        throw new LedgerUnavailable(`PostgreSQL: ${errorMessage(error)}`, { cause: error });
      }
    })();
    this.#turn = mine;
    return mine;
  }

  async #connected(): Promise<Session> {
    if (this.#closed) throw new LedgerUnavailable('the ledger is closed');
    if (this.#session !== null && !this.#session.lost) return this.#session;
    await this.#options.ready?.();
    this.#session = await Session.open(this.#options.connectionString);
    return this.#session;
  }

  #disconnect(): void {
    this.#session?.close();
    this.#session = null;
    // The store may be another one after a restore: what was known of it is asked again.
    this.#days.clear();
    this.#tenants.clear();
    this.#books.clear();
    this.#budgets = null;
  }

  async #knownBudgets(session: Session): Promise<RowBudgets> {
    this.#budgets ??= new RowBudgets(await readRowBudgets((text) => session.query(text)));
    return this.#budgets;
  }

  /** Tries the cheapest route first, and another one where the rows themselves are in the way. */
  async #commitBy(session: Session, prepared: Prepared): Promise<CommitResult> {
    let route: Route = this.#stagedBatches > 0 ? 'staging' : 'direct';
    let madePartitions = false;
    let budgetReads = 0;
    for (;;) {
      try {
        await this.#ensureDays(session, prepared.rows.days);
        return await this.#attempt(session, prepared, route, await this.#knownBudgets(session));
      } catch (error) {
        if (session.lost || isUnavailable(error)) throw error;
        await session.query('ROLLBACK');
        const mismatch = mismatchOf(error);
        if (mismatch !== null) throw mismatch;
        if (isMissingPartition(error) && !madePartitions) {
          madePartitions = true;
          this.#days.clear();
        } else if (errorCode(error) === BUDGETS_CHANGED && budgetReads < MAX_BUDGET_READS) {
          budgetReads++;
          this.#budgets = null;
        } else if (errorCode(error) === '23505' && route === 'direct') {
          route = 'staging';
          this.#stagedBatches = STAGED_UNTIL_CLEAN;
        } else if (isBadData(error) && route !== 'bisection') {
          route = 'bisection';
        } else {
          throw error;
        }
      }
    }
  }

  async #attempt(
    session: Session,
    prepared: Prepared,
    route: Route,
    budgets: RowBudgets,
  ): Promise<CommitResult> {
    const head = this.#head(prepared.batch, budgets);
    let done: InsertedRows = { inserted: prepared.rows.calls, refused: [] };
    const statements: (Statement | string)[] = [];
    if (prepared.rows.calls.length === 0 || route === 'direct') {
      statements.push(...head, ...directCopy(prepared.rows));
    } else {
      const insert = route === 'staging' ? insertNewRows : bisectRows;
      done = await insert(session, prepared.rows, head);
    }
    const tenants = this.#unknownTenants(done.inserted);
    if (tenants.length > 0) statements.push(registerTenants(tenants));
    const letters = [...prepared.batch.deadLetters, ...refusedLetters(prepared, done)];
    if (letters.length > 0) statements.push(...deadLetterStatements(letters));
    const lettersAt = statements.length - 1;
    const rollups = rollupsOf(prepared, done);
    if (rollups !== null)
      statements.push(copyInto(STAGED_ROLLUPS, ROLLUP_COLUMNS, rollups.payload()), MERGE_ROLLUPS);
    const spend = spendOf(done.inserted, budgets);
    if (spend !== null) statements.push(spend);
    const result = await session.run([...statements, moveCursor(prepared.batch), 'COMMIT']);
    this.#remember(prepared.batch, tenants);
    return this.#account(
      prepared,
      route,
      done,
      letters,
      letters.length > 0 ? (result.counts[lettersAt] ?? 0) : 0,
    );
  }

  #account(
    prepared: Prepared,
    route: Route,
    done: InsertedRows,
    letters: readonly DeadLetter[],
    written: number,
  ): CommitResult {
    const refused = done.refused.length + prepared.outOfRange.length;
    const alreadyThere = prepared.batch.calls.length - done.inserted.length - refused;
    if (route !== 'direct') {
      this.#stagedBatches = alreadyThere > 0 ? STAGED_UNTIL_CLEAN : Math.max(0, this.#stagedBatches - 1);
    }
    this.#batchCounter.add(1, { route });
    this.#rowCounter.add(done.inserted.length, { outcome: 'inserted' });
    if (alreadyThere > 0) this.#rowCounter.add(alreadyThere, { outcome: 'already_there' });
    for (const letter of letters) this.#deadLetterCounter.add(1, { reason: letter.reason });
    if (done.refused.length > 0) {
      const first = done.refused[0];
      this.#options.log.warn(
        { calls: done.refused.length, example: first?.error },
        'PostgreSQL refused calls: they are dead letters now',
      );
    }
    return { inserted: done.inserted, alreadyThere, deadLetters: written };
  }

  async #ensureDays(session: Session, days: readonly number[]): Promise<void> {
    const today = dayAt((this.#options.now ?? Date.now)());
    const wanted = new Set(days);
    for (let day = today; day <= today + DAYS_AHEAD; day++) wanted.add(day);
    const missing = [...wanted].filter((day) => !this.#days.has(day)).toSorted((a, b) => a - b);
    if (missing.length === 0) return;
    await ensurePartitions(session, missing);
    for (const day of missing) this.#days.add(day);
  }

  /** Opens the transaction: cursor first, then the budgets that it knows and the books that its calls name. */
  #head(batch: LedgerBatch, budgets: RowBudgets): string[] {
    const { sequence, spansDone } = batch.from;
    const { journal, exporter } = cursorKey(batch);
    return [
      'BEGIN',
      `SELECT spanmeter.require_cursor(${journal}, ${exporter}, ` +
        `${Math.trunc(sequence)}, ${Math.trunc(spansDone)})`,
      budgets.requirement,
      ...batch.books
        .filter((book) => !this.#books.has(book.version))
        .toSorted((a, b) => (a.version < b.version ? -1 : 1))
        .map(
          (book) =>
            'INSERT INTO spanmeter.price_books (version, content) VALUES ' +
            `(${escapeLiteral(book.version)}, ${escapeLiteral(book.content())}) ON CONFLICT DO NOTHING`,
        ),
    ];
  }

  #unknownTenants(calls: readonly Call[]): string[] {
    const unknown = new Set<string>();
    let last = '';
    // Sorted by tenant, so a change is all that has to be looked up.
    for (const { tenantId } of calls) {
      if (tenantId !== last && !this.#tenants.has(tenantId)) unknown.add(tenantId);
      last = tenantId;
    }
    return [...unknown];
  }

  /** Only after the commit: what a rolled back transaction wrote is not there. */
  #remember(batch: LedgerBatch, tenants: readonly string[]): void {
    if (this.#tenants.size > MAX_KNOWN_TENANTS) this.#tenants.clear();
    for (const tenant of tenants) this.#tenants.add(tenant);
    if (this.#books.size > MAX_KNOWN_BOOKS) this.#books.clear();
    for (const book of batch.books) this.#books.add(book.version);
  }
}

interface CursorRow {
  readonly sequence: string;
  readonly spans_done: string;
}

function cursorOf(row: CursorRow | undefined): CursorPosition | null {
  return row === undefined ? null : { sequence: Number(row.sequence), spansDone: Number(row.spans_done) };
}

/** Both go into SQL as literals, so both are checked. */
function cursorKey(batch: LedgerBatch): { readonly journal: string; readonly exporter: string } {
  if (!UUID.test(batch.journalId)) throw new Error(`not a journal id: ${JSON.stringify(batch.journalId)}`);
  if (!EXPORTER.test(batch.exporter))
    throw new Error(`not an exporter id: ${JSON.stringify(batch.exporter)}`);
  return { journal: `'${batch.journalId}'`, exporter: `'${batch.exporter}'` };
}

function moveCursor(batch: LedgerBatch): string {
  const { sequence, spansDone } = batch.to;
  const { journal, exporter } = cursorKey(batch);
  return (
    `UPDATE spanmeter.journal_cursors SET sequence = ${Math.trunc(sequence)}, ` +
    `spans_done = ${Math.trunc(spansDone)}, updated_at = now() ` +
    `WHERE journal_id = ${journal} AND exporter = ${exporter}`
  );
}

function directCopy(rows: CallRows): Statement[] {
  return rows.calls.length === 0 ? [] : [copyInto('spanmeter.calls', CALL_COLUMNS, rows.copy.payload())];
}

function registerTenants(ids: readonly string[]): string {
  const values = ids.map((id) => `(${escapeLiteral(storable(id))})`).join(', ');
  return `INSERT INTO spanmeter.tenants (id) VALUES ${values} ON CONFLICT DO NOTHING`;
}

/** Sums of what was really inserted; encoded ahead where that is everything. */
function rollupsOf(prepared: Prepared, done: InsertedRows): BinaryCopy | null {
  if (done.inserted === prepared.rows.calls) return prepared.rollups;
  return done.inserted.length === 0 ? null : encodeRollups(done.inserted, prepared.batch.journalId);
}

/** What the inserted calls add to budgets that rollups cannot tell of; null where nothing. */
function spendOf(calls: readonly Call[], budgets: RowBudgets): string | null {
  if (budgets.isEmpty) return null;
  const spend = new RowSpend(budgets);
  for (const call of calls) spend.add(call, call.costStatus, call.costPicoUsd, 1);
  return spend.statement();
}

function refusedLetters(prepared: Prepared, done: InsertedRows): DeadLetter[] {
  const payloadOf = prepared.batch.payloadOf ?? (() => new Uint8Array());
  const letter = (call: Call, reason: string, why: string): DeadLetter => ({
    tenantId: call.tenantId,
    reason,
    detail: `${why} (trace ${call.traceId}, span ${call.spanId}, start ${call.startUnixNano} ns)`,
    payload: payloadOf(call),
    receivedUnixMs: call.receivedUnixMs,
  });
  const tooOld = 'the call started outside the days that are kept';
  return [
    ...prepared.outOfRange.map((call) => letter(call, 'time_out_of_range', tooOld)),
    ...done.refused.map(({ call, error }) => letter(call, 'refused_by_database', error)),
  ];
}

/** SQLSTATE SM001 is `require_cursor`'s; its detail is "sequence count", or empty for no row. */
function mismatchOf(error: unknown): CursorMismatch | null {
  if (errorCode(error) !== 'SM001') return null;
  const given = error instanceof Error && 'detail' in error ? error.detail : undefined;
  const detail = typeof given === 'string' ? given : '';
  const [sequence, spansDone] = detail.split(' ').map(Number);
  const known = detail !== '' && sequence !== undefined && spansDone !== undefined;
  return new CursorMismatch(known ? { sequence, spansDone } : null);
}

/** 23514 without a constraint's name: "no partition of relation found for row". */
function isMissingPartition(error: unknown): boolean {
  if (errorCode(error) !== '23514') return false;
  return !(error instanceof Error && 'constraint' in error && error.constraint !== undefined);
}
