import type { Attributes } from '@opentelemetry/api';
import type { StreamReader } from '../adapter.ts';
import type { ContentReader, Message } from '../content.ts';
import { asObject, type Json } from '../json.ts';
import { ATTR_FINISH_REASONS, ATTR_INPUT_TOKENS, ATTR_OUTPUT_TOKENS } from '../semconv.ts';
import { TextSize } from '../text-size.ts';
import { putCount } from './openai-usage.ts';

/** Details of a generation, where the request asked for them: text-generation-inference's own counts. */
function detailsAttributes(details: Json | undefined): Attributes {
  const attributes: Attributes = {};
  if (details === undefined) return attributes;
  const prefill = details['prefill'];
  const read = Array.isArray(prefill) && prefill.length > 0 ? prefill.length : undefined;
  putCount(attributes, ATTR_INPUT_TOKENS, details['input_length'], read);
  putCount(attributes, ATTR_OUTPUT_TOKENS, details['generated_tokens']);
  const reason = details['finish_reason'];
  if (typeof reason === 'string') attributes[ATTR_FINISH_REASONS] = [reason];
  return attributes;
}

/** Attributes of a whole generation. */
export function generationResponse(response: unknown): Attributes {
  return detailsAttributes(asObject(asObject(response)?.['details']));
}

function answerOf(text: unknown): readonly Message[] {
  if (typeof text !== 'string' || text === '') return [];
  return [{ role: 'assistant', parts: [{ type: 'text', content: text }] }];
}

/** Content of text generation. */
export const GENERATION_CONTENT: ContentReader = {
  input: (body) => {
    const inputs = asObject(body)?.['inputs'];
    return typeof inputs === 'string' ? [{ role: 'user', parts: [{ type: 'text', content: inputs }] }] : [];
  },
  output: (response) => answerOf(asObject(response)?.['generated_text']),
};

/** Reads tokens one by one; the last one comes with the details of all. */
export class GenerationStreamReader implements StreamReader {
  readonly messages?: () => readonly Message[];
  readonly #received = new TextSize();
  #details: Json | undefined;
  #text = '';

  constructor(capture: boolean) {
    if (capture) this.messages = () => answerOf(this.#text);
  }

  read(chunk: unknown): boolean {
    const event = asObject(chunk);
    this.#details = asObject(event?.['details']) ?? this.#details;
    const token = asObject(event?.['token']);
    const text = token?.['text'];
    if (typeof text !== 'string' || token?.['special'] === true) return false;
    this.#received.add(text);
    if (this.messages !== undefined) this.#text += text;
    return text !== '';
  }

  attributes(): Attributes {
    return detailsAttributes(this.#details);
  }

  received(): TextSize {
    return this.#received;
  }
}
