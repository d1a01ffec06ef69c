import { setMaxListeners } from 'node:events';
import type { Pool } from 'pg';
import { ListenLoop, type ListeningConnection } from '../../database/listen-loop.ts';
import type { Logger, SelfMetrics } from '../../pipeline/component.ts';
import { Wake } from '../../pipeline/wake.ts';
import { createBreaker, type Breaker } from './breaker.ts';
import type { Channel } from './channel.ts';
import { NotificationCounts, type NotificationCount } from './counts.ts';
import { Lane, type RetryTiming } from './lane.ts';
import { Outbox } from './outbox.ts';

export interface DelivererOptions {
  readonly channels: readonly Channel[];
  readonly pool: Pool;
  /** Opens and connects the client that listens. */
  readonly connect: () => Promise<ListeningConnection>;
  /** Base URL of the Grafana that messages link to; null leaves links out. */
  readonly dashboards: string | null;
  readonly log: Logger;
  readonly metrics: SelfMetrics;
  /** For tests; by default as docs/notifications.md says. */
  readonly timing?: Partial<DeliveryTiming>;
  readonly random?: () => number;
}

/** Milliseconds, but for a count. */
export interface DeliveryTiming extends RetryTiming {
  /** How often the table is looked at whatever NOTIFY says. */
  readonly pollMs: number;
  readonly breakerFailures: number;
  readonly breakerOpenMs: number;
}

/** Sends what `notifications` holds; any number of collectors may do so at once. */
export interface Deliverer {
  start(): void;
  /** Finishes what is being sent; what is not by `deadline` stays pending. */
  stop(deadline: AbortSignal): Promise<void>;
  /** [contract] `genai_notifications_total`, from memory. */
  counts(): readonly NotificationCount[];
}

const CHANNEL = 'spanmeter_notifications';
const LISTEN_FOR_MS = 3_600_000;
const LISTEN_AGAIN_MS = 2_000;
const TIDY_EVERY_MS = 3_600_000;
const TIMING: DeliveryTiming = {
  pollMs: 2_000,
  firstMs: 1_000,
  laterMs: 300_000,
  giveUpMs: 3_600_000,
  breakerFailures: 5,
  breakerOpenMs: 60_000,
};

class OutboxDeliverer implements Deliverer {
  readonly #options: DelivererOptions;
  readonly #timing: DeliveryTiming;
  readonly #outbox: Outbox;
  readonly #counts: NotificationCounts;
  /** By channel; each lane waits for its own answers alone, so one that hangs holds up nobody else. */
  readonly #lanes = new Map<string, readonly Lane[]>();
  readonly #listener: ListenLoop<ListeningConnection>;
  readonly #wake = new Wake();
  readonly #abort = new AbortController();
  #stopped = false;
  #isFailing = false;
  #tidiedAt = -Infinity;
  #running: Promise<void> = Promise.resolve();

  constructor(options: DelivererOptions) {
    this.#options = options;
    this.#timing = { ...TIMING, ...options.timing };
    this.#outbox = new Outbox(options.pool);
    this.#counts = new NotificationCounts(options.channels.map(({ id }) => id));
    this.#listener = this.#openListener();
    // Every lane that sends listens to it.
    setMaxListeners(0, this.#abort.signal);
    this.#openLanes();
  }

  start(): void {
    this.#listener.start();
    this.#running = this.#run();
  }

  async stop(deadline: AbortSignal): Promise<void> {
    this.#stopped = true;
    this.#wake.set();
    const end = (): void => this.#abort.abort(new Error('the collector stops'));
    if (deadline.aborted) end();
    else deadline.addEventListener('abort', end, { once: true });
    await Promise.all([
      this.#running,
      this.#listener.stop(),
      ...[...this.#lanes.values()].flat().map((lane) => lane.stop()),
    ]);
    for (const channel of this.#options.channels) channel.close();
  }

  counts(): readonly NotificationCount[] {
    return this.#counts.list();
  }

  /** Hears of new rows while it can; they are looked for whatever it hears. */
  #openListener(): ListenLoop<ListeningConnection> {
    const { connect, log } = this.#options;
    return new ListenLoop({
      connect,
      open: (client) => client.query(`LISTEN ${CHANNEL}`),
      look: () => this.#wake.set(),
      waitMs: () => LISTEN_FOR_MS,
      retryMs: LISTEN_AGAIN_MS,
      onError: (error) =>
        log.debug({ err: error }, 'new notifications cannot be listened for; they are looked for instead'),
    });
  }

  #openLanes(): void {
    const { channels, metrics, dashboards, log, random = Math.random } = this.#options;
    const { breakerFailures, breakerOpenMs } = this.#timing;
    const breakers = new Map<string, Breaker>();
    const failures = metrics.counter(
      'spanmeter_notification_failures_total',
      'Attempts to send a notification that failed, repeated ones too.',
      ['channel'],
    );
    for (const channel of channels) {
      const breaker = createBreaker({
        failures: breakerFailures,
        openMs: breakerOpenMs,
        now: () => performance.now(),
      });
      breakers.set(channel.id, breaker);
      failures.add(0, { channel: channel.id });
      const parts = {
        channel,
        outbox: this.#outbox,
        breaker,
        counts: this.#counts,
        failures,
        timing: this.#timing,
        random,
        dashboards,
        log,
        signal: this.#abort.signal,
      };
      const lanes = Array.from(
        { length: channel.atOnce },
        (_, at) => new Lane({ ...parts, share: { of: channel.atOnce, at } }),
      );
      this.#lanes.set(channel.id, lanes);
    }
    metrics.gauge(
      'spanmeter_notification_channel_paused',
      'Whether a channel failed so often that its notifications wait.',
      () => Array.from(breakers, ([channel, { isOpen }]) => ({ labels: { channel }, value: isOpen ? 1 : 0 })),
      ['channel'],
    );
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#look();
        this.#isFailing = false;
      } catch (error) {
        this.#fail(error);
      }
      if (!this.#stopped) await this.#wake.wait(this.#timing.pollMs);
    }
  }

  async #look(): Promise<void> {
    const ids = [...this.#lanes.keys()];
    for (const id of await this.#outbox.due(ids)) for (const lane of this.#lanes.get(id) ?? []) lane.kick();
    if (performance.now() - this.#tidiedAt < TIDY_EVERY_MS) return;
    this.#tidiedAt = performance.now();
    await this.#outbox.tidy(ids);
  }

  #fail(error: unknown): void {
    if (!this.#isFailing) {
      this.#options.log.warn(
        { err: error },
        'Notifications cannot be read from the database; they wait there.',
      );
    }
    this.#isFailing = true;
  }
}

/** Sends nothing until `start`. */
export function createDeliverer(options: DelivererOptions): Deliverer {
  return new OutboxDeliverer(options);
}
