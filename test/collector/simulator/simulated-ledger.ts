import {
  CursorMismatch,
  LedgerUnavailable,
  type CommitResult,
  type CursorPosition,
  type Ledger,
  type LedgerBatch,
} from '@spanmeter/collector/dist/pipeline/ledger.js';
import type { Call } from '@spanmeter/processors';
import type { Random } from './random.ts';
import type { Life, Scheduler } from './scheduler.ts';

/** What is in the database. */
interface Contents {
  /** Keys of stored calls, in the order of their insertion; a key that is there twice is a bug. */
  readonly rows: string[];
  readonly keys: Set<string>;
  readonly deadLetters: Set<string>;
  readonly cursors: Map<string, CursorPosition>;
  /** Calls counted when they were inserted. */
  rollup: number;
}

/** What may go wrong; probabilities per commit. */
export interface LedgerFaults {
  isDown: boolean;
  fails: number;
  /** The commit succeeds, the answer is lost. */
  unseen: number;
  /** The answer is lost and the commit succeeds later, if the cursor is still where it was. */
  late: number;
}

/** Bugs on purpose, to show that the simulator notices. */
export interface LedgerBugs {
  readonly cursorApart?: boolean;
  readonly noUniqueKey?: boolean;
}

/** An in-memory store with a unique key per call, cursors, rollups and dead letters, and transactions over them. */
export class SimulatedLedger {
  readonly faults: LedgerFaults = { isDown: false, fails: 0, unseen: 0, late: 0 };
  readonly #random: Random;
  readonly #scheduler: Scheduler;
  readonly #bugs: LedgerBugs;
  #contents: Contents = { rows: [], keys: new Set(), deadLetters: new Set(), cursors: new Map(), rollup: 0 };
  /** Commits that the database may still carry out; a restore ends them. */
  #late: (() => void)[] = [];

  constructor(random: Random, scheduler: Scheduler, bugs: LedgerBugs = {}) {
    this.#random = random;
    this.#scheduler = scheduler;
    this.#bugs = bugs;
  }

  has(key: string): boolean {
    return this.#contents.keys.has(key) || this.#contents.deadLetters.has(key);
  }

  get stored(): ReadonlySet<string> {
    return this.#contents.keys;
  }

  /** What is wrong with the contents, or null. */
  fault(): string | null {
    const { rows, keys, rollup } = this.#contents;
    if (rows.length !== keys.size) return `${rows.length - keys.size} calls are stored twice`;
    return rollup === rows.length ? null : `rollups say ${rollup} calls, rows are ${rows.length}`;
  }

  snapshot(): () => void {
    const saved = copyOf(this.#contents);
    return () => {
      this.#contents = copyOf(saved);
      this.#late = [];
    };
  }

  /** Carries out one of the commits whose answer was lost. */
  runLate(): void {
    this.#late.shift()?.();
  }

  forLife(life: Life): Ledger {
    const submit = <T>(effect: () => T, abandoned?: () => void): Promise<T> =>
      this.#scheduler.submit(life, effect, abandoned);
    const cursorKey = (journalId: string, exporter: string): string => `${journalId}/${exporter}`;
    return {
      readCursor: (journalId, exporter) =>
        submit(() => {
          this.#refuseIfDown();
          return this.#contents.cursors.get(cursorKey(journalId, exporter)) ?? null;
        }),
      createCursor: (journalId, exporter, at) =>
        submit(() => {
          this.#refuseIfDown();
          const key = cursorKey(journalId, exporter);
          if (!this.#contents.cursors.has(key)) this.#contents.cursors.set(key, at);
        }),
      prepare: (batch) => ({ batch }),
      commit: async ({ batch }) => {
        const key = cursorKey(batch.journalId, batch.exporter);
        const apply = (): CommitResult => this.#apply(key, batch);
        const quietly = (): void => {
          try {
            apply();
          } catch {
            // The transaction found another cursor and was rolled back.
          }
        };
        if (this.#bugs.cursorApart === true) {
          await submit(() => this.#contents.cursors.set(key, batch.to));
          return submit(() => this.#insert(batch));
        }
        return submit(() => this.#commit(apply, quietly), quietly);
      },
    };
  }

  #commit(apply: () => CommitResult, quietly: () => void): CommitResult {
    this.#refuseIfDown();
    if (this.#random.chance(this.faults.fails)) throw new LedgerUnavailable('the connection was refused');
    if (this.#random.chance(this.faults.late)) {
      this.#late.push(quietly);
      throw new LedgerUnavailable('no answer yet');
    }
    const result = apply();
    if (this.#random.chance(this.faults.unseen)) throw new LedgerUnavailable('the answer was lost');
    return result;
  }

  #apply(key: string, batch: LedgerBatch): CommitResult {
    const actual = this.#contents.cursors.get(key) ?? null;
    const isThere = actual?.sequence === batch.from.sequence && actual.spansDone === batch.from.spansDone;
    if (!isThere) throw new CursorMismatch(actual);
    this.#contents.cursors.set(key, batch.to);
    return this.#insert(batch);
  }

  #insert(batch: LedgerBatch): CommitResult {
    const { rows, keys, deadLetters } = this.#contents;
    const inserted: Call[] = [];
    for (const call of batch.calls) {
      if (keys.has(call.spanId) && this.#bugs.noUniqueKey !== true) continue;
      rows.push(call.spanId);
      keys.add(call.spanId);
      inserted.push(call);
    }
    this.#contents.rollup += inserted.length;
    for (const { payload } of batch.deadLetters) {
      for (const found of Buffer.from(payload)
        .toString('latin1')
        .match(/\bk\d+/g) ?? [])
        deadLetters.add(found);
    }
    return {
      inserted,
      alreadyThere: batch.calls.length - inserted.length,
      deadLetters: batch.deadLetters.length,
    };
  }

  #refuseIfDown(): void {
    if (this.faults.isDown) throw new LedgerUnavailable('the database is down');
  }
}

function copyOf(contents: Contents): Contents {
  return {
    rows: [...contents.rows],
    keys: new Set(contents.keys),
    deadLetters: new Set(contents.deadLetters),
    cursors: new Map(contents.cursors),
    rollup: contents.rollup,
  };
}
