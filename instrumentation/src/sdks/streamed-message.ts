import type { Message, Part } from '../content.ts';
import { asObject, objectsIn, type Json } from '../json.ts';

interface Call {
  id: unknown;
  name: unknown;
  readonly pieces: unknown[];
}

/** More calls of tools than any message has. */
const MAX_CALLS = 128;

/** Puts one streamed message of a chat together; used only where content is captured. */
export class StreamedMessage {
  readonly #text: string[] = [];
  readonly #thinking: string[] = [];
  readonly #calls = new Map<unknown, Call>();
  #finishReason: string | undefined;

  text(piece: unknown): void {
    if (typeof piece === 'string') this.#text.push(piece);
  }

  thinking(piece: unknown): void {
    if (typeof piece === 'string') this.#thinking.push(piece);
  }

  /** Text, or pieces of text and thinking. */
  content(content: unknown): void {
    if (typeof content === 'string') return this.text(content);
    for (const item of objectsIn(content)) {
      if (item['type'] === 'thinking') {
        for (const { text } of objectsIn(item['thinking'])) this.thinking(text);
        this.thinking(item['thinking']);
      } else this.text(item['text']);
    }
  }

  /** Calls that belong to the same index, or have the same id, are one, whose arguments go on. */
  calls(calls: unknown, index?: unknown): void {
    for (const call of objectsIn(calls)) this.#call(call, index ?? call['index'] ?? call['id']);
  }

  #call(call: Json, index: unknown): void {
    const key = index ?? this.#calls.size;
    const called = asObject(call['function']) ?? call;
    let known = this.#calls.get(key);
    if (known === undefined) {
      if (this.#calls.size >= MAX_CALLS) return;
      known = { id: undefined, name: undefined, pieces: [] };
      this.#calls.set(key, known);
    }
    known.id ??= call['id'];
    known.name ??= called['name'];
    const given = called['arguments'] ?? called['parameters'];
    if (given !== undefined && given !== null) known.pieces.push(given);
  }

  finish(reason: unknown): void {
    if (typeof reason === 'string') this.#finishReason = reason;
  }

  messages(): readonly Message[] {
    const parts: Part[] = [];
    if (this.#thinking.length > 0) parts.push({ type: 'reasoning', content: this.#thinking.join('') });
    if (this.#text.length > 0) parts.push({ type: 'text', content: this.#text.join('') });
    for (const { id, name, pieces } of this.#calls.values()) {
      const whole = pieces.every((piece) => typeof piece === 'string') ? pieces.join('') : pieces.at(-1);
      parts.push({ type: 'tool_call', id, name, arguments: whole });
    }
    if (parts.length === 0) return [];
    const ended = this.#finishReason === undefined ? {} : { finish_reason: this.#finishReason };
    return [{ role: 'assistant', parts, ...ended }];
  }
}
