import type { Budget, BudgetScope, BudgetState } from './budget.ts';
import type { PeriodClock } from './period-clock.ts';

/** What was spent in one period. */
export interface Sum {
  picoUsd: bigint;
  unpricedCalls: number;
}

/** A budget of one tenant, or of the operator, with what was spent in its current period and already in the next. */
export class SpendEntry {
  readonly budget: Budget;
  readonly tenantId: string;
  readonly clock: PeriodClock;
  #current: Sum = { picoUsd: 0n, unpricedCalls: 0 };
  /** Spans may be dated up to a day ahead. */
  #next: Sum = { picoUsd: 0n, unpricedCalls: 0 };
  #state: BudgetState | null = null;

  constructor(budget: Budget, tenantId: string, clock: PeriodClock) {
    this.budget = budget;
    this.tenantId = tenantId;
    this.clock = clock;
  }

  /** Adds one call; whether the current period has changed. */
  add(startMs: number, cost: bigint | null, isUnpriced: boolean): boolean {
    const { current, next } = this.clock;
    const isCurrent = current !== null && startMs >= current.startMs && startMs < current.endMs;
    if (!isCurrent && (next === null || startMs < next.startMs || startMs >= next.endMs)) return false;
    const sum = isCurrent ? this.#current : this.#next;
    if (cost !== null) sum.picoUsd += cost;
    if (isUnpriced) sum.unpricedCalls++;
    if (isCurrent) this.#state = null;
    return isCurrent;
  }

  /** Adds what the store had of the current or the next period. */
  addSum(which: 'current' | 'next', { picoUsd, unpricedCalls }: Sum): void {
    const sum = which === 'current' ? this.#current : this.#next;
    sum.picoUsd += picoUsd;
    sum.unpricedCalls += unpricedCalls;
    this.#state = null;
  }

  /** To be called with every turn of the clock. */
  turn(): void {
    this.#current = this.#next;
    this.#next = { picoUsd: 0n, unpricedCalls: 0 };
    this.#state = null;
  }

  /** Never changes once handed out; the same object until something does. Null outside a custom window. */
  get state(): BudgetState | null {
    const bounds = this.clock.current;
    if (bounds === null) return null;
    const { budget, tenantId } = this;
    this.#state ??= {
      budget,
      tenantId,
      scope: scopeOf(budget.scope),
      timezone: this.clock.timezone,
      bounds,
      spentPicoUsd: this.#current.picoUsd,
      unpricedCalls: this.#current.unpricedCalls,
    };
    return this.#state;
  }
}

function scopeOf(scope: BudgetScope): BudgetState['scope'] {
  return scope === 'each' ? 'tenant' : scope;
}
