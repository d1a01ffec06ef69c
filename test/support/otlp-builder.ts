import { randomBytes } from 'node:crypto';

/** A number to be encoded as doubleValue even where it is whole. */
export class DoubleValue {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** Whole numbers and bigints become intValue, other numbers doubleValue, objects and maps kvlistValue. */
export type BuilderValue =
  | string
  | number
  | bigint
  | boolean
  | Uint8Array
  | DoubleValue
  | readonly BuilderValue[]
  | ReadonlyMap<string, BuilderValue>
  | { readonly [key: string]: BuilderValue };

export type BuilderAttributes = Readonly<Record<string, BuilderValue>>;

export interface BuilderSpan {
  /** Hex; random where absent. Any length is encoded as it is. */
  readonly traceId?: string;
  readonly spanId?: string;
  /** Hex; not encoded where absent or empty. */
  readonly parentSpanId?: string;
  readonly name: string;
  /** OTLP SpanKind; 3 (client) where absent. */
  readonly kind?: number;
  /** 0n is not encoded. */
  readonly startUnixNano: bigint;
  readonly endUnixNano: bigint;
  readonly attributes: BuilderAttributes;
  readonly statusCode?: number;
  readonly statusMessage?: string;
  readonly traceState?: string;
  readonly events?: readonly { name: string; timeUnixNano: bigint; attributes?: BuilderAttributes }[];
  readonly links?: readonly { traceId: string; spanId: string; attributes?: BuilderAttributes }[];
}

export interface BuilderScope {
  readonly name?: string;
  readonly version?: string;
  readonly attributes?: BuilderAttributes;
}

/** One ResourceSpans with one ScopeSpans. */
export interface BuilderGroup {
  readonly resource?: BuilderAttributes;
  readonly scope?: BuilderScope;
  readonly spans: readonly BuilderSpan[];
}

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;

function varint(value: bigint | number): Buffer {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

const tag = (field: number, wire: number): Buffer => varint((field << 3) | wire);

/** A length-delimited field of the given parts. */
export function lengthDelimited(field: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([tag(field, BYTES), varint(content.length), content]);
}

/** A varint field. */
export function varintField(field: number, value: bigint | number): Buffer {
  return Buffer.concat([tag(field, VARINT), varint(value)]);
}

/** A fixed64 field. */
export function fixed64Field(field: number, value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return Buffer.concat([tag(field, FIXED64), bytes]);
}

function doubleField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([tag(field, FIXED64), bytes]);
}

const text = (field: number, value: string): Buffer => lengthDelimited(field, Buffer.from(value, 'utf8'));
const hex = (field: number, value: string): Buffer => lengthDelimited(field, Buffer.from(value, 'hex'));
const NOTHING = Buffer.alloc(0);

/** The bytes of one AnyValue. */
export function buildAnyValue(value: BuilderValue): Buffer {
  if (typeof value === 'string') return text(1, value);
  if (typeof value === 'boolean') return varintField(2, value ? 1 : 0);
  if (typeof value === 'bigint') return varintField(3, value);
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) ? varintField(3, value) : doubleField(4, value);
  }
  if (value instanceof DoubleValue) return doubleField(4, value.value);
  if (value instanceof Uint8Array) return lengthDelimited(7, value);
  if (Array.isArray(value)) {
    const items = value as readonly BuilderValue[];
    return lengthDelimited(5, ...items.map((item) => lengthDelimited(1, buildAnyValue(item))));
  }
  const entries = value instanceof Map ? [...(value as Map<string, BuilderValue>)] : Object.entries(value);
  return lengthDelimited(6, ...entries.map(([key, item]) => keyValue(1, key, item as BuilderValue)));
}

function keyValue(field: number, key: string, value: BuilderValue): Buffer {
  return lengthDelimited(field, text(1, key), lengthDelimited(2, buildAnyValue(value)));
}

function attributesOf(field: number, attributes: BuilderAttributes | undefined): Buffer {
  return Buffer.concat(Object.entries(attributes ?? {}).map(([key, value]) => keyValue(field, key, value)));
}

/** The content of one Span message. */
export function buildSpan(span: BuilderSpan): Buffer {
  const status: Uint8Array[] = [];
  if (span.statusMessage !== undefined) status.push(text(2, span.statusMessage));
  if (span.statusCode !== undefined) status.push(varintField(3, span.statusCode));
  return Buffer.concat([
    hex(1, span.traceId ?? randomBytes(16).toString('hex')),
    hex(2, span.spanId ?? randomBytes(8).toString('hex')),
    span.traceState === undefined ? NOTHING : text(3, span.traceState),
    span.parentSpanId === undefined || span.parentSpanId === '' ? NOTHING : hex(4, span.parentSpanId),
    text(5, span.name),
    varintField(6, span.kind ?? 3),
    span.startUnixNano === 0n ? NOTHING : fixed64Field(7, span.startUnixNano),
    span.endUnixNano === 0n ? NOTHING : fixed64Field(8, span.endUnixNano),
    attributesOf(9, span.attributes),
    ...(span.events ?? []).map((event) =>
      lengthDelimited(
        11,
        fixed64Field(1, event.timeUnixNano),
        text(2, event.name),
        attributesOf(3, event.attributes),
      ),
    ),
    ...(span.links ?? []).map((link) =>
      lengthDelimited(13, hex(1, link.traceId), hex(2, link.spanId), attributesOf(4, link.attributes)),
    ),
    status.length === 0 ? NOTHING : lengthDelimited(15, ...status),
  ]);
}

/** The bytes of an ExportTraceServiceRequest with one ResourceSpans and one ScopeSpans per group. */
export function buildTraces(groups: readonly BuilderGroup[]): Uint8Array {
  const request = Buffer.concat(
    groups.map((group) => {
      const scope = lengthDelimited(
        1,
        text(1, group.scope?.name ?? ''),
        text(2, group.scope?.version ?? ''),
        attributesOf(3, group.scope?.attributes),
      );
      const spans = group.spans.map((span) => lengthDelimited(2, buildSpan(span)));
      const resource = lengthDelimited(1, attributesOf(1, group.resource));
      return lengthDelimited(1, resource, lengthDelimited(2, scope, ...spans));
    }),
  );
  return new Uint8Array(request);
}
