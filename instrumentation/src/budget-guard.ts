import type { Attributes } from '@opentelemetry/api';
import { diagnostics } from './diagnostics.ts';
import { describeFault } from './faults.ts';
import { RefusedCall } from './refused-call.ts';

/**
 * Asks whether a call of these attributes, its attribution among them, may be made; an error is what the app gets in
 * its place.
 */
export type Admit = (call: Attributes) => Error | undefined;

// A global symbol, so that a guard that is started in one copy of this package holds what another one observes.
const ADMISSION = Symbol.for('spanmeter.admission');

const holder = globalThis as unknown as { [ADMISSION]?: Admit | undefined };

/** Puts a guard before every call; undefined takes it away. */
export function setAdmission(admission: Admit | undefined): void {
  holder[ADMISSION] = admission;
}

/** Takes a guard away, unless another one has taken its place. */
export function endAdmission(admission: Admit): void {
  if (holder[ADMISSION] === admission) holder[ADMISSION] = undefined;
}

/** Why a call must not be made; undefined lets it through. */
export function admit(call: Attributes): Error | undefined {
  try {
    return holder[ADMISSION]?.(call);
  } catch (fault) {
    // A guard that fails must not be what stops an app.
    diagnostics.error('spanmeter: the budget guard failed and is now off', describeFault(fault));
    holder[ADMISSION] = undefined;
    return undefined;
  }
}

/**
 * What an app gets for a call that is not made, whichever kind of result it expects: a promise that rejects, with the
 * ways of an SDK's own promise, and a stream whose first chunk fails.
 */
export function refusal(error: Error): unknown {
  return new RefusedCall(error);
}
