/** Configuration as read from YAML, before any schema has seen it. */
export type Tree = null | boolean | number | string | Expanded | readonly Tree[] | TreeMap;

export interface TreeMap {
  readonly [key: string]: Tree;
}

/** A path into the configuration: map keys, and indexes of lists as decimal text. */
export type Path = readonly string[];

/**
 * What a `${...}` stood for: its value read as YAML beside the text it was read from, since a field of type
 * string wants the text (`0123` stays `0123`).
 */
export class Expanded {
  readonly value: Exclude<Tree, Expanded>;
  readonly original: string;

  constructor(value: Exclude<Tree, Expanded>, original: string) {
    this.value = value;
    this.original = original;
  }
}

export function isTreeMap(tree: Tree | undefined): tree is TreeMap {
  return typeof tree === 'object' && tree !== null && !Array.isArray(tree) && !(tree instanceof Expanded);
}

/** The value without what only the configuration needs to know. */
export function bare(tree: Tree | undefined): Exclude<Tree, Expanded> | undefined {
  return tree instanceof Expanded ? tree.value : tree;
}

/** Plain data for a schema to read. */
export function toPlain(tree: Tree): unknown {
  const value = tree instanceof Expanded ? tree.value : tree;
  if (Array.isArray(value)) return value.map((item: Tree) => toPlain(item));
  if (!isTreeMap(value)) return value;
  return mapOf(Object.entries(value).map(([key, item]) => [key, toPlain(item)] as const));
}

/** A map from entries that also takes the key `__proto__` as a key. */
export function mapOf<T>(entries: Iterable<readonly [string, T]>): Record<string, T> {
  const map = Object.create(null) as Record<string, T>;
  for (const [key, value] of entries) map[key] = value;
  return map;
}

/** The node at a path, or undefined where the tree has none. */
export function nodeAt(tree: Tree, path: Path): Tree | undefined {
  let node: Tree | undefined = tree;
  for (const key of path) {
    const here: Tree | undefined = bare(node);
    if (Array.isArray(here)) node = (here as readonly Tree[])[Number(key)];
    else if (isTreeMap(here)) node = Object.hasOwn(here, key) ? here[key] : undefined;
    else return undefined;
  }
  return node;
}

/** A copy of the tree with the node at a path replaced, or removed where `replacement` is undefined. */
export function withNodeAt(tree: Tree, path: Path, replacement: Tree | undefined): Tree {
  const [key, ...rest] = path;
  if (key === undefined) return replacement ?? null;
  const here = bare(tree);
  if (Array.isArray(here)) {
    const items = here as readonly Tree[];
    return items.map((item, at) => (at === Number(key) ? withNodeAt(item, rest, replacement) : item));
  }
  if (!isTreeMap(here)) return tree;
  const entries = Object.entries(here).filter(
    ([name]) => name !== key || rest.length > 0 || replacement !== undefined,
  );
  return mapOf(
    entries.map(([name, node]) => [name, name === key ? withNodeAt(node, rest, replacement) : node] as const),
  );
}

/** Later over earlier: maps merge, lists are replaced, and a null empties what was there. */
export function mergeTrees(base: Tree | undefined, over: Tree): Tree {
  const under = bare(base);
  const above = bare(over);
  if (!isTreeMap(under) || !isTreeMap(above)) return over;
  const merged = new Map(Object.entries(under));
  for (const [key, value] of Object.entries(above)) merged.set(key, mergeTrees(merged.get(key), value));
  return mapOf(merged);
}

/** The Collector's spelling of a path: `service::pipelines::traces`. */
export function formatPath(path: Path): string {
  return path.join('::');
}
