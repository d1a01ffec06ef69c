import type { Attributes } from '@opentelemetry/api';
import { asObject } from './json.ts';
import { CHARACTER_COUNTS } from './semconv.ts';

/** Characters of one text that are looked at; a longer one is taken to go on as it began. */
const MAX_LOOKED_AT = 65_536;
/** Characters of all texts that are looked at; of further ones ... */
const MAX_LOOKED_AT_IN_ALL = 1_048_576;
/** ... only so many. */
const MIN_LOOKED_AT = 128;
/** Values of one request or response that are looked at; in more nothing is counted. */
const MAX_VALUES = 20_000;
const MAX_DEPTH = 32;

/** Chinese, Japanese, Korean and emoji: most of a token each. */
const FIRST_WIDE = 0x2e80;

/** Nothing that the model reads as text. */
const LABELS: ReadonlySet<string> = new Set([
  'type',
  'role',
  'id',
  'tool_call_id',
  'tool_use_id',
  'finish_reason',
  'cache_control',
  'signature',
  'index',
]);

/** Read by the model as JSON, with the names in it. */
const AS_JSON: ReadonlySet<string> = new Set(['arguments', 'input', 'parameters', 'input_schema', 'schema']);

/** Parts whose tokens do not follow from any text. */
const MEDIA: ReadonlySet<string> = new Set([
  'image',
  'image_url',
  'input_image',
  'input_audio',
  'audio',
  'file',
  'document',
  'video',
]);

function isSymbol(code: number): boolean {
  return (code > 32 && code < 65) || (code > 90 && code < 97) || (code > 122 && code < 127);
}

/**
 * How long texts are, by the kinds of characters that tokenizers treat differently; of the texts themselves
 * nothing is kept. The collector may estimate tokens from it where the provider told none.
 */
export class TextSize {
  #characters = 0;
  #symbols = 0;
  #wide = 0;
  #lookedAt = 0;
  #values = 0;
  /** Something is there that has tokens and no characters. */
  #unknown = false;

  /** Adds one text. */
  add(text: string): void {
    const left = Math.max(MIN_LOOKED_AT, MAX_LOOKED_AT_IN_ALL - this.#lookedAt);
    const looked = Math.min(text.length, MAX_LOOKED_AT, left);
    this.#lookedAt += looked;
    let symbols = 0;
    let wide = 0;
    for (let i = 0; i < looked; i += 1) {
      const code = text.charCodeAt(i);
      if (code >= FIRST_WIDE) wide += 1;
      else if (isSymbol(code)) symbols += 1;
    }
    const scale = looked === 0 ? 0 : text.length / looked;
    this.#characters += text.length;
    this.#symbols += Math.round(symbols * scale);
    this.#wide += Math.round(wide * scale);
  }

  /** Adds every text in a part of a request or response that the model reads or writes. */
  addAll(value: unknown, asJson = false, depth = 0): void {
    this.#values += 1;
    if (this.#unknown) return;
    if (this.#values > MAX_VALUES || depth > MAX_DEPTH || ArrayBuffer.isView(value)) this.#unknown = true;
    else if (typeof value === 'string') this.#text(value);
    else if (Array.isArray(value)) this.#list(value, asJson, depth);
    else if (typeof value === 'object' && value !== null) this.#object(value, asJson, depth);
    else if (asJson && (typeof value === 'number' || typeof value === 'boolean')) this.add(String(value));
  }

  /** Sets the counts of one side; nothing where they would not tell all. */
  put(attributes: Attributes, side: 'input' | 'output'): void {
    if (this.#unknown) return;
    const keys = CHARACTER_COUNTS[side];
    attributes[keys.characters] = this.#characters;
    if (this.#symbols > 0) attributes[keys.symbols] = this.#symbols;
    if (this.#wide > 0) attributes[keys.wide] = this.#wide;
  }

  #text(text: string): void {
    if (text.startsWith('data:')) this.#unknown = true;
    else this.add(text);
  }

  #list(values: readonly unknown[], asJson: boolean, depth: number): void {
    for (const value of values) {
      // Numbers in place of text are tokens already, whose model counts them its own way.
      if (typeof value === 'number' && !asJson) this.#unknown = true;
      if (this.#unknown) return;
      this.addAll(value, asJson, depth + 1);
    }
  }

  #object(value: object, asJson: boolean, depth: number): void {
    const object = asObject(value);
    const type = object?.['type'];
    if (!asJson && typeof type === 'string' && MEDIA.has(type)) this.#unknown = true;
    for (const key in object) {
      if (this.#unknown) return;
      if (asJson) this.add(key);
      else if (LABELS.has(key)) continue;
      this.addAll(object[key], asJson || AS_JSON.has(key), depth + 1);
    }
  }
}

/** The size of all texts in these parts of a request or response. */
export function sizeOfParts(body: unknown, parts: readonly string[]): TextSize {
  const size = new TextSize();
  const object = asObject(body);
  for (const part of parts) size.addAll(object?.[part]);
  return size;
}
