/** Puts `value` on `target` so that neither spreads, keys nor logs show it, but for one that they showed before. */
export function hide(target: object, name: PropertyKey, value: unknown): void {
  const enumerable = Object.prototype.propertyIsEnumerable.call(target, name);
  Object.defineProperty(target, name, { value, configurable: true, writable: true, enumerable });
}

/** Whether `hide` can do so: the app may have frozen the object, or the SDK its property. */
export function canHide(target: object, name: PropertyKey): boolean {
  const own = Object.getOwnPropertyDescriptor(target, name);
  return own === undefined ? Object.isExtensible(target) : own.configurable === true;
}

/** `replacement` under the name and length of the function that it stands for, as logs and frameworks show them. */
export function namedLike<F extends (...args: never[]) => unknown>(replacement: F, original: unknown): F {
  if (typeof original !== 'function') return replacement;
  return Object.defineProperties(replacement, {
    name: { value: original.name, configurable: true },
    length: { value: original.length, configurable: true },
  });
}
