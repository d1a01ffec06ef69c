import { DiagConsoleLogger, DiagLogLevel, diag } from '@opentelemetry/api';

/**
 * Has OpenTelemetry's diagnostic log written to the console where `OTEL_LOG_LEVEL` names a level, as a full SDK does:
 * it tells of spans that are lost, and of SDKs that are left alone. A log that the app has is left as it is.
 */
export function logDiagnostics(level: string | undefined): void {
  const api = (globalThis as Record<symbol, unknown>)[Symbol.for('opentelemetry.js.api.1')];
  if ((api as { diag?: unknown } | undefined)?.diag !== undefined) return;
  const logLevel: unknown = Reflect.get(DiagLogLevel, level?.toUpperCase() ?? '');
  if (typeof logLevel === 'number') diag.setLogger(new DiagConsoleLogger(), { logLevel });
}
