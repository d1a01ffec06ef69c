import { Refusal } from '../pipeline/refusal.ts';

/** Runs one piece of heavy work at a time, so that several never hold the thread that ingests. */
export type Alone = <T>(work: () => Promise<T>) => Promise<T>;

const RETRY_AFTER_MS = 5_000;

/** Makes the turn that heavy requests take; whoever comes while it is taken is refused with `unavailable`. */
export function createAlone(): Alone {
  let busy = false;
  return async (work) => {
    if (busy) {
      throw new Refusal('unavailable', 'Another request of this kind is under way; they run one at a time.', {
        retryAfterMs: RETRY_AFTER_MS,
      });
    }
    busy = true;
    try {
      return await work();
    } finally {
      busy = false;
    }
  };
}
