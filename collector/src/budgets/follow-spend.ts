import type { ClientBase } from 'pg';
import { ListenLoop, type ListeningConnection } from '../database/listen-loop.ts';
import type { Logger } from '../pipeline/component.ts';
import { countSpend, uncountedBudgets } from './count-spend.ts';
import { hasForeignMoves, readCursors, type Cursors } from './cursors.ts';
import type { Spending } from './spending.ts';
import { readRowBudgets } from './stored-budgets.ts';

export interface FollowSpendOptions {
  readonly spending: Spending;
  /** Opens and connects a client whose queries end within a time limit. */
  readonly connect: () => Promise<ListeningConnection>;
  readonly log: Logger;
  /** How often all is read anew. */
  readonly refreshMs?: number;
  /** How often other collectors' cursors are looked at. */
  readonly lookMs?: number;
  readonly retryMs?: number;
}

/** Reads the store again for `Spending`: at start, by the clock, when told to, and when others write to it. */
export interface SpendFollower {
  start(): void;
  stop(): Promise<void>;
}

const CHANNELS = ['spanmeter_budgets', 'spanmeter_corrections'];
const REFRESH_MS = 30_000;
const LOOK_MS = 3_000;
const RETRY_MS = 2_000;
/** Counting keeps every ledger waiting: what takes too long is not tried again soon. */
const COUNT_RETRY_MS = 900_000;
/** Many small changes are read together. */
const GATHER_MS = 100;
/** Reading takes at most this part of the time. */
const MAX_SHARE = 0.25;

class Follower implements SpendFollower {
  readonly #options: FollowSpendOptions;
  readonly #loop: ListenLoop<ListeningConnection>;
  #isWanted = true;
  #lastError: string | null = null;
  /** Of the latest reading. */
  #cursors: Cursors = new Map();
  #readAtMs = -Infinity;
  #readTookMs = 0;
  #countFailedAtMs = -Infinity;

  constructor(options: FollowSpendOptions) {
    this.#options = options;
    this.#loop = new ListenLoop({
      connect: options.connect,
      open: (client) => this.#open(client),
      look: (client) => this.#look(client),
      waitMs: () => this.#waitMs(),
      retryMs: options.retryMs ?? RETRY_MS,
      gatherMs: GATHER_MS,
      onNotify: () => (this.#isWanted = true),
      onError: (error) => this.#note(error),
    });
  }

  start(): void {
    this.#options.spending.onWanted(() => {
      this.#isWanted = true;
      this.#loop.call();
    });
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  #note(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (message === this.#lastError) return;
    this.#lastError = message;
    const { spending, log } = this.#options;
    const until = spending.isRead ? 'this collector counts on by itself' : 'budgets are not watched yet';
    log.warn({ err: error }, `Spend could not be read for the budgets; ${until}.`);
  }

  async #open(client: ClientBase): Promise<void> {
    for (const channel of CHANNELS) await client.query(`LISTEN ${channel}`);
    // What happened while nobody listened is in no notification.
    this.#isWanted = true;
  }

  #waitMs(): number {
    const lookMs = this.#options.lookMs ?? LOOK_MS;
    return this.#isWanted ? Math.max(0, Math.min(lookMs, this.#restMs())) : lookMs;
  }

  /** How long the store is left alone after a reading. */
  #restMs(): number {
    return this.#readAtMs + this.#readTookMs / MAX_SHARE - performance.now();
  }

  async #look(client: ClientBase): Promise<void> {
    const { spending, refreshMs = REFRESH_MS, log } = this.#options;
    spending.turn();
    if (!this.#isWanted) {
      // What is committed while the store is asked is not in its answer, and nothing that went back.
      const own = new Map(spending.committedCursors);
      const now = await readCursors(client);
      for (const key of spending.committedCursors.keys()) if (!own.has(key)) own.set(key, 0);
      const isDue = performance.now() - this.#readAtMs >= refreshMs;
      if (!isDue && !hasForeignMoves(this.#cursors, now, own)) return;
      this.#isWanted = true;
    }
    if (this.#restMs() > 0) return;
    await this.#count(client);
    this.#isWanted = false;
    const startedMs = performance.now();
    try {
      this.#cursors = await spending.refresh(client);
    } catch (error) {
      this.#isWanted = true;
      throw error;
    }
    this.#readAtMs = performance.now();
    this.#readTookMs = this.#readAtMs - startedMs;
    if (this.#lastError !== null) log.info({}, 'Spend can be read for the budgets again.');
    this.#lastError = null;
  }

  /** Budgets by user, session or agent that are new or of another definition. */
  async #count(client: ClientBase): Promise<void> {
    const { log } = this.#options;
    if (performance.now() - this.#countFailedAtMs < COUNT_RETRY_MS) return;
    try {
      const { budgets } = await readRowBudgets((text) => client.query(text));
      for (const budget of await uncountedBudgets(client, budgets)) await countSpend(client, budget);
    } catch (error) {
      // The figures of the others are still to be had.
      this.#countFailedAtMs = performance.now();
      log.warn({ err: error }, 'The spend of a budget by user, session or agent could not be counted yet.');
    }
  }
}

/** Starts nothing until `start`. */
export function followSpend(options: FollowSpendOptions): SpendFollower {
  return new Follower(options);
}
