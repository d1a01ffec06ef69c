import type { Behaviour } from './behaviour.ts';

/** What a stand-in was last told at its control endpoint. */
export class StandingOrder {
  #scenario = '';
  #behaviour: Behaviour = {};
  #changes = 0;

  get scenario(): string {
    return this.#scenario;
  }

  get behaviour(): Behaviour {
    return this.#behaviour;
  }

  /** A new scenario starts without a behaviour; a behaviour alone replaces the one before. */
  set(told: Readonly<Record<string, unknown>>): void {
    const { scenario, behaviour } = told as { scenario?: string; behaviour?: Behaviour };
    this.#changes += 1;
    if (scenario !== undefined) this.#scenario = scenario;
    // Failures are counted by key: each order counts its own.
    this.#behaviour = { key: `order ${this.#changes}`, ...behaviour };
  }
}
