/** Bounds what unknown keys may cost the store: remembers recent misses and limits the rate of look-ups. */
export interface LookUpLimit {
  /** Whether the store said within the last `missMs` that it has no such key. */
  missed(hash: string, nowMs: number): boolean;
  noteMiss(hash: string, nowMs: number): void;
  /** Takes one look-up from the allowance; false where none is left. */
  take(nowMs: number): boolean;
  /** Forgets every miss: the keys have changed. */
  clear(): void;
}

export interface LookUpLimitOptions {
  readonly missMs: number;
  readonly maxMisses: number;
  readonly perSecond: number;
  readonly burst: number;
}

/** A bounded map of misses, oldest dropped first, and a token bucket. */
export function createLookUpLimit(options: LookUpLimitOptions): LookUpLimit {
  const misses = new Map<string, number>();
  let tokens = options.burst;
  let refilledMs = 0;
  return {
    missed(hash, nowMs) {
      const until = misses.get(hash);
      return until !== undefined && until > nowMs;
    },
    noteMiss(hash, nowMs) {
      misses.delete(hash);
      misses.set(hash, nowMs + options.missMs);
      if (misses.size <= options.maxMisses) return;
      const oldest = misses.keys().next();
      if (oldest.done !== true) misses.delete(oldest.value);
    },
    take(nowMs) {
      const gained = (Math.max(0, nowMs - refilledMs) / 1000) * options.perSecond;
      tokens = Math.min(options.burst, tokens + gained);
      refilledMs = nowMs;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
    clear() {
      misses.clear();
    },
  };
}
