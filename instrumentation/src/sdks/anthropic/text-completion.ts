import type { Attributes } from '@opentelemetry/api';
import type { CallKind, StreamReader } from '../../adapter.ts';
import type { ContentReader, Message } from '../../content.ts';
import { asObject } from '../../json.ts';
import { ATTR_FINISH_REASONS } from '../../semconv.ts';
import { sizeOfParts, TextSize } from '../../text-size.ts';
import { putIdentity } from './message-response.ts';
import { putParameters, whereAndWhat } from './request.ts';

function completion(parsed: unknown): Attributes {
  const body = asObject(parsed);
  const attributes: Attributes = {};
  if (body === undefined) return attributes;
  putIdentity(attributes, body);
  const reason = body['stop_reason'];
  if (typeof reason === 'string') attributes[ATTR_FINISH_REASONS] = [reason];
  return attributes;
}

function answer(text: unknown): readonly Message[] {
  return [{ role: 'assistant', parts: [{ type: 'text', content: text }] }];
}

const CONTENT: ContentReader = {
  input: (body) => [{ role: 'user', parts: [{ type: 'text', content: asObject(body)?.['prompt'] }] }],
  output: (response) => answer(asObject(response)?.['completion']),
};

/** Every event has the same identity; the last one has the reason. */
class CompletionReader implements StreamReader {
  readonly #received = new TextSize();
  #known: Attributes = {};
  #text = '';
  readonly messages?: () => readonly Message[];

  constructor(capture: boolean) {
    if (capture) this.messages = () => answer(this.#text);
  }

  read(chunk: unknown): boolean {
    const event = asObject(chunk);
    if (event?.['type'] !== 'completion') return false;
    Object.assign(this.#known, completion(event));
    const text = event['completion'];
    if (typeof text !== 'string' || text === '') return false;
    this.#received.add(text);
    if (this.messages !== undefined) this.#text += text;
    return true;
  }

  received(): TextSize {
    return this.#received;
  }

  attributes(): Attributes {
    return { ...this.#known };
  }
}

/** The API before the Messages API, which tells no usage: what it took is left to an estimate of the text. */
export const TEXT_COMPLETION: CallKind = {
  operation: 'text_completion',
  request: (resource, params) => {
    const body = asObject(params) ?? {};
    const attributes = whereAndWhat(resource, body, 'text_completion');
    putParameters(attributes, body);
    return attributes;
  },
  response: completion,
  stream: (capture) => new CompletionReader(capture),
  requestSize: (body) => sizeOfParts(body, ['prompt']),
  responseSize: (body) => sizeOfParts(body, ['completion']),
  content: CONTENT,
};
