import type { ContentReader, Message, Part } from '../content.ts';
import { asObject, listIn, objectsIn, type Json } from '../json.ts';
import { contentParts } from './openai-chat-content.ts';

function texts(parts: unknown): readonly Part[] {
  if (!Array.isArray(parts)) return [];
  return parts.map((part) => ({ type: 'reasoning', content: asObject(part)?.['text'] }));
}

/** Arguments under whichever of its names a call has them. */
function argumentsOf(item: Json): unknown {
  return item['arguments'] ?? item['input'] ?? item['action'] ?? item['queries'] ?? item['code'];
}

/** One item of a response's input or output as a message. */
function itemMessage(item: Json): Message {
  const type = typeof item['type'] === 'string' ? item['type'] : 'message';
  if (type === 'message') {
    const role = typeof item['role'] === 'string' ? item['role'] : 'user';
    return { role, parts: contentParts(item['content']) };
  }
  if (type === 'reasoning') {
    return { role: 'assistant', parts: [...texts(item['summary']), ...texts(item['content'])] };
  }
  const id = item['call_id'] ?? item['id'];
  if (type.endsWith('_output')) {
    return { role: 'tool', parts: [{ type: 'tool_call_response', id, response: item['output'] }] };
  }
  if (type.endsWith('_call')) {
    const name = item['name'] ?? type.slice(0, -'_call'.length);
    return { role: 'assistant', parts: [{ type: 'tool_call', id, name, arguments: argumentsOf(item) }] };
  }
  return { role: 'assistant', parts: [{ ...item, type }] };
}

function messagesOf(items: unknown): readonly Message[] {
  return objectsIn(items).map(itemMessage);
}

/** Content of responses: items of many types, of which the output's make one answer. */
export const RESPONSES_CONTENT: ContentReader = {
  input: (body) => {
    const input = asObject(body)?.['input'];
    return typeof input === 'string' ? [{ role: 'user', parts: contentParts(input) }] : messagesOf(input);
  },
  system: (body) => contentParts(asObject(body)?.['instructions']),
  tools: (body) => listIn(asObject(body)?.['tools']),
  output: (response) => {
    const parts = messagesOf(asObject(response)?.['output']).flatMap((message) => message.parts);
    return parts.length === 0 ? [] : [{ role: 'assistant', parts }];
  },
};
