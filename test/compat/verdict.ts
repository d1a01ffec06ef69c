/** One comparison of what a sender sent with what is stored. */
export interface Finding {
  readonly what: string;
  readonly expected: unknown;
  readonly found: unknown;
}

/** Collects comparisons and says how they went. */
export class Verdict {
  readonly #findings: Finding[] = [];

  /** Notes one comparison and prints it at once. */
  compare(what: string, found: unknown, expected: unknown): void {
    this.#findings.push({ what, found, expected });
    const [left, right] = [textOf(found), textOf(expected)];
    console.log(
      left === right ? `ok    ${what}: ${left}` : `FAIL  ${what}: ${left}\n      expected ${right}`,
    );
  }

  /** Prints the sum; true when all were equal. */
  conclude(): boolean {
    const failed = this.#findings.filter(({ found, expected }) => textOf(found) !== textOf(expected));
    console.log(`${this.#findings.length - failed.length} equal, ${failed.length} different`);
    return failed.length === 0 && this.#findings.length > 0;
  }
}

/** JSON with sorted keys. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    item !== null && typeof item === 'object' && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}
