import type { ClientBase } from 'pg';
import type { Logger } from '../../pipeline/component.ts';
import { Wake } from './wake.ts';

const CHANNEL = 'spanmeter_notifications';
const RETRY_MS = 2_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A connection of its own: it listens, so it can't come from a pool that hands it on. */
export interface ListeningConnection extends ClientBase {
  end(): Promise<void>;
}

/** Hears of new rows while it can; whoever uses it looks by itself as well. */
export class Listener {
  readonly #connect: () => Promise<ListeningConnection>;
  readonly #onNotify: () => void;
  readonly #log: Logger;
  readonly #wake = new Wake();
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(connect: () => Promise<ListeningConnection>, onNotify: () => void, log: Logger) {
    this.#connect = connect;
    this.#onNotify = onNotify;
    this.#log = log;
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
        this.#log.debug(
          { err: error },
          'new notifications cannot be listened for; they are looked for instead',
        );
      }
      if (!this.#stopped) await this.#wake.wait(RETRY_MS);
    }
  }

  /** One connection, from connect until it breaks. */
  async #session(): Promise<void> {
    const client = await this.#connect();
    let isOver = false;
    const broken = (): void => {
      if (!isOver) this.#wake.set();
    };
    client.on('error', broken);
    client.on('end', broken);
    client.on('notification', () => this.#onNotify());
    try {
      await client.query(`LISTEN ${CHANNEL}`);
      this.#onNotify();
      await this.#wake.wait(LONGEST_TIMER_MS);
    } finally {
      isOver = true;
      void client.end().catch(() => undefined);
    }
  }
}
