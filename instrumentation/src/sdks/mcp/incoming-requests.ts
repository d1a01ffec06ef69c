import { SpanKind, context, propagation, trace, type Context, type Span } from '@opentelemetry/api';
import type { AdapterHost, AnyFunction } from '../../adapter.ts';
import { asObject } from '../../json.ts';
import { followed } from '../followed.ts';
import { describeRequest, endAnswered, endFailed, isCalledOff, type McpRequest } from './request-span.ts';

/** Wraps the method that handlers of requests are registered by, so that each handler's work is a span. */
export function observeHandlers(owner: object, host: AdapterHost): void {
  host.wrap(
    owner,
    'setRequestHandler',
    (original) =>
      function (this: unknown, ...args: unknown[]): unknown {
        const last = args.findLastIndex((each) => typeof each === 'function');
        const handler = args[last] as AnyFunction | undefined;
        // Version 2 registers by the method's name, version 1 by a schema that knows it.
        const method = typeof args[0] === 'string' ? args[0] : undefined;
        if (last < 1 || handler === undefined) return original.apply(this, args);
        return original.apply(this, args.with(last, observed(this, method, handler, host)));
      },
  );
}

function observed(
  receiver: unknown,
  method: string | undefined,
  handler: AnyFunction,
  host: AdapterHost,
): AnyFunction {
  return function (this: unknown, ...args: unknown[]): unknown {
    const begun = host.isActive() ? host.guard(() => begin(receiver, method, args, host)) : undefined;
    if (begun === undefined) return handler.apply(this, args);
    const { span, request, inside, signal } = begun;
    return followed(
      host,
      () => context.with(inside, () => handler.apply(this, args)),
      (answer) => endAnswered(span, request, answer),
      (error) => endFailed(span, error, isCalledOff(signal)),
    );
  };
}

interface Begun {
  readonly span: Span;
  readonly request: McpRequest;
  readonly inside: Context;
  readonly signal: unknown;
}

/** What is called with a request comes second: `extra` in version 1, `ctx` with `mcpReq` in version 2. */
function begin(
  receiver: unknown,
  known: string | undefined,
  [message, given]: readonly unknown[],
  host: AdapterHost,
): Begun | undefined {
  const body = asObject(message);
  const method = known ?? body?.['method'];
  if (typeof method !== 'string') return undefined;
  const extra = asObject(given);
  const modern = asObject(extra?.['mcpReq']);
  // A handler with schemas of its own gets the parameters alone.
  const params = body?.['method'] === method ? asObject(body['params']) : body;
  const request: McpRequest = {
    method,
    params,
    id: extra?.['requestId'] ?? modern?.['id'],
    sessionId: extra?.['sessionId'],
    transport: asObject(asObject(receiver)?.['_transport']),
  };
  const meta = asObject(extra?.['_meta'] ?? modern?.['_meta'] ?? params?.['_meta']);
  const around = remoteContext(meta);
  const span = context.with(around, () =>
    host.startSpan({ ...describeRequest(request), kind: SpanKind.SERVER }),
  );
  if (span === undefined) return undefined;
  return {
    span,
    request,
    inside: trace.setSpan(around, span),
    signal: extra?.['signal'] ?? modern?.['signal'],
  };
}

/** The caller's trace, where it told its context and the app has set a propagator. */
function remoteContext(meta: object | undefined): Context {
  const active = context.active();
  return meta === undefined ? active : propagation.extract(active, meta);
}
