import { isAlias, isMap, isScalar, isSeq, LineCounter } from 'yaml';
import type { Document, Node, Pair, ParsedNode } from 'yaml';
import type { Fault } from './fault.ts';
import { parseYaml } from './parse-yaml.ts';
import { formatPath, isTreeMap, mapOf } from './tree.ts';
import type { Path, Tree } from './tree.ts';

/** A configuration has some hundred nodes; the bounds stop files made to exhaust memory or stack. */
const MAX_TEXT_BYTES = 1024 * 1024;
const MAX_NODES = 20_000;
const MAX_DEPTH = 64;

/** What a YAML text says, with the line of each path; or what is wrong with it. */
export interface YamlResult {
  readonly tree: Tree;
  /** Line by formatted path, counted from 1. */
  readonly lines: ReadonlyMap<string, number>;
  readonly faults: readonly Fault[];
}

class TooLarge extends Error {}

class Reader {
  readonly lines = new Map<string, number>();
  readonly #document: Document<Node, boolean>;
  readonly #counter: LineCounter;
  #nodes = 0;

  constructor(document: Document<Node, boolean>, counter: LineCounter) {
    this.#document = document;
    this.#counter = counter;
  }

  read(node: unknown, path: Path): Tree {
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES)
      throw new TooLarge(`more than ${MAX_NODES} values, aliases counted each time`);
    if (path.length > MAX_DEPTH) throw new TooLarge(`nested deeper than ${MAX_DEPTH} levels`);
    if (isAlias(node))
      return this.read(node.resolve(this.#document), [...path.slice(0, -1), path.at(-1) ?? '']);
    this.#note(node, path);
    if (isSeq(node)) return node.items.map((item, at) => this.read(item, [...path, String(at)]));
    if (isMap(node)) return this.#readMap(node.items, path);
    if (!isScalar(node)) return null;
    const value = node.value;
    if (typeof value === 'bigint') return String(value);
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? value
      : null;
  }

  #readMap(pairs: readonly Pair[], path: Path): Tree {
    const own = new Map<string, Tree>();
    const merged = new Map<string, Tree>();
    for (const pair of pairs) {
      const key = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
      const value = this.read(pair.value, [...path, key]);
      this.#note(pair.key, [...path, key]);
      if (key === '<<') {
        for (const source of Array.isArray(value) ? (value as readonly Tree[]) : [value]) {
          if (!isTreeMap(source)) continue;
          for (const [name, item] of Object.entries(source)) if (!merged.has(name)) merged.set(name, item);
        }
      } else own.set(key, value);
    }
    return mapOf([...[...merged].filter(([name]) => !own.has(name)), ...own]);
  }

  #note(node: unknown, path: Path): void {
    const start = (node as ParsedNode | null | undefined)?.range?.[0];
    if (start !== undefined) this.lines.set(formatPath(path), this.#counter.linePos(start).line);
  }
}

function failed(message: string, line?: number): YamlResult {
  return {
    tree: null,
    lines: new Map(),
    faults: [{ path: '', message, ...(line === undefined ? {} : { line }) }],
  };
}

/** Reads YAML text into a tree; anchors, aliases and `<<` are resolved within bounds. Never throws. */
export function readYaml(text: string): YamlResult {
  if (Buffer.byteLength(text) > MAX_TEXT_BYTES) return failed(`larger than ${MAX_TEXT_BYTES} bytes`);
  const counter = new LineCounter();
  try {
    const document = parseYaml(text, counter);
    const [error] = document.errors;
    if (error !== undefined) {
      return failed(`not readable as YAML: ${error.message}`, counter.linePos(error.pos[0]).line);
    }
    const reader = new Reader(document, counter);
    return { tree: reader.read(document.contents, []), lines: reader.lines, faults: [] };
  } catch (error) {
    if (error instanceof TooLarge) return failed(error.message);
    if (error instanceof RangeError) return failed(`nested deeper than ${MAX_DEPTH} levels`);
    return failed(`not readable as YAML: ${error instanceof Error ? error.message : String(error)}`);
  }
}
