import type { StreamReader } from './adapter.ts';
import type { ObservedCall } from './call.ts';
import { asObject } from './json.ts';

/** The SDKs' stream: a public `iterator` that every way of reading goes through, and a controller. */
interface SdkStream {
  iterator: (this: unknown) => AsyncIterator<unknown>;
  controller?: { readonly signal?: AbortSignal };
}

/** Ends calls whose stream, or whose iterator, was dropped without being read to its end. */
const dropped = new FinalizationRegistry<ObservedCall>((call) => call.abandon());

/** Whether a parsed response is a stream of the shape that `observeStream` knows. */
export function isSdkStream(value: unknown): value is SdkStream {
  return typeof asObject(value)?.['iterator'] === 'function';
}

/**
 * Watches `stream` by replacing the `iterator` of this one instance: the app keeps the SDK's object, each
 * chunk passes once, nothing is buffered or read ahead, and `break` still aborts the request. `tee()` and
 * `toReadableStream()` go through the same iterator. Only the first iterator is watched, since a second one
 * can only throw.
 */
export function observeStream(stream: SdkStream, call: ObservedCall): void {
  const iterate = stream.iterator;
  const signal = stream.controller?.signal;
  const onAbort = (): void => call.abandon();
  // For an abort of a stream that nobody reads. Once someone does, the iterator sees every end, and the SDK
  // itself aborts the controller after an error, which must not hide the error.
  signal?.addEventListener('abort', onAbort, { once: true });
  const reader = call.method.stream();
  call.reportsThrough(reader);
  let watching = false;
  stream.iterator = function (this: unknown): AsyncIterator<unknown> {
    const source = iterate.call(this);
    if (watching || call.ended) return source;
    watching = true;
    call.guard(() => {
      signal?.removeEventListener('abort', onAbort);
      // The app may keep only the iterator and drop the stream, so the iterator is what counts from now on.
      dropped.unregister(call);
      dropped.register(source, call, call);
      watchIterator(source, call, reader);
    });
    return source;
  };
  dropped.register(stream, call, call);
}

/** An iterator's methods as properties, to be replaced one by one. */
interface IteratorSteps {
  next: (...args: unknown[]) => Promise<IteratorResult<unknown>>;
  return?: (value?: unknown) => Promise<IteratorResult<unknown>>;
  throw?: (error?: unknown) => Promise<IteratorResult<unknown>>;
}

/** Replaces next, return and throw on this iterator, which stays the same object. */
function watchIterator(source: AsyncIterator<unknown>, call: ObservedCall, reader: StreamReader): void {
  const steps = source as unknown as IteratorSteps;
  const { next, return: close, throw: raise } = steps;
  let waitingForFirst = true;
  const look = (result: IteratorResult<unknown>): void => {
    call.touched = true;
    if (result.done === true) {
      dropped.unregister(call);
      call.succeedStream();
    } else if (reader.read(result.value) && waitingForFirst) {
      waitingForFirst = false;
      call.firstToken();
    }
  };
  const observed = (result: IteratorResult<unknown>): IteratorResult<unknown> => {
    if (!call.ended) call.guard(() => look(result));
    return result;
  };
  const failed = (error: unknown): never => {
    dropped.unregister(call);
    call.fail(error);
    throw error;
  };
  steps.next = (...args) => next.apply(source, args).then(observed, failed);
  if (close !== undefined) {
    steps.return = (value) => {
      dropped.unregister(call);
      call.abandon();
      return close.call(source, value);
    };
  }
  if (raise !== undefined) {
    steps.throw = (error) => {
      dropped.unregister(call);
      call.fail(error);
      return raise.call(source, error);
    };
  }
}
