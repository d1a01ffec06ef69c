import { errorMessage } from '../database/failure.ts';
import type { Logger } from '../pipeline/component.ts';

/** Work that is done again and again. */
export interface Round {
  /** For the log: what failed. */
  readonly name: string;
  readonly firstMs: number;
  readonly everyMs: number;
  run(): Promise<unknown>;
}

/** Rounds, one at a time each; one that fails is logged once until it works again, and tried again at its time. */
export function startRounds(rounds: readonly Round[], log: Logger): { stop(): Promise<void> } {
  let stopped = false;
  const timers = new Map<Round, NodeJS.Timeout>();
  const running = new Set<Promise<void>>();
  const failing = new Set<Round>();

  async function attempt(round: Round): Promise<void> {
    try {
      await round.run();
      failing.delete(round);
    } catch (error) {
      if (!failing.has(round))
        log.warn({ error: errorMessage(error) }, `${round.name} failed; it is tried again`);
      failing.add(round);
    }
  }

  function schedule(round: Round, delayMs: number): void {
    if (stopped) return;
    const timer = setTimeout(() => {
      const work = attempt(round).finally(() => {
        running.delete(work);
        schedule(round, round.everyMs);
      });
      running.add(work);
    }, delayMs);
    timer.unref();
    timers.set(round, timer);
  }

  for (const round of rounds) schedule(round, round.firstMs);
  return {
    async stop() {
      stopped = true;
      for (const timer of timers.values()) clearTimeout(timer);
      await Promise.all(running);
    },
  };
}
