import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Call } from '@spanmeter/processors';
import type { ClientBase } from 'pg';
import type { Logger } from '../pipeline/component.ts';
import type { Budget, BudgetState } from './budget.ts';
import type { BudgetWatch } from './budget-watch.ts';
import { readCursors, type Cursors } from './cursors.ts';
import { SpendBook } from './spend-book.ts';
import type { SpendEntry } from './spend-entry.ts';
import { addStoredSums } from './spend-sums.ts';
import { readBudgetVersion, readStoredBudgets, type StoredBudgets } from './stored-budgets.ts';
import { usableZone } from './usable-zone.ts';

/** What a commit of ours put into the store. */
export interface SpendCommit {
  readonly journalId: string;
  readonly exporter: string;
  /** Where the cursor stands with it. */
  readonly sequence: number;
  /** Rows really inserted. */
  readonly inserted: readonly Call[];
  /** False where the commit was only seen afterwards, so that `inserted` may hold what was there before. */
  readonly isCertain: boolean;
}

export interface SpendingOptions {
  readonly log: Logger;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly maxStates?: number;
}

const MAX_STATES = 250_000;
/** Tenants whose budgets are made before others get a turn. */
const SLICE = 2_000;
/** A clock that is set back by more was wrong before: periods are those of the clock as it is now. */
const MAX_BACK_MS = 3_600_000;

/** In the background: it takes one core, and no time for compiling. */
const BEGIN = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
  SET LOCAL jit = off; SET LOCAL max_parallel_workers_per_gather = 0`;

/** What is being read, and the commits that are in none of it. */
interface Reading {
  /** Commits since the reading began, until it is known which of them it holds. */
  waiting: SpendCommit[] | null;
  book: SpendBook | null;
  cursors: Cursors;
  /** Whether a commit came of which nobody can say what it added. */
  isOvertaken: boolean;
}

/**
 * Spend against every budget in memory, at every moment what the store holds: read in one snapshot together with the
 * journals' cursors, then moved by every commit beyond them.
 */
export class Spending implements BudgetWatch {
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #maxStates: number;
  readonly #listeners = new Set<(changed: readonly BudgetState[]) => void>();
  #book: SpendBook | null = null;
  /** Of the snapshot that the book began with: commits up to here may be heard of later. */
  #cursors: Cursors = new Map();
  #reading: Reading | null = null;
  #budgets: StoredBudgets | null = null;
  /** The latest instant that was seen, so that a clock that goes back brings no ended period again. */
  #latestMs = -Infinity;
  /** Where the commits of ours left each cursor. */
  readonly #committed = new Map<string, number>();
  #wanted: () => void = () => undefined;

  constructor({ log, now = Date.now, maxStates = MAX_STATES }: SpendingOptions) {
    this.#log = log;
    this.#now = now;
    this.#maxStates = maxStates;
  }

  /** Whether the store has been read once. */
  get isRead(): boolean {
    return this.#book !== null;
  }

  /** Where the commits of this process left cursors, by their keys. */
  get committedCursors(): Cursors {
    return this.#committed;
  }

  /** Who reads the store again when memory asks for it. */
  onWanted(wanted: () => void): void {
    this.#wanted = wanted;
  }

  /** To be called with every commit of this process, in order. */
  committed(commit: SpendCommit): void {
    const key = `${commit.journalId}/${commit.exporter}`;
    const before = this.#committed.get(key) ?? -1;
    this.#committed.set(key, commit.sequence);
    if (!commit.isCertain || commit.sequence <= before) {
      // What it added can only be read; a store that went back has lost what memory holds.
      if (this.#reading !== null) this.#reading.isOvertaken = true;
      this.#wanted();
      return;
    }
    this.#addToReading(commit, key);
    const book = this.#book;
    if (book === null || !isBeyond(this.#cursors, key, commit)) return;
    const touched = new Set([...this.#turned(book), ...book.add(commit.inserted)]);
    this.#tell(touched);
  }

  states(tenant: string | null): readonly BudgetState[] {
    this.turn();
    return this.#book?.states(tenant) ?? [];
  }

  onChange(listener: (changed: readonly BudgetState[]) => void): () => void {
    const own = (changed: readonly BudgetState[]): void => listener(changed);
    this.#listeners.add(own);
    const states = this.states(null);
    if (states.length > 0) this.#hear(own, states);
    return () => void this.#listeners.delete(own);
  }

  /** Ends the periods that are over. */
  turn(): void {
    if (this.#book !== null) this.#tell(this.#turned(this.#book));
  }

  /** Reads all anew in one snapshot; resolves with the cursors in it. Rejects with the driver's error. */
  async refresh(client: ClientBase): Promise<Cursors> {
    const reading: Reading = { waiting: [], book: null, cursors: new Map(), isOvertaken: false };
    this.#reading = reading;
    try {
      await client.query(BEGIN);
      reading.cursors = await readCursors(client);
      const book = await this.#makeBook(client);
      for (const { key, commit } of (reading.waiting ?? []).map(keyed)) {
        if (isBeyond(reading.cursors, key, commit)) book.add(commit.inserted);
      }
      reading.waiting = null;
      reading.book = book;
      // Of the entries that the snapshot knows; a tenant that comes to be meanwhile has nothing in it.
      await addStoredSums(client, [...book.entries()]);
      await client.query('COMMIT');
      this.#install(book, reading.cursors);
      return reading.cursors;
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    } finally {
      this.#reading = null;
      if (reading.isOvertaken) this.#wanted();
    }
  }

  #nowMs(): number {
    const nowMs = this.#now();
    if (nowMs >= this.#latestMs || nowMs < this.#latestMs - MAX_BACK_MS) this.#latestMs = nowMs;
    return this.#latestMs;
  }

  #addToReading(commit: SpendCommit, key: string): void {
    const reading = this.#reading;
    if (reading === null) return;
    if (reading.waiting !== null) reading.waiting.push(commit);
    else if (isBeyond(reading.cursors, key, commit)) reading.book?.add(commit.inserted);
  }

  async #makeBook(client: ClientBase): Promise<SpendBook> {
    const ask = (text: string) => client.query<object>(text);
    // The same objects while nothing about budgets changes, so that unchanged states are told by them.
    if (this.#budgets === null || this.#budgets.version !== (await readBudgetVersion(ask))) {
      this.#budgets = keepingSame(await readStoredBudgets(ask), this.#budgets);
    }
    const tenants = await client.query<{ id: string; timezone: string }>(
      `SELECT id, timezone FROM spanmeter.tenants ORDER BY created_at, id LIMIT ${this.#maxStates}`,
    );
    const book = new SpendBook(this.#budgets.budgets, this.#nowMs(), this.#maxStates);
    let left = SLICE;
    for (const { id, timezone } of tenants.rows) {
      book.addTenant({ id, timezone: usableZone(timezone) });
      if (--left > 0) continue;
      left = SLICE;
      await nextTurn();
    }
    book.addUnregistered();
    return book;
  }

  #install(book: SpendBook, cursors: Cursors): void {
    const before = this.#book;
    book.turn(this.#nowMs());
    this.#book = book;
    this.#cursors = cursors;
    if (book.leftOut > 0) {
      this.#log.warn(
        { leftOut: book.leftOut, max: this.#maxStates },
        'There are more budgets than are watched.',
      );
    }
    const states = book.states(null);
    if (before === null) this.#tellStates(states);
    else this.#tellStates(changedStates(before.states(null), states));
  }

  #turned(book: SpendBook): readonly SpendEntry[] {
    return book.turn(this.#nowMs());
  }

  #tell(entries: Iterable<SpendEntry>): void {
    if (this.#listeners.size === 0) return;
    const states: BudgetState[] = [];
    for (const { state } of entries) if (state !== null) states.push(state);
    this.#tellStates(states);
  }

  #tellStates(states: readonly BudgetState[]): void {
    if (states.length === 0) return;
    for (const listener of this.#listeners) this.#hear(listener, states);
  }

  #hear(listener: (changed: readonly BudgetState[]) => void, states: readonly BudgetState[]): void {
    try {
      listener(states);
    } catch (error) {
      this.#log.error({ err: error }, 'Whoever follows budgets failed; the spend itself is right.');
    }
  }
}

function keyed(commit: SpendCommit): { readonly key: string; readonly commit: SpendCommit } {
  return { key: `${commit.journalId}/${commit.exporter}`, commit };
}

/** Whether a snapshot with these cursors does not hold the commit yet. */
function isBeyond(cursors: Cursors, key: string, { sequence }: SpendCommit): boolean {
  return sequence > (cursors.get(key) ?? -1);
}

/** Everything about a budget, as text. */
function textOf(budget: Budget): string {
  return JSON.stringify(budget, (_name, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}

/** The budgets as they are now; those that did not change are the objects from before. */
function keepingSame(now: StoredBudgets, before: StoredBudgets | null): StoredBudgets {
  const known = new Map(before?.budgets.map((budget) => [textOf(budget), budget]));
  return { ...now, budgets: now.budgets.map((budget) => known.get(textOf(budget)) ?? budget) };
}

function isSame(a: BudgetState, b: BudgetState): boolean {
  return (
    a.spentPicoUsd === b.spentPicoUsd &&
    a.unpricedCalls === b.unpricedCalls &&
    a.budget === b.budget &&
    a.timezone === b.timezone &&
    a.bounds.startMs === b.bounds.startMs &&
    a.bounds.endMs === b.bounds.endMs
  );
}

/** A budget that changed is another object, so that it is not found. */
function changedStates(before: readonly BudgetState[], after: readonly BudgetState[]): BudgetState[] {
  const known = new Map<string, Map<Budget, BudgetState>>();
  for (const state of before) {
    const own = known.get(state.tenantId);
    if (own === undefined) known.set(state.tenantId, new Map([[state.budget, state]]));
    else own.set(state.budget, state);
  }
  return after.filter((state) => {
    const old = known.get(state.tenantId)?.get(state.budget);
    return old === undefined || !isSame(old, state);
  });
}
