import type { ContentReader, Message, Part } from '../../content.ts';
import { asObject, listIn, type Json } from '../../json.ts';

/** One part of a prompt or an answer, of any version of the SDK, in the conventions' shape. */
function partOf(value: unknown): Part {
  const part = asObject(value) ?? {};
  switch (part['type']) {
    case 'text':
      return { type: 'text', content: part['text'] };
    case 'reasoning':
      return { type: 'reasoning', content: part['text'] };
    case 'tool-call':
      return {
        type: 'tool_call',
        id: part['toolCallId'],
        name: part['toolName'],
        arguments: part['input'] ?? part['args'],
      };
    case 'tool-result':
      return {
        type: 'tool_call_response',
        id: part['toolCallId'],
        response: part['output'] ?? part['result'],
      };
    default:
      return mediaOf(part);
  }
}

function mediaOf(part: Json): Part {
  const mime = part['mediaType'] ?? part['mimeType'];
  const data = part['data'] ?? part['image'];
  if (data instanceof URL) return { type: 'uri', mime_type: mime, uri: data.href };
  return { type: 'blob', mime_type: mime };
}

function messageOf(value: unknown): Message {
  const message = asObject(value) ?? {};
  const content = message['content'];
  const parts = typeof content === 'string' ? [{ type: 'text', content }] : listIn(content).map(partOf);
  return { role: typeof message['role'] === 'string' ? message['role'] : 'user', parts };
}

function isSystem(value: unknown): boolean {
  return asObject(value)?.['role'] === 'system';
}

/** Version 4 has the text, the reasoning and the calls of tools beside one another, later ones one list. */
function answerParts(answer: Json): Part[] {
  if (Array.isArray(answer['content'])) return answer['content'].map(partOf);
  const parts: Part[] = [];
  const { reasoning, text } = answer;
  if (typeof reasoning === 'string') parts.push({ type: 'reasoning', content: reasoning });
  else
    parts.push(
      ...listIn(reasoning).map((each) => partOf({ type: 'reasoning', text: asObject(each)?.['text'] })),
    );
  if (typeof text === 'string') parts.push({ type: 'text', content: text });
  for (const call of listIn(answer['toolCalls']))
    parts.push(partOf({ ...asObject(call), type: 'tool-call' }));
  return parts;
}

/** Prompts and answers of language models, as the SDK hands them to its providers and gets them back. */
export const MODEL_CONTENT: ContentReader = {
  input: (params) =>
    listIn(asObject(params)?.['prompt'])
      .filter((message) => !isSystem(message))
      .map(messageOf),
  system: (params) =>
    listIn(asObject(params)?.['prompt'])
      .filter(isSystem)
      .flatMap((message) => messageOf(message).parts),
  tools: (params) => {
    const body = asObject(params);
    return listIn(body?.['tools'] ?? asObject(body?.['mode'])?.['tools']);
  },
  output: (result) => {
    const parts = answerParts(asObject(result) ?? {});
    return parts.length === 0 ? [] : [{ role: 'assistant', parts }];
  },
};
