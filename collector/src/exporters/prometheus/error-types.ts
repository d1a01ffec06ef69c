import { FOLDED } from './labels.ts';

/** Most distinct error types; what comes after them is `other`. */
export const MAX_ERROR_TYPES = 50;

const PLAIN = /^[\w.:/-]{1,64}$/;

/** Gives each error type a small number. Messages and other free text, which have no bound, are `other`. */
export class ErrorTypes {
  /** Label values by number; grows in place to MAX_ERROR_TYPES + 1. */
  readonly values: string[] = [FOLDED];
  readonly #indexes = new Map<string, number>([[FOLDED, 0]]);

  indexOf(errorType: string): number {
    const known = this.#indexes.get(errorType);
    if (known !== undefined) return known;
    if (this.values.length > MAX_ERROR_TYPES || !PLAIN.test(errorType)) return 0;
    const index = this.values.push(errorType) - 1;
    this.#indexes.set(errorType, index);
    return index;
  }
}
