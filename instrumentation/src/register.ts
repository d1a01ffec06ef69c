/**
 * `node --import @spanmeter/instrumentation/register app.mjs` (or `--require`): instruments the app's LLM
 * SDKs and, unless an OpenTelemetry SDK runs already, starts one that sends their spans by OTLP/HTTP.
 */
import { diag } from '@opentelemetry/api';
import { flushBeforeExit } from './exit.ts';
import { instrumentations } from './hook.ts';
import { hasTracerProvider, startSdk } from './start-sdk.ts';
import { isLoaderThread, isSwitchedOff } from './switch.ts';

/** How long the end of the process may be held up: at most this, less while the collector is away. */
const FLUSH_MS = 2000;
const FLUSH_WHILE_AWAY_MS = 500;
const FLUSH_BLOCKING_MS = 1500;

function start(): void {
  if (hasTracerProvider()) return;
  const { delivery } = startSdk(process.env);
  if (delivery === undefined) return;
  flushBeforeExit({
    pending: () => delivery.pending,
    endOpenCalls: () => instrumentations.forEach((each) => each.endOpenCalls()),
    flush: () => delivery.flush(delivery.failures > 0 ? FLUSH_WHILE_AWAY_MS : FLUSH_MS),
    flushNow: () => delivery.flushNow(FLUSH_BLOCKING_MS),
  });
}

if (!isSwitchedOff(process.env) && !isLoaderThread()) {
  try {
    start();
  } catch (fault) {
    diag.error('spanmeter: no OpenTelemetry SDK could be started', fault);
  }
}
