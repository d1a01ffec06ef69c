import { context } from '@opentelemetry/api';
import type { AnyFunction } from './adapter.ts';
import { currentCall } from './current-call.ts';

/** Wraps an SDK's own way to try again, counted for the call that it is for. */
export function countRetries(original: AnyFunction): AnyFunction {
  return function (this: unknown, ...args: unknown[]): unknown {
    currentCall(context.active())?.noteRetry();
    return original.apply(this, args);
  };
}
