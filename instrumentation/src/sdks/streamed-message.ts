import type { Message, Part } from '../content.ts';
import { asObject, objectsIn } from '../json.ts';

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
    if (typeof piece === 'string' && piece !== '') this.#text.push(piece);
  }

  thinking(piece: unknown): void {
    if (typeof piece === 'string' && piece !== '') this.#thinking.push(piece);
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

  /** Calls that belong to the same index, or have the same id, are one. */
  calls(calls: unknown, index?: unknown): void {
    for (const call of objectsIn(calls)) {
      const called = asObject(call['function']) ?? call;
      const args = called['arguments'] ?? called['parameters'];
      this.call(call['id'], called['name'], args, index ?? call['index'] ?? call['id']);
    }
  }

  /** One call, or a piece of one: the arguments of pieces with the same `key` go on. */
  call(id: unknown, name: unknown, args: unknown, key?: unknown): void {
    const slot = key ?? this.#calls.size;
    let known = this.#calls.get(slot);
    if (known === undefined) {
      if (this.#calls.size >= MAX_CALLS) return;
      known = { id, name, pieces: [] };
      this.#calls.set(slot, known);
    }
    known.id ??= id;
    known.name ??= name;
    if (args !== undefined && args !== null) known.pieces.push(args);
  }

  finish(reason: unknown): void {
    if (typeof reason === 'string') this.#finishReason = reason;
  }

  messages(): readonly Message[] {
    const parts: Part[] = [];
    if (this.#thinking.length > 0) parts.push({ type: 'reasoning', content: this.#thinking.join('') });
    if (this.#text.length > 0) parts.push({ type: 'text', content: this.#text.join('') });
    for (const { id, name, pieces } of this.#calls.values()) {
      const isText = pieces.length > 0 && pieces.every((piece) => typeof piece === 'string');
      const whole = isText ? pieces.join('') : pieces.at(-1);
      parts.push({ type: 'tool_call', id, name, arguments: whole });
    }
    if (parts.length === 0) return [];
    const ended = this.#finishReason === undefined ? {} : { finish_reason: this.#finishReason };
    return [{ role: 'assistant', parts, ...ended }];
  }
}
