import { metrics, trace, type Attributes, type MeterProvider, type TracerProvider } from '@opentelemetry/api';
import {
  InstrumentationBase,
  InstrumentationNodeModuleDefinition,
  InstrumentationNodeModuleFile,
  isWrapped,
  type InstrumentationConfig,
} from '@opentelemetry/instrumentation';
import type { AdapterHost, AnyFunction, CallKind, Method, ModuleHook, SdkAdapter } from './adapter.ts';
import { CapturedContent, type RedactContent } from './captured-content.ts';
import { contentMode } from './content.ts';
import { countRetries } from './count-retries.ts';
import { diagnostics } from './diagnostics.ts';
import { Faults } from './faults.ts';
import { hide, namedLike } from './hidden.ts';
import { keepBaggage } from './keep-baggage.ts';
import { LateTracerProvider } from './late-tracer.ts';
import { MANUAL_CALLS } from './manual-host.ts';
import { clientMetrics, type ClientMetrics } from './metrics.ts';
import { Observer, type ObserverHost } from './observer.ts';
import { OpenCalls } from './open-calls.ts';
import { onRequire } from './required-modules.ts';
import { samplingRatioOf } from './sampling.ts';
import { SCOPE_NAME } from './scope.ts';
import { noteSdkSeen } from './sdk-seen.ts';
import { ATTR_SAMPLING_RATIO } from './semconv.ts';
import { sharedTracerProvider } from './shared-api.ts';
import { unknownVersionDefinition } from './unknown-version.ts';
import { VERSION } from './version.ts';
import { vocabularyOf } from './vocabulary.ts';

/** Marks a function that is already observed, also by another copy of this package. */
const OBSERVED = Symbol.for('spanmeter.observed');

/** Exports given by hand that are kept; more are clients whose methods are their own, as those of `cohere-ai` v2. */
const MAX_GIVEN = 256;

/** Forgets what would have to be undone on objects that are gone. */
const droppedHolders = new FinalizationRegistry<() => void>((forget) => forget());

export interface SdkInstrumentationConfig extends InstrumentationConfig {
  /** Sees captured content before it is written. */
  readonly redact?: RedactContent;
}

/** One instrumentation of one SDK, driven by its adapter. */
export class SdkInstrumentation extends InstrumentationBase<SdkInstrumentationConfig> {
  // The base class calls init() and _updateMetricInstruments() from its constructor, before the fields of a
  // subclass exist; `declare` keeps them from being wiped afterwards.
  declare private _client: ClientMetrics | undefined;
  declare private _provider: MeterProvider | undefined;
  declare private _meterGiven: boolean | undefined;
  declare private _givenProvider: TracerProvider | undefined;
  readonly #adapter: SdkAdapter;
  readonly #open = new OpenCalls();
  readonly #observer: Observer;
  readonly #host: AdapterHost;
  readonly #modules: readonly InstrumentationNodeModuleDefinition[];
  readonly #undo = new Set<() => void>();
  /** Exports given by hand that had something to patch, which is to be patched again when enabled again. */
  readonly #given = new Set<unknown>();
  #activated = false;
  #hasToldRival = false;
  readonly #faults: Faults;

  constructor(adapter: SdkAdapter, config: SdkInstrumentationConfig = {}) {
    super(SCOPE_NAME, VERSION, { ...config, enabled: false });
    this.setConfig(config);
    this.#adapter = adapter;
    this.#faults = new Faults(`the instrumentation of ${adapter.module}`);
    this.#observer = new Observer(this.#observerHost(config.redact));
    this.#host = this.#adapterHost();
    this.#modules = this.#definitions();
    (this as unknown as { _modules: unknown[] })._modules = [...this.#modules];
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

  override setTracerProvider(provider: TracerProvider): void {
    this._givenProvider = provider instanceof LateTracerProvider ? undefined : provider;
    super.setTracerProvider(provider);
  }

  /** A sample is a part of a bill: what reads the spans has to know which part. */
  #sampling(): Attributes | undefined {
    const provider = this._givenProvider ?? sharedTracerProvider() ?? trace.getTracerProvider();
    const ratio = samplingRatioOf(provider);
    return ratio === undefined ? undefined : { [ATTR_SAMPLING_RATIO]: ratio };
  }

  override enable(): void {
    const again = !this.isEnabled();
    super.enable();
    if (again) this.#watchEntryPoints();
    if (again) for (const moduleExports of this.#given) this.#guard(() => this.#patch(moduleExports));
    const { activate } = this.#adapter;
    if (this.#activated || activate === undefined) return;
    this.#activated = true;
    this.#guard(() => activate(this.#host));
  }

  override disable(): void {
    super.disable();
    this.#activated = false;
    const undos = [...this.#undo].toReversed();
    this.#undo.clear();
    for (const undo of undos) this.#guard(undo);
  }

  /** Package name of the SDK. */
  get sdk(): string {
    return this.#adapter.module;
  }

  /** The API has no proxy meter, so the global provider is looked at again until an SDK has set one. */
  #metrics(): ClientMetrics {
    const provider = metrics.getMeterProvider();
    if (this._client === undefined || (this._meterGiven !== true && this._provider !== provider)) {
      this._provider = provider;
      this._client = clientMetrics(
        this._meterGiven === true ? this.meter : provider.getMeter(SCOPE_NAME, VERSION),
        vocabularyOf(process.env['OTEL_SEMCONV_STABILITY_OPT_IN']),
      );
    }
    return this._client;
  }

  /**
   * Ends every call still under way with what is known of it, those made without an SDK too; for the end of the
   * process.
   */
  endOpenCalls(): void {
    this.#open.abandonAll();
    MANUAL_CALLS.abandonAll();
  }

  /** Patches exports that no loader hook saw, as a bundler makes them. */
  manuallyInstrument(moduleExports: unknown): void {
    if (!this.isEnabled()) {
      this.#given.add(moduleExports);
      return;
    }
    const before = this.#undo.size;
    this.#guard(() => this.#patch(moduleExports));
    // Of clients that are given one after the other, only the first is news: the class is patched then.
    if (this.#undo.size > before && this.#given.size < MAX_GIVEN) this.#given.add(moduleExports);
  }

  /** Patches the SDK of a client, or of a client's class; false where it is of another SDK. */
  instrumentClient(client: unknown): boolean {
    const found = this.#guard(() => this.#adapter.exportsOf?.(client));
    if (found === undefined) return false;
    this.manuallyInstrument(found);
    return true;
  }

  #observerHost(redact: RedactContent | undefined): ObserverHost {
    const clientMetricsOf = (): ClientMetrics => this.#metrics();
    const mode = contentMode(process.env['OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT']);
    return {
      adapter: this.#adapter,
      get metrics() {
        return clientMetricsOf();
      },
      open: this.#open,
      formerNames: vocabularyOf(process.env['OTEL_SEMCONV_STABILITY_OPT_IN']).formerNames,
      content: new CapturedContent(mode, redact, () => this.logger),
      tracer: () => this.tracer,
      isActive: () => this.isEnabled() && !this.#faults.areTooMany,
      always: () => this.#sampling(),
      guard: (step) => this.#guard(step),
      fault: (fault) => this.#faults.note(fault),
      noteSound: () => this.#faults.noteSound(),
    };
  }

  #adapterHost(): AdapterHost {
    return {
      wrap: (owner, name, make) => this.#wrap(owner, name, make),
      wrapMethod: (owner, name, kind) => this.#wrapMethod(owner, name, kind),
      run: (kind, resource, args, original) => this.#observer.run(kind, resource, args, original),
      startSpan: (start) => this.#observer.startSpan(start),
      guard: (step) => this.#guard(step),
      isActive: () => this.isEnabled() && !this.#faults.areTooMany,
      onDisable: (undo) => void this.#undo.add(undo),
    };
  }

  #definitions(): InstrumentationNodeModuleDefinition[] {
    const { module, versions, hooks = [] } = this.#adapter;
    const known = new Set<string | undefined>();
    const main = new InstrumentationNodeModuleDefinition(
      module,
      [...versions],
      (moduleExports: unknown, version?: string) => {
        known.add(version);
        return this.#guard(() => this.#patch(moduleExports)) ?? moduleExports;
      },
    );
    const unknown = unknownVersionDefinition(module, versions, (version) => known.has(version));
    return [main, ...hooks.map((hook) => this.#definition(hook)), unknown];
  }

  #definition(hook: ModuleHook): InstrumentationNodeModuleDefinition {
    const versions = [...hook.versions];
    const patch = (moduleExports: unknown): unknown =>
      this.#guard(() => hook.patch(moduleExports, this.#host)) ?? moduleExports;
    if (hook.files === undefined)
      return new InstrumentationNodeModuleDefinition(hook.module, versions, patch);
    const files = hook.files.map(
      (file) => new InstrumentationNodeModuleFile(`${hook.module}/${file}`, versions, patch, () => undefined),
    );
    return new InstrumentationNodeModuleDefinition(hook.module, versions, undefined, undefined, files);
  }

  /** Entry points below a package's main one; the base class finds those of CommonJS by their file alone. */
  #watchEntryPoints(): void {
    for (const definition of this.#modules.slice(1)) {
      if (!isEntryPoint(definition.name) || definition.files.length > 0) continue;
      const loaded = (moduleExports: unknown, folder: string): unknown =>
        (this as unknown as BaseWithLoader)._onRequire(definition, moduleExports, definition.name, folder);
      this.#undo.add(onRequire(definition.name, this.#requireFiles(definition.name), loaded));
    }
  }

  #requireFiles(entryPoint: string): readonly string[] {
    const { module, hooks = [] } = this.#adapter;
    const files = hooks.find((hook) => hook.module === entryPoint)?.requireFiles ?? [];
    return files.map((file) => `${module}/${file}`);
  }

  #patch(moduleExports: unknown): unknown {
    noteSdkSeen();
    for (const { owner, name, kind } of this.#adapter.methods) {
      const holder = owner(moduleExports);
      if (holder !== undefined) this.#wrapMethod(holder, name, kind);
    }
    const { retries, requests, patch } = this.#adapter;
    const client = retries?.owner(moduleExports);
    if (retries !== undefined && client !== undefined) this.#wrap(client, retries.name, countRetries);
    const sender = requests?.owner(moduleExports);
    if (requests !== undefined && sender !== undefined) this.#wrap(sender, requests.name, keepBaggage);
    return patch?.(moduleExports, this.#host) ?? moduleExports;
  }

  #wrapMethod(owner: object, name: string, kind: Method['kind']): boolean {
    const observer = this.#observer;
    const chosen = (resource: unknown, args: readonly unknown[]): CallKind | undefined =>
      typeof kind === 'function' ? this.#guard(() => kind(resource, args)) : kind;
    return this.#wrap(owner, name, (original) => {
      // A method, as the original is: `new` of it fails.
      const methods: Readonly<Record<'call', AnyFunction>> = {
        call(this: unknown, ...args: unknown[]): unknown {
          const one = chosen(this, args);
          if (one === undefined) return original.apply(this, args);
          return observer.run(one, this, args, (given) => original.apply(this, given as unknown[]));
        },
      };
      return methods.call;
    });
  }

  #wrap(owner: object, name: string, make: (original: AnyFunction) => AnyFunction): boolean {
    const holder = owner as Record<string, AnyFunction>;
    const original: unknown = holder[name];
    if (typeof original !== 'function' || OBSERVED in original) return false;
    if (isWrapped(original)) {
      this.#tellRival();
      return false;
    }
    const replacement = namedLike(make(original as AnyFunction), original);
    Object.defineProperty(replacement, OBSERVED, { value: true });
    this._wrap(holder, name, () => replacement);
    this.#seeTaken(replacement);
    this.#undoWrap(new WeakRef(holder), name);
    return true;
  }

  /** Another instrumentation that comes later takes ours away before it wraps the method (0.223 `_wrap`). */
  #seeTaken(replacement: AnyFunction): void {
    const { __unwrap: unwrap } = replacement as { readonly __unwrap?: () => void };
    if (unwrap === undefined) return;
    hide(replacement, '__unwrap', () => {
      if (this.isEnabled()) this.#tellRival();
      unwrap();
    });
  }

  #tellRival(): void {
    if (this.#hasToldRival) return;
    this.#hasToldRival = true;
    diagnostics.info(
      `spanmeter: another instrumentation of ${this.#adapter.module} is active; stepping back`,
    );
  }

  /** Of an object that the app drops, such as a client with methods of its own, nothing is kept. */
  #undoWrap(held: WeakRef<Record<string, AnyFunction>>, name: string): void {
    const undo = (): void => {
      const holder = held.deref();
      if (holder?.[name] !== undefined && OBSERVED in holder[name]) this._unwrap(holder, name);
    };
    this.#undo.add(undo);
    const holder = held.deref();
    if (holder !== undefined) droppedHolders.register(holder, () => this.#undo.delete(undo));
  }

  #guard<T>(step: () => T): T | undefined {
    return this.#faults.guard(step);
  }
}

/** How the base class meets a module that was just loaded: checks its version, patches it. */
interface BaseWithLoader {
  _onRequire(definition: unknown, moduleExports: unknown, name: string, folder: string): unknown;
}

/** `@scope/package/entry` or `package/entry`. */
function isEntryPoint(name: string): boolean {
  return name.split('/').length > (name.startsWith('@') ? 2 : 1);
}
