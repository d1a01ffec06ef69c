import { CLOCK } from './clock.ts';
/** A call that has begun and not ended. */
export interface OpenCall {
  /** The app has the response, or never asked for it: nothing but the app can go on. */
  readonly answered: boolean;
  /** The app waits: the request ends, and the call with it. */
  readonly isWaiting: boolean;
  touched: boolean;
  abandon(): void;
  /** Nobody can go on any more. */
  lose(): void;
}

/** Open calls of all SDKs. */
let inAll = 0;
let changed: (() => void) | undefined;

/** How many calls are open in this process. */
export function openCalls(): number {
  return inAll;
}

/** Has `look` called when the first call of the process begins, and soon after the last one has ended. */
export function onFirstAndLastCall(look: () => void): void {
  changed = look;
}

const MAX_OPEN = 10_000;
/** As many of the oldest are looked at for each call that is one too many. */
const MAX_LOOKED_AT = 8;
const SWEEP_MS = 5 * 60_000;

/**
 * Calls under way, so that none stays open for ever: a response that the app holds without reading is given
 * up after five to ten minutes, the oldest when there are too many, and all of them when the process ends. Those that
 * wait for their answer are kept, however many the app makes at once: they end with their requests.
 */
export class OpenCalls {
  readonly #calls = new Set<OpenCall>();
  #sweeper: NodeJS.Timeout | undefined;

  get size(): number {
    return this.#calls.size;
  }

  add(call: OpenCall): void {
    this.#calls.add(call);
    inAll += 1;
    if (inAll === 1) changed?.();
    if (this.#calls.size > MAX_OPEN) this.#giveUpOldest();
    this.#sweeper ??= CLOCK.setInterval(() => this.sweep(), SWEEP_MS).unref();
  }

  #giveUpOldest(): void {
    let looked = 0;
    for (const call of this.#calls) {
      if (!call.isWaiting) return call.abandon();
      // To the end, so that the next look begins with others.
      this.#calls.delete(call);
      this.#calls.add(call);
      looked += 1;
      if (looked === MAX_LOOKED_AT) return;
    }
  }

  delete(call: OpenCall): void {
    if (!this.#calls.delete(call)) return;
    inAll -= 1;
    // Its span ends only now.
    if (inAll === 0 && changed !== undefined) CLOCK.queueMicrotask(changed);
  }

  /** Gives up answered calls that nothing happened to since the last sweep. */
  sweep(): void {
    for (const call of this.#calls) {
      if (call.answered && !call.touched) call.abandon();
      call.touched = false;
    }
    if (this.#calls.size === 0) {
      CLOCK.clearInterval(this.#sweeper);
      this.#sweeper = undefined;
    }
  }

  /** Ends every open call with what is known of it. */
  abandonAll(): void {
    for (const call of this.#calls) call.lose();
  }
}
