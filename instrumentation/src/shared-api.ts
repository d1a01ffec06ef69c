import type { TracerProvider } from '@opentelemetry/api';

/**
 * Every copy of `@opentelemetry/api` 1.x in a process registers into one object (its
 * `src/internal/global-utils`). The first registration wins, every later one must come from a copy of exactly
 * the same version, and a copy reads only what a copy of its own minor version or a later one has registered.
 */
const SHARED = Symbol.for('opentelemetry.js.api.1');

interface SharedObject {
  version: string;
  [kind: string]: unknown;
}

/** How each kind of global is set, on the singleton of that name that the API exports. */
const SETTERS: Readonly<Record<string, string>> = {
  trace: 'setGlobalTracerProvider',
  context: 'setGlobalContextManager',
  propagation: 'setGlobalPropagator',
  metrics: 'setGlobalMeterProvider',
  logs: 'setGlobalLoggerProvider',
  diag: 'setLogger',
};

/** What an SDK for traces registers: given up together. */
const TRACING: readonly string[] = ['trace', 'context', 'propagation'];

type Setter = (...args: unknown[]) => unknown;
type Copy = Readonly<Record<string, Record<string, unknown> | undefined>>;

/**
 * Makes what `register` put into the shared object give way: an SDK that the app starts later takes its place,
 * as if ours had never been there, from whichever copy of the API, and so do metrics and loggers. Until then
 * copies of a later minor version see ours.
 */
export class SharedApi {
  readonly #ours = new Map<string, unknown>();
  readonly #adopted = new WeakSet<object>();
  #ownVersion = '';
  #newest = '';

  /**
   * Runs `start` and takes everything that it registers for ours. Gives the version of our copy of the API;
   * undefined where nothing was registered.
   */
  claim(start: () => void): string | undefined {
    const before = { ...sharedObject() };
    start();
    const shared = sharedObject();
    if (shared === undefined) return undefined;
    this.#ownVersion = shared.version;
    for (const kind of Object.keys(SETTERS)) {
      const instance = shared[kind];
      if (instance !== undefined && instance !== before[kind]) this.#ours.set(kind, instance);
    }
    this.#settle(shared.version);
    return this.#ours.size === 0 ? undefined : this.#ownVersion;
  }

  /** Watches the registrations of one copy of the API; `version` is that of its package. */
  adopt(copy: unknown, version: string): void {
    for (const [kind, name] of Object.entries(SETTERS)) {
      const singleton = (copy as Copy)[kind];
      const original = singleton?.[name];
      if (singleton === undefined || typeof original !== 'function' || this.#adopted.has(original)) continue;
      const set = (...args: unknown[]): unknown =>
        this.#register(kind, version, () => (original as Setter).apply(singleton, args));
      this.#adopted.add(set);
      Object.defineProperty(singleton, name, { value: set, configurable: true, writable: true });
    }
    this.#settle(version);
  }

  #register(kind: string, version: string, original: () => unknown): unknown {
    const withdrawn = this.#withdraw(kind);
    const shared = sharedObject();
    const readableBy = shared?.version ?? version;
    if (shared !== undefined) setVersion(shared, version);
    const result = original();
    if (shared !== undefined && isOlder(version, readableBy)) setVersion(shared, readableBy);
    if (result === false && withdrawn !== undefined) this.#restore(withdrawn);
    this.#settle(version);
    return result;
  }

  /** Takes out what stands in the way of a registration of `kind`; undefined where nothing of ours does. */
  #withdraw(kind: string): Map<string, unknown> | undefined {
    const shared = sharedObject();
    if (shared === undefined || !this.#ours.has(kind) || shared[kind] !== this.#ours.get(kind))
      return undefined;
    const withdrawn = new Map<string, unknown>();
    for (const each of TRACING.includes(kind) ? TRACING : [kind]) {
      const instance = this.#ours.get(each);
      if (instance === undefined || shared[each] !== instance) continue;
      withdrawn.set(each, instance);
      this.#ours.delete(each);
      delete shared[each];
    }
    if (Object.keys(shared).every((key) => key === 'version')) setShared(undefined);
    return withdrawn;
  }

  #restore(withdrawn: ReadonlyMap<string, unknown>): void {
    const shared = sharedObject();
    if (shared === undefined) return;
    for (const [kind, instance] of withdrawn) {
      shared[kind] ??= instance;
      this.#ours.set(kind, instance);
    }
  }

  /** Leaves the object readable: by every copy seen while it holds something of ours, and always by our own. */
  #settle(version: string): void {
    if (isOlder(this.#newest, version)) this.#newest = version;
    const shared = sharedObject();
    if (shared === undefined || this.#ownVersion === '') return;
    const least = this.#ours.size > 0 ? this.#newest : this.#ownVersion;
    if (isOlder(shared.version, least)) setVersion(shared, least);
  }
}

/** The tracer provider that is registered, also by a copy of the API that is older than ours. */
export function sharedTracerProvider(): TracerProvider | undefined {
  return sharedObject()?.['trace'] as TracerProvider | undefined;
}

function sharedObject(): SharedObject | undefined {
  return (globalThis as unknown as Record<symbol, SharedObject | undefined>)[SHARED];
}

function setShared(value: SharedObject | undefined): void {
  (globalThis as unknown as Record<symbol, SharedObject | undefined>)[SHARED] = value;
}

/** Since 1.10 the version of an object is fixed by the copy that made it; then it stays. */
function setVersion(shared: SharedObject, version: string): void {
  Reflect.set(shared, 'version', version);
}

function isOlder(left: string, right: string): boolean {
  return minorOf(left) < minorOf(right);
}

function minorOf(version: string): number {
  return Number(/^1\.(\d+)\./.exec(version)?.[1] ?? -1);
}
