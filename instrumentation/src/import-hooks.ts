import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/** The hooks of import-in-the-middle, for a thread and for the app's own. */
export interface ImportHooks {
  applyOptions(options: { shouldInclude(url: string, specifier: string): boolean }): void;
  readonly resolve: Resolve;
  readonly load: unknown;
  readonly resolveSync: Resolve;
  readonly loadSync: unknown;
}

type NextResolve = (specifier: string, context: ResolveContext) => unknown;

type Resolve = (specifier: string, context: ResolveContext, next: NextResolve) => unknown;

interface ResolveContext {
  readonly parentURL?: string | undefined;
}

/** A package by the name that imports have, or files of one by their URL, since it imports those by a path. */
export type Watched = string | RegExp;

/** What Turbopack adds to the names of external packages. */
const ALIAS = /-[0-9a-f]{16}(?=\/|$)/;

/**
 * Hooks of our own, that see imports of `modules` alone. Those that the package shares, `hook.mjs` and
 * `register-hooks.mjs`, exist once in a process: whoever comes second changes, or loses, what the first asked for.
 */
export function createImportHooks(
  entry: 'hook.mjs' | 'register-hooks.mjs',
  modules: () => readonly Watched[],
): ImportHooks {
  // Loaded with require, because `--require` cannot wait for an import.
  const require = createRequire(import.meta.url);
  const { createHook } = require('import-in-the-middle/create-hook.mjs') as {
    createHook: (meta: { url: string }) => ImportHooks;
  };
  const hooks = createHook({ url: pathToFileURL(require.resolve(`import-in-the-middle/${entry}`)).href });
  const shouldInclude = (url: string, specifier: string): boolean => {
    const name = specifier.replace(ALIAS, '');
    return modules().some((each) => (typeof each === 'string' ? each === name : each.test(url)));
  };
  hooks.applyOptions({ shouldInclude });
  return { ...hooks, resolve: forImporters(hooks.resolve), resolveSync: forImporters(hooks.resolveSync) };
}

/** A file with an extension, which Node refuses as an entry point under `--import` unless it knows it. */
const EXTENDED_FILE = /^(?:file:|\/|[a-z]:\\).*\.[^./\\?#]+$/i;

/**
 * What no file imports is never watched: an app's entry point, a built-in module in code that is no file. Without an
 * extension in their names they would be taken for CommonJS (`import-in-the-middle@3.6 finishResolve`), as only files
 * with an extension that nobody knows should be.
 */
function forImporters(resolve: Resolve): Resolve {
  return (specifier, context, next) =>
    context.parentURL === undefined && !EXTENDED_FILE.test(specifier)
      ? next(specifier, context)
      : resolve(specifier, context, next);
}
