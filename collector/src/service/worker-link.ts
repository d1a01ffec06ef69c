import { Worker } from 'node:worker_threads';
import type { JournalEnd } from '../journal/record.ts';
import type { Logger } from '../pipeline/component.ts';
import type { DatabaseAddress, FromWorker, ToWorker, WorkerStart, WorkerState } from './messages.ts';

/** Beyond its deadline, before a thread that does not end by itself is ended. */
const LATE_MS = 4_000;
/** For the last lines of its log. */
const LINGER_MS = 500;
const MAX_RESTART_DELAY_MS = 30_000;
const YOUNG_GENERATION_MB = 64;
const STARTING: WorkerState = {
  postgres: { state: 'starting' },
  exporters: [],
};

/** What the main thread does for its worker. */
export interface WorkerEvents {
  /** Read at every (re)start of the thread. */
  start(): WorkerStart;
  ready(database: DatabaseAddress): void;
  database(ownerUrl: string): void;
  done(sequence: number): void;
  fault(message: string): void;
  answer(message: Extract<FromWorker, { type: 'ask' }>): Promise<unknown>;
}

/** The main thread's side: keeps a worker running and knows how it is. */
export class WorkerLink {
  readonly #events: WorkerEvents;
  readonly #log: Logger;
  readonly #entry: URL;
  #worker: Worker | null = null;
  #state: WorkerState = STARTING;
  #failures = 0;
  #stopping = false;
  #restart: NodeJS.Timeout | undefined;
  #lingering: NodeJS.Timeout | undefined;
  #pendingEnd: JournalEnd | null = null;
  #ended: () => void = () => undefined;
  readonly #hasEnded: Promise<void>;

  constructor(entry: URL, events: WorkerEvents, log: Logger) {
    this.#entry = entry;
    this.#events = events;
    this.#log = log;
    this.#hasEnded = new Promise((resolve) => (this.#ended = resolve));
  }

  get state(): WorkerState {
    return this.#state;
  }

  start(): void {
    const worker = new Worker(this.#entry, {
      workerData: this.#events.start(),
      // Spans live for one batch: with room for it they die young, and decoding takes half as long again less.
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    });
    this.#worker = worker;
    worker.on('message', (message: FromWorker) => this.#hear(message));
    // A fault in the worker must not take the door with it: what is acknowledged stays in the journal.
    worker.on('error', (error) => this.#log.error({ err: error }, 'the worker thread failed'));
    worker.on('exit', () => this.#onExit());
  }

  /** Tells the end of the journal; many appends in one turn of the event loop make one message. */
  advance(end: JournalEnd): void {
    if (this.#pendingEnd === null) setImmediate(() => this.#flushEnd());
    this.#pendingEnd = end;
  }

  /** Lets the worker finish what is journalled; resolves when its thread has ended. */
  async stop(deadlineMs: number): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    if (this.#worker === null) return;
    this.#flushEnd();
    this.#tell({ type: 'stop', deadlineMs });
    const late = setTimeout(() => void this.#worker?.terminate(), deadlineMs + LATE_MS);
    await this.#hasEnded;
    clearTimeout(late);
  }

  #flushEnd(): void {
    const end = this.#pendingEnd;
    this.#pendingEnd = null;
    if (end !== null) this.#tell({ type: 'journal', end });
  }

  #tell(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }

  #hear(message: FromWorker): void {
    switch (message.type) {
      case 'ready':
        this.#failures = 0;
        this.#events.ready(message.database);
        return;
      case 'database':
        this.#events.database(message.ownerUrl);
        return;
      case 'done':
        this.#events.done(message.sequence);
        return;
      case 'state':
        this.#state = message.state;
        return;
      case 'ask':
        void this.#answer(message);
        return;
      case 'fault':
        this.#stopping = true;
        this.#events.fault(message.message);
        return;
      case 'stopped':
        // A connection to a server that hangs would keep the thread alive for ever.
        this.#lingering = setTimeout(() => void this.#worker?.terminate(), LINGER_MS);
        return;
      default:
        message satisfies never;
    }
  }

  async #answer(message: Extract<FromWorker, { type: 'ask' }>): Promise<void> {
    const { request } = message;
    try {
      this.#tell({ type: 'answer', request, value: await this.#events.answer(message) });
    } catch (error) {
      this.#tell({ type: 'answer', request, error: error instanceof Error ? error.message : String(error) });
    }
  }

  #onExit(): void {
    this.#worker = null;
    this.#state = STARTING;
    clearTimeout(this.#lingering);
    if (this.#stopping) {
      this.#ended();
      return;
    }
    const delayMs = Math.min(2 ** this.#failures++ * 250, MAX_RESTART_DELAY_MS);
    this.#log.error({ delayMs }, 'the worker thread ended; it is started again');
    this.#restart = setTimeout(() => this.start(), delayMs);
  }
}
