import type { ClientBase } from 'pg';
import { Wake } from '../pipeline/wake.ts';

/** A connection of its own: it listens, so it can't come from a pool that hands it on. */
export interface ListeningConnection extends ClientBase {
  end(): Promise<void>;
}

export interface ListenLoopOptions<T extends ListeningConnection> {
  /** Opens and connects a client whose queries end within a time limit. */
  readonly connect: () => Promise<T>;
  /** LISTENs, and does what each new connection needs first. */
  readonly open: (client: T) => Promise<unknown>;
  /** Called once the connection is open, and after each wait. */
  readonly look: (client: T) => unknown;
  /** How long to wait for something to happen before the next look, in milliseconds. */
  readonly waitMs: () => number;
  /** Between two connections, but that one which has held for longer is replaced at once. */
  readonly retryMs: number;
  /** So long after something happened, what follows it is waited for: many small changes make one look. */
  readonly gatherMs?: number;
  readonly onNotify?: () => void;
  /** An attempt failed, or the connection broke. */
  readonly onError: (error: unknown) => void;
  /** The connection is given up, whichever way and however far it came. */
  readonly onClose?: () => void;
}

/** LISTENs on a connection of its own until stopped, and makes a new one whenever it breaks. */
export class ListenLoop<T extends ListeningConnection> {
  readonly #options: ListenLoopOptions<T>;
  /** Ends the wait between looks. */
  readonly #wake = new Wake();
  /** Ends the wait before a new connection, which nothing else may shorten: the store may be in trouble. */
  readonly #stop = new Wake();
  #isCalled = false;
  #openedAtMs = Infinity;
  #stopped = false;
  #running: Promise<void> | null = null;

  constructor(options: ListenLoopOptions<T>) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Makes the next look come soon. */
  call(): void {
    this.#isCalled = true;
    this.#wake.set();
  }

  /** Resolves once the look under way has ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wake.set();
    this.#stop.set();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { retryMs, onError } = this.#options;
    while (!this.#stopped) {
      this.#openedAtMs = Infinity;
      try {
        await this.#session();
      } catch (error) {
        onError(error);
      }
      const heldMs = Math.max(0, performance.now() - this.#openedAtMs);
      if (!this.#stopped && heldMs < retryMs) await this.#stop.wait(retryMs - heldMs);
    }
  }

  /** One connection, from connect until it breaks. */
  async #session(): Promise<void> {
    const { connect, open, look, waitMs, onNotify, onClose } = this.#options;
    const client = await connect();
    const connection: { broken: Error | null; isOver: boolean } = { broken: null, isOver: false };
    const breakWith = (error: Error): void => {
      connection.broken ??= error;
      if (!connection.isOver) this.#wake.set();
    };
    client.on('error', breakWith);
    client.on('end', () => breakWith(new Error('the database closed the connection')));
    client.on('notification', () => {
      onNotify?.();
      this.call();
    });
    try {
      await open(client);
      this.#openedAtMs = performance.now();
      while (!this.#stopped && connection.broken === null) {
        await this.#gather();
        await look(client);
        await this.#wake.wait(waitMs());
      }
    } finally {
      connection.isOver = true;
      onClose?.();
      void client.end().catch(() => undefined);
    }
    if (connection.broken !== null && !this.#stopped) throw connection.broken;
  }

  async #gather(): Promise<void> {
    const { gatherMs = 0 } = this.#options;
    if (this.#isCalled && gatherMs > 0) await new Promise((resolve) => setTimeout(resolve, gatherMs));
    this.#isCalled = false;
  }
}
