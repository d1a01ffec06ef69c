import type { Budget, PeriodBounds } from './budget.ts';
import { periodBoundsAt } from './period.ts';

const HALF_DAY_MS = 43_200_000;

/** Where a period stands that several budgets share: the current one and what follows it. */
export class PeriodClock {
  readonly timezone: string;
  readonly #budget: Budget;
  /** Null before and after a custom window. */
  #current: PeriodBounds | null;
  #next: PeriodBounds | null;

  /** Throws RangeError for a zone that JavaScript does not know. */
  constructor(budget: Budget, timezone: string, nowMs: number) {
    this.#budget = budget;
    this.timezone = timezone;
    this.#current = this.#at(nowMs);
    this.#next = this.#current === null ? this.#upcoming(nowMs) : this.#after(this.#current);
  }

  get current(): PeriodBounds | null {
    return this.#current;
  }

  get next(): PeriodBounds | null {
    return this.#next;
  }

  /** When the next turn is due; Infinity where none comes. */
  get turnsAtMs(): number {
    return this.#current?.endMs ?? this.#next?.startMs ?? Infinity;
  }

  /** Goes on to the next period; never back. */
  turn(): void {
    this.#current = this.#next;
    this.#next = this.#current === null ? null : this.#after(this.#current);
  }

  #at(ms: number): PeriodBounds | null {
    const { period, startsOn, endsOn } = this.#budget;
    return periodBoundsAt(period, this.timezone, startsOn, endsOn, ms);
  }

  #after({ endMs }: PeriodBounds): PeriodBounds | null {
    return this.#at(endMs);
  }

  #upcoming(nowMs: number): PeriodBounds | null {
    if (this.#budget.period !== 'custom') return null;
    const window = windowOf(this.#budget, this.timezone);
    return window !== null && window.startMs > nowMs ? window : null;
  }
}

/** The window of a custom budget. Midnight or noon UTC of its first day is in it, whatever the zone. */
export function windowOf({ startsOn, endsOn }: Budget, timezone: string): PeriodBounds | null {
  const firstMs = Date.parse(`${startsOn ?? ''}T00:00:00Z`);
  const at = (ms: number): PeriodBounds | null => periodBoundsAt('custom', timezone, startsOn, endsOn, ms);
  return at(firstMs) ?? at(firstMs + HALF_DAY_MS);
}

/** Budgets with the same key have the same periods. */
export function clockKey({ period, startsOn, endsOn }: Budget, timezone: string): string {
  return `${period}/${startsOn ?? ''}/${endsOn ?? ''}/${timezone}`;
}
