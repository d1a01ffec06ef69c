/**
 * `node --import @spanmeter/instrumentation/hook app.mjs`: adds the instrumentations to an OpenTelemetry SDK
 * that the app starts itself, before or after.
 */
import { diag } from '@opentelemetry/api';
import { INSTRUMENTED_FILES, INSTRUMENTED_MODULES, createInstrumentations } from './index.ts';
import type { SdkInstrumentation } from './instrumentation.ts';
import { installLoaderHooks } from './loader.ts';
import { isLoaderThread, isSwitchedOff } from './switch.ts';

function addInstrumentations(): readonly SdkInstrumentation[] {
  try {
    installLoaderHooks([...INSTRUMENTED_MODULES, ...INSTRUMENTED_FILES]);
    return createInstrumentations();
  } catch (fault) {
    diag.error('spanmeter: the instrumentations could not be added', fault);
    return [];
  }
}

/** The instrumentations that this process runs; empty where switched off. */
export const instrumentations: readonly SdkInstrumentation[] =
  isSwitchedOff(process.env) || isLoaderThread() ? [] : addInstrumentations();
