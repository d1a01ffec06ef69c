import { FieldReader } from '../field-reader.ts';
import type { Dialect, FieldName } from './dialect.ts';
import { AI_SDK } from './ai-sdk.ts';
import { OTEL } from './otel.ts';

/** Every dialect that we read. Where two have a key for one field, the earlier dialect's key wins. */
export const DIALECTS: readonly Dialect[] = [OTEL, AI_SDK];

/** Attribute-key prefixes that make a span a GenAI span. */
export const GEN_AI_KEY_PREFIXES: readonly string[] = [
  ...new Set(DIALECTS.flatMap((dialect) => dialect.keyPrefixes)),
];

/** Reads the fields of spans in any of the dialects. */
export type SpanFields = FieldReader<FieldName>;

/** A reader for the fields of all dialects. */
export function createSpanFields(): SpanFields {
  return new FieldReader(DIALECTS.map((dialect) => dialect.fields));
}
