import type { AdapterHost } from './adapter.ts';
import { asObject } from './json.ts';

/** A property that is computed, or else has no `get`. */
export interface Getter extends PropertyDescriptor {
  get?: (this: unknown) => unknown;
}

/** Someone who is handed what a getter gives, one time for each class. */
interface Listener {
  readonly host: AdapterHost;
  /** Tells apart what one host listens for. */
  readonly purpose: string;
  readonly use: (resource: object) => void;
  readonly seen: WeakSet<object>;
}

/** Our getters, and who listens to each. */
const listening = new WeakMap<object, Set<Listener>>();

function hear({ host, use, seen }: Listener, resource: unknown): void {
  const object = asObject(resource);
  const kind: unknown = object === undefined ? null : Object.getPrototypeOf(object);
  if (object === undefined || typeof kind !== 'object' || kind === null || seen.has(kind)) return;
  if (!host.isActive()) return;
  seen.add(kind);
  host.guard(() => use(object));
}

/** Puts a getter of ours in the place of `found`; undefined where that cannot be done. */
function replace(prototype: object, name: string, found: Getter): Set<Listener> | undefined {
  if (found.get === undefined || found.configurable !== true) return undefined;
  const listeners = new Set<Listener>();
  const getter = function (this: unknown): unknown {
    const resource: unknown = found.get?.call(this);
    for (const listener of listeners) hear(listener, resource);
    return resource;
  };
  Object.defineProperty(getter, 'name', { value: found.get.name, configurable: true });
  listening.set(getter, listeners);
  Object.defineProperty(prototype, name, { ...found, get: getter });
  return listeners;
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
  purpose: string = name,
): void {
  const found: Getter | undefined = Object.getOwnPropertyDescriptor(prototype, name);
  if (found?.get === undefined) return;
  const listeners = listening.get(found.get) ?? replace(prototype, name, found);
  if (listeners === undefined) return;
  // An app may give its clients by hand, each time it makes one.
  for (const each of listeners) if (each.host === host && each.purpose === purpose) return;
  const listener = { host, purpose, use, seen: new WeakSet<object>() };
  listeners.add(listener);
  // The getter stays: without listeners it only gives what the SDK's own does.
  host.onDisable(() => listeners.delete(listener));
}
