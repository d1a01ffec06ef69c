import { sha256Hex } from './digest.ts';

/** Bytes of UTF-8 that a tenant and any other dimension may have. */
export const MAX_TENANT_BYTES = 512;
export const MAX_DIMENSION_BYTES = 256;

// Most values are short printable ASCII; only others need the slow path.
// oxlint-disable-next-line no-control-regex
const PLAIN = /^[\u0001-\u007f]*$/;

/** Hex digits that tell over-long names apart: 64 bits. */
const DIGEST_DIGITS = 16;

/**
 * Makes text storable: lone surrogates become U+FFFD, NUL goes, and what is over `maxBytes` of UTF-8 is cut at
 * a character. Never throws.
 */
export function storableText(text: string, maxBytes: number): string {
  if (text.length <= maxBytes && PLAIN.test(text)) return text;
  // Cutting in units first bounds the work on a value of a megabyte: a unit is at least one byte.
  const head = text.length > maxBytes ? text.slice(0, maxBytes + 1) : text;
  let bytes = 0;
  let out = '';
  for (const character of head) {
    const code = character.codePointAt(0) ?? 0;
    if (code === 0) continue;
    const lone = code >= 0xd800 && code <= 0xdfff;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (bytes > maxBytes) break;
    out += lone ? '\ufffd' : character;
  }
  return out;
}

/**
 * As `storableText`, for names that must not run together: one that is over `maxBytes` ends in `~` and a digest of
 * the whole instead of being cut alone, so that two names with the same beginning stay two.
 */
export function storableName(text: string, maxBytes: number): string {
  const kept = storableText(text, maxBytes);
  if (storableText(text, maxBytes + 4) === kept) return kept;
  return `${storableText(text, maxBytes - DIGEST_DIGITS - 1)}~${sha256Hex(text).slice(0, DIGEST_DIGITS)}`;
}
