import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Environment } from './expand.ts';
import type { Fault } from './fault.ts';
import { formatPath, isTreeMap, mapOf, mergeTrees } from './tree.ts';
import type { Path, Tree } from './tree.ts';
import { readYaml } from './yaml-tree.ts';

/** Where a path of the merged configuration was written. */
export interface Place {
  readonly source: string;
  readonly line: number;
}

/** All sources merged, before any reference is replaced. */
export interface MergedSources {
  readonly tree: Tree;
  readonly faults: readonly Fault[];
  /** The place of a path, or of its nearest written ancestor. */
  placeOf(path: Path): Place | undefined;
}

interface SourceText {
  readonly name: string;
  readonly text: string;
}

const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]+):([^]*)$/;

function readSource(uri: string, env: Environment): SourceText | Fault {
  const [, scheme, opaque] = SCHEME.exec(uri) ?? [];
  if (scheme === 'yaml') return { name: 'yaml', text: opaque ?? '' };
  if (scheme === 'env') {
    const text = env[opaque ?? ''];
    if (text === undefined) return { path: '', source: uri, message: 'this environment variable is not set' };
    return { name: uri, text };
  }
  if (scheme !== undefined && scheme !== 'file') {
    return {
      path: '',
      source: uri,
      message: `scheme "${scheme}" is not supported: give a file, env: or yaml:`,
    };
  }
  const file = scheme === 'file' ? (opaque ?? '') : uri;
  try {
    return { name: file, text: readFileSync(resolve(file), 'utf8') };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    return {
      path: '',
      source: file,
      message: code === 'ENOENT' ? 'no such file' : `cannot be read (${code})`,
    };
  }
}

/** `a::b: c` at the top of a source means `a: {b: c}`. */
function unflatten(tree: Tree): Tree {
  if (!isTreeMap(tree)) return tree;
  let out: Tree = mapOf([]);
  for (const [key, value] of Object.entries(tree)) {
    const nested = key.split('::').reduceRight<Tree>((inner, part) => mapOf([[part, inner]]), value);
    out = mergeTrees(out, nested);
  }
  return out;
}

/** `--set a.b=c` as one more YAML source, as the Collector does it. */
function setAsSource(set: string): SourceText | Fault {
  const split = set.indexOf('=');
  const name = `--set ${split < 0 ? set : set.slice(0, split)}`;
  if (split <= 0) return { path: '', source: name, message: 'expected a.b=value' };
  return { name, text: `${set.slice(0, split).trim().replaceAll('.', '::')}: ${set.slice(split + 1)}` };
}

/** Reads and merges files, `file:`, `env:` and `yaml:` sources in order, then the `--set` values. */
export function mergeSources(
  sources: readonly string[],
  sets: readonly string[],
  env: Environment,
): MergedSources {
  const faults: Fault[] = [];
  const places = new Map<string, Place>();
  let tree: Tree = null;
  for (const text of [...sources.map((uri) => readSource(uri, env)), ...sets.map(setAsSource)]) {
    if ('message' in text) {
      faults.push(text);
      continue;
    }
    const read = readYaml(text.text);
    faults.push(...read.faults.map((fault) => ({ ...fault, source: text.name })));
    if (read.faults.length > 0) continue;
    if (read.tree !== null && !isTreeMap(read.tree)) {
      faults.push({
        path: '',
        source: text.name,
        message: 'expected a map of sections such as receivers and service',
      });
      continue;
    }
    tree = read.tree === null ? tree : mergeTrees(tree, unflatten(read.tree));
    for (const [path, line] of read.lines) places.set(path, { source: text.name, line });
  }
  const placeOf = (path: Path): Place | undefined => {
    for (let length = path.length; length > 0; length--) {
      const place = places.get(formatPath(path.slice(0, length)));
      if (place !== undefined) return place;
    }
    return undefined;
  };
  return { tree, faults, placeOf };
}
