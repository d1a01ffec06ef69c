import { isMainThread, parentPort } from 'node:worker_threads';

/** Whether `SPANMETER_ENABLED` (or the SDK's own `OTEL_SDK_DISABLED`) turns everything here off. */
export function isSwitchedOff(env: Readonly<Record<string, string | undefined>>): boolean {
  const enabled = env['SPANMETER_ENABLED']?.trim().toLowerCase();
  return (
    ['false', '0', 'off', 'no'].includes(enabled ?? '') ||
    env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true'
  );
}

/**
 * Whether this is Node's own loader thread, which runs `--require` modules again: a thread without a parent
 * to talk to. The threads of an app have one.
 */
export function isLoaderThread(): boolean {
  return !isMainThread && parentPort === null;
}
