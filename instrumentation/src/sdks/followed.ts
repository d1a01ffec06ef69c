import type { AdapterHost } from '../adapter.ts';
import { isPromise } from '../promises.ts';

/**
 * Gives what `step` gives and throws what it throws, once `answered` or `failed` has heard of it; a promise is followed
 * by another, so that a rejection that nobody handles still is one.
 */
export function followed(
  host: AdapterHost,
  step: () => unknown,
  answered: (value: unknown) => void,
  failed: (error: unknown) => void,
): unknown {
  const pass = (value: unknown): unknown => {
    host.guard(() => answered(value));
    return value;
  };
  const fail = (error: unknown): never => {
    host.guard(() => failed(error));
    throw error;
  };
  let result: unknown;
  try {
    result = step();
  } catch (error) {
    return fail(error);
  }
  return isPromise(result) ? result.then(pass, fail) : pass(result);
}
