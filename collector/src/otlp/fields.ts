// Field numbers of opentelemetry-proto 1.x: collector/trace/v1, trace/v1, resource/v1, common/v1, metrics/v1,
// logs/v1. Comments give the type where it is not a string or a message.

export const REQUEST = { resourceSpans: 1 } as const;

export const RESOURCE_SPANS = { resource: 1, scopeSpans: 2, schemaUrl: 3 } as const;

export const RESOURCE = { attributes: 1, droppedAttributesCount: 2 /* uint32 */, entityRefs: 3 } as const;

export const ENTITY_REF = { schemaUrl: 1, type: 2, idKeys: 3, descriptionKeys: 4 } as const;

export const SCOPE_SPANS = { scope: 1, spans: 2, schemaUrl: 3 } as const;

export const SCOPE = { name: 1, version: 2, attributes: 3, droppedAttributesCount: 4 /* uint32 */ } as const;

export const SPAN = {
  traceId: 1, // bytes
  spanId: 2, // bytes
  traceState: 3,
  parentSpanId: 4, // bytes
  name: 5,
  kind: 6, // enum
  startTimeUnixNano: 7, // fixed64
  endTimeUnixNano: 8, // fixed64
  attributes: 9,
  droppedAttributesCount: 10, // uint32
  events: 11,
  droppedEventsCount: 12, // uint32
  links: 13,
  droppedLinksCount: 14, // uint32
  status: 15,
  flags: 16, // fixed32
} as const;

export const EVENT = {
  timeUnixNano: 1, // fixed64
  name: 2,
  attributes: 3,
  droppedAttributesCount: 4, // uint32
} as const;

export const LINK = {
  traceId: 1, // bytes
  spanId: 2, // bytes
  traceState: 3,
  attributes: 4,
  droppedAttributesCount: 5, // uint32
  flags: 6, // fixed32
} as const;

export const STATUS = { message: 2, code: 3 /* enum */ } as const;

export const KEY_VALUE = { key: 1, value: 2, keyStrindex: 3 /* int32, profiles only */ } as const;

export const ANY_VALUE = {
  string: 1,
  bool: 2,
  int: 3, // int64
  double: 4,
  array: 5,
  kvlist: 6,
  bytes: 7,
  stringStrindex: 8, // int32, profiles only
} as const;

/** ArrayValue and KeyValueList alike. */
export const VALUES = { values: 1 } as const;

/** ResourceMetrics and ResourceLogs, ScopeMetrics and ScopeLogs have their parts where traces have them. */
export const RESOURCE_GROUP = { scopeGroups: 2 } as const;
export const SCOPE_GROUP = { items: 2 } as const;

/** Where a Metric holds its points: gauge, sum, histogram, exponential histogram, summary. */
export const METRIC_KINDS: readonly number[] = [5, 7, 9, 10, 11];
export const METRIC_DATA = { dataPoints: 1 } as const;

/** ExportTracePartialSuccess and its metrics and logs siblings. */
export const RESPONSE = { partialSuccess: 1 } as const;
export const PARTIAL_SUCCESS = { rejected: 1 /* int64 */, errorMessage: 2 } as const;

/** google.rpc.Status, google.protobuf.Any, google.rpc.RetryInfo, google.protobuf.Duration. */
export const RPC_STATUS = { code: 1 /* int32 */, message: 2, details: 3 } as const;
export const ANY = { typeUrl: 1, value: 2 /* bytes */ } as const;
export const RETRY_INFO = { retryDelay: 1 } as const;
export const DURATION = { seconds: 1 /* int64 */, nanos: 2 /* int32 */ } as const;
