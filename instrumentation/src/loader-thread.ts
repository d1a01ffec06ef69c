import { createImportHooks, type Watched } from './import-hooks.ts';

let included: readonly Watched[] = [];
const hooks = createImportHooks('hook.mjs', () => included);

/** Called by Node in the thread of the hooks, with what was given to `module.register`. */
export function initialize(modules: readonly Watched[]): void {
  included = modules;
}

/** The resolve hook. */
export const resolve: unknown = hooks.resolve;

/** The load hook. */
export const load: unknown = hooks.load;
