type Kept = Readonly<Record<string, string | number | boolean>>;

const NONE: Kept = {};

/** Gathers the attributes of one call that are kept though they have no column; most calls have none. */
export class KeptAttributes {
  #kept: Record<string, string | number | boolean> | null = null;

  /** Keeps a value that is storable already. */
  set(key: string, value: string | number | boolean): void {
    this.#kept ??= {};
    this.#kept[key] = value;
  }

  /** Hands over what was kept, and starts anew. */
  take(): Kept {
    const kept = this.#kept ?? NONE;
    this.#kept = null;
    return kept;
  }
}
