/** Growing waits between attempts, with jitter. */
export interface Backoff {
  /** Milliseconds to wait before the next attempt. */
  nextMs(): number;
  /** An attempt succeeded. */
  reset(): void;
}

/** Doubles from `minMs` to `maxMs`; each wait is between half of that and all of it, by `random` in [0, 1). */
export function createBackoff(options: { minMs: number; maxMs: number; random: () => number }): Backoff {
  let attempts = 0;
  return {
    nextMs(): number {
      const whole = Math.min(options.maxMs, options.minMs * 2 ** Math.min(attempts, 30));
      attempts += 1;
      return whole / 2 + (whole / 2) * options.random();
    },
    reset(): void {
      attempts = 0;
    },
  };
}
