import { EMPTY_END, type JournalEnd } from './record.ts';

/** The end of a journal as followers know it: told by its writer, from another thread if need be. */
export interface JournalProgress {
  readonly end: JournalEnd;
  /** The journal is durable up to `end`. */
  advance(end: JournalEnd): void;
  /** Resolves once the journal goes beyond `sequence`, or `signal` aborts. */
  beyond(sequence: number, signal: AbortSignal): Promise<void>;
}

/** Follows a journal from `start` on. */
export function createJournalProgress(start: JournalEnd = EMPTY_END): JournalProgress {
  let end = start;
  const waiting = new Set<{ sequence: number; wake: () => void }>();
  return {
    get end(): JournalEnd {
      return end;
    },
    advance(next: JournalEnd): void {
      end = next;
      for (const waiter of waiting) if (next.sequence > waiter.sequence) waiter.wake();
    },
    beyond(sequence: number, signal: AbortSignal): Promise<void> {
      if (end.sequence > sequence || signal.aborted) return Promise.resolve();
      return new Promise((resolve) => {
        const wake = (): void => {
          waiting.delete(waiter);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        const waiter = { sequence, wake };
        waiting.add(waiter);
        signal.addEventListener('abort', wake, { once: true });
      });
    },
  };
}
