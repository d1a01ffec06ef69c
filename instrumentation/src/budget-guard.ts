import { diag, type Attributes } from '@opentelemetry/api';

/**
 * Asks whether a call of these attributes, its attribution among them, may be made; an error is what the app gets in
 * its place.
 */
export type Admit = (call: Attributes) => Error | undefined;

let current: Admit | undefined;

/** Puts a guard before every call; undefined takes it away. */
export function setAdmission(admission: Admit | undefined): void {
  current = admission;
}

/** Why a call must not be made; undefined lets it through. */
export function admit(call: Attributes): Error | undefined {
  try {
    return current?.(call);
  } catch (fault) {
    // A guard that fails must not be what stops an app.
    diag.error('spanmeter: the budget guard failed and is now off', fault);
    current = undefined;
    return undefined;
  }
}

/** What every way of taking a refused call ends in. */
class RefusedCall extends Promise<never> {
  readonly #error: Error;

  /** It never rejects by itself: an app that only iterates must not get an unhandled rejection besides. */
  constructor(error: Error) {
    super(() => undefined);
    this.#error = error;
  }

  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  get #rejected(): Promise<never> {
    return Promise.reject(this.#error);
  }

  override then<A = never, B = never>(
    onResolved?: ((value: never) => A | PromiseLike<A>) | null,
    onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#rejected.then(onResolved, onRejected);
  }

  override catch<B = never>(onRejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<B> {
    return this.#rejected.catch(onRejected);
  }

  override finally(onFinally?: (() => void) | null): Promise<never> {
    return this.#rejected.finally(onFinally);
  }

  // Promises of SDKs.
  asResponse(): Promise<never> {
    return this.#rejected;
  }

  withResponse(): Promise<never> {
    return this.#rejected;
  }

  withRawResponse(): Promise<never> {
    return this.#rejected;
  }

  _thenUnwrap(): this {
    return this;
  }

  // Streams that SDKs give at once.
  next(): Promise<never> {
    return this.#rejected;
  }

  return(): Promise<IteratorResult<never>> {
    return Promise.resolve({ done: true, value: undefined });
  }

  throw(error?: unknown): Promise<never> {
    return Promise.reject(error instanceof Error ? error : this.#error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  getReader(): { read(): Promise<never>; cancel(): Promise<void>; releaseLock(): void } {
    return {
      read: () => this.#rejected,
      cancel: () => Promise.resolve(),
      releaseLock: () => undefined,
    };
  }
}

/**
 * What an app gets for a call that is not made, whichever kind of result it expects: a promise that rejects, with the
 * ways of an SDK's own promise, and a stream whose first chunk fails.
 */
export function refusal(error: Error): unknown {
  return new RefusedCall(error);
}
