import { context, type Span } from '@opentelemetry/api';
import type { AdapterHost, CallKind } from '../../adapter.ts';
import { attributionOf } from '../../attribution.ts';
import { currentCall } from '../../current-call.ts';
import { asObject, objectsIn, type Json } from '../../json.ts';
import { isPromise } from '../../promises.ts';

/** The SDK's own tracing, from version 2 on: a hook before each request (`@mistralai/mistralai@2.7 hooks/tracing`). */
function tracingHookOf(resource: unknown): Json | undefined {
  const hooks = asObject(asObject(asObject(resource)?.['_options'])?.['hooks']);
  return objectsIn(hooks?.['beforeRequestHooks']).find((hook) => hook['_mistralTracingHook'] === true);
}

/** Whether its spans may go where the app's go; those of its `dedicated` mode go to Mistral alone. */
function tracesForApp(hook: Json): boolean {
  if (hook['_autoTelemetryProvider'] !== undefined) return false;
  return (
    hook['tracerProvider'] !== undefined ||
    hook['_telemetryUseGlobalProvider'] === true ||
    process.env['MISTRAL_SDK_TELEMETRY']?.trim().toLowerCase() === 'global'
  );
}

/** As `kind`, for a client that traces itself: our span is made only if the SDK has made none. */
export function besideOwnTracing(kind: CallKind): (resource: unknown) => CallKind {
  const late: CallKind = { ...kind, layer: true };
  return (resource) => {
    const hook = tracingHookOf(resource);
    return hook !== undefined && tracesForApp(hook) ? late : kind;
  };
}

/** Gives the SDK's spans the attribution that ours would have had, and notes that they tell of the call. */
export function watchOwnTracing(host: AdapterHost, resource: object): void {
  const hook = tracingHookOf(resource);
  if (hook === undefined) return;
  host.wrap(Object.getPrototypeOf(hook) as object, 'beforeRequest', (original) => {
    return function (this: unknown, ...args: unknown[]): unknown {
      const result = original.apply(this, args);
      const active = context.active();
      const look = (): void => {
        const own = asObject(this);
        const span = asObject(args[0])?.['_tracingSpan'] as Span | undefined;
        if (!host.isActive() || own === undefined || !tracesForApp(own)) return;
        if (typeof span?.isRecording !== 'function' || !span.isRecording()) return;
        const call = currentCall(active);
        if (call?.noteOwnSpan !== undefined && call.isLayer) return call.noteOwnSpan(span);
        span.setAttributes(attributionOf(active));
        call?.noteInner();
      };
      // The same promise goes on to the SDK; its rejections are the SDK's to handle.
      if (isPromise(result))
        result.then(
          () => host.guard(look),
          () => undefined,
        );
      return result;
    };
  });
}
