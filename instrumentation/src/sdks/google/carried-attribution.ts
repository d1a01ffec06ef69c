import { context } from '@opentelemetry/api';
import type { AdapterHost, AnyFunction } from '../../adapter.ts';
import { attributedContext, contextOfCall, keepAttribution, withCallAttribution } from '../../attribution.ts';
import { canHide, hide } from '../../hidden.ts';
import { asObject, prototypeAt } from '../../json.ts';
import { isPromise } from '../../promises.ts';

/** Where the SDK copies parameters that have tools, field by field; its name in later versions and in earlier ones. */
const COPYING = ['processParamsMaybeAddMcpUsage', 'processParamsForMcpUsage'];

/** What gives streams of several requests. */
const ASKING_AGAIN = ['processAfcStream', 'generateContentStreamWithContinuation'];

/**
 * Keeps what `attributed` was given where the SDK asks on behalf of the app: with tools, in chats, and in the further
 * requests of a stream (`@google/genai@3.1 dist/node/index.mjs`).
 */
export function carryAttribution(moduleExports: unknown, host: AdapterHost): void {
  const models = prototypeAt(moduleExports, ['Models']);
  if (models !== undefined) {
    for (const name of COPYING) host.wrap(models, name, (original) => keptInCopies(original, host));
    for (const name of ASKING_AGAIN) host.wrap(models, name, (original) => keptInStream(original, host));
  }
  const chats = prototypeAt(moduleExports, ['Chats']);
  if (chats !== undefined) host.wrap(chats, 'create', (original) => keptInChats(original, host));
}

function keptInCopies(original: AnyFunction, host: AdapterHost): AnyFunction {
  return function (this: unknown, ...args: unknown[]): unknown {
    const result = original.apply(this, args);
    if (!host.isActive() || !isPromise(result)) return result;
    return result.then((copy: unknown) => {
      host.guard(() => keepAttribution(args[0], copy));
      return copy;
    });
  };
}

/** Its requests leave when the app asks for chunks, wherever that is. */
function keptInStream(original: AnyFunction, host: AdapterHost): AnyFunction {
  return function (this: unknown, ...args: unknown[]): unknown {
    const result = original.apply(this, args);
    if (!host.isActive() || !isPromise(result)) return result;
    const attributes = host.guard(() => withCallAttribution(context.active(), args)) ?? {};
    if (Object.keys(attributes).length === 0) return result;
    return result.then((stream: unknown) => {
      host.guard(() => {
        const source = asObject(stream);
        const next = source?.['next'];
        if (source === undefined || typeof next !== 'function' || !canHide(source, 'next')) return;
        hide(source, 'next', (...rest: unknown[]): unknown =>
          context.with(
            attributedContext(context.active(), attributes),
            () => Reflect.apply(next, source, rest) as unknown,
          ),
        );
      });
      return stream;
    });
  };
}

/** The class of chats, from the first that is made. */
function keptInChats(original: AnyFunction, host: AdapterHost): AnyFunction {
  return function (this: unknown, ...args: unknown[]): unknown {
    const chat = original.apply(this, args);
    host.guard(() => {
      const prototype = asObject(Object.getPrototypeOf(chat));
      if (prototype === undefined) return;
      for (const name of ['sendMessage', 'sendMessageStream']) {
        host.wrap(prototype, name, (send) => keptInMessage(send, host));
      }
    });
    return chat;
  };
}

function keptInMessage(original: AnyFunction, host: AdapterHost): AnyFunction {
  return function (this: unknown, ...args: unknown[]): unknown {
    const around = host.isActive() ? host.guard(() => contextOfCall(context.active(), args)) : undefined;
    return around === undefined
      ? original.apply(this, args)
      : context.with(around, () => original.apply(this, args));
  };
}
