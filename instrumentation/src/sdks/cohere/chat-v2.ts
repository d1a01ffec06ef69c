import type { Attributes } from '@opentelemetry/api';
import type { CallKind } from '../../adapter.ts';
import type { ContentReader } from '../../content.ts';
import { asObject, listIn, putString, type Json } from '../../json.ts';
import { ATTR_RESPONSE_ID } from '../../semconv.ts';
import { sizeOfParts } from '../../text-size.ts';
import { putFinishReason } from '../finish-reasons.ts';
import { MessageReader } from '../message-reader.ts';
import { roleMessage, roleMessages } from '../role-messages.ts';
import { cohereRequest } from './cohere-request.ts';
import { putCohereUsage } from './cohere-usage.ts';
import { watchResponsePromise } from './response-promise.ts';

function response(parsed: unknown): Attributes {
  const body = asObject(parsed);
  const attributes: Attributes = {};
  if (body === undefined) return attributes;
  putString(attributes, ATTR_RESPONSE_ID, body['id']);
  putFinishReason(attributes, body['finishReason']);
  putCohereUsage(attributes, asObject(body['usage']));
  return attributes;
}

/** `message-end` has the usage and why the answer ended. */
class EventReader extends MessageReader {
  #id: unknown;
  #end: Json | undefined;

  read(chunk: unknown): boolean {
    const event = asObject(chunk);
    this.#id ??= event?.['id'];
    const delta = asObject(event?.['delta']);
    if (delta === undefined) return false;
    if (event?.['type'] === 'message-end') {
      this.#end = delta;
      this.said?.finish(delta['finishReason']);
      return false;
    }
    const message = asObject(delta['message']);
    return message !== undefined && this.#message(message, event?.['index']);
  }

  #message(message: Json, index: unknown): boolean {
    const content = asObject(message['content']);
    const texts = [content?.['text'], content?.['thinking'], message['toolPlan']];
    this.said?.text(texts[0]);
    this.said?.thinking(texts[1] ?? texts[2]);
    this.said?.calls([message['toolCalls']], index);
    for (const text of [...texts, message['toolCalls']]) this.size.addAll(text);
    const isCall = asObject(message['toolCalls']) !== undefined && !Array.isArray(message['toolCalls']);
    return isCall || texts.some((text) => typeof text === 'string' && text !== '');
  }

  attributes(): Attributes {
    return response({ ...this.#end, id: this.#id });
  }
}

const CONTENT: ContentReader = {
  input: (body) => roleMessages(asObject(body)?.['messages']),
  tools: (body) => listIn(asObject(body)?.['tools']),
  output: (parsed) => {
    const body = asObject(parsed);
    return [roleMessage(body?.['message'], body?.['finishReason'])];
  },
};

/** A chat in version 2 of the API. */
export const CHAT_V2: CallKind = {
  operation: 'chat',
  request: (resource, body) => cohereRequest(resource, body, 'chat', false),
  response,
  requestSize: (body) => sizeOfParts(body, ['messages', 'tools', 'documents']),
  responseSize: (parsed) => sizeOfParts(parsed, ['message']),
  content: CONTENT,
  watch: watchResponsePromise,
};

export const CHAT_STREAM_V2: CallKind = {
  ...CHAT_V2,
  request: (resource, body) => cohereRequest(resource, body, 'chat', true),
  stream: (capture) => new EventReader(capture),
};
