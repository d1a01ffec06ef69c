import { createRequire } from 'node:module';
import {
  INSTRUMENTED_FILES,
  INSTRUMENTED_MODULES,
  createInstrumentations,
} from './create-instrumentations.ts';
import { diagnostics } from './diagnostics.ts';
import type { Watched } from './import-hooks.ts';
import type { SdkInstrumentation } from './instrumentation.ts';
import { LateTracerProvider } from './late-tracer.ts';
import { installLoaderHooks } from './loader.ts';

let installed: readonly SdkInstrumentation[] | undefined;

/** Adds the instrumentations to this process, once; `more` are modules whose imports are to be seen, too. */
export function installInstrumentations(more: readonly string[] = []): readonly SdkInstrumentation[] {
  installed ??= install([...INSTRUMENTED_MODULES, ...INSTRUMENTED_FILES, ...more]);
  return installed;
}

function install(modules: readonly Watched[]): readonly SdkInstrumentation[] {
  try {
    watchImports(modules);
    const instrumentations = createInstrumentations();
    const provider = new LateTracerProvider();
    for (const each of instrumentations) each.setTracerProvider(provider);
    instrumentations.forEach(keepRequireHook);
    guardBudgets();
    return instrumentations;
  } catch (fault) {
    diagnostics.error('spanmeter: the instrumentations could not be added', fault);
    return [];
  }
}

/** Where it cannot be done, as without the permission for a thread of hooks, what is required is seen all the same. */
function watchImports(modules: readonly Watched[]): void {
  try {
    installLoaderHooks(modules);
  } catch (fault) {
    diagnostics.error('spanmeter: imports are not seen', fault);
  }
}

/** Loaded only where budgets are guarded, since each file that is loaded holds up the app's start. */
function guardBudgets(): void {
  if (process.env['SPANMETER_BUDGET_GUARD'] === undefined) return;
  const require = createRequire(import.meta.url);
  const { budgetGuardFromEnv } = require('./budget-guard-env.js') as typeof import('./budget-guard-env.ts');
  budgetGuardFromEnv(process.env);
}

/**
 * The instrumentations of one copy of `@opentelemetry/instrumentation` share a hook that looks at each required
 * module once (0.223 RequireInTheMiddleSingleton). Ours is there first, so that what is required before the app's
 * SDK adds its own, `http` above all, would never be shown to them. They get a hook of their own.
 */
export function keepRequireHook(instrumentation: object): void {
  const { _requireInTheMiddleSingleton: hook } = instrumentation as {
    _requireInTheMiddleSingleton?: { constructor: { _instance?: unknown } };
  };
  if (hook !== undefined) hook.constructor._instance = undefined;
}
