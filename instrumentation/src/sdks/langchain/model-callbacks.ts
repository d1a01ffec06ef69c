import { context } from '@opentelemetry/api';
import type { AdapterHost } from '../../adapter.ts';
import { outsideCalls } from '../../current-call.ts';
import { prototypeAt } from '../../json.ts';

/** What tells an app's handlers of a model's call (`@langchain/core@1.4 callbacks/manager`, where 0.3 has it). */
const TELLING: readonly (readonly [className: string, methods: readonly string[]])[] = [
  ['CallbackManager', ['handleLLMStart', 'handleChatModelStart']],
  [
    'CallbackManagerForLLMRun',
    ['handleLLMNewToken', 'handleChatModelStreamEvent', 'handleLLMEnd', 'handleLLMError'],
  ],
];

/**
 * An app's handlers run within the call that they are told of, and may ask models themselves, as a judge does: those
 * are other requests, and what the call used is still to be told.
 */
export function patchCallbacks(moduleExports: unknown, host: AdapterHost): unknown {
  for (const [className, methods] of TELLING) {
    const owner = prototypeAt(moduleExports, [className]);
    if (owner === undefined) continue;
    for (const name of methods) {
      host.wrap(
        owner,
        name,
        (original) =>
          function (this: unknown, ...args: unknown[]): unknown {
            const active = context.active();
            const outside = outsideCalls(active);
            if (outside === active) return original.apply(this, args);
            return context.with(outside, () => original.apply(this, args));
          },
      );
    }
  }
  return moduleExports;
}
