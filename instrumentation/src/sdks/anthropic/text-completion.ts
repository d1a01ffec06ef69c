import type { Attributes } from '@opentelemetry/api';
import type { CallKind } from '../../adapter.ts';
import type { ContentReader } from '../../content.ts';
import { asObject } from '../../json.ts';
import { sizeOfParts } from '../../text-size.ts';
import { putFinishReason } from '../finish-reasons.ts';
import { MessageReader } from '../message-reader.ts';
import { putIdentity } from './message-response.ts';
import { generationRequest } from './request.ts';

function completion(parsed: unknown): Attributes {
  const body = asObject(parsed);
  const attributes: Attributes = {};
  if (body === undefined) return attributes;
  putIdentity(attributes, body);
  putFinishReason(attributes, body['stop_reason']);
  return attributes;
}

const CONTENT: ContentReader = {
  input: (body) => [{ role: 'user', parts: [{ type: 'text', content: asObject(body)?.['prompt'] }] }],
  output: (response) => [
    { role: 'assistant', parts: [{ type: 'text', content: asObject(response)?.['completion'] }] },
  ],
};

/** Every event has the same identity; the last one has the reason. */
class CompletionReader extends MessageReader {
  readonly #known: Attributes = {};

  read(chunk: unknown): boolean {
    const event = asObject(chunk);
    if (event?.['type'] !== 'completion') return false;
    Object.assign(this.#known, completion(event));
    const text = event['completion'];
    if (typeof text !== 'string' || text === '') return false;
    this.size.add(text);
    this.said?.text(text);
    return true;
  }

  attributes(): Attributes {
    return { ...this.#known };
  }
}

/** The API before the Messages API, which tells no usage: what it took is left to an estimate of the text. */
export const TEXT_COMPLETION: CallKind = {
  operation: 'text_completion',
  request: (resource, params) => generationRequest(resource, params, 'text_completion'),
  response: completion,
  stream: (capture) => new CompletionReader(capture),
  requestSize: (body) => sizeOfParts(body, ['prompt']),
  responseSize: (body) => sizeOfParts(body, ['completion']),
  content: CONTENT,
};
