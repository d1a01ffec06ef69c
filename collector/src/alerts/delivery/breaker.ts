/** Stops attempts on a destination that fails every time, and lets one through from time to time. */
export interface Breaker {
  /** Milliseconds until the next attempt may be made; 0 is now. */
  waitMs(): number;
  readonly isOpen: boolean;
  succeeded(): void;
  failed(): void;
}

export interface BreakerOptions {
  /** Failures in a row that open it. */
  readonly failures: number;
  readonly openMs: number;
  /** Milliseconds of a clock that never goes backwards. */
  readonly now: () => number;
}

/** Closed at first. Once open, each attempt after `openMs` closes it by success or opens it again. */
export function createBreaker({ failures, openMs, now }: BreakerOptions): Breaker {
  let inARow = 0;
  let openUntil = 0;
  return {
    waitMs: () => (inARow < failures ? 0 : Math.max(0, openUntil - now())),
    get isOpen() {
      return inARow >= failures;
    },
    succeeded: () => void (inARow = 0),
    failed() {
      inARow += 1;
      if (inARow >= failures) openUntil = now() + openMs;
    },
  };
}
