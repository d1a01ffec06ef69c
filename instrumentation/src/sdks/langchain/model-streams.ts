import type { Attributes } from '@opentelemetry/api';
import type { StreamReader } from '../../adapter.ts';
import type { Message, Part } from '../../content.ts';
import { asObject, putString, textOr, type Json } from '../../json.ts';
import { ATTR_FINISH_REASONS, ATTR_RESPONSE_ID } from '../../semconv.ts';
import { TextSize } from '../../text-size.ts';
import { putAnswer } from './model-answer.ts';
import { UsageSum } from './model-usage.ts';

/** Text and calls of tools as they arrive; the app asked for them to be kept. */
class KeptAnswer {
  #text = '';
  readonly #calls = new Map<unknown, { id?: unknown; name?: unknown; arguments?: unknown }>();

  text(text: unknown): void {
    if (typeof text === 'string') this.#text += text;
  }

  /** A call, or a piece of one with its arguments as text; `key` tells which one it is of. */
  call(key: unknown, { id, name, args }: Json): void {
    const call = this.#calls.get(key) ?? {};
    this.#calls.set(key, call);
    call.id ??= id;
    call.name ??= name;
    call.arguments = typeof args === 'string' ? `${textOr(call.arguments, '')}${args}` : args;
  }

  messages(): readonly Message[] {
    const parts: Part[] = [];
    if (this.#text !== '') parts.push({ type: 'text', content: this.#text });
    for (const call of this.#calls.values()) parts.push({ type: 'tool_call', ...call });
    return parts.length === 0 ? [] : [{ role: 'assistant', parts }];
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Chunks are messages (or plain text); LangChain adds up what they tell of usage, and so does this. */
export class ChunkReader implements StreamReader {
  readonly #usage: UsageSum;
  readonly #known: Attributes = {};
  readonly #received = new TextSize();
  readonly #kept: KeptAnswer | undefined;

  constructor(provider: unknown, capture: boolean) {
    this.#usage = new UsageSum(provider);
    this.#kept = capture ? new KeptAnswer() : undefined;
  }

  read(chunk: unknown): boolean {
    const message = asObject(chunk);
    const content = typeof chunk === 'string' ? chunk : message?.['content'];
    this.#usage.addChunk(message?.['usage_metadata']);
    if (message !== undefined) putAnswer(this.#known, message, undefined);
    const calls = listOf(message?.['tool_call_chunks']);
    const hasText = typeof content === 'string' || Array.isArray(content) ? content.length > 0 : false;
    this.#received.addAll(content);
    for (const call of calls) this.#received.addAll(asObject(call)?.['args']);
    if (this.#kept !== undefined) this.#keep(this.#kept, content, calls);
    return hasText || calls.length > 0;
  }

  #keep(kept: KeptAnswer, content: unknown, calls: readonly unknown[]): void {
    kept.text(content);
    for (const part of listOf(content)) kept.text(asObject(part)?.['text']);
    for (const call of calls) kept.call(asObject(call)?.['index'], asObject(call) ?? {});
  }

  attributes(): Attributes {
    const attributes = { ...this.#known };
    this.#usage.put(attributes);
    return attributes;
  }

  received(): TextSize {
    return this.#received;
  }

  messages(): readonly Message[] {
    return this.#kept?.messages() ?? [];
  }
}

/**
 * Events of `streamEvents()` (`@langchain/core@1.4 language_models/event`): usage comes whole, at the start, between,
 * or at the end, and the last one holds.
 */
export class EventReader implements StreamReader {
  readonly #usage: UsageSum;
  readonly #known: Attributes = {};
  readonly #received = new TextSize();
  readonly #kept: KeptAnswer | undefined;

  constructor(provider: unknown, capture: boolean) {
    this.#usage = new UsageSum(provider);
    this.#kept = capture ? new KeptAnswer() : undefined;
  }

  read(chunk: unknown): boolean {
    const event = asObject(chunk);
    if (event === undefined) return false;
    this.#usage.update(event['usage']);
    const { event: type, reason } = event;
    if (type === 'message-start') putString(this.#known, ATTR_RESPONSE_ID, event['id']);
    else if (type === 'message-finish' && typeof reason === 'string') {
      this.#known[ATTR_FINISH_REASONS] = [reason];
    } else if (type === 'content-block-finish') return this.#finished(asObject(event['content']));
    else if (type === 'content-block-delta') return this.#delta(asObject(event['delta']));
    return false;
  }

  #delta(delta: Json | undefined): boolean {
    const text = delta?.['text'] ?? delta?.['reasoning'];
    if (typeof text !== 'string' || text === '') return false;
    this.#received.add(text);
    this.#kept?.text(delta?.['text']);
    return true;
  }

  /** Calls of tools are looked at as a whole: some providers' events repeat what came before. */
  #finished(content: Json | undefined): boolean {
    if (content?.['type'] !== 'tool_call') return false;
    this.#received.addAll(content['args']);
    this.#kept?.call(content, content);
    return true;
  }

  attributes(): Attributes {
    const attributes = { ...this.#known };
    this.#usage.put(attributes);
    return attributes;
  }

  received(): TextSize {
    return this.#received;
  }

  messages(): readonly Message[] {
    return this.#kept?.messages() ?? [];
  }
}
