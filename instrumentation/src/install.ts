import { diag } from '@opentelemetry/api';
import { INSTRUMENTED_MODULES, createInstrumentations } from './index.ts';
import type { SdkInstrumentation } from './instrumentation.ts';
import { installLoaderHooks } from './loader.ts';

let installed: readonly SdkInstrumentation[] | undefined;

/** Adds the instrumentations to this process, once; `more` are modules whose imports are to be seen, too. */
export function installInstrumentations(more: readonly string[] = []): readonly SdkInstrumentation[] {
  installed ??= install([...INSTRUMENTED_MODULES, ...more]);
  return installed;
}

function install(modules: readonly string[]): readonly SdkInstrumentation[] {
  try {
    installLoaderHooks(modules);
    return createInstrumentations();
  } catch (fault) {
    diag.error('spanmeter: the instrumentations could not be added', fault);
    return [];
  }
}
