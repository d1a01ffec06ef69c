import { context, propagation, type Context } from '@opentelemetry/api';
import type { AnyFunction } from './adapter.ts';
import { withoutBaggage } from './attribution.ts';
import { asObject } from './json.ts';
import { serverOf } from './provider.ts';

/**
 * Wraps the method of a client that every request goes through, those that ask no model too: the app's baggage stays
 * here. Within an observed call there is none any more.
 */
export function keepBaggage(original: AnyFunction): AnyFunction {
  return function (this: unknown, ...args: unknown[]): unknown {
    const active = context.active();
    if (propagation.getBaggage(active) === undefined) return original.apply(this, args);
    return context.with(bareContext(active, this), () => original.apply(this, args));
  };
}

function bareContext(active: Context, client: unknown): Context {
  try {
    return withoutBaggage(active, serverOf(asObject(client)?.['baseURL']).address);
  } catch {
    // The request is the app's: it is made all the same.
    return propagation.deleteBaggage(active);
  }
}
