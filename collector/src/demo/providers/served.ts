import type { StandInUsage } from './behaviour.ts';

/** One request that a stand-in answered, as it saw it. */
export interface ServedRequest {
  readonly id: string;
  readonly path: string;
  /** What the control endpoint last announced; empty where nothing was. */
  readonly scenario: string;
  readonly model: string;
  readonly stream: boolean;
  /** The request's body, parsed, for comparisons. */
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  status: number;
  /** Content chunks that left. */
  chunks: number;
  /** How it ended; `under_way` until then. */
  end: 'under_way' | 'completed' | 'client_aborted' | 'closed_by_us' | 'error';
  /** Whether the usage was told to the client. */
  usageSent: boolean;
  /** What was told, or would have been; a format whose answer tells less takes the rest away. */
  usage: StandInUsage;
  /** What is charged beside tokens, or which of them are charged apart: counts by the name of their attribute. */
  charged?: Readonly<Record<string, number>>;
}

const MAX_KEPT = 10_000;

/** What a stand-in served, in order; the oldest go first when there are too many. */
export class ServedLedger {
  readonly requests: ServedRequest[] = [];
  #total = 0;
  readonly #failures = new Map<string, number>();
  #waiting: (() => void)[] = [];

  /** Requests ever served, forgotten ones included. */
  get total(): number {
    return this.#total;
  }

  add(request: ServedRequest): ServedRequest {
    this.#total += 1;
    this.requests.push(request);
    if (this.requests.length > MAX_KEPT) this.requests.shift();
    for (const heard of this.#waiting.splice(0)) heard();
    return request;
  }

  /** Resolves once a request of this scenario has arrived, now or before. */
  async arrival(scenario: string): Promise<void> {
    while (!this.requests.some((request) => request.scenario === scenario)) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Counts a failure under `key`; true while fewer than `times` have been. */
  shouldFail(key: string, times: number): boolean {
    const failed = this.#failures.get(key) ?? 0;
    if (failed >= times) return false;
    if (this.#failures.size >= MAX_KEPT) this.#failures.clear();
    this.#failures.set(key, failed + 1);
    return true;
  }
}
