import type { ClientBase } from 'pg';
import { ListenLoop, type ListeningConnection } from '../database/listen-loop.ts';
import type { Logger } from '../pipeline/component.ts';
import { OverrideRows, readOverrideRows, readOverridesState, type RowOverrides } from './override-rows.ts';

export interface OverrideSourceOptions {
  /** Opens and connects a client whose queries end within a time limit. */
  readonly connect: () => Promise<ListeningConnection>;
  readonly log: Logger;
  readonly maxOverrides: number;
  /** Called after each reading of changed entries. */
  readonly onRead: (read: RowOverrides) => void;
  /** A change whose NOTIFY got lost is seen after this long at most. */
  readonly pollMs: number;
  readonly retryMs: number;
}

/** Follows the table `price_overrides`: reads it at start, on NOTIFY and by polling, and reconnects by itself. */
export interface OverrideSource {
  /** True once the entries have been read. */
  readonly isRead: boolean;
  /** Resolves once the entries have been read; never rejects. */
  readonly firstRead: Promise<void>;
  /** Why the latest attempt to read failed; null where it did not. */
  readonly lastError: string | null;
  start(): void;
  stop(): Promise<void>;
}

const CHANNEL = 'spanmeter_prices';
/** Many small changes are read together. */
const GATHER_MS = 100;

class Follower implements OverrideSource {
  readonly firstRead: Promise<void>;
  readonly #options: OverrideSourceOptions;
  readonly #rows = new OverrideRows();
  readonly #loop: ListenLoop<ListeningConnection>;
  #isRead = false;
  #read: () => void = () => undefined;
  #lastError: string | null = null;
  /** The state that was read last; null before, and where a reading failed. */
  #state: string | null = null;

  constructor(options: OverrideSourceOptions) {
    this.#options = options;
    this.firstRead = new Promise((resolve) => (this.#read = resolve));
    this.#loop = new ListenLoop({
      connect: options.connect,
      open: (client) => client.query(`LISTEN ${CHANNEL}`),
      look: (client) => this.#look(client),
      waitMs: () => options.pollMs,
      retryMs: options.retryMs,
      gatherMs: GATHER_MS,
      onError: (error) => this.#note(error),
    });
  }

  get isRead(): boolean {
    return this.#isRead;
  }

  get lastError(): string | null {
    return this.#lastError;
  }

  start(): void {
    this.#loop.start();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  #note(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (message === this.#lastError) return;
    this.#lastError = message;
    const until = this.#isRead
      ? 'those that were read last apply'
      : 'calls wait in the journal until they are';
    this.#options.log.warn({ err: error }, `The price overrides could not be read; ${until}.`);
  }

  async #look(client: ClientBase): Promise<void> {
    const state = await readOverridesState(client);
    if (state === this.#state) return;
    const rows = await readOverrideRows(client, this.#options.maxOverrides);
    this.#options.onRead(await this.#rows.read(rows));
    this.#state = state;
    this.#isRead = true;
    if (this.#lastError !== null) this.#options.log.info({}, 'The price overrides can be read again.');
    this.#lastError = null;
    this.#read();
  }
}

/** Starts nothing until `start`. */
export function createOverrideSource(options: OverrideSourceOptions): OverrideSource {
  return new Follower(options);
}
