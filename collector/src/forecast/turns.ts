import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';

/** Long enough to get on, short enough that a scrape or a query beside it does not feel it. */
const TURN_MS = 8;

/**
 * Gives way to everything else that waits, whenever a turn is over. Work that nobody waits for pauses as well, for
 * `pauseMs`, so that it never takes a whole core.
 */
export function createTurns(pauseMs: number = 0): () => Promise<void> {
  let began = performance.now();
  return async () => {
    if (performance.now() - began < TURN_MS) return;
    await (pauseMs > 0 ? pause(pauseMs, undefined, { ref: false }) : nextTurn());
    began = performance.now();
  };
}
