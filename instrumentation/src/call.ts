import { SpanStatusCode, type Attributes, type Span } from '@opentelemetry/api';
import type { Method, StreamReader } from './adapter.ts';
import { asObject } from './json.ts';
import type { ClientMetrics } from './metrics.ts';
import type { OpenCalls } from './open-calls.ts';
import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_STATUS,
  ATTR_INPUT_TOKENS,
  ATTR_OUTPUT_TOKENS,
  ATTR_TIME_TO_FIRST_CHUNK,
  addFormerNames,
} from './semconv.ts';
import type { TextSize } from './text-size.ts';

/** What a call needs from the instrumentation that started it. */
export interface CallHost {
  readonly metrics: ClientMetrics;
  readonly open: OpenCalls;
  readonly formerNames: boolean;
  /** Runs instrumentation code; a fault in it is reported once, disables the adapter and gives undefined. */
  guard<T>(step: () => T): T | undefined;
}

/** How a call's span came to be: ours to end, or the SDK's own, which only gets what it lacks. */
export type SpanOwner = 'instrumentation' | 'sdk';

/** One call under observation, from the request until its one end, whichever way that comes. */
export class ObservedCall {
  readonly method: Method;
  readonly #host: CallHost;
  readonly #span: Span;
  readonly #owner: SpanOwner;
  readonly #start: Attributes;
  readonly #startedMs: number = performance.now();
  #firstTokenMs: number | undefined;
  #partial: (() => Attributes) | undefined;
  #received: (() => TextSize) | undefined;
  /** The request's parameters, for as long as the call lasts. */
  #body: unknown;
  #ended = false;
  /** The response is here and the app has it, or never asks for it. Such calls may be given up. */
  answered = false;
  /** Something happened since the last look of the sweeper. */
  touched = true;

  constructor(
    host: CallHost,
    method: Method,
    span: Span,
    owner: SpanOwner,
    attributes: Attributes,
    body: unknown,
  ) {
    this.#host = host;
    this.method = method;
    this.#span = span;
    this.#owner = owner;
    this.#start = attributes;
    this.#body = body;
    host.open.add(this);
    if (owner === 'sdk') this.#tellBeforeEnd(span);
  }

  /** An SDK that ends its own span does so before the app's iterator closes, and then nothing more is taken. */
  #tellBeforeEnd(span: Span): void {
    const end = span.end.bind(span);
    span.end = (endTime) => {
      this.#host.guard(() => {
        if (this.#ended || this.#received === undefined || !span.isRecording()) return;
        const sizes: Attributes = {};
        this.#putSizes(this.#soFar(), sizes);
        span.setAttributes(sizes);
      });
      end(endTime);
    };
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Instrumentation code around this call: never throws into the app. */
  guard<T>(step: () => T): T | undefined {
    return this.#host.guard(step);
  }

  /** Notes the first chunk that carries output. */
  firstToken(): void {
    this.#firstTokenMs ??= performance.now();
  }

  /** Where to find what a stream has told so far, should the call end early. */
  reportsThrough(reader: StreamReader): void {
    this.#partial = () => reader.attributes();
    this.#received = () => reader.received();
  }

  /** The response arrived whole. */
  succeed(response: unknown): void {
    const { response: read, responseSize } = this.method;
    if (responseSize !== undefined) this.#received = () => responseSize(response);
    this.#end(this.#host.guard(() => read(response)) ?? {}, undefined);
  }

  /** The stream arrived whole. */
  succeedStream(): void {
    this.#end(this.#soFar(), undefined);
  }

  /**
   * The call failed. The error's message stays out of the span: providers quote prompts and keys in it. An
   * abort by the app is no failure and leaves the status unset.
   */
  fail(error: unknown): void {
    this.#end(this.#soFar(), isAbort(error) ? undefined : error);
  }

  /** The app turned away: break, abort, a body it reads itself, or a stream it never reads. */
  abandon(): void {
    this.#end(this.#soFar(), undefined);
  }

  #soFar(): Attributes {
    return (this.#partial === undefined ? undefined : this.#host.guard(this.#partial)) ?? {};
  }

  /** `attributes` is this call's own object and is added to. */
  #end(attributes: Attributes, error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#host.open.delete(this);
    this.#host.guard(() => {
      const durationMs = performance.now() - this.#startedMs;
      if (this.#firstTokenMs !== undefined) {
        attributes[ATTR_TIME_TO_FIRST_CHUNK] = (this.#firstTokenMs - this.#startedMs) / 1000;
      }
      if (error !== undefined) describeError(error, attributes);
      this.#host.metrics.record(durationMs, this.#start, attributes);
      if (this.#host.formerNames) addFormerNames(attributes);
      if (error === undefined && this.#span.isRecording()) {
        this.#host.guard(() => this.#putSizes(attributes, attributes));
      }
      if (this.#span.isRecording()) {
        this.#span.setAttributes(attributes);
        if (this.#owner === 'instrumentation' && error !== undefined) {
          this.#span.setStatus({ code: SpanStatusCode.ERROR });
        }
      }
    });
    this.#body = undefined;
    if (this.#owner === 'instrumentation') this.#host.guard(() => this.#span.end());
  }

  /** Of what the provider did not count, how much text it was: the collector may estimate tokens from it. */
  #putSizes(known: Attributes, into: Attributes): void {
    if (known[ATTR_INPUT_TOKENS] === undefined) this.method.requestSize(this.#body).put(into, 'input');
    if (known[ATTR_OUTPUT_TOKENS] === undefined) this.#received?.().put(into, 'output');
  }
}

function describeError(error: unknown, attributes: Attributes): void {
  const status = asObject(error)?.['status'];
  if (typeof status === 'number') {
    attributes[ATTR_HTTP_STATUS] = status;
    attributes[ATTR_ERROR_TYPE] = String(status);
    return;
  }
  attributes[ATTR_ERROR_TYPE] = error instanceof Error ? error.constructor.name : '_OTHER';
}

function isAbort(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === 'AbortError' || error.constructor.name === 'APIUserAbortError';
}
