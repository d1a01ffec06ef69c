/*
 * PostgreSQL's binary COPY format ("File Formats: Binary Format" under COPY), all integers big-endian:
 *
 *   signature "PGCOPY\n\377\r\n\0" | int32 flags = 0 | int32 extension length = 0
 *   per row:   int16 number of fields, then per field: int32 length (-1 = NULL), value
 *   trailer:   int16 -1
 *
 *   timestamptz  int64 microseconds since 2000-01-01 UTC
 *   date         int32 days since 2000-01-01
 *   numeric      int16 digits, int16 weight, uint16 sign, uint16 scale, then base-10000 digits
 *   jsonb        int8 version = 1, then JSON text
 *   text[]       int32 dimensions, int32 has nulls, int32 element oid,
 *                int32 length, int32 lower bound, elements
 */

const HEADER: Buffer = Buffer.from('5047434f50590aff0d0a000000000000000000', 'hex');
const TRAILER: Buffer = Buffer.from([0xff, 0xff]);
const POSTGRES_EPOCH_MICROS = 946_684_800_000_000;
const POSTGRES_EPOCH_DAY = 10_957;
const TWO_32 = 4_294_967_296;
const TEXT_OID = 25;
const BASE = 10_000;
const POSITIVE = 0x0000;
const NEGATIVE = 0x4000;
/** Below this length a loop is faster than a call into the runtime. */
const SHORT_TEXT = 40;

const NUL = '\u0000';
const LONE_SURROGATES = /\p{Surrogate}/gu;

/** Text that PostgreSQL stores: without NUL, lone surrogates replaced. */
export function storable(text: string): string {
  return text.replaceAll(NUL, '').replace(LONE_SURROGATES, '\ufffd');
}

/** Encodes rows into one growing buffer; rows can be taken out again one by one. */
export class BinaryCopy {
  #bytes: Buffer;
  #position = 0;
  readonly #columns: number;
  /** Start of every row, in order. */
  readonly #starts: number[] = [];

  constructor(columns: number, expectedBytes: number) {
    this.#columns = columns;
    // Large and short-lived: the pool that allocUnsafe shares would be no help.
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(1024, expectedBytes));
  }

  get byteLength(): number {
    return this.#position;
  }

  startRow(): void {
    this.#reserve(2);
    this.#starts.push(this.#position);
    this.#uint16(this.#columns);
  }

  /** The whole COPY payload of rows [from, to), by default of all. */
  payload(from = 0, to: number = this.#starts.length): Buffer[] {
    const start = this.#starts[from] ?? this.#position;
    const end = this.#starts[to] ?? this.#position;
    return [HEADER, this.#bytes.subarray(start, end), TRAILER];
  }

  null(): void {
    this.#reserve(4);
    this.#uint32(0xffffffff);
  }

  text(value: string | null): void {
    if (value === null) this.null();
    else this.#sized(value, -1);
  }

  /** JSON of an object; NULL where it has no keys. */
  jsonb(value: object): void {
    let text = JSON.stringify(value);
    if (text === '{}') return this.null();
    // jsonb refuses \u0000 and lone surrogates, which JSON.stringify writes as escapes.
    if (text.includes('\\u')) text = JSON.stringify(value, storableEntry);
    this.#sized(text, 1);
  }

  bool(value: boolean | null): void {
    if (value === null) return this.null();
    this.#reserve(5);
    this.#uint32(1);
    this.#bytes[this.#position++] = value ? 1 : 0;
  }

  /** A safe integer. */
  int8(value: number | null): void {
    if (value === null) return this.null();
    this.#reserve(12);
    this.#uint32(8);
    this.#int64(value);
  }

  float8(value: number | null): void {
    if (value === null) return this.null();
    this.#reserve(12);
    this.#uint32(8);
    this.#position = this.#bytes.writeDoubleBE(value, this.#position);
  }

  /** Microseconds since 1970; exact until the year 2255. */
  timestamp(micros: number): void {
    this.#reserve(12);
    this.#uint32(8);
    this.#int64(micros - POSTGRES_EPOCH_MICROS);
  }

  /** Days since 1970. */
  date(day: number): void {
    this.#reserve(8);
    this.#uint32(4);
    this.#position = this.#bytes.writeInt32BE(day - POSTGRES_EPOCH_DAY, this.#position);
  }

  bytea(value: Uint8Array): void {
    this.#reserve(4 + value.length);
    this.#uint32(value.length);
    this.#bytes.set(value, this.#position);
    this.#position += value.length;
  }

  textArray(values: readonly string[] | null): void {
    if (values === null) return this.null();
    this.#reserve(24);
    const lengthAt = this.#position;
    this.#position += 4;
    this.#uint32(values.length === 0 ? 0 : 1);
    this.#uint32(0);
    this.#uint32(TEXT_OID);
    if (values.length > 0) {
      this.#uint32(values.length);
      this.#uint32(1);
      for (const value of values) this.#sized(value, -1);
    }
    this.#bytes.writeUInt32BE(this.#position - lengthAt - 4, lengthAt);
  }

  /** `units` of 10^-scale, scale a multiple of 4; exact for any size. */
  numeric(units: bigint | null, scale: number): void {
    if (units === null) return this.null();
    const negative = units < 0n;
    const magnitude = negative ? -units : units;
    const small = magnitude <= 9_007_199_254_740_991n;
    const digits = small ? countDigits(Number(magnitude)) : Math.ceil(magnitude.toString().length / 4);
    this.#reserve(12 + digits * 2);
    this.#uint32(8 + digits * 2);
    this.#uint16(digits);
    this.#uint16((digits - 1 - scale / 4) & 0xffff);
    this.#uint16(negative ? NEGATIVE : POSITIVE);
    this.#uint16(scale);
    // From the last digit backwards.
    let at = this.#position + digits * 2;
    this.#position = at;
    let rest = small ? Number(magnitude) : 0;
    let bigRest = small ? 0n : magnitude;
    for (let i = 0; i < digits; i++) {
      let digit: number;
      if (small) {
        const next = Math.floor(rest / BASE);
        digit = rest - next * BASE;
        rest = next;
      } else {
        digit = Number(bigRest % 10_000n);
        bigRest /= 10_000n;
      }
      this.#bytes[--at] = digit & 0xff;
      this.#bytes[--at] = digit >> 8;
    }
  }

  /** Length, optional version byte (where not -1), UTF-8. Node writes lone surrogates as U+FFFD by itself. */
  #sized(value: string, version: number): void {
    this.#reserve(5 + value.length * 3);
    const lengthAt = this.#position;
    let at = lengthAt + 4;
    const bytes = this.#bytes;
    if (version !== -1) bytes[at++] = version;
    const length = value.length;
    let i = 0;
    if (length < SHORT_TEXT) {
      for (; i < length; i++) {
        const code = value.charCodeAt(i);
        if (code >= 0x80 || code === 0) break;
        bytes[at + i] = code;
      }
    }
    if (i === length) at += length;
    else at += bytes.write(value.includes(NUL) ? storable(value) : value, at, 'utf8');
    this.#position = lengthAt;
    this.#uint32(at - lengthAt - 4);
    this.#position = at;
  }

  #int64(value: number): void {
    const high = Math.floor(value / TWO_32);
    this.#uint32(high);
    this.#uint32(value - high * TWO_32);
  }

  #uint32(value: number): void {
    const bytes = this.#bytes;
    const at = this.#position;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
    this.#position = at + 4;
  }

  #uint16(value: number): void {
    this.#bytes[this.#position++] = value >>> 8;
    this.#bytes[this.#position++] = value;
  }

  #reserve(bytes: number): void {
    if (this.#position + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#position + bytes));
    this.#bytes.copy(larger, 0, 0, this.#position);
    this.#bytes = larger;
  }
}

function countDigits(value: number): number {
  let digits = 0;
  for (let rest = value; rest > 0; rest = Math.floor(rest / BASE)) digits++;
  return digits;
}

function storableEntry(_key: string, value: unknown): unknown {
  if (typeof value === 'string') return storable(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [storable(key), entry]));
}
