import { SpanStatusCode, type Attributes, type Context, type Span, type TimeInput } from '@opentelemetry/api';
import type { CallKind, StreamReader } from './adapter.ts';
import { attributedTo } from './attribution.ts';
import type { CapturedContent } from './captured-content.ts';
import type { CurrentCall } from './current-call.ts';
import { describeFailure, isAbort } from './failure.ts';
import { canHide, hide } from './hidden.ts';
import type { ClientMetrics } from './metrics.ts';
import type { OpenCalls } from './open-calls.ts';
import {
  ATTR_ERROR_TYPE,
  ATTR_INPUT_TOKENS,
  ATTR_OPERATION,
  ATTR_OUTPUT_TOKENS,
  ATTR_RESEND_COUNT,
  ATTR_TIME_TO_FIRST_CHUNK,
  addFormerNames,
} from './semconv.ts';

/** What a call needs from the instrumentation that started it. */
export interface CallHost {
  readonly metrics: ClientMetrics;
  readonly open: OpenCalls;
  readonly formerNames: boolean;
  readonly content: CapturedContent;
  /** What becomes of a fault in instrumentation code; the first of a call counts. */
  fault(fault: unknown): void;
  /** A call was observed without a fault. */
  noteSound(): void;
}

/**
 * The span of a call. Ours is started with the call; a framework's layer starts one at its end, if at all (`late`);
 * an SDK's own only gets what it lacks.
 */
export type CallSpan =
  | { readonly owner: 'instrumentation'; readonly span: Span }
  | { readonly owner: 'sdk'; readonly span: Span }
  | { readonly owner: 'late'; readonly start: (startedUnixMs: number) => Span };

/** One call under observation, from the request until its one end, whichever way that comes. */
export class ObservedCall implements CurrentCall {
  readonly kind: CallKind;
  readonly #host: CallHost;
  readonly #span: CallSpan;
  readonly #start: Attributes;
  readonly #startedMs: number = performance.now();
  #firstTokenMs: number | undefined;
  #lastChunkMs: number | undefined;
  #heldMs: number | undefined;
  #reader: StreamReader | undefined;
  #response: unknown;
  /** The request's parameters, for as long as the call lasts. */
  #body: unknown;
  #retries = 0;
  /** Calls inside that tell of the same request, less those that came to nothing. */
  #inner = 0;
  #hadInner = false;
  #ownSpan: EndedLater | undefined;
  #ended = false;
  #faulty = false;
  /** What an SDK's own span was told at the call's end. */
  #told: Attributes | undefined;
  #answered = false;
  /** The app waits for a chunk, or for the rest of the body. */
  isAwaited = false;
  /** Something happened since the last look of the sweeper. */
  touched = true;
  /** What the app called a method of. */
  resource: unknown;
  /** We asked for this stream's usage where the app did not. */
  asked = false;
  module: string | undefined;
  /** The layer around this call, which tells of the same request. */
  layer: CurrentCall | undefined;
  /** Who the call is for: what it tells beside itself is for them too, whoever reads the answer. */
  attribution: Attributes = {};
  /** The call's own context; for iterators, which run in the context of whoever asks. */
  inside: Context | undefined;
  /** The method gave an iterator at once, so that the request leaves only when the app asks for the first chunk. */
  isLazy = false;

  /** `attributes` is what was known at the start. */
  constructor(host: CallHost, kind: CallKind, span: CallSpan, attributes: Attributes, body: unknown) {
    this.#host = host;
    this.kind = kind;
    this.#span = span;
    this.#start = attributes;
    this.#body = body;
    host.open.add(this);
    host.content.prepare();
    if (span.owner === 'sdk') this.#tellBeforeEnd(span.span);
  }

  /**
   * An SDK that ends its own span may do so before the app's iterator closes, and then nothing more is taken; and
   * it may write its own counts last. What is known here has to be there when the span ends, errors aside, which
   * the SDK names.
   */
  #tellBeforeEnd(span: Span): void {
    if (!canHide(span, 'end')) return;
    const end = span.end.bind(span);
    hide(span, 'end', (...args: Parameters<Span['end']>) => {
      this.guard(() => {
        if (!span.isRecording()) return;
        const known = this.#told ?? this.#soFar();
        if (this.#told === undefined && this.#reader !== undefined) this.#putSizes(known, known);
        const { [ATTR_ERROR_TYPE]: _, ...counts } = known;
        span.setAttributes(counts);
      });
      end(...args);
    });
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The response is here and the app has it, or never asks for it. Such calls may be given up. */
  get answered(): boolean {
    return this.#answered && !this.isAwaited;
  }

  /** The provider, or a chunk of its, is being waited for. */
  get isWaiting(): boolean {
    return this.isAwaited || !(this.#answered || this.isLazy);
  }

  get operation(): CallKind['operation'] {
    return this.kind.operation;
  }

  get isLayer(): boolean {
    return this.kind.layer === true;
  }

  /** A class may call its own methods, or those of the class that it extends: that is one request. */
  passesOnTo(resource: unknown): boolean {
    return this.kind.mayPassOn === true && resource !== this.resource;
  }

  /** Other calls tell of what was asked inside: this one has nothing of its own to tell. */
  get hasPassedOn(): boolean {
    return this.#inner > 0 && !this.isLayer;
  }

  noteInner(): void {
    this.#inner += 1;
    this.#hadInner = true;
  }

  forgetInner(): void {
    this.#inner -= 1;
  }

  noteOwnSpan(span: Span): void {
    this.noteInner();
    span.setAttributes(this.attribution);
    this.#ownSpan ??= endedLater(span);
  }

  noteRetry(): void {
    this.#retries += 1;
  }

  /** Runs instrumentation code around this call: never throws into the app. Its first fault counts. */
  guard<T>(step: () => T): T | undefined {
    try {
      return step();
    } catch (fault) {
      this.fault(fault);
      return undefined;
    }
  }

  /** Tells of a fault in instrumentation code around this call. */
  fault(fault: unknown): void {
    if (!this.#faulty) this.#host.fault(fault);
    this.#faulty = true;
  }

  /** The provider has answered; the app may now do with it what it likes, also nothing. */
  answer(): void {
    this.#answered = true;
    this.touched = true;
  }

  /** The call is over for now: should nothing more come of it, it ended here, whenever that is found out. */
  hold(): void {
    this.#heldMs ??= performance.now();
  }

  goOn(): void {
    this.#heldMs = undefined;
  }

  /** Notes the first chunk that carries output. */
  firstToken(): void {
    this.#firstTokenMs ??= performance.now();
    this.#lastChunkMs = this.#firstTokenMs;
  }

  /** Notes a further one; timed only where somebody collects the times. */
  nextChunk(): void {
    const { metrics } = this.#host;
    if (metrics.chunk === undefined || this.#lastChunkMs === undefined) return;
    const now = performance.now();
    metrics.chunk(now - this.#lastChunkMs, this.#start);
    this.#lastChunkMs = now;
  }

  /** The reader for this call's stream, which also tells what is known should the call end early. */
  openReader(): StreamReader | undefined {
    this.#reader ??= this.kind.stream?.(this.#host.content.isWanted, this.asked);
    return this.#reader;
  }

  /** The response arrived whole. */
  succeed(response: unknown): void {
    if (this.#ended) return;
    this.#response = response;
    let attributes: Attributes = {};
    try {
      attributes = attributedTo(this.attribution, () => this.kind.response(response, this.#body));
    } catch (fault) {
      this.fault(fault);
    }
    this.#end(attributes, undefined);
  }

  /** The stream arrived whole. */
  succeedStream(): void {
    this.#end(
      this.#soFar(),
      this.guard(() => this.#reader?.failure?.()),
    );
  }

  /**
   * The call failed. The error's message stays out of the span: providers quote prompts and keys in it. An
   * abort by the app is no failure and leaves the status unset.
   */
  fail(error: unknown): void {
    const spent = this.#ended ? undefined : this.guard(() => this.kind.spent?.(error, this.#body));
    this.#end({ ...this.#soFar(), ...spent }, isAbort(error) ? undefined : error);
  }

  /** The app turned away: break, abort, a body it reads itself, or a stream it never reads. */
  abandon(): void {
    this.#end(this.#soFar(), undefined);
  }

  /** The app dropped the stream, or ends: an SDK that ends its own span has no occasion to any more. */
  lose(): void {
    this.abandon();
    const { span } = this.#span.owner === 'sdk' ? this.#span : {};
    this.guard(() => (span?.isRecording() === true ? span.end() : undefined));
  }

  #soFar(): Attributes {
    const reader = this.#reader;
    if (reader === undefined) return {};
    return this.guard(() => attributedTo(this.attribution, () => reader.attributes())) ?? {};
  }

  /** `attributes` is this call's own object and is added to. */
  #end(attributes: Attributes, error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#host.open.delete(this);
    if (this.#answered && error === undefined && this.kind.charged !== undefined) {
      this.guard(() => Object.assign(attributes, this.kind.charged?.(this.#body)));
    }
    if (error !== undefined && this.layer !== undefined && !hasUsage(attributes)) this.layer.forgetInner?.();
    if (!this.#isToldInside(attributes, error)) {
      try {
        this.#tell(attributes, error);
      } catch (fault) {
        this.fault(fault);
      }
    }
    this.guard(() => this.#ownSpan?.end(attributes));
    this.#ownSpan = undefined;
    this.#body = undefined;
    this.#response = undefined;
    this.#reader = undefined;
    this.resource = undefined;
    if (!this.#faulty) this.#host.noteSound();
  }

  /** Where all calls inside a layer failed and it has an answer with usage, another one gave it. */
  #isToldInside(attributes: Attributes, error: unknown): boolean {
    if (!this.isLayer || !this.#hadInner) return false;
    return this.#inner > 0 || error !== undefined || !hasUsage(attributes);
  }

  #tell(attributes: Attributes, error: unknown): void {
    const heldForMs = this.#heldMs === undefined ? 0 : performance.now() - this.#heldMs;
    const durationMs = performance.now() - heldForMs - this.#startedMs;
    if (this.#firstTokenMs !== undefined) {
      attributes[ATTR_TIME_TO_FIRST_CHUNK] = (this.#firstTokenMs - this.#startedMs) / 1000;
    }
    if (this.#retries > 0) attributes[ATTR_RESEND_COUNT] = this.#retries;
    if (error !== undefined) describeFailure(error, attributes);
    const isRequest = this.kind.measured !== false && !this.hasPassedOn;
    if (isRequest) this.guard(() => this.#host.metrics.record(durationMs, this.#start, attributes));
    if (this.#host.formerNames) addFormerNames(attributes);
    const ours = this.#span.owner !== 'sdk';
    const span =
      this.#span.owner === 'late' ? this.#span.start(Date.now() - heldForMs - durationMs) : this.#span.span;
    try {
      if (!span.isRecording()) return;
      if (this.hasPassedOn) return passOn(span, attributes, error);
      if (error === undefined && !hasCounts(attributes)) {
        this.guard(() => this.#putSizes(attributes, attributes));
      }
      if (this.#host.content.isWanted) this.guard(() => this.#tellContent(span, attributes));
      span.setAttributes(attributes);
      if (!ours) this.#told = attributes;
      if (ours && error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
    } finally {
      if (ours) span.end(heldForMs === 0 ? undefined : Date.now() - heldForMs);
    }
  }

  #tellContent(span: Span, attributes: Attributes): void {
    const { content } = this.kind;
    if (content === undefined) return;
    const reader = this.#reader;
    const response = this.#response;
    this.#host.content.tell(
      span,
      { ...this.#start, ...attributes },
      content,
      this.#body,
      () => reader?.messages?.() ?? (response === undefined ? [] : content.output(response)),
    );
  }

  /** Of what the provider did not count, how much text it was: the collector may estimate tokens from it. */
  #putSizes(known: Attributes, into: Attributes): void {
    const { requestSize, responseSize } = this.kind;
    if (known[ATTR_INPUT_TOKENS] === undefined) requestSize?.(this.#body).put(into, 'input');
    if (known[ATTR_OUTPUT_TOKENS] !== undefined) return;
    if (this.#reader !== undefined) this.#reader.received().put(into, 'output');
    else if (this.#response !== undefined) responseSize?.(this.#response).put(into, 'output');
  }
}

/** What was begun as a request turned out to be something around others. */
function passOn(span: Span, attributes: Attributes, error: unknown): void {
  const operation = 'invoke_workflow';
  span.updateName(operation).setAttributes({ ...attributes, [ATTR_OPERATION]: operation });
  if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
}

interface EndedLater {
  end(attributes: Attributes): void;
}

/** An SDK's span that is ended before the answer is read: it ends as of then, once what was told is known. */
function endedLater(span: Span): EndedLater | undefined {
  if (!canHide(span, 'end')) return undefined;
  const end = span.end.bind(span);
  let isOver = false;
  let finish: (() => void) | undefined;
  hide(span, 'end', (time: TimeInput = Date.now()) => {
    if (isOver) end(time);
    else finish ??= () => end(time);
  });
  return {
    end: (told) => {
      isOver = true;
      const { [ATTR_ERROR_TYPE]: _, ...counts } = told;
      if (span.isRecording()) span.setAttributes(counts);
      finish?.();
    },
  };
}

const USAGE = /^(?:gen_ai|spanmeter)\.usage\./;

function hasUsage(attributes: Attributes): boolean {
  return Object.keys(attributes).some((name) => USAGE.test(name));
}

function hasCounts(attributes: Attributes): boolean {
  return attributes[ATTR_INPUT_TOKENS] !== undefined && attributes[ATTR_OUTPUT_TOKENS] !== undefined;
}
