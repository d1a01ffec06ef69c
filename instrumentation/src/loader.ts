import { createRequire, register } from 'node:module';

/**
 * Installs the loader hooks that let ESM imports of `modules` be patched (names, or patterns of URLs); every other
 * module is left alone. Runtimes that have synchronous hooks get those, which also work under `--require`; older
 * ones get hooks in a thread. CommonJS needs neither.
 */
export function installLoaderHooks(modules: readonly (string | RegExp)[]): void {
  // Loaded with require, because `--require` cannot wait for an import.
  const require = createRequire(import.meta.url);
  const { supportsSyncHooks } = require('import-in-the-middle/supports-sync-hooks.mjs') as {
    supportsSyncHooks: () => boolean;
  };
  if (supportsSyncHooks()) {
    const hooks = require('import-in-the-middle/register-hooks.mjs') as {
      register: (options: { include: (string | RegExp)[] }) => void;
    };
    hooks.register({ include: [...modules] });
    return;
  }
  register('@opentelemetry/instrumentation/hook.mjs', import.meta.url, { data: { include: [...modules] } });
}
