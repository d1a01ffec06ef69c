import { isApiPromise, observeApiPromise } from './api-promise.ts';
import type { ObservedCall } from './call.ts';
import { deliver } from './deliver.ts';
import { canHide, hide } from './hidden.ts';
import { asObject } from './json.ts';
import { isPlainPromise } from './promises.ts';
import { isStream, observeStream } from './stream.ts';

/**
 * Watches what an SDK's method returned, and gives what the app gets: the same object, but for a plain promise,
 * which is followed by another plain promise, so that a rejection that nobody handles is still one.
 */
export function watchResult(result: unknown, call: ObservedCall): unknown {
  if (isApiPromise(result)) {
    observeApiPromise(result, call);
    return result;
  }
  if (isPlainPromise(result)) return followPromise(result, call);
  if (isThenable(result)) {
    if (canHide(result, 'then')) tapThen(result, call);
    else call.abandon();
    return result;
  }
  if (call.kind.stream !== undefined && isStream(result)) {
    call.isLazy = true;
    observeStream(result, call);
    return result;
  }
  call.succeed(result);
  return result;
}

/** A thing with a `then` of its own class. */
export interface Thenable {
  then: (onResolved?: Settle | null, onRejected?: Settle | null) => unknown;
}

type Settle = (value: unknown) => unknown;

function isThenable(value: unknown): value is Thenable {
  return typeof asObject(value)?.['then'] === 'function';
}

function followPromise(promise: Promise<unknown>, call: ObservedCall): Promise<unknown> {
  const followed = promise.then(
    (value) => {
      call.answer();
      deliver(value, call);
      return value;
    },
    (error: unknown) => {
      call.fail(error);
      throw error;
    },
  );
  // What an SDK puts on its promise, such as a way to abort, goes along. Symbols are those of async hooks.
  for (const name of Object.getOwnPropertyNames(promise)) {
    const property = Object.getOwnPropertyDescriptor(promise, name);
    if (property !== undefined) Reflect.defineProperty(followed, name, property);
  }
  return followed;
}

/**
 * Watches a promise of a class of its own without asking it for anything: only where the app does (`await` does
 * too), what comes is looked at on its way. `catch` and `finally` of most such classes go through `then`.
 */
export function tapThen(promise: Thenable, call: ObservedCall): void {
  const then = promise.then;
  let isDelivered = false;
  hide(promise, 'then', (onResolved?: Settle | null, onRejected?: Settle | null) =>
    then.call(
      promise,
      (value) => {
        // The app may ask as often as it likes; a stream that it then reads is watched once.
        if (!isDelivered && !call.ended) {
          isDelivered = true;
          call.answer();
          deliver(value, call);
        }
        return typeof onResolved === 'function' ? onResolved(value) : value;
      },
      (error) => {
        call.fail(error);
        if (typeof onRejected === 'function') return onRejected(error);
        throw error;
      },
    ),
  );
}
