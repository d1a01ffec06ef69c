export type {
  Attributes,
  AttributeValue,
  Call,
  CallProcessor,
  Conditions,
  CostLine,
  CostStatus,
  GenAiSpan,
  Provenance,
  RecordContext,
  Rejection,
  Role,
  Scope,
  SpanGroup,
  Usage,
  UsageBucket,
  UsageSource,
} from './call.ts';
export { COST_STATUSES } from './call.ts';
export { createNormalizer } from './normalize.ts';
export type { NormalizerOptions } from './normalize.ts';
export { createCountOnce } from './count-once.ts';
export { createAttribution } from './attribute.ts';
export type { AttributionOptions, TeamRule } from './attribute.ts';
export { createCost } from './cost.ts';
export type { CostOptions, CostProcessor, StoredBook } from './cost.ts';
export { formatPico, parsePico } from './money.ts';
export { DIALECTS, GEN_AI_KEY_PREFIXES } from './dialects/index.ts';
export type { Dialect, FieldName, InclusionRule } from './dialects/dialect.ts';
export { WANTED_KEYS } from './wanted-keys.ts';
