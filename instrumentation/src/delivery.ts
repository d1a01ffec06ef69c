import { TraceFlags } from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-base';
import { CLOCK } from './clock.ts';
import { diagnostics } from './diagnostics.ts';
import { spanSize } from './span-size.ts';
import { MAX_TIMER_MS } from './timer-limit.ts';
import type { SendResult, SpanSender } from './otlp-sender.ts';

/** Bounds of the queue between the app and the collector. */
export interface DeliveryLimits {
  /** Spans beyond this are dropped and counted. */
  readonly maxQueueSize: number;
  /** Spans that would take the queue over this are, too. */
  readonly maxQueueBytes: number;
  /** A request leaves when this many spans wait. */
  readonly batchSize: number;
  /** ... or when the oldest has waited this long. */
  readonly delayMs: number;
  /** Spans in one request at most, while catching up. */
  readonly maxRequestSpans: number;
  /** About how many bytes one request has at most, but for a single span that has more. */
  readonly maxRequestBytes: number;
}

/** Why spans are lost: the queue had no room for their number or for their bytes, or the collector refused them. */
export type LossReason = 'queue_spans' | 'queue_bytes' | 'refused';

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
  readonly #lost = new Map<LossReason, number>();
  /** About how many bytes wait, those under way included. */
  #bytes = 0;
  readonly #sizes = new WeakMap<ReadableSpan, number>();
  /** The last request had no room for what waits. */
  #isCut = false;
  #closed = false;
  #nextDelayMs = 0;
  /** When what waits may be offered again at the soonest. */
  #soonestMs = 0;
  /** Spans that came since the last failure. */
  #fresh = 0;
  /** Called when a span has come, and when a request is over. */
  onChange: (() => void) | undefined;

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

  /** Spans lost so far. */
  get dropped(): number {
    return [...this.#lost.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Those of them that were lost for one reason. */
  lost(reason: LossReason): number {
    return this.#lost.get(reason) ?? 0;
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (this.#closed || (span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    const { maxQueueSize, maxQueueBytes } = this.#limits;
    const bytes = spanSize(span);
    if (this.pending >= maxQueueSize) return this.#drop(1, 'queue_spans', 'the queue is full');
    if (this.#bytes + bytes > maxQueueBytes) {
      return this.#drop(1, 'queue_bytes', `the queue has no room for ${bytes} bytes`);
    }
    this.#queue.push(span);
    this.#sizes.set(span, bytes);
    this.#bytes += bytes;
    this.#fresh += 1;
    this.onChange?.();
    if (this.#failures === 0 && this.#isBatch()) void this.#pump();
    else if (this.#failures > RETRY_DELAYS_MS.length) this.#offerAgain();
    else this.#schedule(this.#limits.delayMs);
  }

  /** What waits is enough for a request. */
  #isBatch(): boolean {
    return this.#queue.length >= this.#limits.batchSize || this.#bytes >= this.#limits.maxRequestBytes;
  }

  /** The spans of the next request. */
  #take(): readonly ReadableSpan[] {
    const { maxRequestSpans, maxRequestBytes } = this.#limits;
    let count = 0;
    let bytes = 0;
    for (const span of this.#queue.slice(0, maxRequestSpans)) {
      bytes += this.#sizes.get(span) ?? 0;
      if (count > 0 && bytes > maxRequestBytes) break;
      count += 1;
    }
    this.#isCut = count < Math.min(this.#queue.length, maxRequestSpans);
    return this.#queue.splice(0, count);
  }

  #release(spans: readonly ReadableSpan[]): void {
    for (const span of spans) this.#bytes -= this.#sizes.get(span) ?? 0;
  }

  /** The retries are over, and a span has come: it begins a later batch, or completes it. */
  #offerAgain(): void {
    const isFull = this.#fresh >= this.#limits.batchSize;
    if (this.#sending !== undefined || (this.#fresh !== 1 && !isFull)) return;
    const soonest = this.#soonestMs - CLOCK.now();
    CLOCK.clearTimeout(this.#timer);
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
      timer = CLOCK.setTimeout(() => {
        this.#failures += 1;
        resolve(false);
      }, timeoutMs);
    });
    this.#sender.hold(true);
    try {
      return await Promise.race([this.#drain(), deadline]);
    } finally {
      CLOCK.clearTimeout(timer);
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
    this.#bytes = 0;
    return this.#sender.sendNow(spans, timeoutMs);
  }

  async forceFlush(): Promise<void> {
    await this.flush(FORCE_FLUSH_MS);
  }

  async shutdown(): Promise<void> {
    await this.flush(FORCE_FLUSH_MS);
    this.#closed = true;
    CLOCK.clearTimeout(this.#timer);
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
    this.#timer = CLOCK.setTimeout(run, Math.min(delayMs, MAX_TIMER_MS)).unref();
  }

  /** One request; true if it was answered for good, so that going on makes sense. */
  #pump(): Promise<boolean> {
    CLOCK.clearTimeout(this.#timer);
    this.#timer = undefined;
    const sent = this.#sending ?? this.#sendOne().catch(() => false);
    this.#sending ??= sent.finally(() => {
      this.#sending = undefined;
      this.onChange?.();
      if (this.#queue.length + this.#pieces.length > 0) this.#schedule(this.#nextDelayMs);
    });
    return this.#sending;
  }

  async #sendOne(): Promise<boolean> {
    this.#inFlight = this.#pieces.pop() ?? this.#take();
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
      if (this.#failures === 0)
        diagnostics.warn(`spanmeter: spans wait, the collector is away: ${result.detail}`);
      const askedMs = Math.min(result.retryAfterMs ?? 0, MAX_RETRY_AFTER_MS);
      this.#nextDelayMs = askedMs > 0 ? askedMs : retryDelayMs(this.#failures);
      this.#soonestMs = CLOCK.now() + Math.max(askedMs, LATER_BATCH_MS);
      this.#failures += 1;
      this.#fresh = 0;
      this.#queue = [...spans, ...this.#queue];
      return false;
    }
    this.#failures = 0;
    if (result.outcome === 'refused') this.#refused(spans, result);
    else this.#release(spans);
    const isMore = this.#pieces.length > 0 || this.#isCut || this.#queue.length >= this.#limits.batchSize;
    this.#nextDelayMs = isMore ? 0 : this.#limits.delayMs;
    return true;
  }

  /** One span that is wrong must not take the others of its request with it. */
  #refused(spans: readonly ReadableSpan[], { divisible, detail }: SendResult): void {
    if (divisible === true && spans.length > 1) {
      const middle = spans.length >> 1;
      this.#pieces.push(spans.slice(middle), spans.slice(0, middle));
    } else {
      this.#release(spans);
      this.#drop(spans.length, 'refused', detail ?? 'refused');
    }
  }

  #drop(count: number, reason: LossReason, detail: string): void {
    const lost = this.lost(reason);
    if (lost === 0) diagnostics.warn(`spanmeter: spans are lost: ${detail}`);
    this.#lost.set(reason, lost + count);
  }
}

function retryDelayMs(failures: number): number {
  return RETRY_DELAYS_MS[failures] ?? LATER_MS * (0.5 + Math.random() / 2);
}
