import type { Attributes, AttributeValue } from './call.ts';

/** Keys by field; the first that is present wins. */
export type FieldKeys<Name extends string> = Readonly<Partial<Record<Name, readonly string[]>>>;

/**
 * Reads named fields out of attributes, one set after another: one table lookup for each attribute that is
 * there, instead of one for each key that might be. Values hold until the next `read`.
 */
export class FieldReader<Name extends string> {
  readonly #places = new Map<string, { readonly slot: number; readonly rank: number }>();
  readonly #slots = new Map<Name, number>();
  readonly #values: (AttributeValue | undefined)[] = [];
  readonly #keys: string[] = [];
  readonly #ranks: number[] = [];
  /** The round in which a slot was last filled; others are empty. */
  readonly #rounds: number[] = [];
  #round = 0;
  readonly #visit: (value: AttributeValue, key: string) => void;

  constructor(sets: readonly FieldKeys<Name>[]) {
    for (const set of sets) {
      for (const field of Object.keys(set) as Name[]) this.#place(field, set[field] ?? []);
    }
    this.#visit = (value, key) => {
      const place = this.#places.get(key);
      if (place === undefined || value === '') return;
      const { slot, rank } = place;
      if (this.#rounds[slot] === this.#round && rank >= (this.#ranks[slot] ?? 0)) return;
      this.#rounds[slot] = this.#round;
      this.#ranks[slot] = rank;
      this.#values[slot] = value;
      this.#keys[slot] = key;
    };
  }

  /** Index of a field, for the getters below. */
  slot(field: Name): number {
    const known = this.#slots.get(field);
    if (known !== undefined) return known;
    const slot = this.#slots.size;
    this.#slots.set(field, slot);
    this.#values.push(undefined);
    this.#keys.push('');
    this.#ranks.push(0);
    this.#rounds.push(-1);
    return slot;
  }

  /** Takes in the next attributes and forgets those before. */
  read(attributes: Attributes): void {
    this.#round++;
    attributes.forEach(this.#visit);
  }

  value(slot: number): AttributeValue | undefined {
    return this.#rounds[slot] === this.#round ? this.#values[slot] : undefined;
  }

  /** The key that the value was read from; empty where there is none. */
  key(slot: number): string {
    return this.#rounds[slot] === this.#round ? (this.#keys[slot] ?? '') : '';
  }

  /** The value where it is text, else null. */
  text(slot: number): string | null {
    if (this.#rounds[slot] !== this.#round) return null;
    const value = this.#values[slot];
    return typeof value === 'string' ? value : null;
  }

  #place(field: Name, keys: readonly string[]): void {
    const slot = this.slot(field);
    for (const key of keys) {
      if (!this.#places.has(key)) this.#places.set(key, { slot, rank: this.#places.size });
    }
  }
}
