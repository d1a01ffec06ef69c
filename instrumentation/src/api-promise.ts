import type { ObservedCall } from './call.ts';
import { hide } from './hidden.ts';
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
  const progress: Progress = { parsing: false };
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
  const parse = value.parseResponse;
  value.parseResponse = async function (this: unknown, ...args: unknown[]): Promise<unknown> {
    progress.parsing = true;
    let parsed: unknown;
    try {
      parsed = await parse.apply(this, args);
    } catch (error) {
      call.fail(error);
      throw error;
    }
    deliver(parsed, call);
    return parsed;
  };
  observeRawResponse(value, call, progress);
}

interface Progress {
  /** The SDK has begun to read the body. */
  parsing: boolean;
}

/**
 * `asResponse()` hands the unread body to the app, and it stays the app's. The call then ends without usage,
 * unless the app also parses it at once (`withResponse()` does both).
 */
function observeRawResponse(promise: ApiPromise, call: ObservedCall, progress: Progress): void {
  const { asResponse, _thenUnwrap: unwrap } = promise;
  if (asResponse !== undefined) {
    hide(promise, 'asResponse', function (this: unknown) {
      const response = asResponse.call(promise);
      // Rejections reach the app through `response`; this branch only looks.
      response.then(
        () => setImmediate(() => (progress.parsing ? undefined : call.abandon())),
        () => undefined,
      );
      return response;
    });
  }
  if (unwrap !== undefined) {
    hide(promise, '_thenUnwrap', (...args: unknown[]) => {
      const derived = unwrap.apply(promise, args);
      if (isApiPromise(derived)) observeRawResponse(derived, call, progress);
      return derived;
    });
  }
}
