import { TraceFlags, diag } from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { SendResult, SpanSender } from './otlp-sender.ts';

/** Bounds of the queue between the app and the collector. */
export interface DeliveryLimits {
  /** Spans beyond this are dropped and counted. */
  readonly maxQueueSize: number;
  /** A request leaves when this many spans wait. */
  readonly batchSize: number;
  /** ... or when the oldest has waited this long. */
  readonly delayMs: number;
  /** Spans in one request at most, while catching up. */
  readonly maxRequestSpans: number;
}

const BACKOFF_FIRST_MS = 1000;
const BACKOFF_MAX_MS = 30_000;

/**
 * A span processor that batches and sends, one request at a time, and retries while the collector is away.
 * Its timers and sockets never keep the process alive: only `flush` does, for a bounded time.
 */
export class DeliveryProcessor implements SpanProcessor {
  readonly #sender: SpanSender;
  readonly #limits: DeliveryLimits;
  #queue: ReadableSpan[] = [];
  #sending: Promise<boolean> | undefined;
  #inFlight: readonly ReadableSpan[] = [];
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #dropped = 0;
  #closed = false;

  constructor(sender: SpanSender, limits: DeliveryLimits) {
    this.#sender = sender;
    this.#limits = limits;
  }

  /** Spans not yet taken by the collector. */
  get pending(): number {
    return this.#queue.length + this.#inFlight.length;
  }

  /** Requests in a row that failed; 0 while the collector answers. */
  get failures(): number {
    return this.#failures;
  }

  /** Spans lost so far: the queue was full, or the collector refused them for good. */
  get dropped(): number {
    return this.#dropped;
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (this.#closed || (span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    if (this.pending >= this.#limits.maxQueueSize) {
      this.#drop(1, 'the queue is full');
      return;
    }
    this.#queue.push(span);
    if (this.#failures === 0 && this.#queue.length >= this.#limits.batchSize) void this.#pump();
    else this.#schedule(this.#limits.delayMs);
  }

  /**
   * Sends what waits; resolves true when nothing is left, false when the collector does not take it or
   * `timeoutMs` is over. Meanwhile the process stays alive.
   */
  async flush(timeoutMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<false>((resolve) => {
      timer = setTimeout(() => {
        this.#failures += 1;
        resolve(false);
      }, timeoutMs);
    });
    this.#sender.hold(true);
    try {
      return await Promise.race([this.#drain(), deadline]);
    } finally {
      clearTimeout(timer);
      this.#sender.hold(false);
    }
  }

  /** The last attempt of a process that is exiting: blocks, so it is made only where it is likely to work. */
  flushNow(timeoutMs: number): boolean {
    if (this.pending === 0) return true;
    if (this.#failures > 0) return false;
    const spans = [...this.#inFlight, ...this.#queue];
    this.#queue = [];
    this.#inFlight = [];
    return this.#sender.sendNow(spans, timeoutMs);
  }

  async forceFlush(): Promise<void> {
    await this.#drain();
  }

  async shutdown(): Promise<void> {
    await this.#drain();
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #drain(): Promise<boolean> {
    // A request under way may be one that hangs; it is waited for before the rest goes out.
    while (this.pending > 0) {
      if (!(await this.#pump())) return false;
    }
    return true;
  }

  #schedule(delayMs: number): void {
    if (this.#sending !== undefined || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#pump();
    }, delayMs).unref();
  }

  /** One request; true if it was answered for good, so that going on makes sense. */
  #pump(): Promise<boolean> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending ??= this.#sendOne().finally(() => {
      this.#sending = undefined;
      if (this.#queue.length > 0) this.#schedule(this.#nextDelayMs);
    });
    return this.#sending;
  }

  #nextDelayMs = 0;

  async #sendOne(): Promise<boolean> {
    this.#inFlight = this.#queue.splice(0, this.#limits.maxRequestSpans);
    if (this.#inFlight.length === 0) return true;
    let result: SendResult;
    try {
      result = await this.#sender.send(this.#inFlight);
    } catch (fault) {
      result = { outcome: 'refused', detail: String(fault) };
    }
    const spans = this.#inFlight;
    this.#inFlight = [];
    if (result.outcome === 'retry') {
      if (this.#failures === 0) diag.warn(`spanmeter: spans wait, the collector is away: ${result.detail}`);
      this.#failures += 1;
      this.#queue.unshift(...spans);
      this.#nextDelayMs = result.retryAfterMs ?? backoffMs(this.#failures);
      return false;
    }
    this.#failures = 0;
    this.#nextDelayMs = this.#queue.length >= this.#limits.batchSize ? 0 : this.#limits.delayMs;
    if (result.outcome === 'refused') this.#drop(spans.length, result.detail ?? 'refused');
    return true;
  }

  #drop(count: number, reason: string): void {
    if (this.#dropped === 0) diag.warn(`spanmeter: spans are lost: ${reason}`);
    this.#dropped += count;
  }
}

function backoffMs(failures: number): number {
  const ceiling = Math.min(BACKOFF_FIRST_MS * 2 ** (failures - 1), BACKOFF_MAX_MS);
  // Full spread over the upper half, so that many hosts do not come back at once.
  return ceiling * (0.5 + Math.random() / 2);
}
