import { NO_TEXT, addSizes, sizeOf, type TextSize } from './token-rates.ts';

/** What a model reads or writes in a piece of recorded content. */
export interface ContentText {
  /** The texts, in their order. */
  readonly texts: readonly string[];
  /** Messages with a role. */
  readonly messages: number;
  /** Images, audio or files are there, whose tokens do not follow from any text. */
  readonly media: boolean;
}

/** Everything under these keys is said to the model or by it; what lies beside them is about the message. */
const TEXT_KEYS: ReadonlySet<string> = new Set([
  'content',
  'contents',
  'parts',
  'text',
  'input',
  'prompt',
  'system',
  'instructions',
  'query',
  'output',
  'arguments',
  'args',
  'response',
  'result',
  'name',
  'description',
  'parameters',
  'input_schema',
  'thinking',
  'reasoning',
  'reasoning_content',
  'refusal',
]);

/** Never read by the model as text, wherever they are. */
const LABEL_KEYS: ReadonlySet<string> = new Set([
  'type',
  'role',
  'id',
  'tool_call_id',
  'tool_use_id',
  'call_id',
  'finish_reason',
  'stop_reason',
  'mime_type',
  'media_type',
  'modality',
  'model',
  'object',
  'cache_control',
  'signature',
]);

/** Keys whose objects a model reads as JSON, names and all. */
const JSON_KEYS: ReadonlySet<string> = new Set([
  'arguments',
  'args',
  'input',
  'response',
  'result',
  'parameters',
  'input_schema',
]);

const MEDIA_TYPES: ReadonlySet<string> = new Set([
  'image',
  'image_url',
  'input_image',
  'audio',
  'input_audio',
  'output_audio',
  'video',
  'file',
  'input_file',
  'document',
  'blob',
  'uri',
]);

/** Deeper content is no message of any convention. */
const MAX_DEPTH = 64;

interface Frame {
  readonly isObject: boolean;
  /** Inside of something that the model reads. */
  readonly said: boolean;
  /** Inside of something that it reads as JSON. */
  readonly asJson: boolean;
  key: string;
  atKey: boolean;
}

/** Reads JSON from its beginning as far as it goes: content may be cut off, and is never trusted to end. */
class ContentScanner {
  readonly #text: string;
  readonly #frames: Frame[] = [];
  readonly #texts: string[] = [];
  #messages = 0;
  #media = false;
  #tooDeep = false;

  constructor(text: string) {
    this.#text = text;
  }

  /** Null where it is not JSON of messages, but text that only begins like it. */
  scan(): ContentText | null {
    const text = this.#text;
    let at = 0;
    while (at < text.length && !this.#tooDeep) {
      const character = text[at];
      if (character === '"') at = this.#string(at);
      else if (character === '{' || character === '[') at = this.#open(at, character === '{');
      else if (character === '}' || character === ']') {
        this.#frames.pop();
        at++;
      } else if (character === ',') {
        const frame = this.#frames.at(-1);
        if (frame !== undefined) frame.atKey = frame.isObject;
        at++;
      } else at = this.#scalar(at);
    }
    if (this.#tooDeep || (this.#texts.length === 0 && this.#messages === 0 && !this.#media)) return null;
    return { texts: this.#texts, messages: this.#messages, media: this.#media };
  }

  #open(at: number, isObject: boolean): number {
    const outer = this.#frames.at(-1);
    if (this.#frames.length >= MAX_DEPTH) this.#tooDeep = true;
    const key = outer?.key ?? '';
    const labelled = outer?.isObject === true && LABEL_KEYS.has(key);
    this.#frames.push({
      isObject,
      said: !labelled && (outer?.said === true || TEXT_KEYS.has(key) || (outer === undefined && !isObject)),
      asJson: outer?.asJson === true || (outer?.isObject === true && JSON_KEYS.has(key)),
      key: isObject ? '' : key,
      atKey: isObject,
    });
    return at + 1;
  }

  #string(start: number): number {
    const text = this.#text;
    let end = start + 1;
    while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
    const inner = text.slice(start + 1, Math.min(end, text.length));
    const frame = this.#frames.at(-1);
    if (frame?.atKey === true) {
      frame.key = inner;
      frame.atKey = false;
      if (frame.asJson) this.#texts.push(inner);
    } else this.#value(frame, inner);
    return end + 1;
  }

  #value(frame: Frame | undefined, inner: string): void {
    const key = frame?.isObject === true ? frame.key : '';
    if (key === 'role') this.#messages++;
    else if (key === 'type' && MEDIA_TYPES.has(inner)) this.#media = true;
    else if (inner.startsWith('data:') && inner.includes(';base64,')) this.#media = true;
    else if (this.#isSaid(frame, key)) this.#texts.push(unescaped(inner));
  }

  #isSaid(frame: Frame | undefined, key: string): boolean {
    // A list of bare texts is a list of messages.
    if (frame === undefined) return true;
    if (frame.isObject && LABEL_KEYS.has(key) && !frame.asJson) return false;
    return frame.said || (frame.isObject && TEXT_KEYS.has(key)) || (!frame.isObject && frame.said);
  }

  /** Numbers, booleans, colons and space up to what structures the text next. */
  #scalar(start: number): number {
    const text = this.#text;
    let end = start;
    while (end < text.length && !'"{}[],'.includes(text[end] ?? '')) end++;
    if (this.#frames.at(-1)?.asJson === true) {
      const value = text.slice(start, end).replace(':', '').trim();
      if (value !== '') this.#texts.push(value);
    }
    return end;
  }
}

function unescaped(inner: string): string {
  if (!inner.includes('\\')) return inner;
  try {
    return JSON.parse(`"${inner}"`) as string;
  } catch {
    return inner;
  }
}

/** What of a recorded value the model reads: the texts in JSON of messages, or the value as it is. */
export function contentText(value: string): ContentText {
  const first = value.trimStart()[0];
  const scanned = first === '[' || first === '{' ? new ContentScanner(value).scan() : null;
  return scanned ?? { texts: [value], messages: 0, media: false };
}

/** The size of all texts together. */
export function sizeOfTexts(texts: readonly string[]): TextSize {
  let size = NO_TEXT;
  for (const text of texts) size = addSizes(size, sizeOf(text));
  return size;
}
