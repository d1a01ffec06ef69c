import { readFileSync } from 'node:fs';
import type { Fault } from './fault.ts';
import { Expanded, formatPath, isTreeMap, mapOf } from './tree.ts';
import type { Path, Tree } from './tree.ts';
import { readYaml } from './yaml-tree.ts';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

const VARIABLE_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]+):([^]*)$/;
/** A value may hold further `${...}`; a variable that names itself must end somewhere. */
const MAX_DEPTH = 32;
const MAX_EXPANSIONS = 1000;
const MAX_TEXT_LENGTH = 1024 * 1024;

/** What stands inside a variable's value may be part of a secret, so it is not shown. */
const HIDDEN =
  'the value of a variable holds a ${...} that cannot be replaced; write $$ for a plain dollar in it';

class ExpansionError extends Error {}

/** Index of the `}` that closes the `${` at `open`, or -1. */
function closingBrace(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text.startsWith('${', at)) {
      depth += 1;
      at += 1;
    } else if (text[at] === '}') {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return -1;
}

function asText(value: Tree): string {
  if (value instanceof Expanded) return value.original;
  if (value === null) return '';
  if (typeof value === 'object') throw new ExpansionError('a map or list cannot stand inside a longer text');
  return String(value);
}

/** Replaces `${env:X}`, `${X}`, `${env:X:-default}` and `${file:path}` in a tree, and `$$` by `$`. */
export class Expander {
  readonly faults: Fault[] = [];
  readonly warnings: string[] = [];
  readonly #env: Environment;
  #expansions = 0;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** The tree with every reference replaced; what cannot be replaced becomes a fault and null. */
  expand(tree: Tree, path: Path = []): Tree {
    if (typeof tree === 'string') {
      try {
        return this.#expandText(tree, 0);
      } catch (error) {
        if (!(error instanceof ExpansionError)) throw error;
        this.faults.push({ path: formatPath(path), message: error.message });
        return null;
      }
    }
    if (Array.isArray(tree)) return tree.map((item: Tree, at) => this.expand(item, [...path, String(at)]));
    if (!isTreeMap(tree)) return tree;
    return mapOf(
      Object.entries(tree).map(([key, value]) => [key, this.expand(value, [...path, key])] as const),
    );
  }

  #expandText(text: string, depth: number): Tree {
    if (!text.includes('$')) return text;
    if (depth > MAX_DEPTH) throw new ExpansionError('too many recursive expansions');
    if (text.startsWith('${') && closingBrace(text, 0) === text.length - 1) {
      return this.#resolve(text.slice(2, -1), depth);
    }
    let out = '';
    for (let at = 0; at < text.length;) {
      const dollar = text.indexOf('$', at);
      if (dollar < 0) {
        out += text.slice(at);
        break;
      }
      out += text.slice(at, dollar);
      const close = text[dollar + 1] === '{' ? closingBrace(text, dollar) : -1;
      if (close > 0) out += asText(this.#resolve(text.slice(dollar + 2, close), depth));
      else out += '$';
      at = close > 0 ? close + 1 : dollar + (text[dollar + 1] === '$' ? 2 : 1);
      if (out.length > MAX_TEXT_LENGTH) throw new ExpansionError('expands to more than 1 MiB of text');
    }
    return out;
  }

  #resolve(reference: string, depth: number): Tree {
    this.#expansions += 1;
    if (this.#expansions > MAX_EXPANSIONS) throw new ExpansionError('too many recursive expansions');
    const uri = asText(this.#expandText(reference, depth + 1));
    const [, scheme, opaque] = SCHEME.exec(uri) ?? [];
    if (scheme === 'env') return this.#variable(opaque ?? '', depth);
    if (scheme === 'yaml') return this.#value(opaque ?? '', depth);
    if (scheme === 'file') return this.#value(readReferencedFile(opaque ?? ''), depth);
    if (scheme !== undefined && !(opaque ?? '').startsWith('-')) {
      throw new ExpansionError(depth === 0 ? `scheme "${scheme}" is not supported for uri "${uri}"` : HIDDEN);
    }
    return this.#variable(uri, depth);
  }

  #variable(reference: string, depth: number): Tree {
    const split = reference.indexOf(':-');
    const name = split < 0 ? reference : reference.slice(0, split);
    if (!VARIABLE_NAME.test(name)) {
      throw new ExpansionError(
        depth === 0
          ? `environment variable "${name}" has invalid name: must match regex ${VARIABLE_NAME.source}`
          : HIDDEN,
      );
    }
    const value = this.#env[name];
    if (value !== undefined) return this.#value(value, depth);
    if (split >= 0) return this.#value(reference.slice(split + 2), depth);
    this.warnings.push(`the configuration references the unset environment variable ${name}`);
    return null;
  }

  /** A value is read as YAML, its text kept beside it; text that is not YAML is taken as it is. */
  #value(text: string, depth: number): Tree {
    const expanded = this.#expandText(text, depth + 1);
    if (typeof expanded !== 'string') return expanded;
    const { tree, faults } = readYaml(expanded);
    return new Expanded(faults.length > 0 || tree instanceof Expanded ? expanded : tree, expanded);
  }
}

function readReferencedFile(path: string): string {
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length > MAX_TEXT_LENGTH) throw new ExpansionError(`${path} is larger than 1 MiB`);
    return text.replace(/\r?\n$/, '');
  } catch (error) {
    if (error instanceof ExpansionError) throw error;
    throw new ExpansionError(
      `cannot read the file ${path}: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`,
      {
        cause: error,
      },
    );
  }
}
