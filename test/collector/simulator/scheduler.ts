import type { Clock } from '@spanmeter/collector/dist/journal/clock.js';
import type { Random } from './random.ts';

/** One run of the collector's process; what it asked for is never answered once it is dead. */
export class Life {
  isAlive = true;
}

interface Operation {
  readonly life: Life;
  run(): void;
  /** What happens to the world if the process dies while this is under way. */
  abandon(): void;
}

interface Timer {
  readonly at: number;
  readonly life: Life;
  wake(): void;
}

/** Owns time and the order of everything that waits: each step does exactly one thing, chosen by the seed. */
export class Scheduler {
  nowMs = 1_700_000_000_000;
  readonly #random: Random;
  #operations: Operation[] = [];
  #timers: Timer[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** Carries out `effect` at some later step. `abandoned` says what of it happens if the process dies before. */
  submit<T>(life: Life, effect: () => T, abandoned: () => void = () => {}): Promise<T> {
    if (!life.isAlive) return new Promise(() => {});
    return new Promise((resolve, reject) => {
      this.#operations.push({
        life,
        run() {
          try {
            resolve(effect());
          } catch (error) {
            reject(error);
          }
        },
        abandon: abandoned,
      });
    });
  }

  /** Messages between threads: delivered one by one, in order, each at some later step. */
  channel(life: Life): (deliver: () => void) => void {
    const waiting: (() => void)[] = [];
    return (deliver) => {
      waiting.push(deliver);
      void this.submit(life, () => waiting.shift()?.());
    };
  }

  clock(life: Life): Clock {
    return {
      now: () => this.nowMs,
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          if (signal?.aborted === true) return resolve();
          const wake = (): void => {
            this.#timers = this.#timers.filter((other) => other !== timer);
            signal?.removeEventListener('abort', wake);
            resolve();
          };
          const timer: Timer = { at: this.nowMs + Math.max(0, ms), life, wake };
          this.#timers.push(timer);
          signal?.addEventListener('abort', wake, { once: true });
        }),
    };
  }

  get isIdle(): boolean {
    return this.#operations.length === 0;
  }

  /** Carries out one waiting operation, or wakes the next timer; false where nothing waits. */
  async step(): Promise<boolean> {
    const index = this.#random.int(0, this.#operations.length - 1);
    const [operation] = this.#operations.length > 0 ? this.#operations.splice(index, 1) : [];
    if (operation !== undefined) operation.run();
    else if (!this.#wakeNext()) return false;
    await settle();
    return true;
  }

  advance(ms: number): void {
    this.nowMs += ms;
    for (const timer of this.#timers.filter(({ at }) => at <= this.nowMs)) timer.wake();
  }

  /** Ends a process: a part of what it had under way still happens, none of it is answered. */
  kill(life: Life): void {
    life.isAlive = false;
    const orphaned = this.#operations.filter((operation) => operation.life === life);
    this.#operations = this.#operations.filter((operation) => operation.life !== life);
    this.#timers = this.#timers.filter((timer) => timer.life !== life);
    for (const operation of orphaned) if (this.#random.chance(0.5)) operation.abandon();
  }

  #wakeNext(): boolean {
    const next = this.#timers.toSorted((a, b) => a.at - b.at)[0];
    if (next === undefined) return false;
    this.nowMs = Math.max(this.nowMs, next.at);
    next.wake();
    return true;
  }
}

/** Lets every promise that can go on go on; ticks run only once no microtask is left. */
export function settle(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
