import { types } from 'node:util';
import { context } from '@opentelemetry/api';
import type { StreamReader } from './adapter.ts';
import type { ObservedCall } from './call.ts';
import { canHide, hide, namedLike } from './hidden.ts';
import { asObject, type Json } from './json.ts';

/** The stream of OpenAI's and Anthropic's SDKs: a public `iterator` that every way of reading goes through. */
interface SdkStream {
  iterator: (this: unknown) => AsyncIterator<unknown>;
  controller?: { readonly signal?: AbortSignal };
}

/** Ends calls whose stream, or whose iterator, was dropped without being read to its end. */
const dropped = new FinalizationRegistry<ObservedCall>((call) => call.lose());

function isSdkStream(value: unknown): value is SdkStream {
  return isIterable(value) && Object.hasOwn(value, 'iterator') && typeof value['iterator'] === 'function';
}

/** What has `next` alone may as well be a page of results, or iterate synchronously. */
function isIterator(value: unknown): value is AsyncIterator<unknown> {
  return isIterable(value) && typeof value['next'] === 'function';
}

function isIterable(value: unknown): value is AsyncIterable<unknown> & Json {
  return typeof (value as Partial<AsyncIterable<unknown>> | null)?.[Symbol.asyncIterator] === 'function';
}

/** Whether `observeStream` can watch this. */
export function isStream(value: unknown): boolean {
  return asObject(value) !== undefined && isIterable(value);
}

/**
 * Watches `stream` by replacing the iterator of this one instance: the app keeps the SDK's object, each chunk passes
 * once, nothing is buffered or read ahead, and `break` still aborts the request. Only the first iterator is watched,
 * since a second one can only throw or find nothing.
 */
export function observeStream(stream: unknown, call: ObservedCall): void {
  const reader = call.openReader();
  if (reader === undefined) return;
  if (isSdkStream(stream) && canHide(stream, 'iterator')) return observeSdkStream(stream, call, reader);
  const readable = stream instanceof ReadableStream;
  if (isIterator(stream) && canHide(stream, 'next')) {
    watchIterator(stream, call, reader);
    dropped.register(stream, call, call);
  } else if (isIterable(stream) && canHide(stream, Symbol.asyncIterator)) {
    if (readable) observeReaders(stream, call, reader);
    observeIterable(stream, call, reader);
  } else call.abandon();
}

/** `tee()` and `toReadableStream()` of these streams go through the same iterator. */
function observeSdkStream(stream: SdkStream, call: ObservedCall, reader: StreamReader): void {
  const iterate = stream.iterator;
  const signal = stream.controller?.signal;
  const onAbort = (): void => call.abandon();
  // For an abort of a stream that nobody reads. Once someone does, the iterator sees every end, and the SDK
  // itself aborts the controller after an error, which must not hide the error.
  signal?.addEventListener('abort', onAbort, { once: true });
  const watched = watchedOnce(iterate, stream, call, reader, () =>
    signal?.removeEventListener('abort', onAbort),
  );
  stream.iterator = namedLike(watched, iterate);
}

function observeIterable(stream: AsyncIterable<unknown>, call: ObservedCall, reader: StreamReader): void {
  // A proxy may answer with a function of its own that asks the stream behind it (`@google/genai@3.1
  // wrapStreamErrors`): what is hidden there then must not lead back to the proxy.
  const iterates = types.isProxy(stream) ? (Object.getPrototypeOf(stream) as typeof stream) : stream;
  hide(stream, Symbol.asyncIterator, watchedOnce(iterates[Symbol.asyncIterator], stream, call, reader));
}

/** `iterate`, whose first result is watched. */
function watchedOnce(
  iterate: (this: unknown) => AsyncIterator<unknown>,
  stream: object,
  call: ObservedCall,
  reader: StreamReader,
  onFirst?: () => void,
): (this: unknown, ...args: unknown[]) => AsyncIterator<unknown> {
  let watching = false;
  dropped.register(stream, call, call);
  return function (this: unknown, ...args: unknown[]): AsyncIterator<unknown> {
    const source: AsyncIterator<unknown> = Reflect.apply(iterate, this, args);
    if (watching || call.ended) return source;
    watching = true;
    call.guard(() => {
      onFirst?.();
      // The app may keep only the iterator and drop the stream, so the iterator is what counts from now on.
      dropped.unregister(call);
      if (!canHide(source, 'next')) return call.abandon();
      dropped.register(source, call, call);
      watchIterator(source, call, reader);
    });
    return source;
  };
}

/** A web stream's own readers, which its iterator does not use. */
function observeReaders(stream: object, call: ObservedCall, reader: StreamReader): void {
  const readable = stream as Record<'getReader' | 'cancel', Step>;
  observePipes(stream as ReadableStream<unknown>, call, reader);
  const { getReader } = readable;
  hide(stream, 'getReader', (...args: unknown[]) => {
    const source = getReader.apply(stream, args) as Record<'read' | 'cancel', Step>;
    call.guard(() => {
      if (call.ended || !canHide(source, 'read')) return;
      const steps = watchSteps(call, reader);
      const { read } = source;
      hide(source, 'read', (...rest: unknown[]) => {
        steps.asked();
        return (read.apply(source, rest) as Promise<IteratorResult<unknown>>).then(
          steps.arrived,
          steps.failed,
        );
      });
      closeOn(source, steps.closed);
    });
    return source;
  });
  closeOn(readable, () => call.abandon());
}

/**
 * Pipes read a web stream from inside, where nothing can be watched: what is piped is a stream that asks this one
 * for a chunk only when it is asked itself, and passes on every end as it is.
 */
function observePipes(stream: ReadableStream<unknown>, call: ObservedCall, reader: StreamReader): void {
  const getReader = stream.getReader.bind(stream) as () => ReadableStreamDefaultReader<unknown>;
  for (const name of ['pipeThrough', 'pipeTo', 'tee'] as const) {
    const original = stream[name] as Step;
    hide(stream, name, (...args: unknown[]) => {
      // A stream that outlives its pipe is the app's to read on.
      const keeps = Boolean(asObject(args[1])?.['preventCancel']);
      const watches = !call.ended && !stream.locked && !keeps;
      // What is teed stays locked; a pipe gives its stream back.
      const frees = name !== 'tee';
      const source = watches ? call.guard(() => relay(getReader(), call, reader, frees)) : undefined;
      // Ours may be the second call that watches: what was hidden before is of this stream, not of the relay.
      const pipe = source === undefined ? original : (ReadableStream.prototype[name] as Step);
      return pipe.apply(source ?? stream, args);
    });
  }
}

function relay(
  source: ReadableStreamDefaultReader<unknown>,
  call: ObservedCall,
  reader: StreamReader,
  frees: boolean,
): ReadableStream<unknown> {
  const steps = watchSteps(call, reader);
  const free = (): void => (frees ? source.releaseLock() : undefined);
  dropped.unregister(call);
  dropped.register(source, call, call);
  return new ReadableStream<unknown>(
    {
      async pull(controller) {
        steps.asked();
        try {
          const { done, value } = await source.read().then(steps.arrived, steps.failed);
          if (!done) return controller.enqueue(value);
          controller.close();
        } catch (error) {
          free();
          throw error;
        }
        free();
      },
      cancel(reason) {
        steps.closed();
        return source.cancel(reason).finally(free);
      },
    },
    { highWaterMark: 0 },
  );
}

type Step = (this: unknown, ...args: unknown[]) => unknown;

function closeOn(source: Record<'cancel', Step>, closed: () => void): void {
  const { cancel } = source;
  hide(source, 'cancel', (...args: unknown[]) => {
    closed();
    return cancel.apply(source, args);
  });
}

interface Steps {
  readonly asked: () => void;
  readonly arrived: <R extends { readonly done?: boolean | undefined; readonly value?: unknown }>(
    result: R,
  ) => R;
  readonly failed: (error: unknown) => never;
  readonly closed: () => void;
}

/** `for await` takes any truth for it. */
function isDone(done: unknown): boolean {
  return Boolean(done);
}

function watchSteps(call: ObservedCall, reader: StreamReader): Steps {
  let waitingForFirst = true;
  return {
    asked: () => {
      call.isAwaited = true;
    },
    arrived: (result) => {
      call.isAwaited = false;
      if (call.ended) return result;
      try {
        call.touched = true;
        const { done, value } = asObject(result) ?? {};
        if (isDone(done)) {
          dropped.unregister(call);
          call.succeedStream();
        } else if (reader.read(value)) {
          if (waitingForFirst) call.firstToken();
          else call.nextChunk();
          waitingForFirst = false;
        }
      } catch (fault) {
        call.fault(fault);
      }
      return result;
    },
    failed: (error) => {
      dropped.unregister(call);
      call.fail(error);
      throw error;
    },
    closed: () => {
      dropped.unregister(call);
      call.abandon();
    },
  };
}

/** An iterator's methods as properties, to be replaced one by one. */
interface IteratorSteps {
  next: (...args: unknown[]) => Promise<IteratorResult<unknown>>;
  return?: (value?: unknown) => Promise<IteratorResult<unknown>>;
  throw?: (error?: unknown) => Promise<IteratorResult<unknown>>;
}

/** Replaces next, return and throw on this iterator, which stays the same object. */
function watchIterator(source: AsyncIterator<unknown>, call: ObservedCall, reader: StreamReader): void {
  const { next, return: close, throw: raise } = source as unknown as IteratorSteps;
  const steps = watchSteps(call, reader);
  const hides = reader.hides?.bind(reader);
  const { inside } = call;
  const ask =
    (call.isLazy || call.isLayer) && inside !== undefined
      ? (args: unknown[]) => context.with(inside, () => next.apply(source, args))
      : (args: unknown[]) => next.apply(source, args);
  hide(
    source,
    'next',
    hides === undefined
      ? (...args: unknown[]) => follow(() => ask(args), steps)
      : (...args: unknown[]) => visible(() => ask(args), steps, hides, call),
  );
  if (close !== undefined) {
    hide(source, 'return', (value?: unknown) => {
      steps.closed();
      return close.call(source, value);
    });
  }
  if (raise !== undefined) {
    hide(source, 'throw', (error?: unknown) => {
      dropped.unregister(call);
      call.fail(error);
      return raise.call(source, error);
    });
  }
}

/** An iterator of the app's own may give its results as they are, without a promise, or throw. */
function follow(ask: () => Promise<IteratorResult<unknown>>, steps: Steps): Promise<IteratorResult<unknown>> {
  let result: Promise<IteratorResult<unknown>>;
  steps.asked();
  try {
    result = ask();
  } catch (error) {
    return steps.failed(error);
  }
  return typeof asObject(result)?.['then'] === 'function'
    ? result.then(steps.arrived, steps.failed)
    : (steps.arrived(result as { readonly done?: boolean }) as typeof result);
}

/** The next chunk that is the app's: those that only we asked for are looked at and passed over. */
async function visible(
  next: () => Promise<IteratorResult<unknown>>,
  steps: Steps,
  hides: (chunk: unknown) => boolean,
  call: ObservedCall,
): Promise<IteratorResult<unknown>> {
  for (;;) {
    const result = await follow(next, steps);
    if (isDone(result.done) || call.guard(() => hides(result.value)) !== true) return result;
  }
}
