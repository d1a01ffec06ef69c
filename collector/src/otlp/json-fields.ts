import {
  ANY_VALUE,
  ENTITY_REF,
  EVENT,
  KEY_VALUE,
  LINK,
  REQUEST,
  RESOURCE,
  RESOURCE_SPANS,
  SCOPE,
  SCOPE_SPANS,
  SPAN,
  STATUS,
  VALUES,
} from './fields.ts';
import { createKeyTable, type KeyTable } from './key-table.ts';

/** How a JSON value is written as protobuf. `hex` is for trace and span ids, which OTLP keeps out of base64. */
export type JsonKind =
  | 'string'
  | 'hex'
  | 'base64'
  | 'bool'
  | 'int64'
  | 'int32'
  | 'uint32'
  | 'fixed64'
  | 'fixed32'
  | 'double'
  | 'message';

export interface JsonField {
  readonly name: string;
  readonly number: number;
  readonly kind: JsonKind;
  readonly repeated: boolean;
  /** Content of a `message`; a function, since AnyValue holds itself. */
  readonly message: () => JsonMessage;
  /** Names of an enum's values, for `int32`. */
  readonly names: ReadonlyMap<string, number>;
  /** A null in the list stands for a message without content instead of being an error. */
  readonly nullElements: boolean;
}

export interface JsonMessage {
  readonly fields: readonly JsonField[];
  /** lowerCamelCase and proto names; index is that of `fields`, twice over. */
  readonly table: KeyTable;
}

type Declared = readonly [
  name: string,
  number: number,
  kind: JsonKind | (() => JsonMessage),
  more?: Partial<JsonField>,
];

const NO_NAMES: ReadonlyMap<string, number> = new Map();
const REPEATED: Partial<JsonField> = { repeated: true };

/** OTLP demands lowerCamelCase; protobuf's own names are read too, as the Go collector does. */
function protoName(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function message(...declared: readonly Declared[]): JsonMessage {
  const fields = declared.map(([name, number, kind, more]): JsonField => ({
    name,
    number,
    kind: typeof kind === 'function' ? 'message' : kind,
    repeated: false,
    message: typeof kind === 'function' ? kind : () => NOTHING,
    names: NO_NAMES,
    nullElements: false,
    ...more,
  }));
  const names = fields.map((field) => field.name);
  return { fields, table: createKeyTable([...names, ...names.map(protoName)]) };
}

const SPAN_KINDS = new Map(
  ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'].map((name, i) => [
    `SPAN_KIND_${name}`,
    i,
  ]),
);
const STATUS_CODES = new Map(['UNSET', 'OK', 'ERROR'].map((name, i) => [`STATUS_CODE_${name}`, i]));

const NOTHING: JsonMessage = message();

const ARRAY_JSON = message([
  'values',
  VALUES.values,
  () => ANY_VALUE_JSON,
  { repeated: true, nullElements: true },
]);
const KVLIST_JSON = message(['values', VALUES.values, () => KEY_VALUE_JSON, REPEATED]);

const ANY_VALUE_JSON: JsonMessage = message(
  ['stringValue', ANY_VALUE.string, 'string'],
  ['boolValue', ANY_VALUE.bool, 'bool'],
  ['intValue', ANY_VALUE.int, 'int64'],
  ['doubleValue', ANY_VALUE.double, 'double'],
  ['arrayValue', ANY_VALUE.array, () => ARRAY_JSON],
  ['kvlistValue', ANY_VALUE.kvlist, () => KVLIST_JSON],
  ['bytesValue', ANY_VALUE.bytes, 'base64'],
  ['stringValueStrindex', ANY_VALUE.stringStrindex, 'int32'],
);

const KEY_VALUE_JSON: JsonMessage = message(
  ['key', KEY_VALUE.key, 'string'],
  ['value', KEY_VALUE.value, () => ANY_VALUE_JSON],
  ['keyStrindex', KEY_VALUE.keyStrindex, 'int32'],
);

const ENTITY_REF_JSON = message(
  ['schemaUrl', ENTITY_REF.schemaUrl, 'string'],
  ['type', ENTITY_REF.type, 'string'],
  ['idKeys', ENTITY_REF.idKeys, 'string', REPEATED],
  ['descriptionKeys', ENTITY_REF.descriptionKeys, 'string', REPEATED],
);

const RESOURCE_JSON = message(
  ['attributes', RESOURCE.attributes, () => KEY_VALUE_JSON, REPEATED],
  ['droppedAttributesCount', RESOURCE.droppedAttributesCount, 'uint32'],
  ['entityRefs', RESOURCE.entityRefs, () => ENTITY_REF_JSON, REPEATED],
);

const SCOPE_JSON = message(
  ['name', SCOPE.name, 'string'],
  ['version', SCOPE.version, 'string'],
  ['attributes', SCOPE.attributes, () => KEY_VALUE_JSON, REPEATED],
  ['droppedAttributesCount', SCOPE.droppedAttributesCount, 'uint32'],
);

const EVENT_JSON = message(
  ['timeUnixNano', EVENT.timeUnixNano, 'fixed64'],
  ['name', EVENT.name, 'string'],
  ['attributes', EVENT.attributes, () => KEY_VALUE_JSON, REPEATED],
  ['droppedAttributesCount', EVENT.droppedAttributesCount, 'uint32'],
);

const LINK_JSON = message(
  ['traceId', LINK.traceId, 'hex'],
  ['spanId', LINK.spanId, 'hex'],
  ['traceState', LINK.traceState, 'string'],
  ['attributes', LINK.attributes, () => KEY_VALUE_JSON, REPEATED],
  ['droppedAttributesCount', LINK.droppedAttributesCount, 'uint32'],
  ['flags', LINK.flags, 'fixed32'],
);

const STATUS_JSON = message(
  ['message', STATUS.message, 'string'],
  ['code', STATUS.code, 'int32', { names: STATUS_CODES }],
);

const SPAN_JSON = message(
  ['traceId', SPAN.traceId, 'hex'],
  ['spanId', SPAN.spanId, 'hex'],
  ['traceState', SPAN.traceState, 'string'],
  ['parentSpanId', SPAN.parentSpanId, 'hex'],
  ['name', SPAN.name, 'string'],
  ['kind', SPAN.kind, 'int32', { names: SPAN_KINDS }],
  ['startTimeUnixNano', SPAN.startTimeUnixNano, 'fixed64'],
  ['endTimeUnixNano', SPAN.endTimeUnixNano, 'fixed64'],
  ['attributes', SPAN.attributes, () => KEY_VALUE_JSON, REPEATED],
  ['droppedAttributesCount', SPAN.droppedAttributesCount, 'uint32'],
  ['events', SPAN.events, () => EVENT_JSON, REPEATED],
  ['droppedEventsCount', SPAN.droppedEventsCount, 'uint32'],
  ['links', SPAN.links, () => LINK_JSON, REPEATED],
  ['droppedLinksCount', SPAN.droppedLinksCount, 'uint32'],
  ['status', SPAN.status, () => STATUS_JSON],
  ['flags', SPAN.flags, 'fixed32'],
);

const SCOPE_SPANS_JSON = message(
  ['scope', SCOPE_SPANS.scope, () => SCOPE_JSON],
  ['spans', SCOPE_SPANS.spans, () => SPAN_JSON, REPEATED],
  ['schemaUrl', SCOPE_SPANS.schemaUrl, 'string'],
);

const RESOURCE_SPANS_JSON = message(
  ['resource', RESOURCE_SPANS.resource, () => RESOURCE_JSON],
  ['scopeSpans', RESOURCE_SPANS.scopeSpans, () => SCOPE_SPANS_JSON, REPEATED],
  ['schemaUrl', RESOURCE_SPANS.schemaUrl, 'string'],
);

/** ExportTraceServiceRequest. */
export const REQUEST_JSON: JsonMessage = message([
  'resourceSpans',
  REQUEST.resourceSpans,
  () => RESOURCE_SPANS_JSON,
  REPEATED,
]);
