import { SpanKind, SpanStatusCode, context, trace, type Span } from '@opentelemetry/api';
import type { AdapterHost, AnyFunction, SpanStart } from '../../adapter.ts';
import { asObject, type Json } from '../../json.ts';
import { ATTR_ERROR_TYPE, ATTR_OPERATION } from '../../semconv.ts';
import { followed } from '../followed.ts';

/** Tools of ours, so that none is wrapped again. */
const ours = new WeakSet<object>();

/** Whether the app has the SDK make spans itself: by an option in versions 4 to 6, by integrations since. */
export function tellsItself(options: Json): boolean {
  if (asObject(options['experimental_telemetry'])?.['isEnabled'] === true) return true;
  const registered = (globalThis as Json)['AI_SDK_TELEMETRY_INTEGRATIONS'];
  const given = asObject(options['telemetry'])?.['integrations'];
  return given !== undefined || (Array.isArray(registered) && registered.length > 0);
}

/**
 * The tools of a call with a span around what each does: copies, since the app's own stay as they are. Undefined
 * where there is nothing to be done.
 */
export function toolsWithSpans(options: Json, host: AdapterHost): Json | undefined {
  const tools = asObject(options['tools']);
  if (tools === undefined || tellsItself(options)) return undefined;
  const copies: Record<string, unknown> = { ...tools };
  let changed = false;
  for (const [name, value] of Object.entries(tools)) {
    const tool = asObject(value);
    if (tool === undefined || ours.has(tool) || typeof tool['execute'] !== 'function') continue;
    copies[name] = toolWithSpan(name, tool, tool['execute'] as AnyFunction, host);
    changed = true;
  }
  return changed ? copies : undefined;
}

function toolWithSpan(name: string, tool: Json, execute: AnyFunction, host: AdapterHost): object {
  const observed: PropertyDescriptor = {
    value: (...args: unknown[]): unknown => {
      const id = asObject(args[1])?.['toolCallId'];
      const start: SpanStart = {
        name: `execute_tool ${name}`,
        kind: SpanKind.INTERNAL,
        attributes: {
          [ATTR_OPERATION]: 'execute_tool',
          'gen_ai.tool.name': name,
          'gen_ai.tool.type': 'function',
          ...(typeof id === 'string' ? { 'gen_ai.tool.call.id': id } : {}),
        },
      };
      // The tool may be of a class with fields that a copy has not.
      return inSpan(start, host, () => execute.apply(tool, args));
    },
    enumerable: true,
    configurable: true,
    writable: true,
  };
  // Put in before there is a copy, since that of a frozen tool would not let itself be changed.
  const fields = { ...Object.getOwnPropertyDescriptors(tool), execute: observed };
  const copy = Object.create(Object.getPrototypeOf(tool) as object | null, fields) as object;
  ours.add(copy);
  return copy;
}

/** A span around `step`, and around the promise that it gives. */
export function inSpan(start: SpanStart, host: AdapterHost, step: () => unknown): unknown {
  const span = host.guard(() => host.startSpan(start));
  if (span === undefined) return step();
  return followed(
    host,
    () => context.with(trace.setSpan(context.active(), span), step),
    () => span.end(),
    (error) => end(span, error),
  );
}

function end(span: Span, error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) {
    const type = error instanceof Error ? error.constructor.name : '_OTHER';
    span.setAttribute(ATTR_ERROR_TYPE, type).setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}
