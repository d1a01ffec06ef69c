import type { Attributes } from '@opentelemetry/api';
import { asObject, type Json } from '../../json.ts';
import { MessageReader } from '../message-reader.ts';
import { putAnswer } from './model-answer.ts';
import { isSearch } from './model-charges.ts';

/** Parts with text of the model, and the field that has it: `textDelta` in version 4, `delta` since. */
const TEXTS: Readonly<Record<string, readonly string[]>> = {
  'text-delta': ['textDelta', 'delta'],
  reasoning: ['textDelta'],
  'reasoning-delta': ['delta'],
  'tool-call-delta': ['argsTextDelta'],
  'tool-input-delta': ['delta'],
};

/** Reads the parts of a language model's stream: usage comes with the last one. */
export class ModelStreamReader extends MessageReader {
  readonly #model: unknown;
  #identity: Json = {};
  #finish: Json | undefined;
  #error: unknown;
  #searches = 0;

  constructor(model: unknown, capture: boolean) {
    super(capture);
    this.#model = model;
  }

  read(chunk: unknown): boolean {
    const part = asObject(chunk);
    const type = part?.['type'];
    if (part === undefined || typeof type !== 'string') return false;
    const text = this.#textOf(part, type);
    if (text !== undefined) {
      this.size.add(text);
      if (type === 'text-delta') this.said?.text(text);
      else if (type.startsWith('reasoning')) this.said?.thinking(text);
      return true;
    }
    if (type === 'finish') this.#finish = part;
    else if (type === 'response-metadata') this.#identity = { ...this.#identity, ...part };
    else if (type === 'error') this.#error = part['error'] ?? new Error('stream error');
    else if (type === 'tool-input-start') this.size.addAll(part['toolName']);
    else if (isSearch(part)) this.#searches += 1;
    else if (type === 'tool-call') {
      this.said?.call(part['toolCallId'], part['toolName'], part['input'] ?? part['args']);
      return true;
    }
    return false;
  }

  #textOf(part: Json, type: string): string | undefined {
    for (const field of TEXTS[type] ?? []) {
      const text = part[field];
      if (typeof text === 'string') return text;
    }
    return undefined;
  }

  /** Providers that fail midway say so in a part, and end the stream as if nothing had happened. */
  failure(): unknown {
    return this.#error;
  }

  attributes(): Attributes {
    const attributes: Attributes = {};
    putAnswer(attributes, this.#model, { ...this.#finish, response: this.#identity }, this.#searches);
    return attributes;
  }
}
