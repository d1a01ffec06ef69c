import type { Dialect } from './dialect.ts';
import { OTEL } from './otel.ts';

/** Every dialect that we read. Where two have a key for one field, the earlier dialect's key wins. */
export const DIALECTS: readonly Dialect[] = [OTEL];

/** Attribute-key prefixes that make a span a GenAI span. */
export const GEN_AI_KEY_PREFIXES: readonly string[] = [
  ...new Set(DIALECTS.flatMap((dialect) => dialect.keyPrefixes)),
];
