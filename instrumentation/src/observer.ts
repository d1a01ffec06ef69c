import {
  SpanKind,
  context,
  trace,
  type Attributes,
  type Context,
  type Span,
  type SpanOptions,
  type Tracer,
} from '@opentelemetry/api';
import type { CallKind, Operation, NativeResult, SdkAdapter, SpanStart } from './adapter.ts';
import { attributionOf, tellingContext, withCallAttribution, withoutBaggage } from './attribution.ts';
import { ObservedCall, type CallHost, type CallSpan } from './call.ts';
import { admit, refusal } from './budget-guard.ts';
import { currentCall, insideCall, sameRequest, type CurrentCall } from './current-call.ts';
import { diagnostics } from './diagnostics.ts';
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
  /** Who it is for. */
  readonly own: Attributes;
  /** Those that an SDK's own span lacks. */
  readonly added: Attributes;
}

interface Begun {
  readonly call: ObservedCall;
  readonly inside: Context;
  /** What the SDK gets. */
  readonly args: readonly unknown[];
  readonly refused: Error | undefined;
}

type Original = (args: readonly unknown[]) => unknown;

/** A call as the app makes it, and the layer that it is made in. */
interface Asked {
  readonly kind: CallKind;
  readonly resource: unknown;
  readonly args: readonly unknown[];
  readonly original: Original;
  readonly layer: CurrentCall | undefined;
}

/** Runs SDK calls as observed calls. Whatever goes wrong in here, the app's call is made, once, and answered. */
export class Observer {
  readonly #host: ObserverHost;

  constructor(host: ObserverHost) {
    this.#host = host;
  }

  /** Runs `original` as one call of `kind`; gives what the app gets. */
  run(kind: CallKind, resource: unknown, args: readonly unknown[], original: Original): unknown {
    const host = this.#host;
    if (!host.isActive()) return original(args);
    const active = context.active();
    if (this.#stepsBack(active, kind)) return this.#untold(kind, resource, args, original, active);
    const outer = currentCall(active);
    const layer =
      outer !== undefined && sameRequest(outer, kind.operation, host.adapter.module) ? outer : undefined;
    // One request, seen twice: that of an SDK is the one that counts, the outermost where there are several.
    if (layer?.isLayer === false && layer.passesOnTo?.(resource) !== true) return original(args);
    layer?.noteInner();
    const { native } = host.adapter;
    if (native !== undefined && host.guard(() => native.isOn(resource)) === true) {
      return this.#runNative(native, { kind, resource, args, original, layer });
    }
    let begun: Begun;
    try {
      begun = this.#begin(kind, resource, args, active);
    } catch (fault) {
      host.fault(fault);
      return this.#unobserved(kind, args, original, active);
    }
    const { call, inside, refused } = begun;
    call.layer = layer;
    if (refused !== undefined) {
      call.fail(refused);
      return refusal(refused);
    }
    let result: unknown;
    try {
      result = context.with(inside, () => original(begun.args));
    } catch (error) {
      call.fail(error);
      throw error;
    }
    return this.#watch(result, call);
  }

  /** Starts a span of something that is no request to a model. */
  startSpan({ name, kind, attributes }: SpanStart): Span | undefined {
    const active = tellingContext();
    if (!this.#host.isActive() || isSuppressed(active)) return undefined;
    return this.#host.guard(() => {
      const all = { ...attributes, ...attributionOf(active), ...this.#host.always() };
      if (this.#host.formerNames) addFormerNames(all);
      return this.#host.tracer().startSpan(name, { kind, attributes: all }, active);
    });
  }

  /** A call that is not ours to tell: budgets hold it, and baggage stays here, all the same. */
  #untold(
    kind: CallKind,
    resource: unknown,
    args: readonly unknown[],
    original: Original,
    active: Context,
  ): unknown {
    const known = this.#host.guard(() => this.#describe(kind, resource, args, active));
    if (known === undefined) return this.#unobserved(kind, args, original, active);
    const refused = admitted(kind, known.attributes);
    if (refused !== undefined) return refusal(refused);
    const inside = requestContext(kind, known.attributes, active);
    return inside === active ? original(args) : context.with(inside, () => original(args));
  }

  /** After a fault: the call is made as it is, but for baggage, which stays here all the same. */
  #unobserved(kind: CallKind, args: readonly unknown[], original: Original, active: Context): unknown {
    const bare = this.#host.guard(() => requestContext(kind, {}, active)) ?? active;
    return bare === active ? original(args) : context.with(bare, () => original(args));
  }

  #runNative(
    native: { readonly run: (resource: unknown, options: unknown, call: () => unknown) => NativeResult },
    { kind, resource, args, original, layer }: Asked,
  ): unknown {
    const active = context.active();
    const known = this.#host.guard(() => this.#describe(kind, resource, args, active));
    if (known === undefined) return this.#unobserved(kind, args, original, active);
    const refused = admitted(kind, known.attributes);
    if (refused !== undefined) {
      // The SDK starts no span for a call that is not made.
      this.#host.guard(() => this.#begin(kind, resource, args, active).call.fail(refused));
      return refusal(refused);
    }
    const inside = requestContext(kind, known.attributes, active);
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
    if (adopted === undefined) return result;
    adopted.layer = layer;
    return this.#watch(result, adopted);
  }

  #watch(result: unknown, call: ObservedCall): unknown {
    try {
      const watched = call.kind.watch?.(result, call);
      return watched === undefined ? watchResult(result, call) : watched;
    } catch (fault) {
      call.fault(fault);
      call.abandon();
      return result;
    }
  }

  /** What is known of a call before it is made, and what it is for. */
  #describe(kind: CallKind, resource: unknown, args: readonly unknown[], active: Context): KnownCall {
    const body = kind.body === undefined ? args[0] : kind.body(args, resource);
    const attributes = kind.request(resource, body);
    attributes[ATTR_OPERATION] ??= kind.operation;
    const always = this.#host.always();
    // What is in a command, as those of AWS, is a parameter of the call too.
    const own = withCallAttribution(active, args.includes(body) ? args : [...args, body]);
    const added = always === undefined ? own : { ...own, ...always };
    return { body, attributes: Object.assign(attributes, added), own, added };
  }

  #begin(kind: CallKind, resource: unknown, args: readonly unknown[], active: Context): Begun {
    const { body, attributes, own: attribution } = this.#describe(kind, resource, args, active);
    const refused = admitted(kind, attributes);
    if (this.#host.formerNames) addFormerNames(attributes);
    // All that reads the app's objects comes before the span, which would otherwise stay open after a fault.
    const given = this.#asked(kind, args);
    const span = this.#spanOf(kind, attributes, active);
    const call = new ObservedCall(this.#host, kind, span, attributes, body);
    const traced = span.owner === 'late' ? active : trace.setSpan(active, span.span);
    call.asked = given !== args;
    call.resource = resource;
    call.attribution = attribution;
    const own = insideCall(requestContext(kind, attributes, traced), call);
    const inside = markRivals(own, this.#host.adapter.rivals);
    call.inside = inside;
    call.module = this.#host.adapter.module;
    return { call, inside, args: given, refused };
  }

  #spanOf(kind: CallKind, attributes: Attributes, active: Context): CallSpan {
    if (kind.layer !== true) return { owner: 'instrumentation', span: this.#start(kind, attributes, active) };
    return { owner: 'late', start: (startTime) => this.#start(kind, attributes, active, startTime) };
  }

  #start(kind: CallKind, attributes: Attributes, active: Context, startTime?: number): Span {
    const options: SpanOptions = { kind: kind.spanKind ?? SpanKind.CLIENT, attributes };
    if (startTime !== undefined) options.startTime = startTime;
    return this.#host.tracer().startSpan(spanName(kind, attributes), options, active);
  }

  /** The arguments that the SDK gets: the app's own, unless a stream's usage has to be asked for. */
  #asked(kind: CallKind, args: readonly unknown[]): readonly unknown[] {
    const changed = kind.ask?.(args);
    if (changed === undefined) return args;
    if (wantsStreamUsage()) return changed;
    warnStreamUsage(this.#host.adapter.module);
    return args;
  }

  #adopt(kind: CallKind, span: Span, { body, attributes, own, added }: KnownCall): ObservedCall {
    if (span.isRecording()) span.setAttributes({ ...lackedBy(span, attributes), ...added });
    const call = new ObservedCall(this.#host, kind, { owner: 'sdk', span }, attributes, body);
    call.attribution = own;
    return call;
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
  const lacked: Attributes = {};
  for (const name of Object.keys(attributes)) if (own[name] === undefined) lacked[name] = attributes[name];
  return lacked;
}

/** Nothing that costs: what was paid for already may be fetched, and what is no request to a model goes on. */
const FREE: ReadonlySet<Operation> = new Set(['count_tokens', 'fetch_response']);

/** Tools and agents run code of the app, whose own requests keep their baggage. */
function requestContext(kind: CallKind, attributes: Attributes, ctx: Context): Context {
  const isOfApp = kind.measured === false && !FREE.has(kind.operation);
  return isOfApp ? ctx : withoutBaggage(ctx, attributes[ATTR_SERVER_ADDRESS]);
}

function admitted(kind: CallKind, attributes: Attributes): Error | undefined {
  return kind.measured === false || FREE.has(kind.operation) ? undefined : admit(attributes);
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
  diagnostics.info(`spanmeter: ${scope} is active for ${module}; stepping back`);
}
