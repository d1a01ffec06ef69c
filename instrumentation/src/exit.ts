/** What has to happen before the process ends. */
export interface LastActs {
  /** Spans that still have to leave. */
  pending(): number;
  /** Ends calls that nothing can finish any more. */
  endOpenCalls(): void;
  /** Sends what waits, for a bounded time; never rejects. */
  flush(): Promise<unknown>;
  /** Sends what waits, blocking; for an exit that leaves no event loop. */
  flushNow(): void;
}

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Lets the last spans out without changing how the host ends. When the event loop is empty they are flushed
 * and the process goes on to end with its own exit code. A signal that the app does not handle still ends
 * the process by that signal, after the flush; where the app has a handler of its own, ours is not
 * installed, so that listener counts and libraries that look at them are unaffected, and the flush only runs
 * beside it. `process.exit()` and crashes get one short blocking attempt.
 */
export function flushBeforeExit(acts: LastActs): void {
  flushWhenIdle(acts);
  for (const signal of SIGNALS) flushOnSignal(signal, acts);
  process.on('exit', () => {
    acts.endOpenCalls();
    acts.flushNow();
  });
}

function flushWhenIdle(acts: LastActs): void {
  let gaveUpAt = -1;
  process.on('beforeExit', () => {
    acts.endOpenCalls();
    // Node emits beforeExit again after a flush; what could not be sent once is not tried for ever.
    if (acts.pending() === 0 || acts.pending() === gaveUpAt) return;
    void acts.flush().then(() => {
      gaveUpAt = acts.pending();
    });
  });
}

function flushOnSignal(signal: NodeJS.Signals, acts: LastActs): void {
  let ending = false;
  const endAsDefault = (): void => {
    if (ending) return;
    ending = true;
    acts.endOpenCalls();
    void acts.flush().finally(() => {
      process.removeListener('removeListener', onRemoved);
      process.removeListener(signal, endAsDefault);
      process.kill(process.pid, signal);
    });
  };
  // A moment later, since removing ours before theirs is in place would make Node stop listening.
  const onAdded = (name: string | symbol, listener: unknown): void => {
    if (name !== signal || listener === endAsDefault) return;
    queueMicrotask(() => {
      if (process.listenerCount(signal) > 1) process.removeListener(signal, endAsDefault);
    });
  };
  const onRemoved = (name: string | symbol, listener: unknown): void => {
    if (name !== signal || listener === endAsDefault || process.listenerCount(signal) > 0) return;
    process.on(signal, endAsDefault);
  };
  process.on('newListener', onAdded);
  process.on('removeListener', onRemoved);
  if (process.listenerCount(signal) === 0) process.on(signal, endAsDefault);
  const emit = Reflect.get(process, 'emit') as (...args: unknown[]) => boolean;
  // Invisible to listener counts, unlike a listener: libraries end the process only if nobody else listens.
  process.emit = function (this: unknown, ...args: unknown[]): boolean {
    if (args[0] === signal && !process.listeners(signal).includes(endAsDefault)) void acts.flush();
    return Reflect.apply(emit, this, args);
  } as typeof process.emit;
}
