interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** Takes the place of `setTimeout`, `clearTimeout` and `performance.now` until `release`; time moves by `advance`. */
export class FakeClock {
  #nowMs = 0;
  readonly #timers = new Set<Timer>();
  readonly #real: { setTimeout: unknown; clearTimeout: unknown; now: unknown };

  constructor() {
    const real = globalThis;
    this.#real = {
      setTimeout: real.setTimeout,
      clearTimeout: real.clearTimeout,
      now: Object.getOwnPropertyDescriptor(performance, 'now')?.value,
    };
    Object.assign(globalThis, {
      setTimeout: (run: () => void, delayMs = 0) => {
        const timer = { at: this.#nowMs + delayMs, run };
        this.#timers.add(timer);
        return Object.assign(timer, { unref: () => timer, ref: () => timer });
      },
      clearTimeout: (timer: Timer) => this.#timers.delete(timer),
    });
    Object.defineProperty(performance, 'now', { value: () => this.#nowMs, configurable: true });
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
    const { setTimeout, clearTimeout, now } = this.#real;
    Object.assign(globalThis, { setTimeout, clearTimeout });
    if (now === undefined) Reflect.deleteProperty(performance, 'now');
    else Object.defineProperty(performance, 'now', { value: now, configurable: true });
  }
}

/** All promise callbacks that are due have run. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
