/** A value as OTLP carries it. Integers beyond 2^53 - 1 stay exact as bigint; doubles are numbers. */
export type AttributeValue =
  | string
  | number
  | bigint
  | boolean
  | Uint8Array
  | readonly AttributeValue[]
  | ReadonlyMap<string, AttributeValue>;

/** Attributes of a span, scope or resource, by key. A repeated key keeps its last value. */
export type Attributes = ReadonlyMap<string, AttributeValue>;

/** The instrumentation scope that emitted a span. */
export interface Scope {
  readonly name: string;
  readonly version: string;
}

/** One decoded GenAI span: only what the dialects read, never the whole span. */
export interface GenAiSpan {
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** 16 lower-case hex digits. */
  readonly spanId: string;
  /** 16 lower-case hex digits, or null for a root span. */
  readonly parentSpanId: string | null;
  readonly name: string;
  /** OTLP SpanKind: 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  /** Nanoseconds since the epoch; 0n where the span has none. */
  readonly startUnixNano: bigint;
  readonly endUnixNano: bigint;
  /** OTLP StatusCode: 0 unset, 1 ok, 2 error. */
  readonly statusCode: number;
  /** W3C trace state, for the sampling threshold (`ot=th:…`); empty where absent. */
  readonly traceState: string;
  readonly attributes: Attributes;
  readonly resource: Attributes;
  readonly scope: Scope;
  /** Attributes of this span that were left out because their value is over the size limit. */
  readonly oversizedAttributes: number;
  /** What was said, where estimates ask for it; never stored, and gone with its batch. */
  readonly content?: SpanContent;
}

/** One recorded piece of what was said, undecoded until somebody asks. */
export interface ContentPart {
  readonly key: string;
  /** Bytes of UTF-8. */
  readonly bytes: number;
  /** Its text, or as much of it as the first `maxBytes` hold. */
  text(maxBytes: number): string;
}

/** The content of one span. */
export interface SpanContent {
  readonly parts: readonly ContentPart[];
  /** False where some of it was left out because it was too much. */
  readonly complete: boolean;
}

/** [contract] What is known of a call's cost; the cost is null unless `priced` or `reported`. */
export type CostStatus =
  | 'priced'
  | 'reported'
  | 'unpriced_model'
  | 'unpriced_dimension'
  | 'invalid_usage'
  | 'missing_usage'
  | 'duplicate'
  | 'not_billable';

export const COST_STATUSES: readonly CostStatus[] = [
  'priced',
  'reported',
  'unpriced_model',
  'unpriced_dimension',
  'invalid_usage',
  'missing_usage',
  'duplicate',
  'not_billable',
];

/** Disjoint counts: no token is in two of them, and their sum is all that was used. */
export type UsageBucket =
  | 'input'
  | 'cache_read'
  | 'cache_write_5m'
  | 'cache_write_1h'
  | 'input_audio'
  | 'cache_read_audio'
  | 'input_image'
  | 'output'
  | 'reasoning'
  | 'output_audio'
  | 'output_image'
  | 'audio_seconds'
  | 'duration_seconds'
  | 'input_characters'
  | 'images'
  | 'requests'
  | 'web_search_requests';

/** Counts by bucket, as exact decimal text (`"450"`, `"2.5"` seconds). Absent means not reported. */
export type Usage = Readonly<Partial<Record<UsageBucket, string>>>;

export type UsageSource = 'reported' | 'estimated' | 'missing';

/** Where an attributed value came from. */
export type Provenance = 'credential' | 'header' | 'resource' | 'span' | 'baggage' | 'mapping' | 'default';

/** Everything besides usage that the price depends on. Absent means the span does not say. */
export interface Conditions {
  readonly serviceTier?: string;
  readonly batch?: boolean;
  readonly speed?: string;
  readonly inferenceGeo?: string;
  readonly region?: string;
  readonly serverAddress?: string;
  readonly searchContextSize?: string;
}

/** One line that explains an amount: count x rate under a condition. */
export interface CostLine {
  readonly bucket: UsageBucket;
  /** Exact decimal count. */
  readonly count: string;
  /** Exact decimal USD for `per` units. */
  readonly rate: string;
  readonly per: number;
  /** Exact decimal product of the factors of conditions and discounts; absent where nothing multiplies. */
  readonly factor?: string;
  /** Decimal USD before the one rounding, exact where it ends within 30 decimals. */
  readonly amount: string;
  readonly note?: string;
}

/** One LLM call (or a non-billable GenAI span): our own model, independent of any dialect. */
export interface Call {
  // identity
  tenantId: string;
  traceId: string;
  spanId: string;
  parentSpanId: string | null;
  /** Microseconds since the epoch, floored; from the end where `timeSource` is `end`. */
  startedAtMicros: bigint;
  /** Nanoseconds as the span carries them; 0n where absent. */
  startUnixNano: bigint;
  endUnixNano: bigint;
  timeSource: 'start' | 'end';
  /** Milliseconds since the epoch at the collector's door. */
  receivedUnixMs: number;
  /** Null where the end is missing, before the start, or decades after it. */
  durationNanos: bigint | null;
  /** Time to the first token in nanoseconds, where the span tells it. */
  ttftNanos: bigint | null;
  // what
  dialect: string;
  operation: string;
  /** Canonical provider id (`openai`, `aws.bedrock`), or `unknown`. */
  provider: string;
  /** The book's id when matched, else response model, else request model, else `unknown`. */
  model: string;
  requestModel: string | null;
  responseModel: string | null;
  responseId: string | null;
  streaming: boolean | null;
  finishReasons: readonly string[] | null;
  // usage: totals (input includes cached, output includes reasoning); null = unknown
  inputTokens: number | null;
  cacheReadTokens: number | null;
  cacheWriteTokens: number | null;
  outputTokens: number | null;
  reasoningTokens: number | null;
  usage: Usage;
  /**
   * Other splits of the same counts, where it is unknown how cached tokens overlap audio or images; the call has
   * a price only if it has the same by all of them. Empty nearly always.
   */
  usageAlternatives: readonly Usage[];
  usageSource: UsageSource;
  conditions: Conditions;
  // cost
  /** Exact amount in 1e-12 USD; null unless `costStatus` is `priced` or `reported`. */
  costPicoUsd: bigint | null;
  /** What the price book makes of it, also where the reported cost is taken; null where the book has no price. */
  computedCostPicoUsd: bigint | null;
  reportedCostPicoUsd: bigint | null;
  /** The attribute key the reported cost was read from. */
  reportedCostSource: string | null;
  costStatus: CostStatus;
  priceVersion: string | null;
  lines: readonly CostLine[];
  /** Span id of the billed twin where `costStatus` is `duplicate`. */
  duplicateOf: string | null;
  // attribution
  team: string | null;
  userId: string | null;
  sessionId: string | null;
  conversationId: string | null;
  feature: string | null;
  agentName: string | null;
  /** Always a value: `unknown_service` where the resource has none (as the SDKs say). */
  serviceName: string;
  environment: string | null;
  keyId: string | null;
  /** Dimension name -> where its value came from. */
  attribution: Readonly<Record<string, Provenance>>;
  // outcome
  errorType: string | null;
  samplingRatio: number | null;
  scopeName: string;
  scopeVersion: string;
  /** Bounded, storable attributes worth keeping that have no column of their own; never content. */
  attributes: Readonly<Record<string, string | number | boolean>>;
}

/** What the door knew of the request a span came in, from the journal's record. */
export interface RecordContext {
  /** Milliseconds since the epoch. */
  readonly receivedUnixMs: number;
  /** Role of the credential; `open` where no authentication is configured. */
  readonly role: Role;
  /** The credential's tenant, if it has one. */
  readonly tenant: string | null;
  /** The tenant that header `x-scope-orgid` declared. */
  readonly declaredTenant: string | null;
  readonly keyId: string | null;
  /** The credential's team, if it has one. */
  readonly team: string | null;
}

/** [contract] Roles of a credential; `open` stands for the default without authentication. */
export type Role = 'open' | 'ingest' | 'gateway' | 'read' | 'admin';

/** A span that cannot become a call, with the reason that its dead letter will carry. */
export interface Rejection {
  /** Index into the group's spans. */
  readonly index: number;
  readonly reason: 'time_missing' | 'time_out_of_range' | 'unreadable';
}

/** The GenAI spans of one journalled request, on their way through the processors. */
export interface SpanGroup {
  readonly context: RecordContext;
  /** Of the record in the journal, where it came from one: grows by the order of receipt. */
  readonly sequence?: number;
  readonly spans: readonly GenAiSpan[];
  /** Same length as `spans` once normalised; null where rejected. */
  calls: (Call | null)[];
  rejections: Rejection[];
}

/** One step of processing: reads and completes the groups of one batch in place. Pure: no I/O, no clock. */
export type CallProcessor = (groups: readonly SpanGroup[]) => void;
