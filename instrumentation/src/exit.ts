import { CLOCK } from './clock.ts';
import { hide, namedLike } from './hidden.ts';

/** What has to happen before the process ends. */
export interface LastActs {
  /** Spans that still have to leave. */
  pending(): number;
  /** Calls that nothing has finished yet. */
  openCalls(): number;
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
 * beside it. Nor is it while nothing waits: a listener runs only where the event loop does, so that no signal but
 * SIGKILL would end a process that computes. `process.exit()` and crashes get one short blocking attempt.
 *
 * Gives what has to be called when spans or calls have come or gone.
 */
export function flushBeforeExit(acts: LastActs): () => void {
  const isHeldUp = flushWhenIdle(acts);
  const settles = SIGNALS.map((signal) => flushOnSignal(signal, acts));
  seeEvents((event) => {
    if (event === 'beforeExit') return isHeldUp();
    if (event === 'SIGTERM' || event === 'SIGINT') flushBesideApp(event, acts);
    return false;
  });
  process.on('exit', () => {
    try {
      acts.endOpenCalls();
      acts.flushNow();
    } catch {
      // Thrown here it would become the exit code of the app.
    }
  });
  return () => {
    for (const settle of settles) settle();
  };
}

/**
 * Shows `see` what the process emits, before its listeners, and keeps from them what it gives true for. Invisible to
 * listener counts, unlike a listener: libraries end the process only if nobody else listens.
 */
function seeEvents(see: (event: unknown) => boolean): void {
  const emit = Reflect.get(process, 'emit') as (...args: unknown[]) => boolean;
  const seen = function (this: unknown, ...args: unknown[]): boolean {
    return see(args[0]) || Reflect.apply(emit, this, args);
  };
  hide(process, 'emit', namedLike(seen, emit));
}

/**
 * True while spans still leave. Node emits beforeExit again when they have, so that the app's own listeners, which
 * may print or start something, are called as often as without us.
 */
function flushWhenIdle(acts: LastActs): () => boolean {
  let gaveUpAt = -1;
  return () => {
    acts.endOpenCalls();
    // What could not be sent once is not tried for ever.
    if (acts.pending() === 0 || acts.pending() === gaveUpAt) return false;
    // A flush that is over at once would leave nothing that makes Node emit it again.
    CLOCK.setImmediate(() => undefined);
    const isOver = (): void => {
      gaveUpAt = acts.pending();
    };
    void acts.flush().then(isOver, isOver);
    return true;
  };
}

const endsAsDefault = new Map<string, (...args: unknown[]) => void>();

/** The app ends itself on this signal, and may take its time. */
function flushBesideApp(signal: NodeJS.Signals, acts: LastActs): void {
  const ours = endsAsDefault.get(signal);
  if (ours === undefined || !process.listeners(signal).includes(ours)) void acts.flush();
}

/** Gives what has to be called when spans or calls have come or gone. */
function flushOnSignal(signal: NodeJS.Signals, acts: LastActs): () => void {
  let ending = false;
  let listens = false;
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
  endsAsDefault.set(signal, endAsDefault);
  const settle = (): void => {
    const others = process.listenerCount(signal) - (listens ? 1 : 0);
    const waits = ending || acts.pending() > 0 || acts.openCalls() > 0;
    const wanted = waits && others === 0;
    if (wanted === listens) return;
    // An app that removes all listeners takes away what tells us of its own.
    if (wanted && !(process as NodeJS.EventEmitter).listeners('newListener').includes(onAdded)) return;
    listens = wanted;
    if (wanted) process.on(signal, endAsDefault);
    else process.removeListener(signal, endAsDefault);
  };
  // A moment later, since removing ours before theirs is in place would make Node stop listening.
  const onAdded = (name: string | symbol, listener: unknown): void => {
    if (name === signal && listener !== endAsDefault) CLOCK.queueMicrotask(settle);
  };
  const onRemoved = (name: string | symbol, listener: unknown): void => {
    if (name !== signal) return;
    if (listener === endAsDefault) listens = false;
    else settle();
  };
  process.on('newListener', onAdded);
  process.on('removeListener', onRemoved);
  return settle;
}
