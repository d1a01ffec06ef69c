interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** What tells the time, and has it waited for. */
interface Clock {
  now: () => number;
  setTimeout: unknown;
  clearTimeout: unknown;
}

/** Takes the place of `clock` until `release`; time moves by `advance`. */
export class FakeClock {
  #nowMs = 0;
  readonly #timers = new Set<Timer>();
  readonly #clock: Clock;
  readonly #real: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#real = { ...clock };
    Object.assign(clock, {
      now: () => this.#nowMs,
      setTimeout: (run: () => void, delayMs = 0) => {
        const timer = { at: this.#nowMs + delayMs, run };
        this.#timers.add(timer);
        return Object.assign(timer, { unref: () => timer, ref: () => timer });
      },
      clearTimeout: (timer: Timer) => this.#timers.delete(timer),
    });
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Moves on by `ms`, running each timer at its time and the promises it settles. */
  async advance(ms: number): Promise<void> {
    const end = this.#nowMs + ms;
    await settled();
    for (;;) {
      const [next] = [...this.#timers].toSorted((a, b) => a.at - b.at);
      if (next === undefined || next.at > end) break;
      this.#timers.delete(next);
      this.#nowMs = next.at;
      next.run();
      await settled();
    }
    this.#nowMs = end;
  }

  release(): void {
    Object.assign(this.#clock, this.#real);
  }
}

/** All promise callbacks that are due have run. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
