/**
 * `node --import @spanmeter/instrumentation/register app.mjs` (or `--require`): instruments the app's LLM
 * SDKs and, unless an OpenTelemetry SDK runs already, starts one that sends their spans by OTLP/HTTP. It gives
 * way to an SDK that the app starts later.
 */
import { createRequire } from 'node:module';
import { warnNotLoaded } from './not-loaded.ts';
import { isLoaderThread, isSwitchedOff } from './switch.ts';

if (!isSwitchedOff(process.env) && !isLoaderThread()) {
  // Required rather than imported, so that nothing is loaded where it is switched off.
  const require = createRequire(import.meta.url);
  try {
    const { instrumentProcess } =
      require('./instrument-process.js') as typeof import('./instrument-process.ts');
    instrumentProcess(process.env);
  } catch (fault) {
    warnNotLoaded(fault);
  }
}
