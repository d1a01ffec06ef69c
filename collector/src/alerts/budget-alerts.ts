import type { BudgetWatch } from '../budgets/budget-watch.ts';
import type { BudgetState } from '../budgets/budget.ts';
import { errorMessage } from '../database/failure.ts';
import type { Logger } from '../pipeline/component.ts';
import { budgetOccurrence, budgetSeries } from './budget-occurrence.ts';
import type { Occurrence } from './occurrence.ts';

const DEBOUNCE_MS = 200;
const RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;
/** Waiting crossings while the database is away; every budget of a large installation in two periods. */
const MAX_WAITING = 100_000;
/** Crossings that one attempt writes, so that those who wait for its end wait for few. */
const MAX_PER_ATTEMPT = 1_000;

/** Alerts of budgets: crossings as they happen, and all of them now and then. */
export interface BudgetAlerts {
  start(): void;
  /** Whether budgets were read: before that, nothing may be taken for over. */
  readonly isKnown: boolean;
  /** What stands by the budgets as they are now, to be raised again, which also makes up for anything missed. */
  standing(): readonly Occurrence[];
  /** Listens no more, and writes what came last. */
  stop(): Promise<void>;
}

export interface BudgetAlertsParts {
  readonly watch: BudgetWatch;
  /** Keeps and tells; rejects while the database is away. */
  readonly raise: (occurrences: readonly Occurrence[]) => Promise<unknown>;
  readonly log: Logger;
  readonly debounceMs?: number;
  readonly retryMs?: number;
}

function keyOf(state: BudgetState): string {
  return JSON.stringify([state.tenantId, budgetSeries(state)]);
}

/**
 * Follows budgets. A crossing is written a moment after the commit that made it, never on its way; while the database
 * is away the latest of each budget and period waits, so that none is lost.
 */
export function createBudgetAlerts(parts: BudgetAlertsParts): BudgetAlerts {
  return new FollowedBudgets(parts);
}

class FollowedBudgets implements BudgetAlerts {
  readonly #parts: BudgetAlertsParts;
  readonly #waiting = new Map<string, Occurrence>();
  /** The step that was told of last, by budget and period: what has not changed is not written at every commit. */
  #told = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | null = null;
  #failures = 0;
  #known = false;
  #stopped = false;
  #end: () => void = () => {};

  constructor(parts: BudgetAlertsParts) {
    this.#parts = parts;
  }

  get isKnown(): boolean {
    return this.#known;
  }

  start(): void {
    this.#end = this.#parts.watch.onChange((changed) => this.#changed(changed));
  }

  standing(): readonly Occurrence[] {
    const told = new Map<string, string>();
    const occurrences: Occurrence[] = [];
    for (const state of this.#parts.watch.states(null)) {
      const occurrence = budgetOccurrence(state);
      if (occurrence === null) continue;
      const key = keyOf(state);
      // What waits is told when it is written, and periods that are over need not be remembered.
      if (this.#told.has(key)) told.set(key, occurrence.subject);
      occurrences.push(occurrence);
    }
    this.#told = told;
    return occurrences;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#end();
    clearTimeout(this.#timer);
    await this.#writing;
    // The last commits before the end; what cannot be written now is found at the next start.
    if (this.#waiting.size > 0 && this.#failures === 0) await this.#write();
  }

  #changed(states: readonly BudgetState[]): void {
    this.#known = true;
    for (const state of states) {
      const key = keyOf(state);
      const occurrence = budgetOccurrence(state);
      if (occurrence === null) {
        // Corrected before it was told: nothing was exceeded after all.
        this.#waiting.delete(key);
        this.#told.delete(key);
      } else if (this.#told.get(key) !== occurrence.subject) {
        if (this.#waiting.size < MAX_WAITING || this.#waiting.has(key)) this.#waiting.set(key, occurrence);
      }
    }
    if (this.#waiting.size > 0) this.#schedule(this.#parts.debounceMs ?? DEBOUNCE_MS);
  }

  #schedule(delayMs: number): void {
    if (this.#timer !== undefined || this.#writing !== null || this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#write().finally(() => {
        this.#writing = null;
        if (this.#waiting.size > 0) this.#schedule(this.#nextMs());
      });
    }, delayMs);
    this.#timer.unref();
  }

  #nextMs(): number {
    if (this.#failures === 0) return 0;
    const base = this.#parts.retryMs ?? RETRY_MS;
    return Math.min(MAX_RETRY_MS, base * 2 ** Math.min(this.#failures - 1, 10));
  }

  async #write(): Promise<void> {
    const batch = [...this.#waiting].slice(0, MAX_PER_ATTEMPT);
    try {
      await this.#parts.raise(batch.map(([, occurrence]) => occurrence));
      this.#failures = 0;
    } catch (error) {
      this.#failures++;
      if (this.#failures === 1) {
        const fields = { error: errorMessage(error), waiting: this.#waiting.size };
        this.#parts.log.warn(fields, 'alerts of budgets could not be written; they are tried again');
      }
      return;
    }
    for (const [key, occurrence] of batch) {
      this.#told.set(key, occurrence.subject);
      // A higher step that was reached meanwhile still waits.
      if (this.#waiting.get(key) === occurrence) this.#waiting.delete(key);
    }
  }
}
