import type { Attributes } from '@opentelemetry/api';

/** Asks whether a call may be made; an error is what the app gets in its place. */
export type Admit = (attribution: Attributes) => Error | undefined;

let current: Admit | undefined;

/** Puts a guard before every call; undefined takes it away. */
export function setAdmission(admission: Admit | undefined): void {
  current = admission;
}

/** Why a call of this attribution must not be made; undefined lets it through. */
export function admit(attribution: Attributes): Error | undefined {
  return current?.(attribution);
}

/** What an app gets for a call that is not made: a promise of whichever kind it expects, rejected. */
export function refusal(error: Error): unknown {
  const rejected = Promise.reject(error);
  const again = (): Promise<never> => rejected;
  return Object.assign(rejected, {
    asResponse: again,
    withResponse: again,
    withRawResponse: again,
    _thenUnwrap: again,
  });
}
