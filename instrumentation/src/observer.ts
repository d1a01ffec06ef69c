import {
  SpanKind,
  context,
  diag,
  trace,
  type Attributes,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import type { CallKind, NativeResult, SdkAdapter, SpanStart } from './adapter.ts';
import { attributionOf, withCallAttribution, withoutBaggage } from './attribution.ts';
import { ObservedCall, type CallHost, type CallSpan } from './call.ts';
import { admit, refusal } from './budget-guard.ts';
import { currentCall, insideCall, sameRequest } from './current-call.ts';
import { markRivals } from './rival-spans.ts';
import { ATTR_OPERATION, ATTR_REQUEST_MODEL, ATTR_SERVER_ADDRESS, addFormerNames } from './semconv.ts';
import { warnStreamUsage, wantsStreamUsage } from './stream-usage.ts';
import { isSuppressed } from './suppress.ts';
import { watchResult } from './watch-result.ts';

/** What an observer needs to know of the instrumentation that it works for. */
export interface ObserverHost extends CallHost {
  readonly adapter: Pick<SdkAdapter, 'module' | 'rivals' | 'native'>;
  tracer(): Tracer;
  isActive(): boolean;
  /** Attributes that every span of ours gets: the sampling ratio. */
  always(): Attributes | undefined;
  /** Runs instrumentation code; a fault in it is noted and gives undefined. */
  guard<T>(step: () => T): T | undefined;
}

interface KnownCall {
  readonly body: unknown;
  readonly attributes: Attributes;
  /** Those that an SDK's own span lacks. */
  readonly added: Attributes;
}

type Original = (args: readonly unknown[]) => unknown;

/** Runs SDK calls as observed calls. Whatever goes wrong in here, the app's call is made, once, and answered. */
export class Observer {
  readonly #host: ObserverHost;

  constructor(host: ObserverHost) {
    this.#host = host;
  }

  /** Runs `original` as one call of `kind`; gives what the app gets. */
  run(kind: CallKind, resource: unknown, args: readonly unknown[], original: Original): unknown {
    const active = context.active();
    if (!this.#host.isActive() || this.#stepsBack(active, kind)) return original(args);
    const outer = currentCall(active);
    if (outer !== undefined && sameRequest(outer, kind.operation)) {
      // One request, seen twice: that of an SDK is the one that counts, the outermost where there are several.
      if (!outer.isLayer) return original(args);
      outer.noteInner();
    }
    const { native } = this.#host.adapter;
    if (native !== undefined && this.#host.guard(() => native.isOn(resource)) === true) {
      return this.#runNative(native, kind, resource, args, original);
    }
    const begun = this.#host.guard(() => this.#begin(kind, resource, args, active));
    if (begun === undefined) return this.#unobserved(kind, args, original, active);
    if (begun.refused !== undefined) {
      begun.call.fail(begun.refused);
      return refusal(begun.refused);
    }
    let result: unknown;
    try {
      result = context.with(begun.inside, () => original(begun.args));
    } catch (error) {
      begun.call.fail(error);
      throw error;
    }
    return this.#watch(result, begun.call);
  }

  /** Starts a span of something that is no request to a model. */
  startSpan({ name, kind, attributes }: SpanStart): Span | undefined {
    const active = context.active();
    if (!this.#host.isActive() || isSuppressed(active)) return undefined;
    return this.#host.guard(() => {
      const all = { ...attributes, ...attributionOf(active), ...this.#host.always() };
      if (this.#host.formerNames) addFormerNames(all);
      return this.#host.tracer().startSpan(name, { kind, attributes: all }, active);
    });
  }

  /** After a fault: the call is made as it is, but for baggage, which stays here all the same. */
  #unobserved(kind: CallKind, args: readonly unknown[], original: Original, active: Context): unknown {
    const bare = this.#host.guard(() => requestContext(kind, {}, active)) ?? active;
    return bare === active ? original(args) : context.with(bare, () => original(args));
  }

  #runNative(
    native: { readonly run: (resource: unknown, options: unknown, call: () => unknown) => NativeResult },
    kind: CallKind,
    resource: unknown,
    args: readonly unknown[],
    original: Original,
  ): unknown {
    const known = this.#host.guard(() => this.#describe(kind, resource, args));
    if (known === undefined) return this.#unobserved(kind, args, original, context.active());
    const refused = admit(known.attributes);
    if (refused !== undefined) {
      // The SDK starts no span for a call that is not made.
      this.#host.guard(() => this.#begin(kind, resource, args, context.active()).call.fail(refused));
      return refusal(refused);
    }
    const inside = requestContext(kind, known.attributes, context.active());
    let isCalled = false;
    const call = (): unknown => {
      isCalled = true;
      return context.with(inside, () => original(args));
    };
    let done: NativeResult;
    try {
      done = native.run(resource, args[1], call);
    } catch (error) {
      if (isCalled) throw error;
      // Ours, as with a client that is frozen: the app's call is still to be made.
      this.#host.fault(error);
      return call();
    }
    const { result, span } = done;
    if (span === undefined) return result;
    const adopted = this.#host.guard(() => this.#adopt(kind, span, known));
    return adopted === undefined ? result : this.#watch(result, adopted);
  }

  #watch(result: unknown, call: ObservedCall): unknown {
    const watched = call.guard(() => {
      const value = call.kind.watch?.(result, call);
      return { value: value === undefined ? watchResult(result, call) : value };
    });
    if (watched !== undefined) return watched.value;
    call.abandon();
    return result;
  }

  #attribution(args: readonly unknown[]): Attributes {
    return withCallAttribution(context.active(), args);
  }

  /** What is known of a call before it is made, and what it is for. */
  #describe(kind: CallKind, resource: unknown, args: readonly unknown[]): KnownCall {
    const body = kind.body === undefined ? args[0] : kind.body(args, resource);
    const attributes = kind.request(resource, body);
    attributes[ATTR_OPERATION] ??= kind.operation;
    const added = { ...this.#attribution(args), ...this.#host.always() };
    return { body, attributes: Object.assign(attributes, added), added };
  }

  #begin(
    kind: CallKind,
    resource: unknown,
    args: readonly unknown[],
    active: Context,
  ): { call: ObservedCall; inside: Context; args: readonly unknown[]; refused: Error | undefined } {
    const { body, attributes } = this.#describe(kind, resource, args);
    const refused = kind.measured === false ? undefined : admit(attributes);
    if (this.#host.formerNames) addFormerNames(attributes);
    // All that reads the app's objects comes before the span, which would otherwise stay open after a fault.
    const given = this.#asked(kind, args);
    const span = this.#spanOf(kind, attributes, active);
    const call = new ObservedCall(this.#host, kind, span, attributes, body);
    const traced = span.owner === 'late' ? active : trace.setSpan(active, span.span);
    call.asked = given !== args;
    const own = insideCall(requestContext(kind, attributes, traced), call);
    const inside = markRivals(own, this.#host.adapter.rivals);
    call.within = (step) => context.with(inside, step);
    return { call, inside, args: given, refused };
  }

  #spanOf(kind: CallKind, attributes: Attributes, active: Context): CallSpan {
    const start = (startTime?: number): Span =>
      this.#host.tracer().startSpan(
        spanName(kind, attributes),
        {
          kind: kind.spanKind ?? SpanKind.CLIENT,
          attributes,
          ...(startTime === undefined ? {} : { startTime }),
        },
        active,
      );
    return kind.layer === true ? { owner: 'late', start } : { owner: 'instrumentation', span: start() };
  }

  /** The arguments that the SDK gets: the app's own, unless a stream's usage has to be asked for. */
  #asked(kind: CallKind, args: readonly unknown[]): readonly unknown[] {
    const changed = kind.ask?.(args);
    if (changed === undefined) return args;
    if (wantsStreamUsage()) return changed;
    warnStreamUsage(this.#host.adapter.module);
    return args;
  }

  #adopt(kind: CallKind, span: Span, { body, attributes, added }: KnownCall): ObservedCall {
    if (span.isRecording()) span.setAttributes({ ...lackedBy(span, attributes), ...added });
    return new ObservedCall(this.#host, kind, { owner: 'sdk', span }, attributes, body);
  }

  /** Tracing is suppressed here, or another instrumentation of the same SDK called us inside its span. */
  #stepsBack(active: Context, kind: CallKind): boolean {
    if (isSuppressed(active)) return true;
    const outer = trace.getSpan(active) as
      { attributes?: Attributes; instrumentationScope?: { name: string } } | undefined;
    const scope = outer?.instrumentationScope?.name;
    if (scope === undefined || !this.#host.adapter.rivals.includes(scope)) return false;
    if (outer?.attributes?.[ATTR_OPERATION] !== kind.operation) return false;
    tellRival(this.#host.adapter.module, scope);
    return true;
  }
}

/** Those attributes that an SDK's own span does not have, as far as it can be read. */
function lackedBy(span: Span, attributes: Attributes): Attributes {
  const own = (span as { readonly attributes?: Attributes }).attributes ?? {};
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => own[name] === undefined));
}

/** Tools and agents run code of the app, whose own requests keep their baggage. */
function requestContext(kind: CallKind, attributes: Attributes, ctx: Context): Context {
  return kind.measured === false ? ctx : withoutBaggage(ctx, attributes[ATTR_SERVER_ADDRESS]);
}

function spanName(kind: CallKind, attributes: Attributes): string {
  if (kind.spanName !== undefined) return kind.spanName(attributes);
  const model = attributes[ATTR_REQUEST_MODEL];
  return typeof model === 'string' ? `${kind.operation} ${model}` : kind.operation;
}

const told = new Set<string>();

function tellRival(module: string, scope: string): void {
  if (told.has(scope)) return;
  told.add(scope);
  diag.info(`spanmeter: ${scope} is active for ${module}; stepping back`);
}
