import type { Counter, Logger } from '../../pipeline/component.ts';
import type { Breaker } from './breaker.ts';
import type { Attempt, Channel } from './channel.ts';
import type { NotificationCounts } from './counts.ts';
import { QUICK_ATTEMPTS, type Claimed, type Outbox, type Share } from './outbox.ts';
import type { Message } from './message.ts';
import { rowMessage } from './row-message.ts';

/** When what failed is sent again; milliseconds. */
export interface RetryTiming {
  /** Wait after the first failure, doubled after each of the quick ones. */
  readonly firstMs: number;
  /** Wait after each later one. */
  readonly laterMs: number;
  /** A message that failed for so long is given up. */
  readonly giveUpMs: number;
}

export interface LaneParts {
  readonly channel: Channel;
  readonly outbox: Outbox;
  readonly breaker: Breaker;
  readonly share: Share;
  readonly counts: NotificationCounts;
  readonly failures: Counter;
  readonly timing: RetryTiming;
  readonly random: () => number;
  readonly dashboards: string | null;
  readonly log: Logger;
  /** Ends what is being sent. */
  readonly signal: AbortSignal;
}

const RECORD_TRIES = 3;
const RECORD_WAIT_MS = 1_000;

/** Sends its share of what one channel has to send: one message after the other, in order. */
export class Lane {
  readonly #parts: LaneParts;
  #running: Promise<void> | null = null;
  #again = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: LaneParts) {
    this.#parts = parts;
  }

  /** Sends what is due until there is no more; where it does so already, looks again afterwards. */
  kick(): void {
    if (this.#stopped) return;
    this.#again = true;
    this.#running ??= this.#drain().finally(() => (this.#running = null));
  }

  /** Resolves once nothing is being sent. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #drain(): Promise<void> {
    const { log, channel } = this.#parts;
    try {
      while (this.#again && !this.#stopped) {
        this.#again = false;
        while (await this.#step()) this.#again = true;
      }
    } catch (error) {
      log.debug(
        { err: error, channel: channel.id },
        'notifications could not be read; they are looked for again',
      );
    }
  }

  /** Sends one; false where nothing can be sent now. */
  async #step(): Promise<boolean> {
    const { breaker, channel, outbox, counts, share } = this.#parts;
    const waitMs = breaker.waitMs();
    if (this.#stopped || waitMs > 0) {
      if (waitMs > 0) this.#kickIn(waitMs);
      return false;
    }
    const row = await outbox.claim(channel.id, share, channel.timeoutMs);
    if (row === null) return false;
    if (row.obsolete !== null) {
      await this.#finish(row, 'dropped', row.obsolete);
      counts.add(channel.id, 'dropped', await outbox.dropHeldBack(channel.id));
      return true;
    }
    const message = this.#message(row);
    if (message === null) await this.#finish(row, 'failed', 'what it is about is missing or cannot be read');
    else await this.#take(row, await channel.send(message, this.#parts.signal));
    return true;
  }

  /** Null too where a body is not what this program writes: it must not be tried for ever. */
  #message(row: Claimed): Message | null {
    const { log, dashboards } = this.#parts;
    try {
      return rowMessage(row, dashboards);
    } catch (error) {
      log.error({ err: error, notification: row.id }, 'A notification cannot be read.');
      return null;
    }
  }

  async #take(row: Claimed, attempt: Attempt): Promise<void> {
    const { outbox, signal, failures, channel } = this.#parts;
    if (attempt.outcome === 'sent') {
      this.#succeeded();
      return this.#finish(row, 'sent', null);
    }
    if (signal.aborted) return void (await this.#record(() => outbox.giveBack(row)));
    failures.add(1, { channel: channel.id });
    this.#failed(attempt.reason);
    const { giveUpMs } = this.#parts.timing;
    const isGivenUp = row.attempts >= QUICK_ATTEMPTS && row.ageMs >= giveUpMs;
    if (attempt.outcome === 'refused' || isGivenUp) return this.#finish(row, 'failed', attempt.reason);
    const waitMs = Math.max(this.#waitMs(row.attempts), attempt.retryAfterMs ?? 0);
    await this.#record(() => outbox.repeat(row, waitMs, attempt.reason));
    this.#kickIn(waitMs);
  }

  /** Between half of the wait and all of it, so that collectors do not come at once. */
  #waitMs(attempts: number): number {
    const { firstMs, laterMs } = this.#parts.timing;
    const whole = attempts < QUICK_ATTEMPTS ? firstMs * 2 ** (attempts - 1) : laterMs;
    return whole * (0.5 + this.#parts.random() / 2);
  }

  #kickIn(waitMs: number): void {
    clearTimeout(this.#timer);
    // One that fails while it is stopped must not keep the process for another five minutes.
    if (!this.#stopped) this.#timer = setTimeout(() => this.kick(), waitMs);
  }

  #succeeded(): void {
    const { breaker, log, channel } = this.#parts;
    if (breaker.isOpen) log.info({ channel: channel.id }, 'The channel takes notifications again.');
    breaker.succeeded();
  }

  #failed(reason: string): void {
    const { breaker, log, channel } = this.#parts;
    const wasOpen = breaker.isOpen;
    breaker.failed();
    const fields = { channel: channel.id, reason };
    if (breaker.isOpen && !wasOpen) {
      log.warn(fields, 'The channel failed several times in a row; its notifications wait.');
    } else log.debug(fields, 'A notification could not be sent.');
  }

  async #finish(row: Claimed, outcome: 'sent' | 'failed' | 'dropped', error: string | null): Promise<void> {
    const { outbox, counts, channel, log } = this.#parts;
    const isMine = await this.#record(() => outbox.finish(row, outcome, error));
    if (isMine) counts.add(channel.id, outcome);
    if (outcome !== 'failed') return;
    const fields = { channel: channel.id, tenant: row.tenant, notification: row.id, reason: error };
    log.warn(fields, 'A notification is given up.');
  }

  /** What was sent and is not recorded is sent again, so the database gets several chances. */
  async #record(write: () => Promise<boolean>): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await write();
      } catch (error) {
        if (attempt === RECORD_TRIES || this.#stopped) throw error;
        await new Promise((resolve) => setTimeout(resolve, RECORD_WAIT_MS));
      }
    }
  }
}
