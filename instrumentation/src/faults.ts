import { diagnostics } from './diagnostics.ts';

/** Faulty calls with no sound one in between: then it is no odd input of the app's, but the SDK that is not as known. */
const MAX_IN_A_ROW = 20;

/**
 * Faults in the instrumentation of one SDK. Each leaves one call unobserved, or less told; the first is reported, and
 * after too many in a row the instrumentation is to be off.
 */
export class Faults {
  readonly #where: string;
  #inARow = 0;
  #isReported = false;

  /** `where` is for the report: `the instrumentation of openai`. */
  constructor(where: string) {
    this.#where = where;
  }

  get areTooMany(): boolean {
    return this.#inARow >= MAX_IN_A_ROW;
  }

  /** Runs instrumentation code; a fault in it is noted and gives undefined. */
  guard<T>(step: () => T): T | undefined {
    try {
      return step();
    } catch (fault) {
      this.note(fault);
      return undefined;
    }
  }

  note(fault: unknown): void {
    if (this.areTooMany) return;
    this.#inARow += 1;
    const say = (message: string): void => diagnostics.error(`spanmeter: ${message}`, describeFault(fault));
    if (!this.#isReported) say(`a fault in ${this.#where}; a call is not told in full`);
    this.#isReported = true;
    if (this.areTooMany) say(`${MAX_IN_A_ROW} faulty calls in a row; off is ${this.#where}`);
  }

  /** A call was observed without a fault. */
  noteSound(): void {
    if (!this.areTooMany) this.#inARow = 0;
  }
}

/** Class and place of a fault: its message may quote what was read, prompts and keys among it. */
export function describeFault(fault: unknown): string {
  try {
    if (!(fault instanceof Error)) return typeof fault;
    const places = String(fault.stack)
      .split('\n')
      .filter((line) => /^\s+at /.test(line));
    return [fault.constructor.name, ...places.slice(0, 10)].join('\n');
  } catch {
    return 'an error that cannot be read';
  }
}
