import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';

// The oracle of the codec's tests: protobufjs with the OTLP messages, and a slow, obvious check of framing that
// is driven by their definition.

const PROTO = new URL('../../../fixtures/otlp/otlp.proto', import.meta.url);
const root = protobuf.parse(readFileSync(PROTO, 'utf8')).root;
root.resolveAll();

export const typeOf = (name: string): protobuf.Type => root.lookupType(`otlp.${name}`);
const REQUEST = typeOf('ExportTraceServiceRequest');

export type Plain = Record<string, unknown>;

export function encode(name: string, value: Plain): Uint8Array {
  const type = typeOf(name);
  return new Uint8Array(type.encode(type.fromObject(value)).finish());
}

/** Longs as decimal strings, bytes as hex, enums as numbers; what is absent stays absent. */
export function decode(name: string, bytes: Uint8Array): Plain {
  const type = typeOf(name);
  return hexed(type.toObject(type.decode(bytes), { longs: String, enums: Number, oneofs: false })) as Plain;
}

function hexed(value: unknown): unknown {
  if (value instanceof Uint8Array) return `hex:${Buffer.from(value).toString('hex')}`;
  if (Array.isArray(value)) return value.map(hexed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, hexed(member)]));
}

export const decodeRequest = (bytes: Uint8Array): Plain => decode('ExportTraceServiceRequest', bytes);
export const encodeRequest = (value: Plain): Uint8Array => encode('ExportTraceServiceRequest', value);

const list = (value: unknown): Plain[] => (value ?? []) as Plain[];

/** The decoded spans in document order, each with its resource and scope. */
export function spansOf(request: Plain): { span: Plain; resource: Plain; scope: Plain }[] {
  return list(request['resourceSpans']).flatMap((rs) =>
    list(rs['scopeSpans']).flatMap((ss) =>
      list(ss['spans']).map((span) => ({
        span,
        resource: (rs['resource'] ?? {}) as Plain,
        scope: (ss['scope'] ?? {}) as Plain,
      })),
    ),
  );
}

export const keysOf = (span: Plain): string[] =>
  list(span['attributes']).map((attribute) => (attribute['key'] ?? '') as string);

/** What OTLP demands of ids. */
export function hasPossibleIds(span: Plain): boolean {
  const possible = (id: unknown, bytes: number): boolean =>
    typeof id === 'string' && id.length === 4 + bytes * 2 && !/^hex:0*$/.test(id);
  const parent = (span['parentSpanId'] ?? 'hex:') as string;
  return (
    possible(span['traceId'], 16) &&
    possible(span['spanId'], 8) &&
    (parent === 'hex:' || parent.length === 4 + 16)
  );
}

const WIRES: Record<string, number> = { fixed64: 1, double: 1, fixed32: 5, string: 2, bytes: 2 };

function wireOf(field: protobuf.Field): number {
  if (field.resolvedType instanceof protobuf.Type) return 2;
  return WIRES[field.type] ?? 0;
}

/** A varint as [value, position after], or null where there is none. */
export function readVarint(bytes: Uint8Array, at: number, end: number): [bigint, number] | null {
  let value = 0n;
  for (let i = 0; i < 10; i++) {
    if (at + i >= end) return null;
    const byte = bytes[at + i]!;
    value |= BigInt(byte & 0x7f) << BigInt(7 * i);
    if (byte < 0x80) return value >= 1n << 64n ? null : [value, at + i + 1];
  }
  return null;
}

/** Whether the framing of the whole message is right: an obvious, slow reading of the protobuf documentation. */
export function isWellFormed(bytes: Uint8Array): boolean {
  return messageEnd(REQUEST, bytes, 0, bytes.length, 1) === bytes.length;
}

function messageEnd(
  type: protobuf.Type,
  bytes: Uint8Array,
  start: number,
  end: number,
  depth: number,
): number {
  if (depth > 100) return -1;
  let at = start;
  while (at < end) {
    const tag = readVarint(bytes, at, end);
    if (tag === null || tag[1] - at > 5 || tag[0] > 0xffffffffn || tag[0] < 8n) return -1;
    const field = type.fieldsById[Number(tag[0] >> 3n)];
    const wire = Number(tag[0] & 7n);
    if (field !== undefined && wireOf(field) !== wire) return -1;
    const stop = payloadEnd(bytes, tag[1], end, tag[0], depth);
    if (stop < 0) return -1;
    if (field?.resolvedType instanceof protobuf.Type) {
      const content = readVarint(bytes, tag[1], end)![1];
      if (messageEnd(field.resolvedType, bytes, content, stop, depth + 1) !== stop) return -1;
    }
    at = stop;
  }
  return at;
}

function payloadEnd(bytes: Uint8Array, at: number, end: number, tag: bigint, depth: number): number {
  const wire = Number(tag & 7n);
  if (wire === 0) return readVarint(bytes, at, end)?.[1] ?? -1;
  if (wire === 1) return at + 8 <= end ? at + 8 : -1;
  if (wire === 5) return at + 4 <= end ? at + 4 : -1;
  if (wire === 2) {
    const length = readVarint(bytes, at, end);
    return length !== null && length[0] <= BigInt(end - length[1]) ? length[1] + Number(length[0]) : -1;
  }
  if (wire !== 3 || depth + 1 > 100) return -1;
  let inside = at;
  while (inside < end) {
    const next = readVarint(bytes, inside, end);
    if (next === null || next[1] - inside > 5 || next[0] > 0xffffffffn || next[0] < 8n) return -1;
    if ((next[0] & 7n) === 4n) return next[0] >> 3n === tag >> 3n ? next[1] : -1;
    inside = payloadEnd(bytes, next[1], end, next[0], depth + 1);
    if (inside < 0) return -1;
  }
  return -1;
}

/** A seeded generator of numbers in [0, 1): mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Random varied requests, as objects that protobufjs encodes. */
export class Generator {
  readonly random: () => number;
  constructor(seed: number) {
    this.random = seeded(seed);
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  pick<T>(...values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }

  times<T>(limit: number, make: () => T): T[] {
    return Array.from({ length: this.below(limit + 1) }, make);
  }

  text(): string {
    return this.pick(
      '',
      'a',
      'gpt-5.1',
      'Grüße, 世界 🎉',
      'x'.repeat(this.below(300)),
      'line\n"quoted" \\ \u0001',
    );
  }

  key(): string {
    return this.pick(
      '',
      'k',
      'gen_ai.system',
      'gen_ai.usage.input_tokens',
      'llm.model',
      'gen_a',
      'http.route',
      'ключ',
      'z'.repeat(150),
    );
  }

  int64(): string {
    return this.pick(
      '0',
      '1',
      '-1',
      '127',
      '128',
      '450',
      '9007199254740991',
      '9007199254740993',
      '-9007199254740993',
      '9223372036854775807',
      '-9223372036854775808',
      String(this.below(1e9)),
    );
  }

  anyValue(depth = 0): Plain {
    switch (this.below(depth > 3 ? 7 : 9)) {
      case 0:
        return { stringValue: this.text() };
      case 1:
        return { stringValue: `plain-${this.below(1000)}` };
      case 2:
        return { boolValue: this.random() < 0.5 };
      case 3:
        return { intValue: this.int64() };
      case 4:
        return { doubleValue: this.pick(0, -0.5, 1e300, Infinity, -Infinity, this.random()) };
      case 5:
        return { bytesValue: this.bytes(this.below(40)) };
      case 6:
        return {};
      case 7:
        return { arrayValue: { values: this.times(3, () => this.anyValue(depth + 1)) } };
      default:
        return { kvlistValue: { values: this.times(3, () => this.keyValue(depth + 1)) } };
    }
  }

  keyValue(depth = 0): Plain {
    const value = this.random() < 0.05 ? {} : { value: this.anyValue(depth) };
    return { key: this.key(), ...value };
  }

  attributes(limit = 6): Plain[] {
    return this.times(limit, () => this.keyValue());
  }

  span(): Plain {
    return {
      traceId:
        this.random() < 0.04 ? this.pick(Buffer.alloc(16), this.bytes(15), Buffer.alloc(0)) : this.bytes(16),
      spanId:
        this.random() < 0.04 ? this.pick(Buffer.alloc(8), this.bytes(7), Buffer.alloc(0)) : this.bytes(8),
      parentSpanId: this.pick(
        Buffer.alloc(0),
        this.bytes(8),
        Buffer.alloc(8),
        this.random() < 0.1 ? this.bytes(3) : this.bytes(8),
      ),
      traceState: this.pick('', 'ot=th:8'),
      name: this.text(),
      kind: this.below(6),
      startTimeUnixNano: this.pick('0', '1790000000000000001', '18446744073709551615'),
      endTimeUnixNano: '1790000000123456789',
      attributes: this.attributes(),
      events: this.times(2, () => ({
        timeUnixNano: '1',
        name: this.text(),
        attributes: this.attributes(3),
        droppedAttributesCount: this.below(3),
      })),
      links: this.times(2, () => ({
        traceId: this.bytes(16),
        spanId: this.bytes(8),
        traceState: 'a=b',
        attributes: this.attributes(2),
        flags: this.below(300),
      })),
      status: this.pick({ code: this.below(3) }, { code: 2, message: this.text() }, {}),
      flags: this.below(1000),
      droppedAttributesCount: this.below(2) * 300,
    };
  }

  request(): Plain {
    return {
      resourceSpans: this.times(4, () => ({
        resource: {
          attributes: this.attributes(),
          entityRefs: this.times(1, () => ({ type: 'service', idKeys: ['service.name'] })),
        },
        schemaUrl: this.pick('', 'https://opentelemetry.io/schemas/1.40.0'),
        scopeSpans: this.times(3, () => ({
          scope: { name: this.text(), version: this.pick('', '1.2.3'), attributes: this.attributes(2) },
          spans: this.times(5, () => this.span()),
          schemaUrl: this.pick('', 'https://example.com'),
        })),
      })),
    };
  }

  /** The same message written in another legal way: unknown fields and groups between, longer varints. */
  rewritten(bytes: Uint8Array, type: protobuf.Type = REQUEST): Buffer {
    const parts: Buffer[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.random() < 0.05) parts.push(this.unknownField());
      const [tag, payload] = readVarint(bytes, at, bytes.length)!;
      const stop = payloadEnd(bytes, payload, bytes.length, tag, 0);
      const field = type.fieldsById[Number(tag >> 3n)];
      parts.push(this.varint(tag, 5));
      if ((tag & 7n) === 2n) {
        const content = bytes.subarray(readVarint(bytes, payload, bytes.length)![1], stop);
        const inner =
          field?.resolvedType instanceof protobuf.Type
            ? this.rewritten(content, field.resolvedType)
            : Buffer.from(content);
        parts.push(this.varint(BigInt(inner.length)), inner);
      } else {
        parts.push(Buffer.from(bytes.subarray(payload, stop)));
      }
      at = stop;
    }
    return Buffer.concat(parts);
  }

  private varint(value: bigint, most = 10): Buffer {
    const bytes: number[] = [];
    let rest = value;
    do {
      bytes.push(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    } while (rest > 0n);
    if (this.random() < 0.05) for (let i = this.below(4); i > 0 && bytes.length < most; i--) bytes.push(0x80);
    bytes.push(bytes.pop()! & 0x7f);
    return Buffer.from(bytes);
  }

  private unknownField(): Buffer {
    const field = BigInt(this.pick(100, 1000, 536_870_911));
    const tag = (wire: bigint): Buffer => this.varint((field << 3n) | wire, 5);
    switch (this.below(5)) {
      case 0:
        return Buffer.concat([tag(0n), this.varint(BigInt(this.below(1e9)))]);
      case 1:
        return Buffer.concat([tag(1n), this.bytes(8)]);
      case 2:
        return Buffer.concat([tag(2n), Buffer.from([3]), this.bytes(3)]);
      case 3:
        return Buffer.concat([tag(5n), this.bytes(4)]);
      default:
        return Buffer.concat([tag(3n), Buffer.from([0x08, 0x01]), tag(4n)]);
    }
  }
}
