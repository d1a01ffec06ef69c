/**
 * Says that the instrumentation could not be loaded, as where Node may not require ES modules or a package is missing:
 * the app starts all the same, and whoever asked for telemetry learns why there is none.
 */
export function warnNotLoaded(fault: unknown): void {
  const why = fault instanceof Error ? (fault.message.split('\n')[0] ?? '') : typeof fault;
  process.emitWarning(`nothing is instrumented: ${why}`, 'SpanmeterWarning');
}
