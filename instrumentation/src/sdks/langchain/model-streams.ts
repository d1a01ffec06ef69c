import type { Attributes } from '@opentelemetry/api';
import { asObject, listIn, objectsIn, putString, type Json } from '../../json.ts';
import { ATTR_RESPONSE_ID } from '../../semconv.ts';
import { putFinishReason } from '../finish-reasons.ts';
import { MessageReader } from '../message-reader.ts';
import type { StreamedMessage } from '../streamed-message.ts';
import { putAnswer } from './model-answer.ts';
import { UsageSum } from './model-usage.ts';

/** What both kinds of streams tell of a call: usage that comes in pieces, who answered, and why the answer ended. */
abstract class AnswerReader extends MessageReader {
  protected readonly usage: UsageSum;
  protected readonly known: Attributes = {};

  constructor(provider: unknown, capture: boolean) {
    super(capture);
    this.usage = new UsageSum(provider);
  }

  attributes(): Attributes {
    const attributes = { ...this.known };
    this.usage.put(attributes);
    return attributes;
  }
}

function keep(said: StreamedMessage, content: unknown, calls: readonly unknown[]): void {
  said.text(content);
  for (const { text } of objectsIn(content)) said.text(text);
  for (const { index, id, name, args } of objectsIn(calls)) said.call(id, name, args, index);
}

/** Chunks are messages (or plain text); LangChain adds up what they tell of usage, and so does this. */
export class ChunkReader extends AnswerReader {
  read(chunk: unknown): boolean {
    // A model's own stream has them inside of something else.
    const message = asObject(asObject(chunk)?.['message'] ?? chunk);
    const content = typeof chunk === 'string' ? chunk : message?.['content'];
    this.usage.addChunk(message?.['usage_metadata']);
    if (message !== undefined) putAnswer(this.known, message, undefined);
    const calls = listIn(message?.['tool_call_chunks']);
    const hasText = typeof content === 'string' || Array.isArray(content) ? content.length > 0 : false;
    this.size.addAll(content);
    for (const call of calls) this.size.addAll(asObject(call)?.['args']);
    if (this.said !== undefined) keep(this.said, content, calls);
    return hasText || calls.length > 0;
  }
}

/**
 * Events of `streamEvents()` (`@langchain/core@1.4 language_models/event`): usage comes whole, at the start, between,
 * or at the end, and the last one holds.
 */
export class EventReader extends AnswerReader {
  read(chunk: unknown): boolean {
    const event = asObject(chunk);
    if (event === undefined) return false;
    this.usage.update(event['usage']);
    const { event: type, reason } = event;
    if (type === 'message-start') putString(this.known, ATTR_RESPONSE_ID, event['id']);
    else if (type === 'message-finish') putFinishReason(this.known, reason);
    else if (type === 'content-block-finish') return this.#finished(asObject(event['content']));
    else if (type === 'content-block-delta') return this.#delta(asObject(event['delta']));
    return false;
  }

  #delta(delta: Json | undefined): boolean {
    const text = delta?.['text'] ?? delta?.['reasoning'];
    if (typeof text !== 'string' || text === '') return false;
    this.size.add(text);
    this.said?.text(delta?.['text']);
    return true;
  }

  /** Calls of tools are looked at as a whole: some providers' events repeat what came before. */
  #finished(content: Json | undefined): boolean {
    if (content?.['type'] !== 'tool_call') return false;
    this.size.addAll(content['args']);
    this.said?.call(content['id'], content['name'], content['args']);
    return true;
  }
}
