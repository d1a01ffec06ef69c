import nodeModule, { createRequire, register } from 'node:module';
import { createImportHooks, type Watched } from './import-hooks.ts';

interface SyncLoader {
  registerHooks(hooks: { resolve: unknown; load: unknown }): void;
}

/**
 * Installs the loader hooks that let ESM imports of `modules` be patched; every other module is left
 * alone. Runtimes that have synchronous hooks get those, which also work under `--require`; older ones get
 * hooks in a thread. CommonJS needs neither.
 */
export function installLoaderHooks(modules: readonly Watched[]): void {
  const require = createRequire(import.meta.url);
  const { supportsSyncHooks } = require('import-in-the-middle/supports-sync-hooks.mjs') as {
    supportsSyncHooks: () => boolean;
  };
  if (!supportsSyncHooks()) {
    register('./loader-thread.js', import.meta.url, { data: [...modules] });
    return;
  }
  const { resolveSync: resolve, loadSync: load } = createImportHooks('register-hooks.mjs', () => modules);
  // Node 20, whose types are built against, lacks it.
  (nodeModule as unknown as SyncLoader).registerHooks({ resolve, load });
}
