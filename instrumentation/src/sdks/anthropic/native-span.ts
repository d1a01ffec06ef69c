import type { Span, Tracer } from '@opentelemetry/api';
import type { NativeResult } from '../../adapter.ts';
import { canHide, hide } from '../../hidden.ts';
import { asObject } from '../../json.ts';

/** The tracer of a client that makes spans of its own (since 0.134), unless that is switched off. */
export function nativeTracer(resource: unknown): Tracer | undefined {
  const tracer = asObject(asObject(asObject(resource)?.['_client'])?.['_tracer']);
  return typeof tracer?.['startSpan'] === 'function' ? (tracer as unknown as Tracer) : undefined;
}

function isSpan(value: unknown): value is Span {
  return typeof asObject(value)?.['setAttributes'] === 'function';
}

/**
 * Runs a call of an SDK that traces itself, and learns which span it made, so that this one can get what it lacks
 * and no second one is made. The SDK starts its span inside the method, synchronously, by its client's tracer;
 * its stream helper starts it before and passes it as `__span` in the options (@anthropic-ai/sdk@1.12
 * `internal/tracing`). The client is the app's and may be frozen: it is not touched, and a tracer that is frozen
 * too keeps its span to itself.
 */
export function runNative(resource: unknown, options: unknown, call: () => unknown): NativeResult {
  const given = asObject(asObject(options)?.['__span'])?.['span'];
  if (isSpan(given)) return { result: call(), span: given };
  const tracer = nativeTracer(resource);
  if (tracer === undefined || !canHide(tracer, 'startSpan')) return { result: call(), span: undefined };
  const own = Object.getOwnPropertyDescriptor(tracer, 'startSpan');
  const start = tracer.startSpan.bind(tracer);
  let span: Span | undefined;
  hide(tracer, 'startSpan', (...args: Parameters<Tracer['startSpan']>) => {
    const started = start(...args);
    span ??= started;
    return started;
  });
  try {
    return { result: call(), span };
  } finally {
    if (own === undefined) Reflect.deleteProperty(tracer, 'startSpan');
    else Object.defineProperty(tracer, 'startSpan', own);
  }
}
