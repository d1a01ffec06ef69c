import { isUtf8 } from 'node:buffer';
import { WrittenNumber } from '@spanmeter/processors';
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Alias, type Node } from 'yaml';
import { parseYaml } from '../config/parse-yaml.ts';

/** Line and column, counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A fault of the text itself. */
export interface TextFault {
  readonly position: Position | null;
  readonly message: string;
}

/** What a YAML text says, with its numbers as they are written, and where each part of it stands. */
export interface PriceText {
  /** Mappings have no prototype, so that any key is only a key. */
  readonly value: unknown;
  readonly faults: readonly TextFault[];
  /** The position of a key or list entry, or of the nearest that exists around it. */
  positionOf(steps: readonly (string | number)[]): Position | null;
}

/** What a file of the largest size has is well below; aliases count each time, which stops files made of them. */
const MAX_VALUES = 2_000_000;
const MAX_DEPTH = 16;
/** Syntax faults kept. */
const MAX_FAULTS = 1000;

class TooLarge extends Error {
  readonly at: unknown;

  constructor(message: string, at: unknown) {
    super(message);
    this.at = at;
  }
}

/** A mapping's key as text: numbers as they are written. Null where it is none. */
function keyText(key: unknown): string | null {
  if (!isScalar(key)) return null;
  if (typeof key.value === 'string') return key.value;
  return typeof key.source === 'string' && key.source !== '' ? key.source : null;
}

function startOf(node: unknown): number | null {
  if (node === null || typeof node !== 'object' || !('range' in node)) return null;
  const range = node.range as readonly number[] | null | undefined;
  return range?.[0] ?? null;
}

class ValueReader {
  readonly faults: TextFault[] = [];
  /** What each alias stands for: the latest anchor of its name before it. */
  readonly targets = new Map<Alias, unknown>();
  readonly #counter: LineCounter;
  readonly #anchors = new Map<string, unknown>();
  #values = 0;

  constructor(counter: LineCounter) {
    this.#counter = counter;
  }

  positionAt(offset: number | null): Position | null {
    if (offset === null) return null;
    const { line, col } = this.#counter.linePos(offset);
    return { line, column: col };
  }

  fault(node: unknown, message: string): void {
    if (this.faults.length < MAX_FAULTS)
      this.faults.push({ position: this.positionAt(startOf(node)), message });
  }

  read(node: unknown, depth: number): unknown {
    this.#values += 1;
    if (this.#values > MAX_VALUES) {
      throw new TooLarge(`has more than ${MAX_VALUES} values, aliases counted each time`, node);
    }
    if (depth > MAX_DEPTH) throw new TooLarge(`is nested deeper than ${MAX_DEPTH} levels`, node);
    if (isAlias(node)) return this.#readAlias(node, depth);
    const anchor = (node as Node | null)?.anchor;
    if (anchor !== undefined) this.#anchors.set(anchor, node);
    if (isSeq(node)) return node.items.map((item) => this.read(item, depth + 1));
    if (isMap(node)) return this.#readMap(node.items, depth);
    if (!isScalar(node)) return null;
    const { value, source } = node;
    if (typeof value === 'number' || typeof value === 'bigint') {
      return new WrittenNumber(typeof source === 'string' ? source : String(value));
    }
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
    this.fault(node, 'has a tag that means nothing here');
    return null;
  }

  #readAlias(node: Alias, depth: number): unknown {
    const target = this.#anchors.get(node.source);
    if (target === undefined) {
      this.fault(node, `*${node.source} stands for nothing: there is no &${node.source} before it`);
      return null;
    }
    this.targets.set(node, target);
    return this.read(target, depth + 1);
  }

  #readMap(pairs: readonly { readonly key: unknown; readonly value: unknown }[], depth: number): unknown {
    const found = Object.create(null) as Record<string, unknown>;
    const keys = new Map<string, unknown>();
    for (const { key, value } of pairs) {
      const text = keyText(key);
      const other = text === null ? undefined : keys.get(text);
      if (text === null) this.fault(key ?? value, 'has a key that is no text');
      else if (text === '<<') this.fault(key, 'merge keys (<<) are not read here: write the options out');
      else if (other !== undefined) {
        const first = this.positionAt(startOf(other));
        const where = first === null ? '' : `, first at ${first.line}:${first.column}`;
        this.fault(key, `"${text.slice(0, 64)}" is there twice${where}`);
      } else {
        keys.set(text, key);
        found[text] = this.read(value, depth + 1);
      }
    }
    return found;
  }
}

function failed(message: string, position: Position | null): PriceText {
  return { value: null, faults: [{ position, message }], positionOf: () => null };
}

/** The first line that is not UTF-8, counted from 1. */
function brokenLine(bytes: Buffer): number {
  let line = 1;
  for (let from = 0; from < bytes.length; line++) {
    const end = bytes.indexOf(10, from);
    const to = end < 0 ? bytes.length : end;
    if (!isUtf8(bytes.subarray(from, to))) return line;
    from = to + 1;
  }
  return line;
}

/** What no text has: control characters other than tab and line ends. */
// eslint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F]/;

function undecodable(bytes: Buffer): PriceText | null {
  if (!isUtf8(bytes)) return failed('is not valid UTF-8', { line: brokenLine(bytes), column: 1 });
  return null;
}

function faultsOfText(text: string, counter: LineCounter): TextFault[] {
  const control = CONTROL.exec(text);
  if (control === null) return [];
  const { line, col } = counter.linePos(control.index);
  const code = (control[0].codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
  return [{ position: { line, column: col }, message: `has a control character (U+${code})` }];
}

/** Reads YAML (or JSON) within bounds of time and memory. Never throws. */
export function readPriceYaml(bytes: Buffer): PriceText {
  const broken = undecodable(bytes);
  if (broken !== null) return broken;
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  const counter = new LineCounter();
  const reader = new ValueReader(counter);
  try {
    // Duplicate keys are found by the reader: the parser compares each key with every other.
    const document = parseYaml(text, counter, { uniqueKeys: false, schema: 'core' });
    const control = faultsOfText(text, counter);
    if (control.length > 0) return { value: null, faults: control, positionOf: () => null };
    const { yaml } = document.directives;
    if (yaml.explicit === true && yaml.version !== '1.2') {
      return failed(`is YAML ${yaml.version}; only 1.2 is read`, { line: 1, column: 1 });
    }
    const syntax = [...document.errors, ...document.warnings].slice(0, MAX_FAULTS).map((error) => ({
      position: reader.positionAt(error.pos[0]),
      message: error.message.includes('call stack') ? 'is nested too deeply' : `is no YAML: ${error.message}`,
    }));
    if (syntax.length > 0) return { value: null, faults: syntax, positionOf: () => null };
    const { contents } = document;
    const value = reader.read(contents, 0);
    return { value, faults: reader.faults, positionOf: (steps) => positionOf(contents, steps, reader) };
  } catch (error) {
    if (error instanceof TooLarge) return failed(error.message, reader.positionAt(startOf(error.at)));
    if (error instanceof RangeError) return failed('is nested too deeply', null);
    return failed(`cannot be read: ${error instanceof Error ? error.message : String(error)}`, null);
  }
}

function positionOf(
  contents: unknown,
  steps: readonly (string | number)[],
  reader: ValueReader,
): Position | null {
  let node = contents;
  let at = startOf(contents) ?? 0;
  for (const step of steps) {
    while (isAlias(node)) node = reader.targets.get(node);
    if (isSeq(node) && typeof step === 'number') {
      node = node.items[step];
      at = startOf(node) ?? at;
    } else if (isMap(node)) {
      const pair = node.items.find(({ key }) => keyText(key) === String(step));
      if (pair === undefined) break;
      at = startOf(pair.key) ?? at;
      node = pair.value;
    } else break;
  }
  return reader.positionAt(at);
}
