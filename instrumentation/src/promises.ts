import { types } from 'node:util';

/** Any promise of the language, of whichever realm, and any of the class that the app has put in its place. */
export function isPromise(value: unknown): value is Promise<unknown> {
  return types.isPromise(value) || value instanceof Promise;
}

const NATIVE: object = Object.getPrototypeOf((async () => undefined)()) as object;

/**
 * A promise of no subclass. What an `async` function gives is one also where the app has another global `Promise`; and
 * `await` does not ask it for its `then`.
 */
export function isPlainPromise(value: unknown): value is Promise<unknown> {
  if (!isPromise(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === NATIVE || prototype === Promise.prototype;
}
