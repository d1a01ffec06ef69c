import { Hook } from 'require-in-the-middle';

/** Sees the exports of a module that CommonJS loads, once; gives what takes their place. */
type OnRequire = (moduleExports: unknown, packageFolder: string) => unknown;

const listeners = new Map<string, Set<OnRequire>>();
/** Looked into at every `require`, so that it may grow after the hook is in place. */
const specifiers: string[] = [];
let hook: Hook | undefined;

/**
 * Watches `require(specifier)` of an entry point below a package's main one, such as `@langchain/core/tools`. The hook
 * that all instrumentations share knows such modules by their file alone, and not at all where the package has no
 * main entry point. `files` are where it is in the package, as `package/file`: a hook that is put in place after this
 * one keeps what it has seen once, so that the first `require` has to be known however it is spelt. Gives a function
 * that stops it.
 */
export function onRequire(specifier: string, files: readonly string[], listener: OnRequire): () => void {
  const names = [specifier, ...files.map(hookName)];
  for (const name of names) {
    listeners.set(name, (listeners.get(name) ?? new Set()).add(listener));
    if (!specifiers.includes(name)) specifiers.push(name);
  }
  hook ??= new Hook(
    specifiers,
    { internals: true },
    <T>(moduleExports: T, name: string, folder?: string): T => {
      let current: unknown = moduleExports;
      for (const each of listeners.get(name) ?? []) current = each(current, folder ?? '');
      return current as T;
    },
  );
  return () => names.forEach((name) => listeners.get(name)?.delete(listener));
}

/** How the hook calls a file (`require-in-the-middle@8 resolveModuleName`). */
function hookName(file: string): string {
  return file.replace(/(\/index)?(\.js)?$/, '');
}
