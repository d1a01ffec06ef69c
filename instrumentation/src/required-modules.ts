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
 * main entry point. Gives a function that stops it.
 */
export function onRequire(specifier: string, listener: OnRequire): () => void {
  const known = listeners.get(specifier) ?? new Set();
  listeners.set(specifier, known.add(listener));
  if (!specifiers.includes(specifier)) specifiers.push(specifier);
  hook ??= new Hook(
    specifiers,
    { internals: true },
    <T>(moduleExports: T, name: string, folder?: string): T => {
      let current: unknown = moduleExports;
      for (const each of listeners.get(name) ?? []) current = each(current, folder ?? '');
      return current as T;
    },
  );
  return () => known.delete(listener);
}
