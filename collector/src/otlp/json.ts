import { isUtf8 } from 'node:buffer';
import { JsonCursor, unescape } from './json-cursor.ts';
import { REQUEST_JSON, type JsonField, type JsonMessage } from './json-fields.ts';
import { findKey } from './key-table.ts';
import {
  asBuffer,
  byteAt,
  FIXED32,
  FIXED64,
  LENGTH,
  MAX_DEPTH,
  plainBytes,
  VARINT,
  varintSize,
  writeVarint,
} from './wire.ts';

// OTLP/JSON (OTLP specification, "JSON Protobuf Encoding") is read in one pass and written as protobuf while it
// is read, so that no number passes through a double and no object is made for a span.

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const UINT64_MAX = 2n ** 64n - 1n;
const SPECIAL_DOUBLES: ReadonlyMap<string, number> = new Map([
  ['NaN', NaN],
  ['Infinity', Infinity],
  ['-Infinity', -Infinity],
]);
const LONGEST_INTEGER = 24;
const SHORT_COPY = 24;

/** Protobuf under construction; messages get their length when they are complete. */
class Output {
  bytes: Uint8Array;
  view: DataView;
  at = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Makes room for that many bytes more. */
  reserve(size: number): void {
    if (this.at + size <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.at + size, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, this.at));
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }

  tag(field: number, wire: number): void {
    this.reserve(16);
    this.at = writeVarint(this.bytes, this.at, (field << 3) | wire);
  }

  varint(value: bigint): void {
    this.reserve(10);
    let rest = BigInt.asUintN(64, value);
    while (rest > 0x7fn) {
      this.bytes[this.at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.bytes[this.at++] = Number(rest);
  }

  /** Begins a length-delimited field and answers where its content begins. */
  open(field: number): number {
    this.tag(field, LENGTH);
    return ++this.at;
  }

  /** Writes the length in front of what came since `start`; moves that where one byte does not do. */
  close(start: number): void {
    const length = this.at - start;
    const size = varintSize(length);
    if (size > 1) {
      this.reserve(size);
      this.bytes.copyWithin(start + size - 1, start, this.at);
      this.at += size - 1;
    }
    writeVarint(this.bytes, start - 1, length);
  }
}

/**
 * The protobuf bytes of an OTLP/JSON ExportTraceServiceRequest. Integers may be numbers or strings and stay
 * exact; ids are hex of either case; enums are numbers or names; null and unknown members are ignored; a lone
 * surrogate or what is not UTF-8 becomes U+FFFD. A member given twice acts like a protobuf field given twice.
 * Throws Refusal `invalid` with the path of the value at fault.
 */
export function tracesJsonToProtobuf(json: Uint8Array): Uint8Array {
  const bytes = isUtf8(json) ? plainBytes(json) : new TextEncoder().encode(asBuffer(json).toString('utf8'));
  const cursor = new JsonCursor(bytes);
  const output = new Output(bytes.length + 16);
  writeMessage(cursor, output, REQUEST_JSON, 1);
  if (cursor.peek() !== -1) throw cursor.refuse(`more than one JSON value, at byte ${cursor.at}`);
  return output.bytes.slice(0, output.at);
}

function writeMessage(cursor: JsonCursor, output: Output, message: JsonMessage, depth: number): void {
  if (depth > MAX_DEPTH) throw cursor.refuse(`nested over ${MAX_DEPTH} levels deep`);
  if (!cursor.take('{')) throw cursor.refuse(`not an object at byte ${cursor.at}`);
  if (cursor.take('}')) return;
  do {
    cursor.string();
    const index = memberIndex(cursor, message);
    cursor.expect(':');
    const field = message.fields[index];
    if (field === undefined) {
      cursor.skip(depth);
    } else {
      cursor.path.push(field.name);
      writeField(cursor, output, field, depth);
      cursor.path.pop();
    }
  } while (cursor.take(','));
  cursor.expect('}');
}

/** Some encoders escape the slashes of base64. */
function unescapedText(cursor: JsonCursor): string {
  const bytes = Buffer.alloc(cursor.end - cursor.start);
  return bytes.toString('latin1', 0, unescape(cursor, cursor.start, cursor.end, bytes, 0));
}

function memberIndex(cursor: JsonCursor, message: JsonMessage): number {
  if (!cursor.escaped) {
    const index = findKey(message.table, cursor.view, cursor.start, cursor.end);
    return index >= message.fields.length ? index - message.fields.length : index;
  }
  const bytes = new Uint8Array(cursor.end - cursor.start);
  const length = unescape(cursor, cursor.start, cursor.end, bytes, 0);
  const index = findKey(message.table, new DataView(bytes.buffer), 0, length);
  return index >= message.fields.length ? index - message.fields.length : index;
}

function writeField(cursor: JsonCursor, output: Output, field: JsonField, depth: number): void {
  if (cursor.takeNull()) return;
  if (!field.repeated) {
    writeValue(cursor, output, field, depth);
    return;
  }
  if (!cursor.take('[')) throw cursor.refuse(`not an array at byte ${cursor.at}`);
  let index = 0;
  cursor.members(']', () => {
    cursor.path.push(index++);
    if (!cursor.takeNull()) writeValue(cursor, output, field, depth);
    else if (field.nullElements) output.close(output.open(field.number));
    else throw cursor.refuse('null in a list');
    cursor.path.pop();
  });
}

function writeValue(cursor: JsonCursor, output: Output, field: JsonField, depth: number): void {
  switch (field.kind) {
    case 'message': {
      const start = output.open(field.number);
      writeMessage(cursor, output, field.message(), depth + 1);
      output.close(start);
      return;
    }
    case 'string':
      writeString(cursor, output, field.number);
      return;
    case 'hex':
      writeBytes(cursor, output, field.number, 'hex', /^(?:[0-9a-fA-F]{2})*$/);
      return;
    case 'base64':
      writeBytes(cursor, output, field.number, 'base64', /^[A-Za-z0-9+/_-]*={0,2}$/);
      return;
    case 'bool': {
      const value = cursor.literal();
      output.tag(field.number, VARINT);
      output.bytes[output.at++] = value === true ? 1 : 0;
      return;
    }
    case 'double':
      writeDouble(cursor, output, field.number);
      return;
    case 'int64':
      writeInteger(cursor, output, field, VARINT, INT64_MIN, INT64_MAX);
      return;
    case 'int32':
      writeInteger(cursor, output, field, VARINT, -(2n ** 31n), 2n ** 31n - 1n);
      return;
    case 'uint32':
      writeInteger(cursor, output, field, VARINT, 0n, 2n ** 32n - 1n);
      return;
    case 'fixed64':
      writeInteger(cursor, output, field, FIXED64, 0n, UINT64_MAX);
      return;
    case 'fixed32':
      writeInteger(cursor, output, field, FIXED32, 0n, 2n ** 32n - 1n);
      return;
    default:
      field.kind satisfies never;
  }
}

function writeString(cursor: JsonCursor, output: Output, field: number): void {
  cursor.string();
  const start = output.open(field);
  const length = cursor.end - cursor.start;
  output.reserve(length);
  if (cursor.escaped) {
    output.at = unescape(cursor, cursor.start, cursor.end, output.bytes, output.at);
  } else if (length > SHORT_COPY) {
    output.bytes.set(cursor.bytes.subarray(cursor.start, cursor.end), output.at);
    output.at += length;
  } else {
    for (let at = cursor.start; at < cursor.end; at++) output.bytes[output.at++] = byteAt(cursor.bytes, at);
  }
  output.close(start);
}

function writeBytes(
  cursor: JsonCursor,
  output: Output,
  field: number,
  encoding: 'hex' | 'base64',
  form: RegExp,
): void {
  cursor.string();
  const text = cursor.escaped ? unescapedText(cursor) : cursor.text();
  if (!form.test(text)) throw cursor.refuse(`not ${encoding} at byte ${cursor.start}`);
  const bytes = Buffer.from(text, encoding);
  const start = output.open(field);
  output.reserve(bytes.length);
  output.bytes.set(bytes, output.at);
  output.at += bytes.length;
  output.close(start);
}

function writeDouble(cursor: JsonCursor, output: Output, field: number): void {
  const quoted = cursor.isString();
  if (quoted) cursor.string();
  else cursor.number();
  const text = cursor.text();
  const value = (quoted ? SPECIAL_DOUBLES.get(text) : undefined) ?? (text.trim() === '' ? NaN : Number(text));
  if (Number.isNaN(value) && text !== 'NaN') throw cursor.refuse(`not a number at byte ${cursor.start}`);
  output.tag(field, FIXED64);
  output.view.setFloat64(output.at, value, true);
  output.at += 8;
}

function writeInteger(
  cursor: JsonCursor,
  output: Output,
  field: JsonField,
  wire: number,
  min: bigint,
  max: bigint,
): void {
  const quoted = cursor.isString();
  if (quoted) cursor.string();
  else cursor.number();
  const value = integer(cursor, quoted, field.names);
  if (value < min || value > max) throw cursor.refuse(`an integer out of range at byte ${cursor.start}`);
  output.tag(field.number, wire);
  if (wire === FIXED64) {
    output.view.setBigUint64(output.at, BigInt(value), true);
    output.at += 8;
  } else if (wire === FIXED32) {
    output.view.setUint32(output.at, Number(value), true);
    output.at += 4;
  } else if (typeof value === 'number' && value >= 0) {
    output.at = writeVarint(output.bytes, output.at, value);
  } else {
    output.varint(BigInt(value));
  }
}

/** The last number or string as an integer: a number where that is exact, else a bigint. */
function integer(cursor: JsonCursor, quoted: boolean, names: ReadonlyMap<string, number>): number | bigint {
  const { bytes, start, end } = cursor;
  if (end - start <= 15) {
    let value = 0;
    let at = start;
    for (; at < end; at++) {
      const digit = byteAt(bytes, at) - 0x30;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    if (at === end && end > start) return value;
  }
  const text = cursor.text();
  const named = quoted ? names.get(text) : undefined;
  if (named !== undefined) return named;
  if (text.length <= LONGEST_INTEGER && /^-?\d+$/.test(text)) return BigInt(text);
  // 1e3 and 450.0 are integers in JSON too.
  const value = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(value)) throw cursor.refuse(`not an integer at byte ${start}`);
  return value;
}
