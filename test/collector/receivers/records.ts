import type { JournalRecord } from '@spanmeter/collector/dist/pipeline/entry.js';

/** A journal in memory that can be held, and can refuse. */
export class OtlpRecords {
  readonly all: JournalRecord[] = [];
  refusal: Error | null = null;
  #held: (() => void)[] | null = null;
  #waiting: (() => void)[] = [];

  async append(record: JournalRecord): Promise<number> {
    if (this.refusal !== null) throw this.refusal;
    this.all.push(record);
    for (const wake of this.#waiting.splice(0)) wake();
    if (this.#held !== null) await new Promise<void>((resolve) => this.#held?.push(resolve));
    return this.all.length;
  }

  /** From now on nothing is durable until `release`. */
  hold(): void {
    this.#held = [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const resolve of held) resolve();
  }

  /** Resolves once `count` records have arrived, durable or not. */
  async arrived(count: number): Promise<void> {
    while (this.all.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
