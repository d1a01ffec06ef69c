import { context } from '@opentelemetry/api';
import type { AnyFunction, ModuleHook } from '../../adapter.ts';
import { currentCall } from '../../current-call.ts';
import { asObject } from '../../json.ts';

/** Counts attempts after the first: the SDK asks a function of its own until an answer is none to try again. */
function counted(original: AnyFunction): AnyFunction {
  return function (this: unknown, ...args: unknown[]): unknown {
    const [send, ...rest] = args;
    const call = currentCall(context.active());
    if (typeof send !== 'function' || call === undefined) return original.apply(this, args);
    let isFirst = true;
    const attempt = (): unknown => {
      if (!isFirst) call.noteRetry();
      isFirst = false;
      return (send as () => unknown)();
    };
    return original.call(this, attempt, ...rest);
  };
}

/** How `cohere-ai@7` and `@8` repeat a request, twice unless told otherwise (`requestWithRetries`). */
export function cohereAttempts(versions: readonly string[]): ModuleHook {
  return {
    module: 'cohere-ai',
    versions,
    files: ['core/fetcher/requestWithRetries.js'],
    patch: (moduleExports, host) => {
      const exported = asObject(moduleExports);
      if (exported !== undefined) host.wrap(exported, 'requestWithRetries', counted);
      return moduleExports;
    },
  };
}
