import type { AdapterHost } from './adapter.ts';
import { asObject } from './json.ts';

const ours = new WeakSet<object>();

/** A property that is computed, or else has no `get`. */
export interface Getter extends PropertyDescriptor {
  get?: (this: unknown) => unknown;
}

/**
 * Hands every object that the getter `prototype[name]` gives to `use`, before the app has it, one time for each
 * class: for SDKs that make their parts when they are first asked for and export no class of them.
 */
export function onResource(
  host: AdapterHost,
  prototype: object,
  name: string,
  use: (resource: object) => void,
): void {
  const found: Getter | undefined = Object.getOwnPropertyDescriptor(prototype, name);
  const original = found?.get;
  if (found === undefined || original === undefined || found.configurable !== true) return;
  if (ours.has(original)) return;
  const seen = new WeakSet<object>();
  const getter = function (this: unknown): unknown {
    const resource: unknown = original.call(this);
    if (host.isActive()) host.guard(() => lookAt(resource));
    return resource;
  };
  const lookAt = (resource: unknown): void => {
    const object = asObject(resource);
    const kind: unknown = object === undefined ? null : Object.getPrototypeOf(object);
    if (object === undefined || typeof kind !== 'object' || kind === null || seen.has(kind)) return;
    seen.add(kind);
    use(object);
  };
  Object.defineProperty(getter, 'name', { value: original.name, configurable: true });
  ours.add(getter);
  Object.defineProperty(prototype, name, { ...found, get: getter });
  host.onDisable(() => {
    if (Object.getOwnPropertyDescriptor(prototype, name)?.get === getter) {
      Object.defineProperty(prototype, name, found);
    }
  });
}

/** The prototype in `prototype`'s chain that has `name` itself; undefined where none has. */
export function holderOf(prototype: object | undefined, name: string): object | undefined {
  for (let holder = prototype; holder !== undefined; holder = asObject(Object.getPrototypeOf(holder))) {
    if (Object.hasOwn(holder, name)) return holder;
  }
  return undefined;
}
