import type { Attributes } from '@opentelemetry/api';
import type { CallKind, Operation } from '../../adapter.ts';
import type { ContentReader } from '../../content.ts';
import { asObject, listIn, objectsIn, putString, type Json } from '../../json.ts';
import { ATTR_RESPONSE_ID, ATTR_RESPONSE_MODEL } from '../../semconv.ts';
import { sizeOfParts, TextSize } from '../../text-size.ts';
import { putFinishReasons } from '../finish-reasons.ts';
import { MessageReader } from '../message-reader.ts';
import { roleMessage, roleMessages } from '../role-messages.ts';
import { mistralRequest } from './mistral-request.ts';
import { putMistralUsage } from './mistral-usage.ts';

function putIdentity(attributes: Attributes, body: Json): void {
  putString(attributes, ATTR_RESPONSE_ID, body['id']);
  putString(attributes, ATTR_RESPONSE_MODEL, body['model']);
}

function putReasons(attributes: Attributes, choices: readonly Json[]): void {
  const reasons = choices.map(({ finishReason }) => finishReason);
  putFinishReasons(attributes, reasons);
}

/** A completion's response, and that of embeddings, which has no choices. */
export function completionResponse(parsed: unknown): Attributes {
  const body = asObject(parsed);
  const attributes: Attributes = {};
  if (body === undefined) return attributes;
  putIdentity(attributes, body);
  putMistralUsage(attributes, asObject(body['usage']));
  putReasons(attributes, objectsIn(body['choices']));
  return attributes;
}

/** Reads `{data: chunk}` events; the last chunk has the usage. */
class CompletionReader extends MessageReader {
  #first: Json | undefined;
  #usage: Json | undefined;
  #ended: Json[] = [];

  read(event: unknown): boolean {
    const body = asObject(asObject(event)?.['data']);
    if (body === undefined) return false;
    this.#first ??= body;
    this.#usage = asObject(body['usage']) ?? this.#usage;
    const choices = objectsIn(body['choices']);
    const ended = choices.filter(({ finishReason }) => typeof finishReason === 'string');
    if (ended.length > 0) this.#ended = ended;
    return choices.filter((choice) => this.#choice(choice)).length > 0;
  }

  #choice(choice: Json): boolean {
    const delta = asObject(choice['delta']);
    this.said?.finish(choice['finishReason']);
    if (delta === undefined) return false;
    const { content, toolCalls } = delta;
    this.size.addAll(content);
    this.size.addAll(toolCalls);
    this.said?.content(content);
    this.said?.calls(toolCalls);
    return (
      Array.isArray(toolCalls) || Array.isArray(content) || (typeof content === 'string' && content !== '')
    );
  }

  attributes(): Attributes {
    const attributes: Attributes = {};
    if (this.#first !== undefined) putIdentity(attributes, this.#first);
    putMistralUsage(attributes, this.#usage);
    putReasons(attributes, this.#ended);
    return attributes;
  }
}

const CONTENT: ContentReader = {
  input: (params) => {
    const body = asObject(params);
    const prompt = body?.['prompt'];
    return typeof prompt === 'string'
      ? [roleMessage({ role: 'user', content: prompt })]
      : roleMessages(body?.['messages']);
  },
  tools: (body) => listIn(asObject(body)?.['tools']),
  output: (response) =>
    objectsIn(asObject(response)?.['choices']).map(({ message, finishReason }) =>
      roleMessage(message, finishReason),
    ),
};

function completion(operation: Operation, stream: boolean): CallKind {
  return {
    operation,
    request: (resource, body) => mistralRequest(resource, body, operation, stream),
    response: completionResponse,
    ...(stream ? { stream: (capture) => new CompletionReader(capture) } : {}),
    requestSize: (body) => sizeOfParts(body, ['messages', 'prompt', 'suffix', 'tools']),
    responseSize: (response) => {
      const size = new TextSize();
      for (const { message } of objectsIn(asObject(response)?.['choices'])) size.addAll(message);
      return size;
    },
    content: CONTENT,
  };
}

export const CHAT: CallKind = completion('chat', false);
export const CHAT_STREAM: CallKind = completion('chat', true);
/** Fill in the middle: a prompt and what comes after the answer. */
export const FIM: CallKind = completion('text_completion', false);
export const FIM_STREAM: CallKind = completion('text_completion', true);
