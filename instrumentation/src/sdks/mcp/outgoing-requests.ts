import { SpanKind, context, propagation, trace, type Context, type Span } from '@opentelemetry/api';
import type { AdapterHost } from '../../adapter.ts';
import { asObject, type Json } from '../../json.ts';
import { followed } from '../followed.ts';
import { describeRequest, endAnswered, endFailed, isCalledOff, type McpRequest } from './request-span.ts';

/** Wraps the method that sends requests, whose argument at `position` is the request. */
export function observeRequests(owner: object, name: string, position: number, host: AdapterHost): void {
  host.wrap(
    owner,
    name,
    (original) =>
      function (this: unknown, ...args: unknown[]): unknown {
        const begun = host.isActive() ? host.guard(() => begin(this, args, position, host)) : undefined;
        if (begun === undefined) return original.apply(this, args);
        const { span, request, inside, signal } = begun;
        return followed(
          host,
          () => context.with(inside, () => original.apply(this, begun.args)),
          (result) => endAnswered(span, request, result),
          (error) => endFailed(span, error, isCalledOff(signal)),
        );
      },
  );
}

interface Begun {
  readonly span: Span;
  readonly request: McpRequest;
  readonly inside: Context;
  readonly args: unknown[];
  readonly signal: unknown;
}

function begin(sender: unknown, args: unknown[], position: number, host: AdapterHost): Begun | undefined {
  const message = asObject(args[position]);
  const method = message?.['method'];
  if (message === undefined || typeof method !== 'string') return undefined;
  const endpoint = asObject(sender);
  const transport = asObject(endpoint?.['_transport']);
  const request: McpRequest = {
    method,
    params: asObject(message['params']),
    id: endpoint?.['_requestMessageId'],
    sessionId: transport?.['sessionId'],
    transport,
  };
  const span = host.startSpan({ ...describeRequest(request), kind: SpanKind.CLIENT });
  if (span === undefined) return undefined;
  const inside = trace.setSpan(context.active(), span);
  const given = args.with(position, withContext(message, request.params, inside));
  return { span, request, inside, args: given, signal: asObject(args[position + 2])?.['signal'] };
}

/** The request with the trace's context in `params._meta`, where the app has set a propagator and none is there. */
function withContext(message: Json, params: Json | undefined, inside: Context): Json {
  const carrier: Record<string, string> = {};
  propagation.inject(inside, carrier);
  const meta = asObject(params?.['_meta']);
  if (Object.keys(carrier).length === 0 || meta?.['traceparent'] !== undefined) return message;
  return { ...message, params: { ...params, _meta: { ...meta, ...carrier } } };
}
