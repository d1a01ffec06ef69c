import { context, createContextKey, type Context } from '@opentelemetry/api';

// The SDK's own key: a global symbol, the same in every version of it.
const SUPPRESS_TRACING = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');

/** Whether `ctx` asks that nothing in it is traced. */
export function isSuppressed(ctx: Context): boolean {
  return ctx.getValue(SUPPRESS_TRACING) === true;
}

/** Runs `fn` so that no instrumentation traces what it does. */
export function untraced<T>(fn: () => T): T {
  return context.with(context.active().setValue(SUPPRESS_TRACING, true), fn);
}
