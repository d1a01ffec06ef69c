import type { Attributes } from '@opentelemetry/api';
import type { CallKind, StreamReader } from '../adapter.ts';
import { asObject, putCount, putNumber, type Json } from '../json.ts';
import {
  ATTR_IMAGES,
  ATTR_IMAGE_OUTPUT_TOKENS,
  ATTR_OUTPUT_TOKENS,
  ATTR_REQUEST_STREAM,
} from '../semconv.ts';
import { TextSize } from '../text-size.ts';
import { openaiRequest } from './openai-client.ts';
import { putIdentity, putTokenUsage } from './openai-usage.ts';

/** Usage of models that are paid by tokens; what they put out is images where nothing says otherwise. */
export function putImageUsage(attributes: Attributes, usage: Json, model: unknown): void {
  putTokenUsage(attributes, usage, model);
  if (asObject(usage['output_tokens_details']) !== undefined) return;
  putCount(attributes, ATTR_IMAGE_OUTPUT_TOKENS, attributes[ATTR_OUTPUT_TOKENS]);
}

function response(parsed: unknown): Attributes {
  const body = asObject(parsed);
  const attributes: Attributes = {};
  if (body === undefined) return attributes;
  putIdentity(attributes, body);
  const usage = asObject(body['usage']);
  if (usage !== undefined) putImageUsage(attributes, usage, body['model']);
  else if (Array.isArray(body['data'])) attributes[ATTR_IMAGES] = body['data'].length;
  return attributes;
}

/** Reads partial images, of which nothing is kept, and the usage of the finished one. */
class ImageStreamReader implements StreamReader {
  #usage: Json | undefined;

  read(chunk: unknown): boolean {
    const event = asObject(chunk);
    this.#usage = asObject(event?.['usage']) ?? this.#usage;
    return typeof event?.['b64_json'] === 'string';
  }

  attributes(): Attributes {
    const attributes: Attributes = {};
    if (this.#usage !== undefined) putImageUsage(attributes, this.#usage, undefined);
    return attributes;
  }

  /** Images are no text; where their usage is not told it cannot be estimated. */
  received(): TextSize {
    const size = new TextSize();
    size.addAll(NO_TEXT);
    return size;
  }
}

const NO_TEXT = new Uint8Array();

/**
 * Images made, edited and varied: tokens where the model is paid by them, else how many images came. `onAnswer` sees
 * an answer for what is charged apart from it.
 */
export function imageKind(vendor: string, onAnswer?: (answer: Json) => void): CallKind {
  return {
    operation: 'image_generation',
    request: (resource, params) => {
      const body = asObject(params) ?? {};
      const attributes = openaiRequest(resource, body, 'image_generation', vendor);
      attributes['gen_ai.output.type'] = 'image';
      if (body['stream'] === true) attributes[ATTR_REQUEST_STREAM] = true;
      if (body['n'] !== 1) putNumber(attributes, 'gen_ai.request.choice.count', body['n']);
      return attributes;
    },
    response: (parsed) => {
      const answer = asObject(parsed);
      if (answer !== undefined) onAnswer?.(answer);
      return response(parsed);
    },
    stream: () => new ImageStreamReader(),
  };
}
