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

// Taken again for every property: a literal for each costs a third more, and this runs for every call.
const NAME: PropertyDescriptor = { value: '', configurable: true };
const LENGTH: PropertyDescriptor = { value: 0, configurable: true };

/** `replacement` under the name and length of the function that it stands for, as logs and frameworks show them. */
export function namedLike<F extends (...args: never[]) => unknown>(replacement: F, original: unknown): F {
  if (typeof original !== 'function') return replacement;
  const { name, length } = original;
  if (replacement.name !== name) {
    NAME.value = name;
    Object.defineProperty(replacement, 'name', NAME);
  }
  if (replacement.length !== length) {
    LENGTH.value = length;
    Object.defineProperty(replacement, 'length', LENGTH);
  }
  return replacement;
}
