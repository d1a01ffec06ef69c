import type { AttributeValue, ContentPart, SpanContent } from '@spanmeter/processors';
import { ANY_VALUE } from './fields.ts';
import { compilePrefixes, hasPrefix } from './key-prefixes.ts';
import { createKeyTable, findKey } from './key-table.ts';
import { decodeText } from './text.ts';
import { decodeValue, OVERSIZED, type KeyValuePlace, type Source } from './value.ts';
import { byteAt, contentEnd, contentStart, LENGTH } from './wire.ts';

const STRING_TAG = (ANY_VALUE.string << 3) | LENGTH;

/** Pieces of content that a span may have; a conversation with more is not estimated. */
const MAX_PARTS = 1024;

/** Bytes of content that is no plain text, but lists and maps, which have to be decoded to be measured. */
const MAX_STRUCTURED_BYTES = 262_144;

/** Longest key of content. */
const MAX_KEY_BYTES = 256;

/** Notes where the content of a span is, without decoding it. */
export interface ContentDecoder {
  isContent(source: Source, place: KeyValuePlace): boolean;
  /** The content with the attribute at that place. */
  add(before: SpanContent | undefined, source: Source, place: KeyValuePlace): SpanContent;
}

interface Gathering extends SpanContent {
  readonly parts: ContentPart[];
  complete: boolean;
}

/** Makes a decoder of the attributes with these keys and prefixes. */
export function createContentDecoder(options: {
  readonly keys: readonly string[];
  readonly prefixes: readonly string[];
}): ContentDecoder {
  const table = createKeyTable(options.keys);
  const prefixes = compilePrefixes(options.prefixes);
  return {
    isContent: (source, { keyStart, keyEnd }) =>
      findKey(table, source.view, keyStart, keyEnd) >= 0 ||
      hasPrefix(prefixes, source.bytes, keyStart, keyEnd),
    add(before, source, place) {
      const content: Gathering = (before as Gathering | undefined) ?? { parts: [], complete: true };
      if (content.parts.length >= MAX_PARTS || place.keyEnd - place.keyStart > MAX_KEY_BYTES) {
        content.complete = false;
        return content;
      }
      const key = decodeText(source.text, source, place.keyStart, place.keyEnd);
      const part = textPart(key, source, place) ?? structuredPart(key, source, place);
      if (part === null) content.complete = false;
      else content.parts.push(part);
      return content;
    },
  };
}

/** Text stays in the request's bytes until it is asked for; null where the value is not text alone. */
function textPart(key: string, source: Source, place: KeyValuePlace): ContentPart | null {
  const { bytes, buffer } = source;
  const { valueStart, valueEnd } = place;
  if (valueStart === valueEnd || byteAt(bytes, valueStart) !== STRING_TAG) return null;
  const start = contentStart(bytes, valueStart + 1, valueEnd);
  if (contentEnd(bytes, valueStart + 1, start, valueEnd) !== valueEnd) return null;
  return {
    key,
    bytes: valueEnd - start,
    text: (maxBytes) => buffer.toString('utf8', start, Math.min(valueEnd, start + maxBytes)),
  };
}

/** Lists and maps become the JSON that other senders put there as text. */
function structuredPart(key: string, source: Source, place: KeyValuePlace): ContentPart | null {
  const value = decodeValue(source, place.valueStart, place.valueEnd, MAX_STRUCTURED_BYTES);
  if (value === OVERSIZED) return null;
  const text = value === undefined ? '' : JSON.stringify(plain(value));
  return { key, bytes: Buffer.byteLength(text), text: (maxBytes) => text.slice(0, maxBytes) };
}

function plain(value: AttributeValue): unknown {
  if (value instanceof Uint8Array) return `data:;base64,${value.length}`;
  if (Array.isArray(value)) return (value as readonly AttributeValue[]).map(plain);
  if (value instanceof Map) {
    return Object.fromEntries(
      Array.from(value as ReadonlyMap<string, AttributeValue>, ([key, inner]) => [key, plain(inner)]),
    );
  }
  return typeof value === 'bigint' ? String(value) : value;
}
