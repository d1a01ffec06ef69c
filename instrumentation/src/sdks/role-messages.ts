import type { Message, Part } from '../content.ts';
import { asObject, listIn, objectsIn, type Json } from '../json.ts';

/** An SDK's field in either spelling: some give the wire's names, some their own. */
function field(object: Json, camel: string, snake: string): unknown {
  return object[camel] ?? object[snake];
}

function urlPart(modality: string, value: unknown): Part {
  const uri = typeof value === 'string' ? value : asObject(value)?.['url'];
  return { type: 'uri', modality, uri };
}

/** One piece of a message's content. */
function piece(item: Json): Part | undefined {
  switch (item['type']) {
    case 'text':
      return { type: 'text', content: item['text'] };
    case 'thinking':
      return { type: 'reasoning', content: textOf(item['thinking']) };
    case 'image_url':
      return urlPart('image', field(item, 'imageUrl', 'image_url'));
    case 'document_url':
      return urlPart('document', field(item, 'documentUrl', 'document_url'));
    case 'input_audio':
      return { type: 'blob', modality: 'audio', content: field(item, 'inputAudio', 'input_audio') };
    case 'file':
      return { type: 'file', file_id: field(item, 'fileId', 'file_id') };
    case 'document':
      return { type: 'text', content: item['document'] };
    default:
      return undefined;
  }
}

/** The text of a text or of a list of pieces, as far as they are text. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return objectsIn(content)
    .map(({ text }) => (typeof text === 'string' ? text : ''))
    .join('');
}

/** The parts of content that is text or a list of pieces. */
export function partsOfContent(content: unknown): Part[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', content }];
  return objectsIn(content)
    .map(piece)
    .filter((part) => part !== undefined);
}

function imagePart(image: unknown): Part {
  return { type: 'blob', modality: 'image', content: image };
}

function toolCall(call: Json): Part {
  const called = asObject(call['function']) ?? call;
  return {
    type: 'tool_call',
    id: call['id'],
    name: called['name'],
    arguments: called['arguments'] ?? called['parameters'],
  };
}

/**
 * A message of a chat as most APIs have it: a role, content, thinking beside it, calls of tools; or a tool's answer.
 */
export function roleMessage(value: unknown, finishReason?: unknown): Message {
  const message = asObject(value) ?? {};
  const role = typeof message['role'] === 'string' ? message['role'].toLowerCase() : 'assistant';
  const ended = typeof finishReason === 'string' ? { finish_reason: finishReason } : {};
  if (role === 'tool') {
    const id = field(message, 'toolCallId', 'tool_call_id') ?? message['tool_name'];
    const response = Array.isArray(message['content']) ? message['content'] : textOf(message['content']);
    return { role, parts: [{ type: 'tool_call_response', id, response }], ...ended };
  }
  const thinking = message['thinking'] ?? field(message, 'toolPlan', 'tool_plan');
  return {
    role,
    parts: [
      ...(typeof thinking === 'string' ? [{ type: 'reasoning', content: thinking }] : []),
      ...partsOfContent(message['content']),
      ...listIn(message['images']).map(imagePart),
      ...objectsIn(field(message, 'toolCalls', 'tool_calls')).map(toolCall),
    ],
    ...ended,
  };
}

/** All messages of a request; none where it has none. */
export function roleMessages(messages: unknown): Message[] {
  return objectsIn(messages).map((message) => roleMessage(message));
}
