import type { ContentReader, Message, Part } from '../../content.ts';
import { asObject, listIn, type Json } from '../../json.ts';
import { blockAnswer, blockMessages, blockParts } from '../block-messages.ts';

/** Blocks that are a call of a tool, of the app's or of the provider's. */
const TOOL_CALLS: ReadonlySet<unknown> = new Set(['tool_use', 'server_tool_use', 'mcp_tool_use']);

/** What people, models and tools said in the format of the Messages API. */
export const MESSAGE_CONTENT: ContentReader = {
  input: (body) => blockMessages(asObject(body)?.['messages'], partOf),
  system: (body) => blockParts(asObject(body)?.['system'], partOf),
  tools: (body) => listIn(asObject(body)?.['tools']),
  output: (response) => {
    const message = asObject(response);
    return message === undefined ? [] : [outputMessage(listIn(message['content']), message['stop_reason'])];
  },
};

/** The answer of a model as one message. */
export function outputMessage(blocks: readonly unknown[], reason: unknown): Message {
  return blockAnswer(blocks, reason, partOf);
}

function partOf(block: Json): Part {
  const type = block['type'];
  if (type === 'text') return { type: 'text', content: block['text'] };
  if (type === 'thinking') return { type: 'reasoning', content: block['thinking'] };
  if (TOOL_CALLS.has(type)) {
    return { type: 'tool_call', id: block['id'], name: block['name'], arguments: block['input'] };
  }
  if (typeof type === 'string' && type.endsWith('tool_result')) {
    return { type: 'tool_call_response', id: block['tool_use_id'], response: block['content'] };
  }
  if (type === 'image' || type === 'document') return mediaPart(type, asObject(block['source']));
  return { type: typeof type === 'string' ? type : 'unknown' };
}

function mediaPart(modality: string, source: Json | undefined): Part {
  const mime_type = source?.['media_type'];
  switch (source?.['type']) {
    case 'base64':
      return { type: 'blob', modality, mime_type, content: source['data'] };
    case 'url':
      return { type: 'uri', modality, uri: source['url'] };
    case 'file':
      return { type: 'file', modality, file_id: source['file_id'] };
    case 'text':
      return { type: 'text', content: source['data'] };
    default:
      return { type: modality };
  }
}
