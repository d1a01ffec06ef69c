import type { ContentReader, Message, Part } from '../../content.ts';
import { asObject, objectsIn, type Json } from '../../json.ts';

function mediaPart(media: Json): Part {
  const modality = media['type'];
  const kind = { modality, mime_type: media['mime_type'] };
  return media['uri'] === undefined
    ? { type: 'blob', ...kind, content: media['data'] }
    : { type: 'uri', ...kind, uri: media['uri'] };
}

/** Contents (`text`, `image` and so on) and steps, which hold contents; what neither people nor models said is left out. */
function partsOf(item: Json, depth = 0): Part[] {
  switch (item['type']) {
    case 'text':
      return [{ type: 'text', content: item['text'] }];
    case 'image':
    case 'audio':
    case 'video':
    case 'document':
      return [mediaPart(item)];
    case 'thought':
      return objectsIn(item['summary']).map(({ text }) => ({ type: 'reasoning', content: text }));
    case 'function_call':
      return [{ type: 'tool_call', id: item['id'], name: item['name'], arguments: item['arguments'] }];
    case 'function_result':
      return [{ type: 'tool_call_response', id: item['call_id'], response: item['result'] }];
    default:
      return contentsOf(item['content'], depth + 1);
  }
}

/** Deeper than contents are in a step; an app's own object may hold itself. */
const MAX_DEPTH = 4;

function contentsOf(content: unknown, depth = 0): Part[] {
  if (typeof content === 'string') return [{ type: 'text', content }];
  if (depth > MAX_DEPTH) return [];
  return objectsIn(Array.isArray(content) ? content : [content]).flatMap((item) => partsOf(item, depth));
}

const OF_THE_MODEL: ReadonlySet<unknown> = new Set(['model_output', 'thought', 'function_call']);

function roleOf(item: Json): string {
  if (item['role'] === 'model' || OF_THE_MODEL.has(item['type'])) return 'assistant';
  return item['type'] === 'function_result' ? 'tool' : 'user';
}

function input(body: unknown): Message[] {
  const given = asObject(body)?.['input'];
  if (typeof given === 'string') return [{ role: 'user', parts: contentsOf(given) }];
  return objectsIn(Array.isArray(given) ? given : [given]).map((item) => ({
    role: roleOf(item),
    parts: partsOf(item),
  }));
}

/** What the model said: of `steps`, or of `outputs` where a version has those. */
function output(response: unknown): Message[] {
  const body = asObject(response);
  const items = objectsIn(body?.['steps'] ?? body?.['outputs']);
  const parts = items.filter((item) => roleOf(item) === 'assistant' || body?.['steps'] === undefined);
  return parts.length === 0 ? [] : [{ role: 'assistant', parts: parts.flatMap((item) => partsOf(item)) }];
}

/** What was asked in an interaction and what came of it. */
export const INTERACTION_CONTENT: ContentReader = {
  input,
  system: (body) => contentsOf(asObject(body)?.['system_instruction'] ?? []),
  tools: (body) => objectsIn(asObject(body)?.['tools']),
  output,
};
