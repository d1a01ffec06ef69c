import { createImportHooks } from './import-hooks.ts';

let included: readonly string[] = [];
const hooks = createImportHooks('hook.mjs', () => included);

/** Called by Node in the thread of the hooks, with what was given to `module.register`. */
export function initialize(modules: readonly string[]): void {
  included = modules;
}

/** The resolve hook. */
export const resolve: unknown = hooks.resolve;

/** The load hook. */
export const load: unknown = hooks.load;
