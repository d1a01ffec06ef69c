import type { Attributes, AttributeValue } from '@spanmeter/processors';

/** Shapes that one tree holds; past that a new one is begun, so that made-up keys cannot fill the memory. */
const MAX_SHAPES = 4096;

const MAX_ROOM = 64;

/**
 * The keys of a span in the order they came. Spans of one library have the same keys, so they share a shape and
 * hold only values: a third of the time of a Map for each, and its lookup table stays in the processor's cache.
 */
interface Shape {
  readonly parent: Shape | null;
  /** The last key. */
  readonly key: string;
  readonly size: number;
  /** The key that followed last time, and the shape with it; others are in `others`. */
  nextKey: string | null;
  next: Shape | null;
  others: Map<string, Shape> | null;
  /** Key to index of its value; made when first asked for. */
  index: Map<string, number> | null;
}

/** Makes attributes that share their shapes with each other. */
export class ShapeTree {
  private root: Shape = newShape(null, '');
  private shapes = 1;
  private room: readonly AttributeValue[] = [];

  /** Attributes without any, to be filled before they are handed on. */
  attributes(): SpanAttributes {
    if (this.shapes > MAX_SHAPES) {
      this.root = newShape(null, '');
      this.shapes = 1;
    }
    return new SpanAttributes(this, this.root, this.room.slice());
  }

  /** Remembers how many attributes a span had, to make room for as many in the next. */
  filled(attributes: SpanAttributes): void {
    const size = Math.min(attributes.size, MAX_ROOM);
    if (size !== this.room.length) this.room = Array.from({ length: size }, () => '');
  }

  /** The shape with one key more that is not in it yet. */
  grown(shape: Shape, key: string): Shape {
    let next = shape.others?.get(key);
    if (next === undefined) {
      next = newShape(shape, key);
      this.shapes++;
      shape.others ??= new Map();
      shape.others.set(key, next);
    }
    shape.nextKey = key;
    shape.next = next;
    return next;
  }
}

function newShape(parent: Shape | null, key: string): Shape {
  const size = parent === null ? 0 : parent.size + 1;
  return { parent, key, size, nextKey: null, next: null, others: null, index: null };
}

function indexOf(shape: Shape): Map<string, number> {
  if (shape.index !== null) return shape.index;
  const keys: string[] = [];
  for (let at = shape; at.parent !== null; at = at.parent) keys.push(at.key);
  shape.index = new Map(keys.toReversed().map((key, i) => [key, i]));
  return shape.index;
}

/** Attributes of one span: a ReadonlyMap in the order of the keys' first coming. */
export class SpanAttributes implements Attributes {
  private readonly tree: ShapeTree;
  private shape: Shape;
  /** Values by index; what lies behind the last one is room. */
  private list: AttributeValue[];

  constructor(tree: ShapeTree, shape: Shape, list: AttributeValue[]) {
    this.tree = tree;
    this.shape = shape;
    this.list = list;
  }

  /** For the decoder: adds or replaces a value. */
  set(key: string, value: AttributeValue): void {
    const { shape } = this;
    if (shape.nextKey === key && shape.next !== null) {
      this.shape = shape.next;
      this.list[shape.size] = value;
      return;
    }
    const known = indexOf(shape).get(key);
    if (known !== undefined) {
      this.list[known] = value;
      return;
    }
    this.shape = this.tree.grown(shape, key);
    this.list[shape.size] = value;
  }

  /** For the decoder: takes a key away. */
  delete(key: string): void {
    if (!this.has(key)) return;
    const kept = [...this].filter(([other]) => other !== key);
    const { shape, list } = kept.reduce((all, [other, value]) => {
      all.set(other, value);
      return all;
    }, this.tree.attributes());
    this.shape = shape;
    this.list = list;
  }

  get size(): number {
    return this.shape.size;
  }

  get(key: string): AttributeValue | undefined {
    const index = indexOf(this.shape).get(key);
    return index === undefined ? undefined : this.list[index];
  }

  has(key: string): boolean {
    return indexOf(this.shape).has(key);
  }

  forEach(
    callback: (value: AttributeValue, key: string, map: ReadonlyMap<string, AttributeValue>) => void,
  ): void {
    for (const [key, index] of indexOf(this.shape)) callback(this.list[index] as AttributeValue, key, this);
  }

  keys(): MapIterator<string> {
    return indexOf(this.shape).keys();
  }

  values(): MapIterator<AttributeValue> {
    return this.toMap().values();
  }

  entries(): MapIterator<[string, AttributeValue]> {
    return this.toMap().entries();
  }

  [Symbol.iterator](): MapIterator<[string, AttributeValue]> {
    return this.entries();
  }

  private toMap(): Map<string, AttributeValue> {
    const map = new Map<string, AttributeValue>();
    this.forEach((value, key) => map.set(key, value));
    return map;
  }
}
