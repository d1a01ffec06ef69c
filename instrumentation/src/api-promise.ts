import type { ObservedCall } from './call.ts';
import { CLOCK } from './clock.ts';
import { canHide, hide, namedLike } from './hidden.ts';
import { asObject } from './json.ts';
import { deliver } from './deliver.ts';

/**
 * The promise that the OpenAI and Anthropic SDKs return. It resolves nothing by itself: `then`, `catch` and
 * `finally` call `parse()`, which reads the body, so none of them may be called to observe it.
 */
export interface ApiPromise {
  responsePromise: Promise<unknown>;
  parseResponse: (...args: unknown[]) => unknown;
  asResponse?: () => Promise<unknown>;
  _thenUnwrap?: (...args: unknown[]) => unknown;
}

/** Whether `value` is such a promise. */
export function isApiPromise(value: unknown): value is ApiPromise {
  const promise = asObject(value);
  return (
    promise !== undefined &&
    typeof promise['parseResponse'] === 'function' &&
    typeof asObject(promise['responsePromise'])?.['then'] === 'function'
  );
}

/** Watches the SDK's promise in place: the app gets the very object that the SDK made. */
export function observeApiPromise(value: ApiPromise, call: ObservedCall): void {
  // Frozen, it cannot be watched; and nothing may be made of its promise that then rejects unseen.
  if (!canHide(value, 'responsePromise') || !canHide(value, 'parseResponse')) return call.abandon();
  const progress: Progress = { parsing: false, parsed: false };
  // The derived promise takes the place of the original, so that a rejection nobody handles is still one.
  value.responsePromise = value.responsePromise.then(
    (props) => {
      call.answer();
      return props;
    },
    (error: unknown) => {
      call.fail(error);
      throw error;
    },
  );
  observeParsing(value, call, progress);
  observeWaysOut(value, call, progress);
}

interface Progress {
  /** The SDK has begun to read the body. */
  parsing: boolean;
  /** What it read has been looked at. */
  parsed: boolean;
}

function observeParsing(promise: ApiPromise, call: ObservedCall, progress: Progress): void {
  const parse = promise.parseResponse;
  // An async function of two parameters, as the SDK's own is: a promise shows it in logs.
  const observed = async function (
    this: unknown,
    client: unknown,
    props: unknown,
    ...rest: unknown[]
  ): Promise<unknown> {
    progress.parsing = true;
    dropped.unregister(call);
    call.goOn();
    // Some servers send headers at once and the body after many minutes.
    call.isAwaited = true;
    let parsed: unknown;
    try {
      parsed = await parse.call(this, client, props, ...rest);
    } catch (error) {
      call.fail(error);
      throw error;
    }
    call.isAwaited = false;
    look(parsed, call, progress);
    return parsed;
  };
  promise.parseResponse = namedLike(observed, parse);
}

function look(parsed: unknown, call: ObservedCall, progress: Progress): void {
  if (progress.parsed) return;
  progress.parsed = true;
  deliver(parsed, call);
}

/** Calls whose promise was dropped after its body was handed out unread. */
const dropped = new FinalizationRegistry<ObservedCall>((call) => call.abandon());

/**
 * The app has the unread body, and may read it itself or still have it parsed, when it has looked at the headers: only
 * what can no longer be parsed has ended without usage.
 */
function handOut(promise: ApiPromise, response: unknown, call: ObservedCall, progress: Progress): void {
  if (progress.parsing) return;
  if (asObject(response)?.['bodyUsed'] !== false) return call.abandon();
  call.hold();
  dropped.register(promise, call, call);
}

/**
 * `asResponse()` hands the unread body to the app, and it stays the app's. The call then ends without usage,
 * unless the app also parses it (`withResponse()` does both). `_thenUnwrap()` gives helpers such as
 * `parse()` a promise of their own.
 */
function observeWaysOut(promise: ApiPromise, call: ObservedCall, progress: Progress): void {
  const { asResponse, _thenUnwrap: unwrap } = promise;
  if (asResponse !== undefined) {
    hide(promise, 'asResponse', function (this: unknown) {
      const response = asResponse.call(promise);
      // `response` is the app's: a look at it would hide a rejection that nobody handles.
      promise.responsePromise.then(
        (props) =>
          CLOCK.setImmediate(() =>
            call.guard(() => handOut(promise, asObject(props)?.['response'], call, progress)),
          ),
        () => undefined,
      );
      return response;
    });
  }
  if (unwrap !== undefined) {
    hide(promise, '_thenUnwrap', (...args: unknown[]) => {
      const [transform, ...rest] = args;
      const derived = unwrap.call(promise, observedTransform(transform, call, progress), ...rest);
      if (!isApiPromise(derived)) return derived;
      if (derived.responsePromise !== promise.responsePromise) {
        // openai@7.57 src/client `responsePromise`: made from the SDK's own promise, past the one we replaced,
        // whose rejection is told where nobody handles this one.
        derived.responsePromise = promise.responsePromise;
        observeParsing(derived, call, progress);
      }
      observeWaysOut(derived, call, progress);
      return derived;
    });
  }
}

/** Sees what the SDK parsed before a helper makes something else of it, or throws. */
function observedTransform(transform: unknown, call: ObservedCall, progress: Progress): unknown {
  if (typeof transform !== 'function') return transform;
  return function (this: unknown, ...args: unknown[]): unknown {
    look(args[0], call, progress);
    return Reflect.apply(transform, this, args);
  };
}
