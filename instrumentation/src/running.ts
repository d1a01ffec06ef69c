import type { SdkInstrumentation } from './instrumentation.ts';

/** Instrumentations of this process, by package name of their SDK; the latest of each. */
const running = new Map<string, SdkInstrumentation>();

/** Notes instrumentations, so that clients which no loader hook saw can be given to them. */
export function noteRunning(instrumentations: readonly SdkInstrumentation[]): void {
  for (const each of instrumentations) running.set(each.sdk, each);
}

/** The instrumentation of an SDK that is on already. */
export function runningFor(sdk: string): SdkInstrumentation | undefined {
  const found = running.get(sdk);
  return found?.isEnabled() === true ? found : undefined;
}
