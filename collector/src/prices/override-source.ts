import type { ClientBase } from 'pg';
import type { Logger } from '../pipeline/component.ts';
import { Wake } from '../pipeline/wake.ts';
import { OverrideRows, readOverrideRows, readOverridesState, type RowOverrides } from './override-rows.ts';

/** A connection of its own: it listens, so it can't come from a pool that hands it on. */
export interface OverrideConnection extends ClientBase {
  end(): Promise<void>;
}

export interface OverrideSourceOptions {
  /** Opens and connects a client whose queries end within a time limit. */
  readonly connect: () => Promise<OverrideConnection>;
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
  readonly #wake = new Wake();
  #isRead = false;
  #read: () => void = () => undefined;
  #lastError: string | null = null;
  /** The state that was read last; null before, and where a reading failed. */
  #state: string | null = null;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(options: OverrideSourceOptions) {
    this.#options = options;
    this.firstRead = new Promise((resolve) => (this.#read = resolve));
  }

  get isRead(): boolean {
    return this.#isRead;
  }

  get lastError(): string | null {
    return this.#lastError;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake.set();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#session();
      } catch (error) {
        this.#note(error);
      }
      if (!this.#stopped) await this.#wake.wait(this.#options.retryMs);
    }
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

  /** One connection, from connect until it breaks. */
  async #session(): Promise<void> {
    const client = await this.#options.connect();
    const connection: { broken: Error | null; isNotified: boolean } = { broken: null, isNotified: false };
    const breakWith = (error: Error): void => {
      connection.broken ??= error;
      this.#wake.set();
    };
    client.on('error', breakWith);
    client.on('end', () => breakWith(new Error('the database closed the connection')));
    client.on('notification', () => {
      connection.isNotified = true;
      this.#wake.set();
    });
    try {
      await client.query(`LISTEN ${CHANNEL}`);
      while (!this.#stopped && connection.broken === null) {
        if (connection.isNotified) await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
        connection.isNotified = false;
        await this.#look(client);
        await this.#wake.wait(this.#options.pollMs);
      }
    } finally {
      void client.end().catch(() => undefined);
    }
    if (connection.broken !== null && !this.#stopped) throw connection.broken;
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
