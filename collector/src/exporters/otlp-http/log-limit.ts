/** Lets one event of a kind through per interval; keeps at most 64 kinds. */
export class LogLimit {
  readonly #intervalMs: number;
  readonly #now: () => number;
  readonly #byKind = new Map<string, { openAtMs: number; held: number }>();

  constructor(intervalMs: number, now: () => number) {
    this.#intervalMs = intervalMs;
    this.#now = now;
  }

  /** How many were held back since the last one let through; null: hold this one back too. */
  take(kind: string): number | null {
    const nowMs = this.#now();
    const known = this.#byKind.get(kind);
    if (known !== undefined && nowMs < known.openAtMs) {
      known.held++;
      return null;
    }
    if (known === undefined && this.#byKind.size >= 64) this.#byKind.clear();
    this.#byKind.set(kind, { openAtMs: nowMs + this.#intervalMs, held: 0 });
    return known?.held ?? 0;
  }
}
