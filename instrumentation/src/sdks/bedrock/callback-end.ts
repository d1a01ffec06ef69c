import type { ObservedCall } from '../../call.ts';
import { deliver } from '../../deliver.ts';

/**
 * What a call in the callback form returns to its observer in place of a promise. The callback's outcome is looked
 * at right before the app gets it, so that a stream is watched before the app can read it.
 */
export class CallbackEnd {
  #call: ObservedCall | undefined;

  watch(call: ObservedCall): this {
    this.#call = call;
    return this;
  }

  /** The arguments that the SDK calls the app's callback with. */
  settle(args: readonly unknown[]): void {
    const call = this.#call;
    if (call === undefined || call.ended) return;
    const [error, value] = args;
    if (error !== null && error !== undefined) return call.fail(error);
    call.answer();
    deliver(value, call);
  }
}
