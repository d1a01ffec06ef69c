import type { Attributes } from '@opentelemetry/api';
import type { CallKind, StreamReader } from '../adapter.ts';
import type { Message } from '../content.ts';
import { asObject, type Json } from '../json.ts';
import { sizeOfParts, TextSize } from '../text-size.ts';
import { COMPLETION_CONTENT } from './openai-chat-content.ts';
import { ChatStreamReader } from './openai-chat-stream.ts';
import { putChoiceReasons, putSampling } from './openai-chat.ts';
import { openaiRequest } from './openai-client.ts';
import { putIdentity, putTokenUsage } from './openai-usage.ts';

function requestOf(vendor: string): CallKind['request'] {
  return (resource, params) => {
    const body = asObject(params) ?? {};
    const attributes = openaiRequest(resource, body, 'text_completion', vendor);
    putSampling(attributes, body);
    return attributes;
  };
}

/** Attributes of a whole legacy completion. */
export function completionResponse(parsed: unknown): Attributes {
  const body = asObject(parsed);
  const attributes: Attributes = {};
  if (body === undefined) return attributes;
  putIdentity(attributes, body);
  putTokenUsage(attributes, asObject(body['usage']), body['model']);
  putChoiceReasons(attributes, body['choices']);
  return attributes;
}

/** A chunk of legacy completions in the words of chat: its text is a choice's own. */
function asChat(chunk: Json): Json {
  const choices = chunk['choices'];
  if (!Array.isArray(choices)) return chunk;
  const deltas = choices.map((each) => {
    const choice = asObject(each) ?? {};
    return { ...choice, delta: asObject(choice['delta']) ?? { content: choice['text'] } };
  });
  return { ...chunk, choices: deltas };
}

/** Reads chunks of legacy completions, which differ from chat's only in where the text is. */
export class CompletionStreamReader implements StreamReader {
  readonly hides?: (chunk: unknown) => boolean;
  readonly messages?: () => readonly Message[];
  readonly #chat: ChatStreamReader;
  readonly #asked: boolean;

  constructor(capture: boolean, asked: boolean) {
    this.#chat = new ChatStreamReader({ capture, asked, putSearches: () => {} });
    this.#asked = asked;
    if (this.#chat.hides !== undefined) this.hides = this.#chat.hides;
    if (this.#chat.messages !== undefined) this.messages = this.#chat.messages;
  }

  read(chunk: unknown): boolean {
    const body = asObject(chunk);
    if (body === undefined) return false;
    const output = this.#chat.read(asChat(body));
    if (this.#asked && body['usage'] === null) Reflect.deleteProperty(body, 'usage');
    return output;
  }

  attributes(): Attributes {
    return this.#chat.attributes();
  }

  received(): TextSize {
    return this.#chat.received();
  }
}

function choicesSize(parsed: unknown): TextSize {
  const size = new TextSize();
  const choices = asObject(parsed)?.['choices'];
  if (Array.isArray(choices)) for (const choice of choices) size.addAll(asObject(choice)?.['text']);
  return size;
}

/** Legacy completions of an SDK in OpenAI's format. */
export function completionKind(vendor: string): CallKind {
  return {
    operation: 'text_completion',
    request: requestOf(vendor),
    response: completionResponse,
    stream: (capture, asked) => new CompletionStreamReader(capture, asked),
    requestSize: (body) => sizeOfParts(body, ['prompt', 'suffix']),
    responseSize: choicesSize,
    content: COMPLETION_CONTENT,
  };
}
