import {
  SpanKind,
  context,
  diag,
  metrics,
  trace,
  type Attributes,
  type Context,
  type MeterProvider,
  type Span,
} from '@opentelemetry/api';
import {
  InstrumentationBase,
  InstrumentationNodeModuleDefinition,
  isWrapped,
  type InstrumentationConfig,
} from '@opentelemetry/instrumentation';
import type { Method, SdkAdapter } from './adapter.ts';
import { attributionOf } from './attribution.ts';
import { ObservedCall, type CallHost } from './call.ts';
import { clientMetrics, type ClientMetrics } from './metrics.ts';
import { OpenCalls } from './open-calls.ts';
import { observePromise } from './promise.ts';
import { ATTR_OPERATION, ATTR_REQUEST_MODEL, addFormerNames, wantsFormerNames } from './semconv.ts';
import { isSuppressed } from './suppress.ts';
import { VERSION } from './version.ts';

/** The scope name of our spans. */
export const SCOPE_NAME = '@spanmeter/instrumentation';

/** Marks a function that is already observed, also by another copy of this package. */
const OBSERVED = Symbol.for('spanmeter.observed');

type AnyFunction = (this: unknown, ...args: unknown[]) => unknown;

/** One instrumentation of one SDK, driven by its adapter. */
export class SdkInstrumentation extends InstrumentationBase {
  // The base class calls init() and _updateMetricInstruments() from its constructor, before the fields of a
  // subclass exist; `declare` keeps them from being wiped afterwards.
  declare private _client: ClientMetrics | undefined;
  declare private _provider: MeterProvider | undefined;
  declare private _meterGiven: boolean | undefined;
  readonly #adapter: SdkAdapter;
  readonly #open = new OpenCalls();
  readonly #host: CallHost;
  #faulty = false;

  constructor(adapter: SdkAdapter, config: InstrumentationConfig = {}) {
    super(SCOPE_NAME, VERSION, { ...config, enabled: false });
    this.setConfig(config);
    this.#adapter = adapter;
    this.#host = {
      metrics: { record: (...args) => this.#metrics().record(...args) },
      open: this.#open,
      formerNames: wantsFormerNames(process.env['OTEL_SEMCONV_STABILITY_OPT_IN']),
      guard: (step) => this.#guard(step),
    };
    (this as unknown as { _modules: unknown[] })._modules = [this.#definition()];
    if (config.enabled !== false) this.enable();
  }

  /** Nothing yet: the adapter is known only after the base class is constructed. */
  protected override init(): undefined {
    return undefined;
  }

  override _updateMetricInstruments(): void {
    this._client = undefined;
  }

  override setMeterProvider(provider: MeterProvider): void {
    this._meterGiven = true;
    super.setMeterProvider(provider);
  }

  /** The API has no proxy meter, so the global provider is looked at again until an SDK has set one. */
  #metrics(): ClientMetrics {
    const provider = metrics.getMeterProvider();
    if (this._client === undefined || (this._meterGiven !== true && this._provider !== provider)) {
      this._provider = provider;
      this._client = clientMetrics(
        this._meterGiven === true ? this.meter : provider.getMeter(SCOPE_NAME, VERSION),
      );
    }
    return this._client;
  }

  /** Ends every call still under way with what is known of it; for the end of the process. */
  endOpenCalls(): void {
    this.#open.abandonAll();
  }

  /** Patches exports that no loader hook saw, as a bundler makes them. */
  manuallyInstrument(moduleExports: unknown): void {
    this.#patch(moduleExports);
  }

  #definition(): InstrumentationNodeModuleDefinition {
    return new InstrumentationNodeModuleDefinition(
      this.#adapter.module,
      [...this.#adapter.versions],
      (moduleExports: unknown) => {
        this.#guard(() => this.#patch(moduleExports));
        return moduleExports;
      },
      (moduleExports: unknown) => {
        this.#guard(() => this.#unpatch(moduleExports));
      },
    );
  }

  #patch(moduleExports: unknown): void {
    for (const method of this.#adapter.methods) {
      const owner = method.owner(moduleExports) as Record<string, AnyFunction> | undefined;
      const original = owner?.[method.name];
      if (owner === undefined || typeof original !== 'function') continue;
      if (OBSERVED in original) continue;
      if (isWrapped(original)) {
        diag.info(`spanmeter: another instrumentation of ${this.#adapter.module} is active; stepping back`);
        continue;
      }
      this._wrap(owner, method.name, () => this.#observed(method, original));
    }
  }

  #unpatch(moduleExports: unknown): void {
    for (const method of this.#adapter.methods) {
      const owner = method.owner(moduleExports) as Record<string, AnyFunction> | undefined;
      const current = owner?.[method.name];
      if (owner !== undefined && current !== undefined && OBSERVED in current) {
        this._unwrap(owner, method.name);
      }
    }
  }

  #observed(method: Method, original: AnyFunction): AnyFunction {
    const run = (resource: unknown, args: unknown[]): unknown => this.#run(method, original, resource, args);
    const observed = function (this: unknown, ...args: unknown[]): unknown {
      return run(this, args);
    };
    Object.defineProperties(observed, {
      name: { value: original.name, configurable: true },
      length: { value: original.length, configurable: true },
      [OBSERVED]: { value: true },
    });
    return observed;
  }

  #run(method: Method, original: AnyFunction, resource: unknown, args: unknown[]): unknown {
    const active = context.active();
    if (this.#faulty || !this.isEnabled() || this.#steppingBack(active, method)) {
      return original.apply(resource, args);
    }
    const native = this.#adapter.native;
    if (native !== undefined && this.#guard(() => native.isOn(resource)) === true) {
      const { result, span } = native.run(resource, args[1], () => original.apply(resource, args));
      if (span !== undefined)
        this.#observe(
          result,
          this.#guard(() => this.#adopt(method, span, resource, args)),
        );
      return result;
    }
    const begun = this.#guard(() => this.#begin(method, resource, args, active));
    if (begun === undefined) return original.apply(resource, args);
    let result: unknown;
    try {
      result = context.with(trace.setSpan(active, begun.span), () => original.apply(resource, args));
    } catch (error) {
      begun.call.fail(error);
      throw error;
    }
    this.#observe(result, begun.call);
    return result;
  }

  #observe(result: unknown, call: ObservedCall | undefined): void {
    if (call === undefined) return;
    const watched = this.#guard(() => observePromise(result, call));
    if (watched === true) return;
    call.abandon();
    this.#fault(new Error(`${this.#adapter.module} returned an object of an unknown shape`));
  }

  #begin(
    method: Method,
    resource: unknown,
    args: unknown[],
    active: Context,
  ): { span: Span; call: ObservedCall } {
    const attributes = method.request(resource, args[0]);
    const atStart: Attributes = Object.assign(attributes, attributionOf(active));
    if (this.#host.formerNames) addFormerNames(atStart);
    const model = attributes[ATTR_REQUEST_MODEL];
    const name = typeof model === 'string' ? `${method.operation} ${model}` : method.operation;
    const span = this.tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes: atStart }, active);
    return { span, call: new ObservedCall(this.#host, method, span, 'instrumentation', attributes, args[0]) };
  }

  #adopt(method: Method, span: Span, resource: unknown, args: unknown[]): ObservedCall {
    const attributes = method.request(resource, args[0]);
    if (span.isRecording()) span.setAttributes(attributionOf(context.active()));
    return new ObservedCall(this.#host, method, span, 'sdk', attributes, args[0]);
  }

  /** Tracing is suppressed here, or another instrumentation of the same SDK called us inside its span. */
  #steppingBack(active: Context, method: Method): boolean {
    if (isSuppressed(active)) return true;
    const outer = trace.getSpan(active) as
      { attributes?: Attributes; instrumentationScope?: { name: string } } | undefined;
    const scope = outer?.instrumentationScope?.name;
    return (
      scope !== undefined &&
      this.#adapter.rivals.includes(scope) &&
      outer?.attributes?.[ATTR_OPERATION] === method.operation
    );
  }

  #guard<T>(step: () => T): T | undefined {
    try {
      return step();
    } catch (fault) {
      this.#fault(fault);
      return undefined;
    }
  }

  #fault(fault: unknown): void {
    if (this.#faulty) return;
    this.#faulty = true;
    diag.error(`spanmeter: a fault in the instrumentation of ${this.#adapter.module}; it is now off`, fault);
  }
}
