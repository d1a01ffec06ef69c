import type { Attributes } from '@opentelemetry/api';
import type { StreamReader } from '../../adapter.ts';
import type { Message, Part } from '../../content.ts';
import { asObject, type Json } from '../../json.ts';
import { TextSize } from '../../text-size.ts';
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
export class ModelStreamReader implements StreamReader {
  readonly #model: unknown;
  readonly #capture: boolean;
  readonly #received = new TextSize();
  #identity: Json = {};
  #finish: Json | undefined;
  #error: unknown;
  #searches = 0;
  #text = '';
  #reasoning = '';
  readonly #tools: Part[] = [];

  constructor(model: unknown, capture: boolean) {
    this.#model = model;
    this.#capture = capture;
  }

  read(chunk: unknown): boolean {
    const part = asObject(chunk);
    const type = part?.['type'];
    if (part === undefined || typeof type !== 'string') return false;
    const text = this.#textOf(part, type);
    if (text !== undefined) {
      this.#received.add(text);
      if (this.#capture) this.#keep(type, text);
      return true;
    }
    if (type === 'finish') this.#finish = part;
    else if (type === 'response-metadata') this.#identity = { ...this.#identity, ...part };
    else if (type === 'error') this.#error = part['error'] ?? new Error('stream error');
    else if (type === 'tool-input-start') this.#received.addAll(part['toolName']);
    else if (isSearch(part)) this.#searches += 1;
    else if (type === 'tool-call') return this.#toolCall(part);
    return false;
  }

  #textOf(part: Json, type: string): string | undefined {
    for (const field of TEXTS[type] ?? []) {
      const text = part[field];
      if (typeof text === 'string') return text;
    }
    return undefined;
  }

  #keep(type: string, text: string): void {
    if (type === 'text-delta') this.#text += text;
    else if (type.startsWith('reasoning')) this.#reasoning += text;
  }

  #toolCall(part: Json): boolean {
    if (this.#capture) {
      const { toolCallId: id, toolName: name } = part;
      this.#tools.push({ type: 'tool_call', id, name, arguments: part['input'] ?? part['args'] });
    }
    return true;
  }

  received(): TextSize {
    return this.#received;
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

  messages(): readonly Message[] {
    const parts: Part[] = [];
    if (this.#reasoning !== '') parts.push({ type: 'reasoning', content: this.#reasoning });
    if (this.#text !== '') parts.push({ type: 'text', content: this.#text });
    parts.push(...this.#tools);
    return parts.length === 0 ? [] : [{ role: 'assistant', parts }];
  }
}
