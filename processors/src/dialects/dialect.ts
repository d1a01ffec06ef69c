/** A fact that a span may carry, whatever its dialect calls it. */
export type FieldName =
  | 'provider'
  | 'requestModel'
  | 'responseModel'
  | 'operation'
  | 'responseId'
  | 'finishReasons'
  | 'streaming'
  | 'timeToFirstSeconds'
  | 'toldAbove'
  | 'errorType'
  | 'inputTokens'
  | 'outputTokens'
  | 'totalTokens'
  | 'cacheReadTokens'
  | 'cacheWriteTokens'
  | 'cacheWrite5mTokens'
  | 'cacheWrite1hTokens'
  | 'reasoningTokens'
  | 'inputAudioTokens'
  | 'outputAudioTokens'
  | 'cacheReadAudioTokens'
  | 'inputImageTokens'
  | 'outputImageTokens'
  | 'audioSeconds'
  | 'durationSeconds'
  | 'inputCharacters'
  | 'images'
  | 'requests'
  | 'webSearchRequests'
  | 'usageEstimated'
  | 'usageDeferred'
  | 'responseTier'
  | 'requestTier'
  | 'batch'
  | 'speed'
  | 'inferenceGeo'
  | 'region'
  | 'serverAddress'
  | 'searchContextSize'
  | 'samplingRatio'
  | 'sampleRate'
  | 'reportedCost'
  | 'reportedInputCost'
  | 'reportedOutputCost'
  | 'reportedCurrency'
  | 'reportedCostTicks'
  | 'reportedCostDetails'
  | 'bringYourOwnKey'
  | 'upstreamCost';

/** What an emitter's counts include; a rule holds where everything it names holds. */
export interface InclusionRule {
  /** Scope names, `*` standing for any run of characters. */
  readonly scopes: readonly string[];
  /** Scope versions below this one only (dotted numbers). */
  readonly below?: string;
  /** Canonical provider ids. */
  readonly providers?: readonly string[];
  /** Text that the model's name contains, for emitters that name no provider. */
  readonly models?: readonly string[];
  readonly inputIncludesCached?: boolean;
  readonly outputIncludesReasoning?: boolean;
}

/** One vocabulary, as data: how to recognise it, where each field is, what its counts include. */
export interface Dialect {
  readonly name: string;
  /** Attribute-key prefixes that make a span a GenAI span of this dialect. */
  readonly keyPrefixes: readonly string[];
  /** Keys by field; the first that is present wins. */
  readonly fields: Readonly<Partial<Record<FieldName, readonly string[]>>>;
  /** First matching rule wins; without one, input includes cached and output includes reasoning. */
  readonly inclusion: readonly InclusionRule[];
}
