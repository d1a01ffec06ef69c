import type { ObservedCall } from '../../call.ts';
import { deliver } from '../../deliver.ts';
import { asObject } from '../../json.ts';
import { isPromise } from '../../promises.ts';

/** What `then` and `withRawResponse()` of the SDK's promise are made of (`cohere-ai@8.1 core/fetcher`). */
interface ResponsePromise {
  innerPromise: Promise<unknown>;
}

function isResponsePromise(value: unknown): value is ResponsePromise {
  return isPromise(asObject(value)?.['innerPromise']);
}

/**
 * Watches the SDK's promise in place, whichever way the app asks it. The promise inside is followed by another,
 * so that a rejection that nobody handles is still one. Undefined for another shape, as older versions give.
 */
export function watchResponsePromise(result: unknown, call: ObservedCall): unknown {
  if (!isResponsePromise(result)) return undefined;
  result.innerPromise = result.innerPromise.then(
    (answer) => {
      call.answer();
      deliver(asObject(answer)?.['data'], call);
      return answer;
    },
    (error: unknown) => {
      call.fail(error);
      throw error;
    },
  );
  return result;
}
