import { setTimeout as sleep } from 'node:timers/promises';
import { withAttribution } from '@spanmeter/instrumentation';
import type { Behaviour } from '../providers/behaviour.ts';

/** One kind of call that a service makes. */
export interface Job {
  /** How often, relative to the service's other jobs. */
  readonly weight: number;
  readonly team: string;
  readonly feature: string;
  readonly run: (dice: Dice) => Promise<unknown>;
}

/** Repeatable randomness: the same seed makes the same traffic. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** At least 0, below 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }
}

/** The request options that tell the stand-in how to answer. */
export function standIn(behaviour: Behaviour): { headers: Record<string, string> } {
  return { headers: { 'x-stand-in': JSON.stringify({ chunkDelayMs: 12, ...behaviour }) } };
}

/** Makes calls for ever, about one every `paceMs`, each on behalf of its team. Failed calls are part of it. */
export async function keepCalling(seed: number, paceMs: number, jobs: readonly Job[]): Promise<never> {
  const dice = new Dice(seed);
  const total = jobs.reduce((sum, job) => sum + job.weight, 0);
  for (;;) {
    let left = dice.next() * total;
    const job = jobs.find((each) => (left -= each.weight) < 0);
    if (job !== undefined) {
      const { team, feature } = job;
      const user = `user-${dice.between(1, 40)}`;
      await withAttribution({ team, feature, user }, () => job.run(dice)).catch(() => undefined);
    }
    await sleep(paceMs * (0.5 + dice.next()));
  }
}

/** Reads a stream to its end. */
export async function readAll(stream: AsyncIterable<unknown>): Promise<number> {
  let chunks = 0;
  for await (const _ of stream) chunks += 1;
  return chunks;
}
