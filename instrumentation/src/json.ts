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

/** Sets `key` where `value` is a non-empty string; anything else sets nothing. */
export function putString(target: Record<string, unknown>, key: string, value: unknown): void {
  if (typeof value === 'string' && value !== '') target[key] = value;
}
