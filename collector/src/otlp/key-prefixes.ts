import { byteAt } from './wire.ts';

/** Key prefixes in a form that is compared with bytes; made by `compilePrefixes`. */
export interface KeyPrefixes {
  /** Every key matches, because one of the prefixes is empty. */
  readonly always: boolean;
  /** By first byte: 0 for none, else 1 + index into `groups`. */
  readonly first: Uint8Array;
  readonly groups: readonly (readonly Uint8Array[])[];
}

/** Compiles prefixes for `hasPrefix`. */
export function compilePrefixes(prefixes: readonly string[]): KeyPrefixes {
  const encoder = new TextEncoder();
  const first = new Uint8Array(256);
  const groups: Uint8Array[][] = [];
  for (const prefix of new Set(prefixes)) {
    const bytes = encoder.encode(prefix);
    const initial = bytes[0];
    if (initial === undefined) continue;
    if (first[initial] === 0) first[initial] = groups.push([]);
    groups[byteAt(first, initial) - 1]?.push(bytes);
  }
  return { always: prefixes.includes(''), first, groups };
}

/** Matches nothing. */
export const NO_PREFIXES: KeyPrefixes = compilePrefixes([]);

/** Whether the key in [start, end) starts with one of the prefixes. */
export function hasPrefix(prefixes: KeyPrefixes, bytes: Uint8Array, start: number, end: number): boolean {
  if (prefixes.always) return true;
  if (start >= end) return false;
  const group = byteAt(prefixes.first, byteAt(bytes, start));
  return group !== 0 && inGroup(prefixes.groups[group - 1] ?? [], bytes, start, end);
}

function inGroup(group: readonly Uint8Array[], bytes: Uint8Array, start: number, end: number): boolean {
  for (const prefix of group) {
    if (prefix.length > end - start) continue;
    let at = 1;
    while (at < prefix.length && byteAt(bytes, start + at) === byteAt(prefix, at)) at++;
    if (at === prefix.length) return true;
  }
  return false;
}
