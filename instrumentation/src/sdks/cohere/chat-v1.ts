import type { Attributes } from '@opentelemetry/api';
import type { CallKind, Operation } from '../../adapter.ts';
import type { ContentReader, Message } from '../../content.ts';
import { asObject, objectsIn, putString, type Json } from '../../json.ts';
import { ATTR_RESPONSE_ID } from '../../semconv.ts';
import { sizeOfParts } from '../../text-size.ts';
import { putFinishReasons } from '../finish-reasons.ts';
import { MessageReader } from '../message-reader.ts';
import { partsOfContent, roleMessage } from '../role-messages.ts';
import { cohereRequest } from './cohere-request.ts';
import { putCohereUsage } from './cohere-usage.ts';
import { watchResponsePromise } from './response-promise.ts';

/** Chats, generations and summaries. */
function response(parsed: unknown): Attributes {
  const body = asObject(parsed);
  const attributes: Attributes = {};
  if (body === undefined) return attributes;
  putString(attributes, ATTR_RESPONSE_ID, body['generationId'] ?? body['id']);
  const reasons = [body, ...objectsIn(body['generations'])].map(({ finishReason }) => finishReason);
  putFinishReasons(attributes, reasons);
  putCohereUsage(attributes, asObject(body['meta']));
  return attributes;
}

/** `stream-end` has the whole response, with its usage where it is a chat's. */
class LineReader extends MessageReader {
  #id: unknown;
  #end: Json | undefined;

  read(chunk: unknown): boolean {
    const event = asObject(chunk);
    switch (event?.['eventType']) {
      case 'stream-start':
        this.#id = event['generationId'];
        return false;
      case 'text-generation':
        this.size.addAll(event['text']);
        this.said?.text(event['text']);
        return true;
      case 'tool-calls-generation':
        this.size.addAll(event['toolCalls']);
        this.said?.calls(event['toolCalls']);
        return true;
      case 'stream-end':
        this.#end = { finishReason: event['finishReason'], ...asObject(event['response']) };
        this.said?.finish(event['finishReason']);
        return false;
      default:
        return false;
    }
  }

  attributes(): Attributes {
    return response({ generationId: this.#id, ...this.#end });
  }
}

/** What the first version of the API calls those who speak. */
const ROLES: Readonly<Record<string, string>> = {
  CHATBOT: 'assistant',
  USER: 'user',
  SYSTEM: 'system',
  TOOL: 'tool',
};

function turn(value: Json): Message {
  const role = ROLES[String(value['role'])] ?? 'user';
  const { message: content, toolCalls } = value;
  return role === 'tool'
    ? { role, parts: objectsIn(value['toolResults']).map(toolResult) }
    : roleMessage({ role, content, toolCalls });
}

function toolResult(value: Json): Message['parts'][number] {
  return { type: 'tool_call_response', id: asObject(value['call'])?.['name'], response: value['outputs'] };
}

const CHAT_CONTENT: ContentReader = {
  input: (params) => {
    const body = asObject(params);
    const results = objectsIn(body?.['toolResults']).map(toolResult);
    const said = partsOfContent(body?.['message']);
    return [
      ...objectsIn(body?.['chatHistory']).map(turn),
      ...(said.length > 0 ? [{ role: 'user', parts: said }] : []),
      ...(results.length > 0 ? [{ role: 'tool', parts: results }] : []),
    ];
  },
  system: (params) => partsOfContent(asObject(params)?.['preamble']),
  tools: (params) => objectsIn(asObject(params)?.['tools']),
  output: (parsed) => {
    const body = asObject(parsed);
    return [roleMessage({ content: body?.['text'], toolCalls: body?.['toolCalls'] }, body?.['finishReason'])];
  },
};

const PROMPT_CONTENT: ContentReader = {
  input: (params) => {
    const body = asObject(params);
    return [{ role: 'user', parts: partsOfContent(body?.['prompt'] ?? body?.['text']) }];
  },
  output: (parsed) => {
    const body = asObject(parsed);
    const summary = body?.['summary'];
    if (typeof summary === 'string') return [roleMessage({ content: summary })];
    return objectsIn(body?.['generations']).map(({ text, finishReason }) =>
      roleMessage({ content: text }, finishReason),
    );
  },
};

const READ = ['preamble', 'chatHistory', 'message', 'documents', 'tools', 'toolResults', 'prompt', 'text'];
const WRITTEN = ['text', 'toolCalls', 'generations', 'summary'];

function generation(operation: Operation, content: ContentReader, stream: boolean): CallKind {
  return {
    operation,
    request: (resource, body) => cohereRequest(resource, body, operation, stream),
    response,
    ...(stream ? { stream: (capture) => new LineReader(capture) } : {}),
    requestSize: (body) => sizeOfParts(body, READ),
    responseSize: (parsed) => sizeOfParts(parsed, WRITTEN),
    content,
    watch: watchResponsePromise,
  };
}

export const CHAT_V1: CallKind = generation('chat', CHAT_CONTENT, false);
export const CHAT_STREAM_V1: CallKind = generation('chat', CHAT_CONTENT, true);
export const GENERATE_V1: CallKind = generation('text_completion', PROMPT_CONTENT, false);
export const GENERATE_STREAM_V1: CallKind = generation('text_completion', PROMPT_CONTENT, true);
