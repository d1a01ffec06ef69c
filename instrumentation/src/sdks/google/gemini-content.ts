import type { ContentReader, Message, Part } from '../../content.ts';
import { asObject, objectsIn, type Json } from '../../json.ts';

function mediaPart(type: string, media: Json, field: string): Part {
  const mimeType = media['mimeType'];
  const modality = typeof mimeType === 'string' ? mimeType.split('/')[0] : undefined;
  return { type, modality, mime_type: mimeType, [type === 'uri' ? 'uri' : 'content']: media[field] };
}

/** One part as the conventions have it; undefined for what holds nothing that people or models said. */
function partOf(part: Json): Part | undefined {
  if (typeof part['text'] === 'string') {
    return { type: part['thought'] === true ? 'reasoning' : 'text', content: part['text'] };
  }
  const call = asObject(part['functionCall']);
  if (call !== undefined) {
    return { type: 'tool_call', id: call['id'], name: call['name'], arguments: call['args'] };
  }
  const answer = asObject(part['functionResponse']);
  if (answer !== undefined) {
    return { type: 'tool_call_response', id: answer['id'], response: answer['response'] };
  }
  const inline = asObject(part['inlineData']);
  if (inline !== undefined) return mediaPart('blob', inline, 'data');
  const file = asObject(part['fileData']);
  if (file !== undefined) return mediaPart('uri', file, 'fileUri');
  const code = asObject(part['executableCode']);
  if (code !== undefined) return { type: 'executable_code', content: code['code'] };
  const result = asObject(part['codeExecutionResult']);
  return result === undefined ? undefined : { type: 'code_execution_result', content: result['output'] };
}

/** Deeper than a part is in a list of contents; an app's own object may hold itself. */
const MAX_DEPTH = 4;

/** The parts of text, a part, a content, or a list of these. */
export function geminiParts(value: unknown, depth = 0): Part[] {
  if (typeof value === 'string') return [{ type: 'text', content: value }];
  if (depth > MAX_DEPTH) return [];
  if (Array.isArray(value)) return value.flatMap((item) => geminiParts(item, depth + 1));
  const object = asObject(value);
  if (object === undefined) return [];
  if (object['parts'] !== undefined) return geminiParts(object['parts'], depth + 1);
  const part = partOf(object);
  return part === undefined ? [] : [part];
}

function roleOf(content: Json, parts: readonly Part[]): string {
  if (content['role'] === 'model') return 'assistant';
  return parts.length > 0 && parts.every(({ type }) => type === 'tool_call_response') ? 'tool' : 'user';
}

/** Prompts: contents keep their roles; parts and texts by themselves are one message of the user. */
function input(body: unknown): Message[] {
  const contents = asObject(body)?.['contents'];
  const messages: { role: string; parts: Part[] }[] = [];
  let loose: Part[] | undefined;
  for (const each of Array.isArray(contents) ? contents : [contents]) {
    const content = asObject(each);
    const parts = geminiParts(each);
    if (content?.['parts'] !== undefined) {
      loose = undefined;
      messages.push({ role: roleOf(content, parts), parts });
    } else if (loose !== undefined) loose.push(...parts);
    else if (parts.length > 0) messages.push({ role: 'user', parts: (loose = parts) });
  }
  return messages;
}

/** The candidates of a response or of one chunk. */
export function geminiOutput(response: unknown): Message[] {
  return objectsIn(asObject(response)?.['candidates']).map(({ content, finishReason }) => ({
    role: 'assistant',
    parts: geminiParts(content),
    ...(typeof finishReason === 'string' ? { finish_reason: finishReason } : {}),
  }));
}

/** What was asked of `generateContent` and what it answered. */
export const GEMINI_CONTENT: ContentReader = {
  input,
  system: (body) => geminiParts(asObject(asObject(body)?.['config'])?.['systemInstruction']),
  tools: (body) => {
    const tools = asObject(asObject(body)?.['config'])?.['tools'];
    return objectsIn(tools).flatMap((tool) => {
      const declared = tool['functionDeclarations'];
      return Array.isArray(declared) ? declared : [tool];
    });
  },
  output: geminiOutput,
};

/** Puts the parts of a stream together: text goes on where text was, candidate by candidate. */
export class StreamedCandidates {
  readonly #messages: { role: string; parts: Part[]; finish_reason?: string }[] = [];

  add(chunk: unknown): void {
    geminiOutput(chunk).forEach((message, index) => {
      const known = (this.#messages[index] ??= { role: message.role, parts: [] });
      if (message.finish_reason !== undefined) known.finish_reason = message.finish_reason;
      for (const part of message.parts) addStreamed(known.parts, part);
    });
  }

  messages(): readonly Message[] {
    return this.#messages.map(({ parts, ...rest }) => ({ ...rest, parts: parts.map(joined) }));
  }
}

/** Text arrives in pieces, which are joined only when somebody asks. */
function addStreamed(parts: Part[], part: Part): void {
  const last = parts.at(-1);
  const pieces = last?.['pieces'];
  if (last?.type === part.type && Array.isArray(pieces)) pieces.push(part['content']);
  else if (part.type === 'text' || part.type === 'reasoning') {
    parts.push({ type: part.type, pieces: [part['content']] });
  } else parts.push(part);
}

function joined(part: Part): Part {
  const pieces = part['pieces'];
  return Array.isArray(pieces) ? { type: part.type, content: pieces.join('') } : part;
}
