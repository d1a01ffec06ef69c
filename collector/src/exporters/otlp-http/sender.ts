import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from '../../pipeline/component.ts';
import { readPartialSuccess, readRefusalMessage } from './answer.ts';
import { compress } from './compress.ts';
import { makeSenderCounters, showSender } from './counters.ts';
import type { SenderCounters } from './counters.ts';
import { LogLimit } from './log-limit.ts';
import { tracesUrl } from './options.ts';
import type { OtlpHttpOptions } from './options.ts';
import { post } from './post.ts';
import type { PostAnswer, PostTarget } from './post.ts';
import { isRetryableStatus, parseRetryAfterMs, retryDelayMs } from './retry.ts';

/** How the destination does. */
export interface SenderState {
  /** Attempts in a row that failed; 0 while it answers. */
  readonly failures: number;
  /** Why the last one failed; null while it answers. */
  readonly lastError: string | null;
}

/** Sends OTLP bodies to one destination. */
export interface OtlpHttpSender {
  /**
   * Sends one ExportTraceServiceRequest and resolves once there is nothing more to do for it: taken, or refused
   * for good and counted with its `spans` (the whole count, for metrics). What may be sent again is, until
   * `max_elapsed_time`, or until the signal aborts; then it rejects with the signal's reason.
   */
  send(body: Uint8Array, signal: AbortSignal, spans?: number): Promise<void>;
  state(): SenderState;
  /** Closes kept connections. */
  close(): void;
}

/** The clock and the dice, for tests. */
export interface SenderEnvironment {
  now(): number;
  random(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

const SYSTEM: SenderEnvironment = {
  now: () => Date.now(),
  random: () => Math.random(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }),
};

const MAX_CONNECTIONS = 8;
const LOG_INTERVAL_MS = 60_000;

/** Why an attempt may be repeated. */
interface Failure {
  readonly reason: string;
  readonly message: string;
  readonly retryAfterMs: number | null;
}

function failureOf(error: unknown): Failure {
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
  const reason = code === 'ETIMEDOUT' ? 'timeout' : 'connection';
  return {
    reason,
    message: error instanceof Error ? `${error.message} (${code})` : String(error),
    retryAfterMs: null,
  };
}

class Sender implements OtlpHttpSender {
  readonly #options: OtlpHttpOptions;
  readonly #host: Host;
  readonly #environment: SenderEnvironment;
  readonly #target: PostTarget;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #counters: SenderCounters;
  readonly #labels: { readonly exporter: string };
  readonly #logLimit: LogLimit;
  #inFlight = 0;
  #failures = 0;
  #lastError: string | null = null;

  constructor(options: OtlpHttpOptions, host: Host, environment: SenderEnvironment) {
    this.#options = options;
    this.#host = host;
    this.#environment = environment;
    const url = new URL(tracesUrl(options));
    const settings = { keepAlive: true, maxSockets: MAX_CONNECTIONS };
    const agent = url.protocol === 'https:' ? new HttpsAgent(settings) : new HttpAgent(settings);
    this.#target = { url, agent, timeoutMs: options.timeout };
    const configured = Object.entries(options.headers).map(([name, value]) => [
      name.toLowerCase(),
      value.reveal(),
    ]);
    this.#headers = {
      'user-agent': 'spanmeter',
      ...Object.fromEntries(configured),
      'content-type': 'application/x-protobuf',
      ...(options.compression === 'gzip' ? { 'content-encoding': 'gzip' } : {}),
    };
    this.#counters = makeSenderCounters(host);
    this.#labels = { exporter: host.id };
    showSender(this.#counters, host.id);
    this.#logLimit = new LogLimit(LOG_INTERVAL_MS, () => environment.now());
    const help = 'Requests that wait for the destination now.';
    const inFlight = (): { labels: { exporter: string }; value: number }[] => [
      { labels: this.#labels, value: this.#inFlight },
    ];
    host.metrics.gauge('otelcol_exporter_in_flight_requests', help, inFlight, ['exporter']);
  }

  state(): SenderState {
    return { failures: this.#failures, lastError: this.#lastError };
  }

  close(): void {
    this.#target.agent.destroy();
  }

  async send(body: Uint8Array, signal: AbortSignal, spans = 0): Promise<void> {
    signal.throwIfAborted();
    const packed =
      this.#options.compression === 'none'
        ? body
        : await compress(body, this.#options.compression_params.level);
    const startedMs = this.#environment.now();
    const retry = this.#options.retry_on_failure;
    for (let failures = 1; ; failures++) {
      const failure = await this.#attempt(packed, signal, spans);
      if (failure === null) return;
      const delayMs = retryDelayMs(failures, retry, failure.retryAfterMs, () => this.#environment.random());
      const elapsedMs = this.#environment.now() - startedMs + delayMs;
      if (!retry.enabled) return this.#giveUp('retry_disabled', failure.message, spans);
      if (retry.max_elapsed_time > 0 && elapsedMs > retry.max_elapsed_time) {
        return this.#giveUp('max_elapsed_time', failure.message, spans);
      }
      this.#failed(failure, delayMs);
      await this.#wait(delayMs, signal);
    }
  }

  async #wait(delayMs: number, signal: AbortSignal): Promise<void> {
    try {
      await this.#environment.sleep(delayMs, signal);
    } catch (error) {
      // A timer's AbortError hides the reason that the caller gave.
      throw signal.aborted ? signal.reason : error;
    }
  }

  /** One attempt: null once settled either way, or why it may be repeated. */
  async #attempt(packed: Uint8Array, signal: AbortSignal, spans: number): Promise<Failure | null> {
    this.#inFlight++;
    try {
      return this.#settle(await post(this.#target, this.#headers, packed, signal), packed.length, spans);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      return failureOf(error);
    } finally {
      this.#inFlight--;
    }
  }

  #settle(answer: PostAnswer, bytes: number, spans: number): Failure | null {
    const { status, contentType } = answer;
    if (status >= 200 && status < 300) {
      this.#taken(answer, bytes, spans);
      return null;
    }
    const said = answer.body === null ? '' : readRefusalMessage(answer.body, contentType);
    const message = `it answered ${status}${said === '' ? '' : `: ${said}`}`;
    if (isRetryableStatus(status)) {
      const retryAfterMs = parseRetryAfterMs(answer.retryAfter, this.#environment.now());
      return { reason: `http_${status}`, message, retryAfterMs };
    }
    this.#giveUp(status >= 300 && status < 400 ? 'redirect' : `http_${status}`, message, spans);
    return null;
  }

  #taken({ body, contentType }: PostAnswer, bytes: number, spans: number): void {
    if (this.#failures > 0) {
      const fields = { exporter: this.#host.id, failures: this.#failures };
      this.#host.log.info(fields, 'the destination takes spans again');
    }
    this.#failures = 0;
    this.#lastError = null;
    const partial = body === null ? null : readPartialSuccess(body, contentType);
    const rejected = Math.min(partial?.rejectedSpans ?? 0, spans);
    this.#counters.sent.add(spans - rejected, this.#labels);
    this.#counters.bytes.add(bytes, this.#labels);
    if (partial === null) return;
    this.#counters.failed.add(rejected, this.#labels);
    this.#counters.dropped.add(rejected, { ...this.#labels, reason: 'partial_success' });
    this.#warn(
      'partial_success',
      { rejected: partial.rejectedSpans, said: partial.message },
      'the destination refused spans',
    );
  }

  #giveUp(reason: string, message: string, spans: number): void {
    this.#failures = 0;
    this.#lastError = message;
    this.#counters.failed.add(spans, this.#labels);
    this.#counters.dropped.add(spans, { ...this.#labels, reason });
    this.#warn(reason, { reason, error: message, spans }, 'spans were given up for good');
  }

  #failed({ reason, message }: Failure, delayMs: number): void {
    this.#failures++;
    this.#lastError = message;
    this.#counters.retries.add(1, { ...this.#labels, reason });
    this.#warn(
      `retry ${reason}`,
      { reason, error: message, retry_ms: Math.round(delayMs) },
      'sending is tried again',
    );
  }

  #warn(kind: string, fields: object, message: string): void {
    const held = this.#logLimit.take(kind);
    if (held === null) return;
    const more = held === 0 ? {} : { not_logged_since: held };
    this.#host.log.warn({ exporter: this.#host.id, ...fields, ...more }, message);
  }
}

/** Makes the sender of one destination. */
export function createOtlpHttpSender(
  options: OtlpHttpOptions,
  host: Host,
  environment: SenderEnvironment = SYSTEM,
): OtlpHttpSender {
  return new Sender(options, host, environment);
}
