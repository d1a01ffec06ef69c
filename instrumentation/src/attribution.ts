import {
  context,
  createContextKey,
  propagation,
  type Attributes,
  type Baggage,
  type Context,
  type Span,
} from '@opentelemetry/api';
import { attributionValue } from './attribution-value.ts';
import { baggageAttributes, mayHaveBaggage } from './baggage.ts';
import { asObject } from './json.ts';

/**
 * Who a call is for. Every field is optional; what is absent, blank or has control characters keeps the value of the
 * surrounding scope. A value has at most 256 characters; a longer one is cut.
 */
export interface Attribution {
  readonly tenant?: string;
  readonly team?: string;
  readonly user?: string;
  readonly session?: string;
  readonly feature?: string;
}

const ATTRIBUTES: Readonly<Record<keyof Attribution, string>> = {
  tenant: 'tenant.id',
  team: 'team.id',
  user: 'user.id',
  session: 'session.id',
  feature: 'spanmeter.feature',
};

// API context keys are global symbols, so two copies of this package share the value.
const ATTRIBUTION = createContextKey('spanmeter.attribution');

const NOTHING: Attributes = Object.freeze({});

/**
 * Runs `fn` so that every LLM call made inside it, also asynchronously, is attributed. Nests: inner values
 * win, others stay. Needs the context manager that any OpenTelemetry SDK installs; without one `fn` just runs.
 */
export function withAttribution<T>(attribution: Attribution, fn: () => T): T {
  const active = context.active();
  // Baggage stays below: it may change further in, and this is over it all the same.
  const given = over((active.getValue(ATTRIBUTION) as Attributes | undefined) ?? NOTHING, attribution);
  return context.with(active.setValue(ATTRIBUTION, given), fn);
}

/** The attributes of `ctx` with those of `attribution` over them. */
export function attributedWith(ctx: Context, attribution: Attribution): Attributes {
  return over(attributionOf(ctx), attribution);
}

function over(attributes: Attributes, attribution: Attribution): Attributes {
  const all: Attributes = { ...attributes };
  for (const [field, key] of Object.entries(ATTRIBUTES)) {
    const value = fieldOf(attribution, field as keyof Attribution);
    if (value !== undefined) all[key] = value;
  }
  return all;
}

/** Whatever is given in place of an attribution, the app's function runs. */
function fieldOf(attribution: Attribution, field: keyof Attribution): string | undefined {
  try {
    return attributionValue((attribution as Attribution | null | undefined)?.[field]);
  } catch {
    return undefined;
  }
}

/** The attributes that `withAttribution` put into `ctx`, over those of its baggage; empty outside of both. */
export function attributionOf(ctx: Context): Attributes {
  const given = ctx.getValue(ATTRIBUTION) as Attributes | undefined;
  const carried = baggageAttributes(ctx);
  if (carried === undefined) return given ?? NOTHING;
  return given === undefined ? carried : { ...carried, ...given };
}

// Of a framework's call the host is often not known; that of the SDK's call inside may be one that gets the baggage.
const WITHHELD = createContextKey('spanmeter.baggage');

/**
 * `ctx` for a request to `host`: its baggage is the app's own and stays here, while what it attributes stays known.
 * The same context where there is none, or where `SPANMETER_BAGGAGE_HOSTS` lets it go.
 */
export function withoutBaggage(ctx: Context, host: unknown): Context {
  const baggage = propagation.getBaggage(ctx);
  if (mayHaveBaggage(host)) {
    const withheld = ctx.getValue(WITHHELD) as Baggage | undefined;
    return baggage === undefined && withheld !== undefined ? propagation.setBaggage(ctx, withheld) : ctx;
  }
  if (baggage === undefined) return ctx;
  const attributes = attributionOf(ctx);
  const bare = propagation.deleteBaggage(ctx).setValue(WITHHELD, baggage);
  return attributes === NOTHING ? bare : bare.setValue(ATTRIBUTION, attributes);
}

/** Where `attributed` puts what it was given; symbols are not sent. */
const PER_CALL = Symbol.for('spanmeter.attribution');

/**
 * `parameters` of one call with who it is for, for any instrumented SDK method:
 * `client.chat.completions.create(attributed({ model, messages }, { feature: 'search' }))`. The provider sees nothing
 * of it. A copy of the same class: commands and messages stay what they are.
 */
export function attributed<T extends object>(parameters: T, attribution: Attribution): T {
  return Object.assign(copyOf(parameters), { [PER_CALL]: attribution }) as T;
}

function copyOf(parameters: unknown): object {
  if (Array.isArray(parameters)) return [...(parameters as readonly unknown[])];
  const object = asObject(parameters);
  const prototype: unknown = object === undefined ? null : Object.getPrototypeOf(object);
  if (prototype === null) return { ...object };
  return Object.assign(Object.create(prototype as object) as object, object);
}

/** The attributes of `ctx` with those of the arguments of one call over them. */
export function withCallAttribution(ctx: Context, args: readonly unknown[]): Attributes {
  for (const argument of args) {
    const given = (argument as { [PER_CALL]?: Attribution } | null | undefined)?.[PER_CALL];
    if (given !== undefined) return attributedWith(ctx, given);
  }
  return attributionOf(ctx);
}

/** `ctx` as the arguments of one call attribute it, for calls that make others inside; undefined where they do not. */
export function contextOfCall(ctx: Context, args: readonly unknown[]): Context | undefined {
  const attributes = withCallAttribution(ctx, args);
  return attributes === attributionOf(ctx) ? undefined : ctx.setValue(ATTRIBUTION, attributes);
}

/** Who the answer that is being looked at is for; nothing interrupts a look. */
let looking: Attributes | undefined;

/**
 * Runs `look`, which reads an answer and may tell of more than one call by it, for whom `attributes` say, whoever
 * reads it. Far cheaper than a context of its own for each answer, of which hardly any tells of more.
 */
export function attributedTo<T>(attributes: Attributes, look: () => T): T {
  const before = looking;
  looking = attributes;
  try {
    return look();
  } finally {
    looking = before;
  }
}

/** The active context; while an answer is looked at, with who its call was for in place of who reads it. */
export function tellingContext(): Context {
  const active = context.active();
  return looking === undefined ? active : attributedContext(propagation.deleteBaggage(active), looking);
}

/** `ctx` with `attributes`, as `withCallAttribution` gives them, in place of its own. */
export function attributedContext(ctx: Context, attributes: Attributes): Context {
  return ctx.setValue(ATTRIBUTION, attributes);
}

/** Attributes `copy`, which an SDK made of the parameters of a call, as these are. */
export function keepAttribution(parameters: unknown, copy: unknown): void {
  const given = asObject(parameters) as { [PER_CALL]?: Attribution } | undefined;
  const made = asObject(copy) as { [PER_CALL]?: Attribution } | undefined;
  if (given?.[PER_CALL] !== undefined && made !== undefined) made[PER_CALL] ??= given[PER_CALL];
}

/**
 * A span processor that attributes every span started inside `withAttribution`, also those of other
 * instrumentations. `register` adds it; give it to your own SDK's `spanProcessors` otherwise.
 */
export class AttributionSpanProcessor {
  onStart(span: Span, parent: Context): void {
    const attributes = attributionOf(parent);
    if (attributes === NOTHING) return;
    // What a span says of itself, as a call with an attribution of its own does, goes before its surroundings.
    const own = (span as { readonly attributes?: Attributes }).attributes ?? NOTHING;
    const missing = Object.entries(attributes).filter(([key]) => own[key] === undefined);
    span.setAttributes(Object.fromEntries(missing));
  }

  onEnd(): void {}

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}
