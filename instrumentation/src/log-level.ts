import { DiagConsoleLogger, DiagLogLevel, diag } from '@opentelemetry/api';

/**
 * Has OpenTelemetry's diagnostic log written to the console where `OTEL_LOG_LEVEL` names a level, as a full SDK does:
 * it tells of spans that are lost, and of SDKs that are left alone. A log that the app has is left as it is.
 */
export function logDiagnostics(level: string | undefined): void {
  const api = (globalThis as Record<symbol, unknown>)[Symbol.for('opentelemetry.js.api.1')];
  if ((api as { diag?: unknown } | undefined)?.diag !== undefined) return;
  const name = level?.toUpperCase();
  if (isLevel(name)) diag.setLogger(new DiagConsoleLogger(), { logLevel: DiagLogLevel[name] });
}

function isLevel(name: string | undefined): name is keyof typeof DiagLogLevel {
  return name !== undefined && typeof Reflect.get(DiagLogLevel, name) === 'number';
}
