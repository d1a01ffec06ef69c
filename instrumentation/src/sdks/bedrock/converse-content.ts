import type { ContentReader, Message, Part } from '../../content.ts';
import { asObject, listIn, type Json } from '../../json.ts';
import { blockAnswer, blockMessages, blockParts } from '../block-messages.ts';

/** What people, models and tools said in the format of Converse. */
export const CONVERSE_CONTENT: ContentReader = {
  input: (body) => blockMessages(asObject(body)?.['messages'], partOf),
  system: (body) => blockParts(asObject(body)?.['system'], partOf),
  tools: (body) => listIn(asObject(asObject(body)?.['toolConfig'])?.['tools']),
  output: (response) => {
    const body = asObject(response);
    const message = asObject(asObject(body?.['output'])?.['message']);
    return message === undefined ? [] : [outputMessage(listIn(message['content']), body?.['stopReason'])];
  },
};

/** The answer of a model as one message. */
export function outputMessage(blocks: readonly unknown[], reason: unknown): Message {
  return blockAnswer(blocks, reason, partOf);
}

function partOf(block: Json): Part {
  if (block['text'] !== undefined) return { type: 'text', content: block['text'] };
  const call = asObject(block['toolUse']);
  if (call !== undefined) {
    return { type: 'tool_call', id: call['toolUseId'], name: call['name'], arguments: call['input'] };
  }
  const result = asObject(block['toolResult']);
  if (result !== undefined) {
    return { type: 'tool_call_response', id: result['toolUseId'], response: result['content'] };
  }
  const reasoning = asObject(asObject(block['reasoningContent'])?.['reasoningText']);
  if (reasoning !== undefined) return { type: 'reasoning', content: reasoning['text'] };
  // Media are bytes, which a span has no room for: what they are is told, and where from.
  const [modality = 'unknown'] = Object.keys(block);
  const media = asObject(block[modality]);
  const uri = asObject(asObject(media?.['source'])?.['s3Location'])?.['uri'];
  return uri === undefined ? { type: modality, format: media?.['format'] } : { type: 'uri', modality, uri };
}
