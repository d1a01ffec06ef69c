export type {
  Attributes,
  AttributeValue,
  Call,
  CallProcessor,
  Conditions,
  ContentPart,
  CostLine,
  CostStatus,
  GenAiSpan,
  Provenance,
  RecordContext,
  Rejection,
  Role,
  Scope,
  SpanContent,
  SpanGroup,
  Usage,
  UsageBucket,
  UsageSource,
} from './call.ts';
export { COST_STATUSES } from './call.ts';

export { DIALECTS, GEN_AI_KEY_PREFIXES } from './dialects/index.ts';
export type { Dialect, FieldName, InclusionRule } from './dialects/dialect.ts';
export { WANTED_KEYS } from './wanted-keys.ts';
export { CHARACTER_KEYS, estimateKeys } from './estimate-keys.ts';
export type { EstimateKeys, EstimateMode } from './estimate-keys.ts';
export { createUsageEstimator, ESTIMATE_METHOD, ESTIMATE_SIDES } from './estimate.ts';
export type { TokenCounter, UsageEstimator } from './estimate.ts';
export { encodingOf, sizeOf, tokensOfSize } from './token-rates.ts';
export type { Encoding, TextSize } from './token-rates.ts';
export { ATTRIBUTION_KEYS } from './attribution-keys.ts';
export type { Dimension, DimensionKeys } from './attribution-keys.ts';
export { knownOperation } from './operations.ts';
export type { Operation } from './operations.ts';

export { OTHER_SPLITS, readOtherSplits } from './emitted-usage.ts';
export { OWN_KEY } from './reported-cost.ts';
export { createNormalizer } from './normalize.ts';
export type { NormalizerOptions } from './normalize.ts';
export { createAttribution, createTenantOf } from './attribute.ts';
export type { AttributionOptions, TeamRule } from './attribute.ts';
export { createCountOnce } from './count-once.ts';
export type { CountOnce } from './count-once.ts';
export type { Rememberable, TwinWindowOptions } from './twin-window.ts';
export { createCost, createTenantBooks, everyBook } from './cost.ts';
export type { CostOptions, CostProcessor, StoredBook, TenantBooks } from './cost.ts';

export { divideHalfEven, formatPico, formatRational, parseDecimal, parsePico } from './money.ts';
export type { Rational } from './money.ts';
export { createPriceBook } from './price-book.ts';
export type { ModelMatch, PriceBook, PriceBookSources } from './price-book.ts';
export type {
  ConditionName,
  ContextTier,
  Modifier,
  PriceEntry,
  PriceList,
  PricePeriod,
  RateName,
  Rates,
  TimeWindow,
} from './price-entry.ts';
export { EMPTY_LAYER, NO_OVERRIDES } from './price-layer.ts';
export type {
  CurrencyRate,
  Deployment,
  Discount,
  LayerPrice,
  PriceLayer,
  PriceOverrides,
} from './price-layer.ts';
export { accumulatePrices } from './price-history.ts';
export { checkGolden, checkOverlay, isFatal, newFindings } from './price-check.ts';
export type { AcceptedFinding, PriceFinding } from './price-check.ts';
export { compareWithMap } from './price-against.ts';
export type { MapComparison, MapCounts, MapDifference } from './price-against.ts';
export type { Overlay, OverlayEntry, OverlayPatch, Removal, Resale } from './overlay-entry.ts';
export { ACCEPTED_FINDINGS } from './prices/accepted.ts';
export { BASE_PRICES, BASE_SOURCE } from './prices/base/index.ts';
export { OVERLAY, REVIEWED_OVERLAY } from './prices/overlay.ts';
export { priceUsage } from './price.ts';
export type { PriceRequest, PriceResult } from './price.ts';
export { parsePriceOverrides } from './price-overrides/parse.ts';
export type { ParsedOverrides, ParseOptions } from './price-overrides/parse.ts';
export { WrittenNumber } from './price-overrides/field-reader.ts';
export type { PriceFault } from './price-overrides/field-reader.ts';
export { mergeOverrides } from './price-overrides/merge.ts';
export type { ReplacedEntry } from './price-overrides/merge.ts';
export { answerQuestion, createPricer, createQuestionReader, priceLine } from './price-line.ts';
export type { PricedLine, PriceQuestion, PricerOptions } from './price-line.ts';
export { explainPrice } from './price-explanation.ts';
export type { ExplainedContext, ExplainedMatch, MatchKind, PriceExplanation } from './price-explanation.ts';
export { listedPrice, modelsOf, RATE_UNITS } from './price-listing.ts';
export { instantText } from './iso-instant.ts';
export type { ListedPrice, PriceLayerName } from './price-listing.ts';
export type { PriceProvenance, ReviewedChange } from './price-provenance.ts';
export { bookProviders, nearestModels } from './nearest-models.ts';
export type { NearModel } from './nearest-models.ts';
export { parentVersion, priceBookFromContent } from './stored-book.ts';
export { checkBook, modelCount } from './book-check.ts';
export type { BookCheckOptions, BookFinding } from './book-check.ts';
export { diffBooks } from './book-diff.ts';
export type { DiffFilter, ModelDiff, PriceChange } from './book-diff.ts';
export { instantMicros } from './price-period.ts';
export { priceWhatIf, whatIfProvider, withoutCache } from './what-if.ts';
export type { StoredUse, WhatIf, WhatIfPrice } from './what-if.ts';
export { canonicalProvider, PROVIDERS } from './providers.ts';
export type { Provider } from './providers.ts';
export { globMatcher } from './glob.ts';
export { MAX_DIMENSION_BYTES, MAX_TENANT_BYTES, storableText } from './text.ts';

export {
  CALL_LABELS,
  DURATION_BUCKETS,
  METRIC_CATALOGUE,
  metricNamed,
  OPTIONAL_CALL_LABELS,
  TOKEN_TYPES,
  METRIC_NAMES,
} from './catalogue.ts';
export type { MetricDefinition, MetricName, MetricSource } from './catalogue.ts';
export { eachTokenCount } from './token-types.ts';
export { OWN_METRIC_NAMES, OWN_METRICS } from './own-metrics.ts';
export type { OwnMetricName } from './own-metrics.ts';
export { TABLES } from './tables.ts';
export type { ColumnName, TableName } from './tables.ts';
