/** What is left of content that was copied: text, numbers, lists and records, without cycles. */
export type PlainContent =
  string | number | boolean | null | readonly PlainContent[] | { readonly [key: string]: PlainContent };

const MAX_DEPTH = 32;
/** Values of one request or response; what is beyond is left out. */
const MAX_VALUES = 50_000;
/** Base64 of this length is no word. */
const MIN_BASE64 = 512;
const MAX_LOOKED_AT = 8192;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;
const DATA_URL = /^data:([\w.+-]+\/[\w.+-]+)?[^,]{0,256},/;
/** Where SDKs and the conventions name the type of media. */
const TYPE_KEYS = ['mime_type', 'media_type', 'mimeType', 'mediaType', 'format'];
/** Keys of media's bytes, which are media however short. */
const BYTES_KEYS: ReadonlySet<string> = new Set(['b64_json', 'bytes', 'data', 'file_data', 'imageBytes']);

/**
 * A copy that JSON can hold and that shares nothing with the app's objects. Never throws: what cannot be read (a
 * getter or `toJSON` that throws, a cycle, what is too deep) says so in its place. Media are replaced by their type
 * and size.
 */
export function plainContent(value: unknown): PlainContent {
  return new Copier().copy(value, undefined, undefined, 0) ?? null;
}

class Copier {
  readonly #above = new Set<object>();
  #values = 0;

  /** Undefined for what JSON has no place for. */
  copy(
    value: unknown,
    key: string | undefined,
    owner: object | undefined,
    depth: number,
  ): PlainContent | undefined {
    this.#values += 1;
    if (this.#values > MAX_VALUES) return undefined;
    if (typeof value === 'string') return text(value, key, owner);
    if (typeof value === 'number') return Number.isFinite(value) ? value : null;
    if (typeof value === 'boolean' || value === null) return value;
    if (typeof value === 'bigint') return String(value);
    return typeof value === 'object' ? this.#object(value, key, owner, depth) : undefined;
  }

  #object(
    value: object,
    key: string | undefined,
    owner: object | undefined,
    depth: number,
  ): PlainContent | undefined {
    if (this.#above.has(value)) return '[circular]';
    if (depth > MAX_DEPTH) return '[too deep]';
    this.#above.add(value);
    try {
      if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
        return media(typeOf(owner), value.byteLength);
      }
      if (value instanceof Blob) return media(value.type === '' ? undefined : value.type, value.size);
      const toJson: unknown = (value as { toJSON?: unknown }).toJSON;
      if (typeof toJson === 'function') return this.copy(toJson.call(value, ''), key, owner, depth + 1);
      if (Array.isArray(value)) return this.#list(value, key, owner, depth);
      return this.#record(value, depth);
    } catch {
      return '[unreadable]';
    } finally {
      this.#above.delete(value);
    }
  }

  #list(
    values: readonly unknown[],
    key: string | undefined,
    owner: object | undefined,
    depth: number,
  ): PlainContent {
    const copy: PlainContent[] = [];
    for (const value of values) {
      if (this.#values >= MAX_VALUES) break;
      copy.push(this.copy(value, key, owner, depth + 1) ?? null);
    }
    return copy;
  }

  #record(value: object, depth: number): PlainContent {
    const copy: Record<string, PlainContent> = {};
    for (const key of Object.keys(value)) {
      if (this.#values > MAX_VALUES) break;
      const one = this.#field(value, key, depth);
      // `__proto__` as a plain key would set the prototype of the copy.
      if (one !== undefined && key !== '__proto__') copy[key] = one;
    }
    return copy;
  }

  #field(value: object, key: string, depth: number): PlainContent | undefined {
    try {
      return this.copy((value as Record<string, unknown>)[key], key, value, depth + 1);
    } catch {
      return '[unreadable]';
    }
  }
}

function text(value: string, key: string | undefined, owner: object | undefined): string {
  const url = value.startsWith('data:') ? DATA_URL.exec(value) : null;
  if (url !== null) return media(url[1], base64Bytes(value.length - url[0].length));
  if (value.length < MIN_BASE64 && !isBytes(key, owner)) return value;
  if (!isBase64(value)) return value;
  const kind = typeOf(owner);
  // One endless word of letters may be text, where nothing says that it is media.
  if (kind === undefined && isText(owner)) return value;
  return media(kind, base64Bytes(value.length));
}

/** Of a long text only its beginning and its end are looked at. */
function isBase64(value: string): boolean {
  if (value.length <= 2 * MAX_LOOKED_AT) return BASE64.test(value);
  return BASE64.test(value.slice(0, MAX_LOOKED_AT)) && BASE64.test(value.slice(-MAX_LOOKED_AT));
}

function isBytes(key: string | undefined, owner: object | undefined): boolean {
  if (key === undefined || typeOf(owner) === undefined) return false;
  return BYTES_KEYS.has(key) || (key === 'content' && fieldOf(owner, 'type') === 'blob');
}

function isText(owner: object | undefined): boolean {
  const type = fieldOf(owner, 'type');
  return type === 'text' || type === 'reasoning';
}

function typeOf(owner: object | undefined): string | undefined {
  for (const key of TYPE_KEYS) {
    const value = fieldOf(owner, key);
    if (typeof value === 'string' && value !== '' && value.length <= 100) return value;
  }
  return undefined;
}

function fieldOf(owner: object | undefined, key: string): unknown {
  return owner === undefined ? undefined : (owner as Record<string, unknown>)[key];
}

function base64Bytes(length: number): number {
  return Math.floor((length * 3) / 4);
}

function media(type: string | undefined, bytes: number): string {
  return `[${type ?? 'media'}, ${bytes} bytes]`;
}
