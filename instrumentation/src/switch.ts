/** Whether `SPANMETER_ENABLED` (or the SDK's own `OTEL_SDK_DISABLED`) turns everything here off. */
export function isSwitchedOff(env: Readonly<Record<string, string | undefined>>): boolean {
  const enabled = env['SPANMETER_ENABLED']?.trim().toLowerCase();
  return (
    ['false', '0', 'off', 'no'].includes(enabled ?? '') ||
    env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true'
  );
}
