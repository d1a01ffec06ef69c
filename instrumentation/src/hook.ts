/**
 * `node --import @spanmeter/instrumentation/hook app.mjs`: adds the instrumentations to an OpenTelemetry SDK
 * that the app starts itself, before or after.
 */
import { createRequire } from 'node:module';
import type { SdkInstrumentation } from './instrumentation.ts';
import { warnNotLoaded } from './not-loaded.ts';
import { isLoaderThread, isSwitchedOff } from './switch.ts';

function addInstrumentations(): readonly SdkInstrumentation[] {
  // Required rather than imported, so that nothing is loaded where it is switched off.
  const require = createRequire(import.meta.url);
  try {
    const { installInstrumentations } = require('./install.js') as typeof import('./install.ts');
    return installInstrumentations();
  } catch (fault) {
    warnNotLoaded(fault);
    return [];
  }
}

/** The instrumentations that this process runs; empty where switched off. */
export const instrumentations: readonly SdkInstrumentation[] =
  isSwitchedOff(process.env) || isLoaderThread() ? [] : addInstrumentations();
