import nodeModule, { createRequire, register } from 'node:module';
import { pathToFileURL } from 'node:url';

/**
 * Installs the loader hooks that let ESM imports of `modules` be patched; every other module is left
 * alone. Runtimes that have synchronous hooks get those, which also work under `--require`; older ones get
 * hooks in a thread. CommonJS needs neither.
 */
export function installLoaderHooks(modules: readonly string[]): void {
  // Loaded with require, because `--require` cannot wait for an import.
  const require = createRequire(import.meta.url);
  const { supportsSyncHooks } = require('import-in-the-middle/supports-sync-hooks.mjs') as {
    supportsSyncHooks: () => boolean;
  };
  if (supportsSyncHooks()) {
    // Not its register-hooks.mjs, which works once in a process: someone else's modules would be left out.
    const { createHook } = require('import-in-the-middle/create-hook.mjs') as {
      createHook: (meta: { url: string }) => SyncHook;
    };
    const url = pathToFileURL(require.resolve('import-in-the-middle/register-hooks.mjs')).href;
    const hook = createHook({ url });
    hook.applyOptions({ include: [...modules] });
    // Node 20, whose types are built against, lacks it.
    (nodeModule as unknown as SyncLoader).registerHooks({
      resolve: hook.resolveSync,
      load: hook.loadSync,
    });
    return;
  }
  register('@opentelemetry/instrumentation/hook.mjs', import.meta.url, { data: { include: [...modules] } });
}

interface SyncHook {
  applyOptions(options: { include: string[] }): void;
  readonly resolveSync: unknown;
  readonly loadSync: unknown;
}

interface SyncLoader {
  registerHooks(hooks: { resolve: unknown; load: unknown }): void;
}
