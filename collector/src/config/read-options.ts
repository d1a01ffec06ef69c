import type { z } from 'zod';
import type { Fault } from './fault.ts';
import { bare, Expanded, formatPath, nodeAt, toPlain, withNodeAt } from './tree.ts';
import type { Path, Tree } from './tree.ts';

/** Options as their schema returns them, or every fault in them. */
export type ReadOptions<O> =
  | { readonly options: O; readonly tree: Tree; readonly faults?: undefined }
  | { readonly faults: readonly OptionFault[] };

export interface OptionFault extends Fault {
  readonly at: Path;
}

interface Issue {
  readonly code: string;
  readonly path: Path;
  readonly expected?: string;
  readonly message: string;
  readonly keys?: readonly string[];
}

/** One repair per value at most, so that a configuration of bounded size ends in bounded rounds. */
const MAX_ROUNDS = 50;

function flatten(issues: readonly z.core.$ZodIssue[], prefix: Path = []): Issue[] {
  return issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path.map(String)];
    const nested = issue.code === 'invalid_union' ? issue.errors.flatMap((one) => flatten(one, path)) : [];
    return [
      {
        code: issue.code,
        path,
        message: issue.message,
        ...(issue.code === 'invalid_type' ? { expected: issue.expected } : {}),
        ...(issue.code === 'unrecognized_keys' ? { keys: issue.keys } : {}),
      },
      ...nested,
    ];
  });
}

/**
 * Two things a schema cannot know: a reference whose field is a string keeps its text (`${env:PIN}` with 0123
 * stays `0123`), and a null means the default.
 */
function repair(tree: Tree, issues: readonly Issue[]): Tree {
  let repaired = tree;
  for (const { path, code, expected } of issues) {
    const node = nodeAt(repaired, path);
    const wantsText = expected === 'string' || code === 'invalid_value';
    if (node instanceof Expanded && wantsText) repaired = withNodeAt(repaired, path, node.original);
    else if (bare(node) === null && path.length > 0) repaired = withNodeAt(repaired, path, undefined);
  }
  return repaired;
}

/**
 * What to report: a union's own issue says nothing, so the branch that the value was meant for speaks for it,
 * the one that found something to say about the value's inside.
 */
function topIssues(issues: readonly z.core.$ZodIssue[], prefix: Path = []): Issue[] {
  return issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path.map(String)];
    const [own] = flatten([issue], prefix);
    if (issue.code !== 'invalid_union') return own === undefined ? [] : [own];
    const branches = issue.errors.map((one) => topIssues(one, path));
    const meant = branches.find((one) => one.some((inner) => isTelling(inner, path)));
    if (meant !== undefined || own === undefined) return meant ?? [];
    const expected = branches.flat().flatMap(({ expected: type }) => (type === undefined ? [] : [type]));
    return [{ ...own, message: `expected ${[...new Set(expected)].join(' or ')}` }];
  });
}

function isTelling(issue: Issue, path: Path): boolean {
  return issue.path.length > path.length || (issue.code !== 'invalid_type' && issue.code !== 'invalid_union');
}

function sentence(issue: Issue, tree: Tree): string {
  if (issue.code === 'unrecognized_keys') return `has invalid keys: ${(issue.keys ?? []).join(', ')}`;
  if (issue.code === 'invalid_type' && nodeAt(tree, issue.path) === undefined) return 'is required';
  return issue.message.replace(/^Invalid input: /, '');
}

/** Reads one component's options. Paths in the faults start with `path`. */
export function readOptions<O>(schema: z.ZodType<O>, tree: Tree, path: Path): ReadOptions<O> {
  let current = tree;
  for (let round = 0; ; round++) {
    const result = schema.safeParse(toPlain(current));
    if (result.success) return { options: result.data, tree: current };
    const repaired = round < MAX_ROUNDS ? repair(current, flatten(result.error.issues)) : current;
    if (repaired !== current) {
      current = repaired;
      continue;
    }
    return {
      faults: topIssues(result.error.issues).map((issue) => {
        const at = [...path, ...issue.path, ...(issue.keys?.slice(0, 1) ?? [])];
        return { path: formatPath([...path, ...issue.path]), message: sentence(issue, current), at };
      }),
    };
  }
}
