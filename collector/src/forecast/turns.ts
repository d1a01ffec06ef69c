import { setImmediate as nextTurn } from 'node:timers/promises';

/** Long enough to get on, short enough that a scrape or a query beside it does not feel it. */
const TURN_MS = 8;

/** Gives way to everything else that waits, whenever a turn is over. */
export function createTurns(): () => Promise<void> {
  let began = performance.now();
  return async () => {
    if (performance.now() - began < TURN_MS) return;
    await nextTurn();
    began = performance.now();
  };
}
