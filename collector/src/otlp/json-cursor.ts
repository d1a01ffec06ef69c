import { Refusal } from '../pipeline/refusal.ts';
import { byteAt } from './wire.ts';

// JSON by RFC 8259, read in place. Strings are found as ranges of bytes and decoded only where they are used.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Deepest nesting of JSON values, unknown ones included: three for each message level that protobuf allows. */
const MAX_JSON_DEPTH = 300;

const LITERALS: readonly (readonly [string, number])[] = [
  ['true', 0x74],
  ['false', 0x66],
  ['null', 0x6e],
];

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** Numbers longer than this have no meaning in OTLP and cost time to read. */
const MAX_NUMBER_CHARS = 1_024;

/** Reads JSON bytes front to back; every fault is a Refusal `invalid` with the path of the value it is in. */
export class JsonCursor {
  readonly bytes: Uint8Array;
  readonly buffer: Buffer;
  readonly view: DataView;
  /** Names and indices down to the value being read. */
  readonly path: (string | number)[] = [];
  at = 0;
  /** Contents of the last string or number, without quotes. */
  start = 0;
  end = 0;
  /** Whether that string has escapes. */
  escaped = false;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  refuse(what: string): Refusal {
    const path = this.path.reduce<string>(
      (text, step) =>
        typeof step === 'number' ? `${text}[${step}]` : text === '' ? step : `${text}.${step}`,
      '',
    );
    return new Refusal('invalid', `OTLP/JSON: ${path === '' ? 'the body' : path}: ${what}`);
  }

  /** The next byte that is not space, or -1 at the end. */
  peek(): number {
    while (this.at < this.bytes.length) {
      const byte = byteAt(this.bytes, this.at);
      if (byte > 0x20) return byte;
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
      this.at++;
    }
    return this.at < this.bytes.length ? byteAt(this.bytes, this.at) : -1;
  }

  /** Steps over the character when it is next. */
  take(character: string): boolean {
    if (this.peek() !== character.charCodeAt(0)) return false;
    this.at++;
    return true;
  }

  expect(character: string): void {
    if (!this.take(character)) throw this.refuse(`no "${character}" at byte ${this.at}`);
  }

  isString(): boolean {
    return this.peek() === QUOTE;
  }

  /** Steps over `null` when it is next. */
  takeNull(): boolean {
    if (this.peek() !== 0x6e) return false;
    this.literal();
    return true;
  }

  /** Steps over a string and leaves its range. */
  string(): void {
    if (!this.isString()) throw this.refuse(`not a string at byte ${this.at}`);
    const { bytes } = this;
    let at = this.at + 1;
    this.start = at;
    this.escaped = false;
    for (; at < bytes.length; at++) {
      const byte = byteAt(bytes, at);
      if (byte === QUOTE) {
        this.end = at;
        this.at = at + 1;
        return;
      }
      if (byte === BACKSLASH) {
        this.escaped = true;
        at++;
      } else if (byte < 0x20) {
        throw this.refuse(`a control character in a string at byte ${at}`);
      }
    }
    throw this.refuse('a string without an end');
  }

  /** Steps over a number and leaves its range. */
  number(): void {
    this.peek();
    const { bytes } = this;
    let at = this.at;
    let onlyDigits = true;
    for (; at < bytes.length; at++) {
      const byte = byteAt(bytes, at);
      if (byte >= 0x30 && byte <= 0x39) continue;
      if (byte !== 0x2d && byte !== 0x2b && byte !== 0x2e && byte !== 0x45 && byte !== 0x65) break;
      onlyDigits = false;
    }
    const plain = onlyDigits && at > this.at && (byteAt(bytes, this.at) !== 0x30 || at === this.at + 1);
    this.start = this.at;
    this.end = at;
    if (at - this.at > MAX_NUMBER_CHARS || (!plain && !NUMBER.test(this.text()))) {
      throw this.refuse(`not a number at byte ${this.at}`);
    }
    this.at = at;
  }

  /** The last string or number, without looking at escapes; for numbers, names, hex and base64. */
  text(): string {
    return this.buffer.toString('latin1', this.start, this.end);
  }

  /** Steps over `true`, `false` or `null` and answers it. */
  literal(): boolean | null {
    const first = this.peek();
    for (const [text, initial] of LITERALS) {
      if (first !== initial) continue;
      if (this.buffer.toString('latin1', this.at, this.at + text.length) !== text) break;
      this.at += text.length;
      return text === 'null' ? null : text === 'true';
    }
    throw this.refuse(`not a JSON value at byte ${this.at}`);
  }

  /** Steps over any value; `depth` is the nesting around it. */
  skip(depth: number): void {
    if (depth > MAX_JSON_DEPTH) throw this.refuse(`nested over ${MAX_JSON_DEPTH} levels deep`);
    switch (this.peek()) {
      case QUOTE:
        this.string();
        if (this.escaped) this.checkEscapes();
        return;
      case 0x7b:
        this.at++;
        this.members('}', () => {
          this.string();
          if (this.escaped) this.checkEscapes();
          this.expect(':');
          this.skip(depth + 1);
        });
        return;
      case 0x5b:
        this.at++;
        this.members(']', () => {
          this.skip(depth + 1);
        });
        return;
      case 0x74:
      case 0x66:
      case 0x6e:
        this.literal();
        return;
      default:
        this.number();
    }
  }

  /** Reads what is between commas up to the closing character; the opening one has been taken. */
  members(closing: string, member: () => void): void {
    if (this.take(closing)) return;
    do {
      member();
    } while (this.take(','));
    this.expect(closing);
  }

  private checkEscapes(): void {
    unescape(this, this.start, this.end, new Uint8Array(this.end - this.start), 0);
  }
}

const ESCAPES: ReadonlyMap<number, number> = new Map([
  [0x22, 0x22],
  [0x5c, 0x5c],
  [0x2f, 0x2f],
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, 0x0a],
  [0x72, 0x0d],
  [0x74, 0x09],
]);

/**
 * Writes the string content in [start, end) as UTF-8 and answers the position after it, which is never further
 * than a plain copy's. A lone surrogate becomes U+FFFD.
 */
export function unescape(
  cursor: JsonCursor,
  start: number,
  end: number,
  target: Uint8Array,
  position: number,
): number {
  const { bytes } = cursor;
  let to = position;
  let at = start;
  while (at < end) {
    const byte = byteAt(bytes, at);
    if (byte !== BACKSLASH) {
      target[to++] = byte;
      at++;
      continue;
    }
    const kind = byteAt(bytes, at + 1);
    const simple = ESCAPES.get(kind);
    if (simple !== undefined) {
      target[to++] = simple;
      at += 2;
      continue;
    }
    let code = kind === 0x75 ? hex4(cursor, at + 2, end) : -1;
    if (code < 0) throw cursor.refuse(`an unknown escape at byte ${at}`);
    at += 6;
    if (code >= 0xd800 && code <= 0xdfff) {
      const paired = code < 0xdc00 && byteAt(bytes, at) === BACKSLASH && byteAt(bytes, at + 1) === 0x75;
      const low = paired ? hex4(cursor, at + 2, end) : -1;
      if (low >= 0xdc00 && low <= 0xdfff) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        at += 6;
      } else {
        code = 0xfffd;
      }
    }
    to = writeCodePoint(target, to, code);
  }
  return to;
}

function hex4(cursor: JsonCursor, start: number, end: number): number {
  if (end - start < 4) return -1;
  const digits = cursor.buffer.toString('latin1', start, start + 4);
  return /^[0-9a-fA-F]{4}$/.test(digits) ? Number.parseInt(digits, 16) : -1;
}

function writeCodePoint(target: Uint8Array, position: number, code: number): number {
  let at = position;
  if (code < 0x80) {
    target[at++] = code;
    return at;
  }
  if (code < 0x800) {
    target[at++] = 0xc0 | (code >> 6);
  } else {
    if (code < 0x10000) {
      target[at++] = 0xe0 | (code >> 12);
    } else {
      target[at++] = 0xf0 | (code >> 18);
      target[at++] = 0x80 | ((code >> 12) & 0x3f);
    }
    target[at++] = 0x80 | ((code >> 6) & 0x3f);
  }
  target[at++] = 0x80 | (code & 0x3f);
  return at;
}
