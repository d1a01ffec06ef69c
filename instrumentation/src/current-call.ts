import { createContextKey, type Context, type Span } from '@opentelemetry/api';
import type { Operation } from './adapter.ts';

/** The observed call that code runs inside of. */
export interface CurrentCall {
  readonly ended: boolean;
  readonly operation: Operation;
  /** The package whose call this is. Absent in copies of this package that do not tell. */
  readonly module?: string | undefined;
  /** A framework's layer: calls of SDKs inside it are the ones that are told. */
  readonly isLayer: boolean;
  /** Whether a call of `resource` inside may be one that this one only passes on. Absent in copies that never do. */
  passesOnTo?(resource: unknown): boolean;
  /** An instrumented call inside tells of the same request. */
  noteInner(): void;
  /** One that was noted failed and used nothing. Absent in copies of this package that know nothing of it. */
  forgetInner?(): void;
  /** The SDK's own span tells of this call: it gets what it lacks, and ends with the call. */
  noteOwnSpan?(span: Span): void;
  /** The SDK makes another attempt. */
  noteRetry(): void;
}

// A global symbol, so that two copies of this package see each other's calls.
const CURRENT = createContextKey('spanmeter.call');

/** The innermost observed call of `ctx` that has not ended. */
export function currentCall(ctx: Context): CurrentCall | undefined {
  const call = ctx.getValue(CURRENT) as CurrentCall | undefined;
  return call === undefined || call.ended ? undefined : call;
}

/** `ctx` inside `call`. */
export function insideCall(ctx: Context, call: CurrentCall): Context {
  return ctx.setValue(CURRENT, call);
}

/** `ctx` without the calls that it is inside of. */
export function outsideCalls(ctx: Context): Context {
  return ctx.getValue(CURRENT) === undefined ? ctx : ctx.deleteValue(CURRENT);
}

/** One kind of request: the three names of text generation are one. */
function family(operation: Operation): string {
  return operation === 'text_completion' || operation === 'generate_content' ? 'chat' : operation;
}

/** A tool may run another, an agent another: these are never one request seen twice. */
const NO_REQUESTS: ReadonlySet<Operation> = new Set([
  'create_agent',
  'execute_tool',
  'invoke_agent',
  'invoke_workflow',
  'retrieval',
]);

/**
 * Whether a call of `module` inside another may be the same request as the outer one, told by a lower layer. SDKs ask
 * providers themselves: inside the call of one, another's is made by the app's own code, as in a `fetch` of its own.
 */
export function sameRequest(outer: CurrentCall, operation: Operation, module?: string): boolean {
  const isOther = module !== undefined && outer.module !== undefined && outer.module !== module;
  if (isOther && !outer.isLayer) return false;
  return !NO_REQUESTS.has(operation) && family(outer.operation) === family(operation);
}
