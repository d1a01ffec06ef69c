import { diag } from '@opentelemetry/api';

type Level = 'error' | 'warn' | 'info';
type Tell = (message: string, ...details: readonly unknown[]) => void;

function telling(level: Level): Tell {
  return (message, ...details) => {
    try {
      diag[level](message, ...details);
    } catch {
      // A logger of the app's that throws must not end the app's call.
    }
  };
}

/** OpenTelemetry's diagnostic log; never throws. */
export const diagnostics: Readonly<Record<Level, Tell>> = {
  error: telling('error'),
  warn: telling('warn'),
  info: telling('info'),
};
