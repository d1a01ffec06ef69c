import { TraceFlags, diag } from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { MAX_TIMER_MS } from './timer-limit.ts';
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

/** When a request that failed is sent again. */
const RETRY_DELAYS_MS: readonly number[] = [1000, 2000, 4000];
/** After those: with a later batch, but not sooner than this after the last failure ... */
const LATER_BATCH_MS = 4000;
/** ... or when this is over, less up to a half at random, so that many hosts do not come back at once. */
const LATER_MS = 30_000;
/** The longest that a receiver may ask to be left alone. */
const MAX_RETRY_AFTER_MS = 5 * 60_000;
/** How long `forceFlush` may take. */
const FORCE_FLUSH_MS = 5000;

/**
 * A span processor that batches and sends, one request at a time. A request that fails is repeated after 1, 2
 * and 4 s; after that its spans stay in the queue and are offered again with later ones, so that a collector
 * may be away for as long as the queue has room. Its timers and sockets never keep the process alive: only
 * `flush` does, for a bounded time.
 */
export class DeliveryProcessor implements SpanProcessor {
  readonly #sender: SpanSender;
  readonly #limits: DeliveryLimits;
  #queue: ReadableSpan[] = [];
  #sending: Promise<boolean> | undefined;
  #inFlight: readonly ReadableSpan[] = [];
  /** Parts of requests that were refused whole, the next one last. */
  #pieces: (readonly ReadableSpan[])[] = [];
  #timer: NodeJS.Timeout | undefined;
  #failures = 0;
  #dropped = 0;
  #closed = false;
  #nextDelayMs = 0;
  #failedAtMs = 0;
  /** Spans that came since the last failure. */
  #fresh = 0;

  constructor(sender: SpanSender, limits: DeliveryLimits) {
    this.#sender = sender;
    this.#limits = limits;
  }

  /** Spans not yet taken by the collector. */
  get pending(): number {
    return (
      this.#queue.length + this.#inFlight.length + this.#pieces.reduce((sum, { length }) => sum + length, 0)
    );
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
    this.#fresh += 1;
    if (this.#failures === 0 && this.#queue.length >= this.#limits.batchSize) void this.#pump();
    else if (this.#failures > RETRY_DELAYS_MS.length) this.#offerAgain();
    else this.#schedule(this.#limits.delayMs);
  }

  /** The retries are over, and a span has come: it begins a later batch, or completes it. */
  #offerAgain(): void {
    const isFull = this.#fresh >= this.#limits.batchSize;
    if (this.#sending !== undefined || (this.#fresh !== 1 && !isFull)) return;
    const soonest = this.#failedAtMs + LATER_BATCH_MS - performance.now();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#schedule(Math.max(soonest, isFull ? 0 : this.#limits.delayMs));
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
    const spans = [...this.#inFlight, ...this.#pieces.flat(), ...this.#queue];
    this.#pieces = [];
    this.#queue = [];
    this.#inFlight = [];
    return this.#sender.sendNow(spans, timeoutMs);
  }

  async forceFlush(): Promise<void> {
    await this.flush(FORCE_FLUSH_MS);
  }

  async shutdown(): Promise<void> {
    await this.flush(FORCE_FLUSH_MS);
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
    const run = (): void => {
      this.#timer = undefined;
      void this.#pump();
    };
    this.#timer = setTimeout(run, Math.min(delayMs, MAX_TIMER_MS)).unref();
  }

  /** One request; true if it was answered for good, so that going on makes sense. */
  #pump(): Promise<boolean> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const sent = this.#sending ?? this.#sendOne().catch(() => false);
    this.#sending ??= sent.finally(() => {
      this.#sending = undefined;
      if (this.#queue.length + this.#pieces.length > 0) this.#schedule(this.#nextDelayMs);
    });
    return this.#sending;
  }

  async #sendOne(): Promise<boolean> {
    this.#inFlight = this.#pieces.pop() ?? this.#queue.splice(0, this.#limits.maxRequestSpans);
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
      this.#nextDelayMs = Math.min(result.retryAfterMs ?? retryDelayMs(this.#failures), MAX_RETRY_AFTER_MS);
      this.#failures += 1;
      this.#fresh = 0;
      this.#failedAtMs = performance.now();
      this.#queue = [...spans, ...this.#queue];
      return false;
    }
    this.#failures = 0;
    if (result.outcome === 'refused') this.#refused(spans, result);
    const isMore = this.#pieces.length > 0 || this.#queue.length >= this.#limits.batchSize;
    this.#nextDelayMs = isMore ? 0 : this.#limits.delayMs;
    return true;
  }

  /** One span that is wrong must not take the others of its request with it. */
  #refused(spans: readonly ReadableSpan[], { divisible, detail }: SendResult): void {
    if (divisible === true && spans.length > 1) {
      const middle = spans.length >> 1;
      this.#pieces.push(spans.slice(middle), spans.slice(0, middle));
    } else this.#drop(spans.length, detail ?? 'refused');
  }

  #drop(count: number, reason: string): void {
    if (this.#dropped === 0) diag.warn(`spanmeter: spans are lost: ${reason}`);
    this.#dropped += count;
  }
}

function retryDelayMs(failures: number): number {
  return RETRY_DELAYS_MS[failures] ?? LATER_MS * (0.5 + Math.random() / 2);
}
