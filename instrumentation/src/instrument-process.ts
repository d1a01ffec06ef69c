import { API_MODULE, watchApiCopies } from './api-copies.ts';
import { diagnostics } from './diagnostics.ts';
import { flushBeforeExit } from './exit.ts';
import { installInstrumentations } from './install.ts';
import type { SdkInstrumentation } from './instrumentation.ts';
import { onFirstAndLastCall, openCalls } from './open-calls.ts';
import { SharedApi, sharedTracerProvider } from './shared-api.ts';
import { startSdk, type Environment, type StartedSdk } from './start-sdk.ts';

/** How long the end of the process may be held up: at most this, less while the collector is away. */
const FLUSH_MS = 2000;
const FLUSH_WHILE_AWAY_MS = 500;
const FLUSH_BLOCKING_MS = 1500;

/** What `register` does: the instrumentations, and an SDK unless one runs. Never throws. */
export function instrumentProcess(env: Environment): void {
  const instrumentations = installInstrumentations([API_MODULE]);
  try {
    if (sharedTracerProvider() === undefined) start(instrumentations, env);
  } catch (fault) {
    diagnostics.error('spanmeter: no OpenTelemetry SDK could be started', fault);
  }
}

function start(instrumentations: readonly SdkInstrumentation[], env: Environment): void {
  const shared = new SharedApi();
  let started: StartedSdk | undefined;
  const version = shared.claim(() => {
    started = startSdk(env);
  });
  if (version !== undefined) watchApiCopies(shared, version);
  const delivery = started?.delivery;
  if (delivery === undefined) return;
  const settle = flushBeforeExit({
    pending: () => delivery.pending,
    openCalls,
    endOpenCalls: () => instrumentations.forEach((each) => each.endOpenCalls()),
    flush: () => delivery.flush(delivery.failures > 0 ? FLUSH_WHILE_AWAY_MS : FLUSH_MS),
    flushNow: () => delivery.flushNow(FLUSH_BLOCKING_MS),
  });
  delivery.onChange = settle;
  onFirstAndLastCall(settle);
}
