import { ATTRIBUTION_KEYS } from './attribution-keys.ts';
import { DIALECTS } from './dialects/index.ts';

/**
 * What the decoder must keep of a span and its resource: these exact keys, and every key under a prefix.
 * Everything else, content above all, is never decoded.
 */
export const WANTED_KEYS: { readonly keys: readonly string[]; readonly prefixes: readonly string[] } = {
  keys: [
    ...new Set([
      ...DIALECTS.flatMap((dialect) => Object.values(dialect.fields).flat()),
      ...Object.values(ATTRIBUTION_KEYS).flatMap((keys) => [...keys.span, ...keys.resource]),
    ]),
  ],
  prefixes: [],
};
