import type { Message, Part } from '../../content.ts';
import { asObject, textOr, type Json } from '../../json.ts';

/** LangChain's kinds of messages as roles. */
const ROLES: Readonly<Record<string, string>> = {
  human: 'user',
  ai: 'assistant',
  AIMessageChunk: 'assistant',
  system: 'system',
  tool: 'tool',
  function: 'tool',
};

/** The messages of every prompt in one request, or the prompts of a completion. */
export function messagesOf(prompts: unknown): Message[] {
  const list = Array.isArray(prompts) ? prompts.flat(1) : [prompts];
  return list.map((message: unknown) => messageOf(message, 'user'));
}

/** One message of LangChain, or a plain text, as the conventions have it. */
export function messageOf(value: unknown, role: string): Message {
  const message = asObject(value);
  if (message === undefined) return { role, parts: [{ type: 'text', content: String(value) }] };
  const kind =
    typeof message['_getType'] === 'function' ? String(message['_getType'].call(value)) : message['type'];
  const id = message['tool_call_id'];
  if (typeof id === 'string') {
    return { role: 'tool', parts: [{ type: 'tool_call_response', id, response: message['content'] }] };
  }
  return { role: ROLES[String(kind)] ?? role, parts: [...partsOf(message['content']), ...callsOf(message)] };
}

function partsOf(content: unknown): Part[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', content }];
  if (!Array.isArray(content)) return [];
  return content.map((item: unknown) => {
    const part = asObject(item);
    return typeof part?.['text'] === 'string'
      ? { type: 'text', content: part['text'] }
      : { ...part, type: textOr(part?.['type'], 'unknown') };
  });
}

function callsOf(message: Json): Part[] {
  const calls = message['tool_calls'];
  if (!Array.isArray(calls)) return [];
  return calls.map((item: unknown) => {
    const call = asObject(item);
    return { type: 'tool_call', id: call?.['id'], name: call?.['name'], arguments: call?.['args'] };
  });
}
