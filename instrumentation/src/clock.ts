const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, queueMicrotask } = globalThis;

/** How time is told and waited for. */
export interface Clock {
  /** Milliseconds of a clock that is never set. */
  readonly now: () => number;
  readonly setTimeout: typeof globalThis.setTimeout;
  readonly clearTimeout: typeof globalThis.clearTimeout;
  readonly setInterval: typeof globalThis.setInterval;
  readonly clearInterval: typeof globalThis.clearInterval;
  readonly setImmediate: typeof globalThis.setImmediate;
  readonly queueMicrotask: typeof globalThis.queueMicrotask;
}

/**
 * The clock as it was when this was loaded. The timers of an app under test may be fakes, that never run, that count
 * what waits, or that give no object; ours are none of their business, and wait for real time.
 */
export const CLOCK: Clock = {
  now: performance.now.bind(performance),
  setTimeout,
  clearTimeout,
  setInterval,
  clearInterval,
  setImmediate,
  queueMicrotask,
};
