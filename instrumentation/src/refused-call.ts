/** The result of a call that was not made: every way of taking it ends in its error. */
export class RefusedCall extends Promise<never> {
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

  // Like the promises of SDKs, which ask for nothing until somebody does.
  // oxlint-disable-next-line unicorn/no-thenable
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
