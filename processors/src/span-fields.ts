import type { Attributes, AttributeValue } from './call.ts';
import type { Dialect, FieldName } from './dialects/dialect.ts';

interface Place {
  readonly slot: number;
  /** Lower wins; alternatives of one field in the order of the dialect. */
  readonly rank: number;
}

/**
 * Reads the fields of one span after another out of its attributes: one table lookup for each attribute
 * that is there, instead of one for each key that might be.
 */
export class SpanFields {
  readonly #places = new Map<string, Place>();
  readonly #slots = new Map<FieldName, number>();
  readonly #values: (AttributeValue | undefined)[] = [];
  readonly #keys: (string | undefined)[] = [];
  readonly #ranks: number[] = [];
  readonly #visit: (value: AttributeValue, key: string) => void;

  constructor(dialects: readonly Dialect[]) {
    for (const dialect of dialects) {
      for (const [field, keys] of Object.entries(dialect.fields)) this.#place(field as FieldName, keys);
    }
    this.#visit = (value, key) => {
      const place = this.#places.get(key);
      if (place === undefined || value === '' || place.rank >= (this.#ranks[place.slot] ?? 0)) return;
      this.#ranks[place.slot] = place.rank;
      this.#values[place.slot] = value;
      this.#keys[place.slot] = key;
    };
    this.clear();
  }

  /** Index of a field, for the getters below. */
  slot(field: FieldName): number {
    const known = this.#slots.get(field);
    if (known !== undefined) return known;
    const slot = this.#slots.size;
    this.#slots.set(field, slot);
    this.#values.push(undefined);
    this.#keys.push(undefined);
    this.#ranks.push(Infinity);
    return slot;
  }

  /** Forgets the span before. */
  clear(): void {
    this.#values.fill(undefined);
    this.#keys.fill(undefined);
    this.#ranks.fill(Infinity);
  }

  /** Takes in the attributes of the next span. */
  read(attributes: Attributes): void {
    this.clear();
    attributes.forEach(this.#visit);
  }

  value(slot: number): AttributeValue | undefined {
    return this.#values[slot];
  }

  /** The key that the value was read from. */
  key(slot: number): string {
    return this.#keys[slot] ?? '';
  }

  /** The value as text where it is text, else null. */
  text(slot: number): string | null {
    const value = this.#values[slot];
    return typeof value === 'string' ? value : null;
  }

  #place(field: FieldName, keys: readonly string[]): void {
    const slot = this.slot(field);
    for (const key of keys) {
      if (this.#places.has(key)) continue;
      this.#places.set(key, { slot, rank: this.#places.size });
    }
  }
}
