import type { Attributes } from '@opentelemetry/api';
import type { CallKind } from '../../adapter.ts';
import type { ContentReader, Message } from '../../content.ts';
import { asObject, objectsIn, putString, type Json } from '../../json.ts';
import { ATTR_RESPONSE_MODEL } from '../../semconv.ts';
import { sizeOfParts } from '../../text-size.ts';
import { MessageReader } from '../message-reader.ts';
import { partsOfContent, roleMessage } from '../role-messages.ts';
import { mistralRequest } from './mistral-request.ts';
import { putMistralUsage } from './mistral-usage.ts';

const CONVERSATION_ID = 'gen_ai.conversation.id';

/** What is asked: `append` and `restart` have it in the entries that their names begin with. */
function bodyOf(args: readonly unknown[]): unknown {
  const given = asObject(args[0]);
  const nested = Object.entries(given ?? {}).find(
    ([name, value]) => name.startsWith('conversation') && asObject(value) !== undefined,
  );
  return nested === undefined ? given : { ...asObject(nested[1]), conversationId: given?.['conversationId'] };
}

function response(parsed: unknown): Attributes {
  const body = asObject(parsed);
  const attributes: Attributes = {};
  if (body === undefined) return attributes;
  putString(attributes, CONVERSATION_ID, body['conversationId']);
  putString(
    attributes,
    ATTR_RESPONSE_MODEL,
    objectsIn(body['outputs']).find(({ model }) => typeof model === 'string')?.['model'],
  );
  putMistralUsage(attributes, asObject(body['usage']));
  return attributes;
}

/** Reads `{event, data}`; `conversation.response.done` has the usage. */
class ConversationReader extends MessageReader {
  #usage: Json | undefined;
  #model: unknown;
  #id: unknown;

  read(event: unknown): boolean {
    const data = asObject(asObject(event)?.['data']);
    if (data === undefined) return false;
    this.#usage = asObject(data['usage']) ?? this.#usage;
    this.#model ??= data['model'] ?? undefined;
    this.#id ??= data['conversationId'];
    switch (data['type']) {
      case 'message.output.delta':
        this.size.addAll(data['content']);
        this.said?.content(typeof data['content'] === 'string' ? data['content'] : [data['content']]);
        return true;
      case 'function.call.delta':
        this.size.addAll({ name: data['name'], arguments: data['arguments'] });
        this.said?.call(data['toolCallId'], data['name'], data['arguments'], data['toolCallId']);
        return true;
      default:
        return false;
    }
  }

  attributes(): Attributes {
    const attributes: Attributes = {};
    putString(attributes, CONVERSATION_ID, this.#id);
    putString(attributes, ATTR_RESPONSE_MODEL, this.#model);
    putMistralUsage(attributes, this.#usage);
    return attributes;
  }
}

function entry(value: Json): Message {
  switch (value['type']) {
    case 'function.call':
      return roleMessage({ toolCalls: [{ ...value, id: value['toolCallId'] }] });
    case 'function.result':
      return roleMessage({ role: 'tool', toolCallId: value['toolCallId'], content: value['result'] });
    default:
      return roleMessage(value);
  }
}

const CONTENT: ContentReader = {
  input: (params) => {
    const inputs = asObject(params)?.['inputs'];
    return typeof inputs === 'string'
      ? [roleMessage({ role: 'user', content: inputs })]
      : objectsIn(inputs).map(entry);
  },
  system: (params) => partsOfContent(asObject(params)?.['instructions']),
  output: (parsed) => objectsIn(asObject(parsed)?.['outputs']).map(entry),
};

function conversation(stream: boolean): CallKind {
  return {
    operation: 'chat',
    body: bodyOf,
    request: (resource, body) => mistralRequest(resource, body, 'chat', stream),
    response,
    ...(stream ? { stream: (capture) => new ConversationReader(capture) } : {}),
    requestSize: (body) => {
      const size = sizeOfParts(body, ['instructions', 'inputs', 'tools']);
      // What was said before is read again, and is with Mistral.
      if (asObject(body)?.['conversationId'] !== undefined) size.addAll({ type: 'file' });
      return size;
    },
    responseSize: (parsed) => sizeOfParts(parsed, ['outputs']),
    content: CONTENT,
  };
}

export const CONVERSATION: CallKind = conversation(false);
export const CONVERSATION_STREAM: CallKind = conversation(true);
