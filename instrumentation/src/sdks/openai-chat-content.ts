import type { ContentReader, Message, Part } from '../content.ts';
import { asObject, listIn, objectsIn, type Json } from '../json.ts';

const DATA_URL = /^data:([^;,]*)(?:;[^,]*)?,/;

/** Media as a part: inline data is a `blob`, anything else a `uri`. */
export function mediaPart(modality: string, url: unknown): Part {
  if (typeof url !== 'string') return { type: modality };
  const inline = DATA_URL.exec(url);
  if (inline === null) return { type: 'uri', modality, uri: url };
  return { type: 'blob', modality, mime_type: inline[1] ?? '', content: url.slice(inline[0].length) };
}

/** One element of a `content` list, of chat and of responses alike. */
export function contentPart(part: Json): Part {
  switch (part['type']) {
    case 'text':
    case 'input_text':
    case 'output_text':
      return { type: 'text', content: part['text'] };
    case 'refusal':
      return { type: 'text', content: part['refusal'] };
    case 'image_url':
      return mediaPart('image', asObject(part['image_url'])?.['url'] ?? part['image_url']);
    case 'input_image':
      return typeof part['file_id'] === 'string'
        ? { type: 'file', modality: 'image', file_id: part['file_id'] }
        : mediaPart('image', part['image_url']);
    case 'input_audio': {
      const audio = asObject(part['input_audio']);
      const format = audio?.['format'];
      const type = { type: 'blob', modality: 'audio', content: audio?.['data'] };
      return typeof format === 'string' ? { ...type, mime_type: `audio/${format}` } : type;
    }
    case 'file':
    case 'input_file': {
      const file = asObject(part['file']) ?? part;
      if (typeof file['file_data'] === 'string') return mediaPart('file', file['file_data']);
      return { type: 'file', modality: 'file', file_id: file['file_id'] ?? file['file_url'] };
    }
    default:
      return { ...part, type: typeof part['type'] === 'string' ? part['type'] : 'unknown' };
  }
}

/** Content that is a text or a list of parts. */
export function contentParts(content: unknown): readonly Part[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', content }];
  return objectsIn(content).map(contentPart);
}

function messageOf(message: Json): Message {
  const role = typeof message['role'] === 'string' ? message['role'] : 'assistant';
  if (role === 'tool' || role === 'function') {
    const id = message['tool_call_id'] ?? message['name'];
    return { role: 'tool', parts: [{ type: 'tool_call_response', id, response: message['content'] }] };
  }
  const parts: Part[] = [];
  const reasoning = message['reasoning_content'] ?? message['reasoning'];
  if (typeof reasoning === 'string' && reasoning !== '')
    parts.push({ type: 'reasoning', content: reasoning });
  parts.push(...contentParts(message['content']));
  if (typeof message['refusal'] === 'string') parts.push({ type: 'text', content: message['refusal'] });
  for (const call of objectsIn(message['tool_calls'])) {
    const called = asObject(call['function']) ?? asObject(call['custom']);
    const args = called?.['arguments'] ?? called?.['input'];
    parts.push({ type: 'tool_call', id: call['id'], name: called?.['name'], arguments: args });
  }
  const former = asObject(message['function_call']);
  if (former !== undefined) {
    parts.push({ type: 'tool_call', name: former['name'], arguments: former['arguments'] });
  }
  return { role, parts };
}

/** Content of chat completions. */
export const CHAT_CONTENT: ContentReader = {
  input: (body) => objectsIn(asObject(body)?.['messages']).map(messageOf),
  tools: (body) => listIn(asObject(body)?.['tools'] ?? asObject(body)?.['functions']),
  output: (response) =>
    objectsIn(asObject(response)?.['choices']).map((choice) => {
      const message = messageOf(asObject(choice['message']) ?? {});
      const reason = choice['finish_reason'];
      return typeof reason === 'string' ? { ...message, finish_reason: reason } : message;
    }),
};

/** Content of legacy completions: prompts are texts, or tokens, which say nothing that can be read. */
export const COMPLETION_CONTENT: ContentReader = {
  input: (body) => {
    const prompt = asObject(body)?.['prompt'];
    const texts = (Array.isArray(prompt) ? prompt : [prompt]).filter((text) => typeof text === 'string');
    return texts.map((content) => ({ role: 'user', parts: [{ type: 'text', content }] }));
  },
  output: (response) =>
    objectsIn(asObject(response)?.['choices']).map((choice) => {
      const reason = choice['finish_reason'];
      const parts = contentParts(choice['text']);
      return typeof reason === 'string'
        ? { role: 'assistant', parts, finish_reason: reason }
        : { role: 'assistant', parts };
    }),
};
