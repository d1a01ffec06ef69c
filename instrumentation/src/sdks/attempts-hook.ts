import { context } from '@opentelemetry/api';
import type { AnyFunction, ModuleHook } from '../adapter.ts';
import { currentCall } from '../current-call.ts';
import { asObject } from '../json.ts';

/** Counts attempts after the first: the SDK asks a function of its own until an answer is none to try again. */
function counted(original: AnyFunction): AnyFunction {
  return function (this: unknown, ...args: unknown[]): unknown {
    const [send, ...rest] = args;
    const call = currentCall(context.active());
    if (typeof send !== 'function' || call === undefined) return original.apply(this, args);
    let isFirst = true;
    const attempt = (...given: unknown[]): unknown => {
      if (!isFirst) call.noteRetry();
      isFirst = false;
      return (send as AnyFunction)(...given);
    };
    return original.call(this, attempt, ...rest);
  };
}

/** Watches an SDK's function `name`, which is given the one that sends a request, in those of `files` that exist. */
export function attemptsHook(
  module: string,
  versions: readonly string[],
  files: readonly string[],
  name: string,
): ModuleHook {
  return {
    module,
    versions,
    files,
    patch: (moduleExports, host) => {
      const exported = asObject(moduleExports);
      if (exported !== undefined) host.wrap(exported, name, counted);
      return moduleExports;
    },
  };
}
