/** An object of unknown origin: a provider's response or an SDK's instance. */
export type Json = Readonly<Record<string, unknown>>;

/** `value` as an object, or undefined where it is none. */
export function asObject(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null ? (value as Json) : undefined;
}

/** Sets `key` where `value` is a finite number; anything else sets nothing. */
export function putNumber(target: Record<string, unknown>, key: string, value: unknown): void {
  if (typeof value === 'number' && Number.isFinite(value)) target[key] = value;
}

/** A count as a provider tells it: a finite number from 0 on; undefined for anything else. */
export function countOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}

/** Sets `key` where `value` is a count, and not 0: for parts that most calls have none of. */
export function putPart(target: Record<string, unknown>, key: string, value: unknown): void {
  if (value !== 0) putCount(target, key, value);
}

/** Sets `key` to the first of `values` that is a count; nothing where none is. */
export function putCount(target: Record<string, unknown>, key: string, ...values: readonly unknown[]): void {
  for (const value of values) {
    const count = countOf(value);
    if (count === undefined) continue;
    target[key] = count;
    return;
  }
}

/** `value` where it is a list, else an empty one. */
export function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** `value` as a list of objects; what is none is left out. */
export function objectsIn(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(asObject).filter((item) => item !== undefined) : [];
}

/** Sets `key` where `value` is a non-empty string; anything else sets nothing. */
export function putString(target: Record<string, unknown>, key: string, value: unknown): void {
  if (typeof value === 'string' && value !== '') target[key] = value;
}

/** The name of the class that `value` is of; empty where it has none, or one that is no text. */
export function classNameOf(value: unknown): string {
  const name = (asObject(value)?.['constructor'] as { readonly name?: unknown } | undefined)?.name;
  return typeof name === 'string' ? name : '';
}

/** `value` where it is a string, else `otherwise`. */
export function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}

/** The object among `start` and those that it inherits from that has `name` as its own. */
export function holderOf(start: unknown, name: string): object | undefined {
  for (let each = asObject(start); each !== undefined; each = asObject(Object.getPrototypeOf(each))) {
    if (Object.hasOwn(each, name)) return each;
  }
  return undefined;
}

/** The prototype of the class at `path` in a module's exports, which are a function in some CommonJS builds. */
export function prototypeAt(moduleExports: unknown, path: readonly string[]): object | undefined {
  let value: unknown = moduleExports;
  for (const name of [...path, 'prototype']) {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined;
    value = (value as Json)[name];
  }
  return asObject(value);
}
